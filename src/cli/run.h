/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Other programs, run and waited for, and folders of our own taken away.
 */
#ifndef RUN_H
#define RUN_H

#include <stdbool.h>
#include <stddef.h>

#include "host.h"

/**
 * struct output - what a program printed on both of its outputs
 * @text: its end, at most this much, NUL-terminated
 * @status: exit status, or 128 + signal
 */
struct output {
	char text[8192];
	int status;
};

/*
 * Runs argv[0], found by PATH, in a session of its own, standard input empty. It is
 * killed when we die, and after @seconds. Its last output goes to @output if not NULL. 0 when it
 * ended with 0, -EINTR when run_interrupted was set meanwhile and it was killed, -ETIMEDOUT, other
 * -errno when it failed or could not be started, with @why set.
 */
int run_program(const char *const argv[], unsigned int seconds, struct output *output, char *why);

/* Set by a signal handler; run_program() looks at it while it waits. */
extern volatile int run_interrupted;

/* /proc/self/oom_score_adj for the programs that we run, "" for our own. */
extern char run_oom_score[16];
void oom_score_set(const char *score);

/* rm -rf of a folder of ours, never through a link. */
void remove_tree(const char *path);

#endif
