// SPDX-License-Identifier: GPL-2.0-only
/*
 * The command line of kvm-unmap-storm.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storm.h"

static const char help[] =
	"Usage: kvm-unmap-storm [--rounds N] [--mode MODE] [--nested PAGING] [--slot-zap]\n"
	"                       [--guest-memfd | --private]\n"
	"       kvm-unmap-storm --cost [--rounds N]\n"
	"       kvm-unmap-storm --violate WHAT\n\n"
	"Does all that unmaps guest memory while two vCPUs write to it; or some of it while\n"
	"none runs, and prints how long it took; or has the module kvm-violate break the unmap\n"
	"rule once.\n\n"
	"  --rounds N      how many times (default 20)\n"
	"  --mode MODE     real, big-real or long (default): how the guest starts\n"
	"  --nested PAGING the guest has a guest, which does it; in shadow paging or by\n"
	"                  second page tables (tdp)\n"
	"  --slot-zap      with the quirk off by which all is zapped with a memslot\n"
	"  --guest-memfd   the memory is one, and holes are punched into it\n"
	"  --private       as well, in a VM (KVM_X86_SW_PROTECTED_VM) for which it is turned\n"
	"                  from memory that the host shares into private memory, and back\n"
	"  --cost          print \"WHAT NANOSECONDS\" a call, on the average\n"
	"  --violate WHAT  what to break, see the module\n\n"
	"Exit status: 0 done, 1 failed, 2 usage, 77 the kernel cannot.\n";

static int parse_mode(const char *text, enum guest_mode *mode)
{
	for (*mode = 0; *mode < GUEST_MODES; (*mode)++)
		if (strcmp(guest_mode_names[*mode], text) == 0)
			return 0;
	return -1;
}

static int parse_rounds(const char *text, unsigned int *rounds)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	*rounds = (unsigned int)value;
	return *end || end == text || value < 1 || value > 1000000 ? -1 : 0;
}

/**
 * unmap_options() - read the command line
 * @options: where to
 * @argc: as in main()
 * @argv: as in main()
 *
 * Return: 0; -1 when it was not understood, which has been said; 1 when only help was
 * asked for.
 */
int unmap_options(struct options *options, int argc, char *argv[])
{
	static const struct option table[] = {
		{ "rounds", required_argument, NULL, 'r' },
		{ "mode", required_argument, NULL, 'm' },
		{ "nested", required_argument, NULL, 'n' },
		{ "slot-zap", no_argument, NULL, 'z' },
		{ "guest-memfd", no_argument, NULL, 'g' },
		{ "private", no_argument, NULL, 'p' },
		{ "cost", no_argument, NULL, 'c' },
		{ "violate", required_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 }
	};
	int option, err = 0;

	*options = (struct options){ .mode = GUEST_LONG, .rounds = 20 };
	while (!err && (option = getopt_long(argc, argv, "h", table, NULL)) != -1) {
		switch (option) {
		case 'r':
			err = parse_rounds(optarg, &options->rounds);
			break;
		case 'm':
			err = parse_mode(optarg, &options->mode);
			break;
		case 'n':
			options->nested = true;
			options->nested_tdp = strcmp(optarg, "tdp") == 0;
			err = options->nested_tdp || strcmp(optarg, "shadow") == 0 ? 0 : -1;
			break;
		case 'z':
			options->slot_zap = true;
			break;
		case 'g':
			options->kind = AREA_GMEM;
			break;
		case 'p':
			options->kind = AREA_PRIVATE;
			break;
		case 'c':
			options->cost = true;
			break;
		case 'v':
			options->violate = optarg;
			break;
		case 'h':
			fputs(help, stdout);
			return 1;
		default:
			err = -1;
		}
	}
	if (!err && optind == argc)
		return 0;
	fputs(help, stderr);
	return -1;
}
