// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads the command line.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "storm.h"

const char storm_usage[] =
	"Usage: kvm-bus-storm [OPTION]...\n"
	"Register and unregister ioeventfds and coalesced zones under vCPUs that write to\n"
	"them, and compare what the guest counted with what arrived.\n"
	"\n"
	"      --writes N         go on until the guest has counted N writes to\n"
	"                         ioeventfds (100000)\n"
	"      --vcpus N          1 to 4 (4)\n"
	"      --workers N        threads that register and unregister, 1 to 4 (3)\n"
	"      --faults           let allocations in registrations fail, as failslab is set\n"
	"                         up to for tasks with make-it-fail\n"
	"      --seed N           of the order of things (1)\n"
	"      --timeout SECONDS  fail when it takes longer (600)\n"
	"      --json             print one JSON object in place of a line\n"
	"      --device PATH      the KVM device (/dev/kvm)\n"
	"      --help             print this and stop\n"
	"\n"
	"Exit status: 0 no event was lost and none came from nowhere, 1 failed, 2 wrong\n"
	"usage, 3 refused: KVM cannot be used and nothing was run.\n";

static const struct option long_options[] = {
	{ "writes", required_argument, NULL, 'w' },
	{ "vcpus", required_argument, NULL, 'c' },
	{ "workers", required_argument, NULL, 'r' },
	{ "faults", no_argument, NULL, 'f' },
	{ "seed", required_argument, NULL, 's' },
	{ "timeout", required_argument, NULL, 't' },
	{ "json", no_argument, NULL, 'j' },
	{ "device", required_argument, NULL, 'd' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 }
};

static int number(struct options *options, const char *name, unsigned int max, unsigned int *value)
{
	char *end;
	unsigned long parsed;

	errno = 0;
	parsed = strtoul(optarg, &end, 10);
	if (strspn(optarg, "0123456789") && !*end && !errno && parsed >= 1 && parsed <= max) {
		*value = (unsigned int)parsed;
		return 0;
	}
	snprintf(options->why, sizeof(options->why), "--%s wants a number from 1 to %u, not '%s'",
		 name, max, optarg);
	return -EINVAL;
}

static int one_option(struct options *options, int option)
{
	switch (option) {
	case 'w':
		return number(options, "writes", STORM_WRITES_MAX, &options->writes);
	case 'c':
		return number(options, "vcpus", STORM_VCPUS_MAX, &options->vcpus);
	case 'r':
		return number(options, "workers", STORM_WORKERS_MAX, &options->workers);
	case 's':
		return number(options, "seed", UINT32_MAX, &options->seed);
	case 't':
		return number(options, "timeout", 86400, &options->timeout);
	case 'f':
		options->faults = true;
		return 0;
	case 'j':
		options->json = true;
		return 0;
	case 'd':
		options->device = optarg;
		return 0;
	case 'h':
		options->help = true;
		return 0;
	default:
		snprintf(options->why, sizeof(options->why),
			 "unknown option, or one without its value; see --help");
		return -EINVAL;
	}
}

/**
 * storm_options() - read the command line
 * @options: what to fill in
 * @argc: as in main()
 * @argv: as in main()
 *
 * Return: 0, or -EINVAL with options->why set.
 */
int storm_options(struct options *options, int argc, char *const argv[])
{
	int option;

	memset(options, 0, sizeof(*options));
	options->device = "/dev/kvm";
	options->writes = 100000;
	options->vcpus = STORM_VCPUS_MAX;
	options->workers = 3;
	options->seed = 1;
	options->timeout = 600;
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":", long_options, NULL)) != -1)
		if (one_option(options, option))
			return -EINVAL;
	if (optind == argc)
		return 0;
	snprintf(options->why, sizeof(options->why), "'%s' is not an option; see --help",
		 argv[optind]);
	return -EINVAL;
}
