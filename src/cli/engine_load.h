/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A pair of modules into the kernel, for the way forward and the way back.
 */
#ifndef ENGINE_LOAD_H
#define ENGINE_LOAD_H

#include "engine.h"
#include "modload.h"

/* Loads those of them that are not, with what was in effect before. 0 or -errno with swap->why set. */
int load_set(struct swap *swap, const struct image_set *set);

/* Are exactly these loaded and live? 0 or -errno with swap->why set. */
int check_set(struct swap *swap, const struct image_set *set);

/* Is what is loaded as @name this file's module? An image without a file: nothing is loaded. */
bool is_loaded(const struct host *host, const char *name, const struct image *image);

#endif
