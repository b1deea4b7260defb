// SPDX-License-Identifier: GPL-2.0-only
/*
 * The lock, and signals that must not end a swap half way.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lock.h"
#include "run.h"

#define POLL_NS		100000000L

int lock_take(const struct host *host, unsigned int seconds, char *why)
{
	const struct timespec pause = { 0, POLL_NS };
	double end = now_ms() + seconds * 1e3;
	int err = folder_make(host_path(host, "/var/lib/kvm-fixes"), 0755);
	int fd = err ? -1 : open(host_path(host, LOCK_FILE), O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	/* After a disk's error recover must work too: what is loaded needs no disk to come back. */
	if (fd < 0 && errno == EROFS) {
		fd = open(host_path(host, LOCK_FILE), O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			errno = EROFS;
	}
	if (fd < 0) {
		err = err ? err : -errno;
		snprintf(why, WHY_MAX, "%s: cannot be opened (%s); run it as root, and see that it can be written",
			 host_path(host, LOCK_FILE), strerror(-err));
		return err;
	}
	/* Whoever may read it could hold it for good. A read-only file system keeps the mode it has. */
	fchmod(fd, 0600);
	while (flock(fd, LOCK_EX | LOCK_NB)) {
		err = run_interrupted ? -EINTR : -errno;
		if (err == -EWOULDBLOCK && now_ms() < end) {
			nanosleep(&pause, NULL);
			continue;
		}
		snprintf(why, WHY_MAX, "%s", err == -EINTR ? "interrupted by a signal" :
			 "another kvm-fixes or dkms-kernel is at work on this host; wait for it, or use --wait SECONDS");
		close(fd);
		return err;
	}
	return fd;
}

static void note_signal(int sig)
{
	(void)sig;
	run_interrupted = 1;
}

static const int noted[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

void signals_ignore(void)
{
	struct sigaction action = { .sa_handler = SIG_IGN };

	for (size_t i = 0; i < sizeof(noted) / sizeof(noted[0]); i++)
		sigaction(noted[i], &action, NULL);
	run_interrupted = 0;
}

void signals_hold(void)
{
	static const int ignored[] = { SIGPIPE, SIGTSTP, SIGTTIN, SIGTTOU, SIGUSR1, SIGUSR2,
				       SIGALRM };
	struct sigaction action = { .sa_handler = note_signal };

	struct sigaction inherited;

	/* What nohup ignores for us stays ignored. */
	for (size_t i = 0; i < sizeof(noted) / sizeof(noted[0]); i++) {
		if (sigaction(noted[i], NULL, &inherited) == 0 && inherited.sa_handler != SIG_IGN)
			sigaction(noted[i], &action, NULL);
	}
	action.sa_handler = SIG_IGN;
	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		sigaction(ignored[i], &action, NULL);
	/* Short of memory is what hypervisors are; half way is no place to be killed. */
	if (read_text("/proc/self/oom_score_adj", run_oom_score, sizeof(run_oom_score)) > 0)
		oom_score_set("-1000");
}
