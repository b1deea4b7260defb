// SPDX-License-Identifier: GPL-2.0-only
/*
 * Other programs: a child of ours must not outlive us with /dev/kvm open, nor be
 * hit by the Ctrl-C that is meant for us.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "run.h"

#define KILL_MS		5000

volatile int run_interrupted;
char run_oom_score[16];

void oom_score_set(const char *score)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (dprintf(fd, "%s", score) < 0)
		errno = 0;	/* then it stays as it is */
	close(fd);
}

static void __attribute__((noreturn)) child(const char *const argv[], int out, pid_t parent)
{
	sigset_t none;
	int null = open("/dev/null", O_RDWR);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	setsid();
	if (run_oom_score[0])
		oom_score_set(run_oom_score);
	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (null >= 0)
		dup2(null, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(out, STDERR_FILENO);
	execvp(argv[0], (char *const *)argv);
	dprintf(STDERR_FILENO, "%s\n", strerror(errno));
	_exit(127);
}

/* The end of what comes, until it ends, time is up or a signal tells us to. */
static int collect(int fd, double end, struct output *output)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	size_t length = 0;
	char chunk[4096];

	for (;;) {
		ssize_t n;

		if (run_interrupted)
			return -EINTR;
		if (now_ms() >= end)
			return -ETIMEDOUT;
		if (poll(&poll_fd, 1, 100) <= 0)
			continue;
		n = read(fd, chunk, sizeof(chunk));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return 0;
		if (length + (size_t)n >= sizeof(output->text)) {
			size_t drop = length + (size_t)n - (sizeof(output->text) - 1);

			memmove(output->text, output->text + drop, length - drop);
			length -= drop;
		}
		memcpy(output->text + length, chunk, (size_t)n);
		length += (size_t)n;
		output->text[length] = '\0';
	}
}

/*
 * One that hangs in the kernel does not even die of SIGKILL: then it is left behind.
 * Returns its status, or -ETIMEDOUT.
 */
static int wait_for(pid_t pid, double end)
{
	const struct timespec pause = { 0, 10000000L };
	int status;

	for (;;) {
		pid_t ended = waitpid(pid, &status, WNOHANG);

		if (ended == pid)
			return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
		if (ended < 0 && errno != EINTR)
			return -errno;
		if (now_ms() >= end)
			return -ETIMEDOUT;
		nanosleep(&pause, NULL);
	}
}

/* Its last line, for an error's. */
static const char *last_line(char *text)
{
	size_t length = strlen(text);
	char *line;

	while (length && (text[length - 1] == '\n' || text[length - 1] == ' '))
		text[--length] = '\0';
	line = strrchr(text, '\n');
	return line ? line + 1 : text;
}

int run_program(const char *const argv[], unsigned int seconds, struct output *output, char *why)
{
	double end = now_ms() + seconds * 1e3;
	struct output own;
	int pipes[2], err;
	pid_t parent, pid;

	if (!output)
		output = &own;
	memset(output, 0, sizeof(*output));
	if (pipe2(pipes, O_CLOEXEC)) {
		err = -errno;
		goto failed;
	}
	parent = getpid();
	pid = fork();
	if (pid == 0)
		child(argv, pipes[1], parent);
	err = pid < 0 ? -errno : 0;
	close(pipes[1]);
	if (!err) {
		err = collect(pipes[0], end, output);
		if (err) {
			kill(-pid, SIGKILL);
			kill(pid, SIGKILL);
			end = now_ms() + KILL_MS;
		}
		output->status = wait_for(pid, end);
		if (!err && output->status < 0)
			err = output->status;
	}
	close(pipes[0]);
	if (!err && output->status == 0)
		return 0;
	if (err == -EINTR) {
		snprintf(why, WHY_MAX, "%s was interrupted", argv[0]);
		return err;
	}
	if (err == -ETIMEDOUT) {
		snprintf(why, WHY_MAX, "%s did not end within %u s%s", argv[0], seconds,
			 output->status < 0 ? ", and hangs in the kernel" : "");
		return err;
	}
	if (!err) {
		snprintf(why, WHY_MAX, "%s ended with %d: %.300s", argv[0], output->status,
			 last_line(output->text));
		return -EIO;
	}
failed:
	snprintf(why, WHY_MAX, "%s cannot be run (%s)", argv[0], strerror(-err));
	return err;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path) && errno != ENOENT ? -1 : 0;
}

void remove_tree(const char *path)
{
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}
