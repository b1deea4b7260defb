// SPDX-License-Identifier: GPL-2.0-only
/*
 * The disassembly of a function. objdump does the disassembling; what instructions refer
 * to is written out as it is compared.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit_parts.h"
#include "run.h"

#define OBJDUMP_SECONDS	60u

/*
 * What the relocations of an instruction of @size bytes mean, in the place of what objdump
 * makes of the zeros there.
 */
static void add_places(const struct image *image, const struct section *section, uint64_t at,
		       uint64_t size, char *line, size_t room)
{
	const struct reloc *reloc = reloc_from(section, at);
	char *target = strstr(line, " <");
	char text[WHY_MAX];
	struct place place;

	for (; reloc < section->relocs + section->n_relocs && reloc->offset < at + size; reloc++) {
		size_t length;

		if (target)
			*target = '\0';
		length = strlen(line);
		place_of_reloc(image, reloc, &place);
		snprintf(line + length, room - length, " # %s", place_text(&place, text));
	}
}

/* "call 1234 <name+0x8>" without the address, which moves. */
static void copy_insn(const char *from, char *to, size_t room)
{
	size_t length = 0;

	while (*from && length + 1 < room) {
		size_t address = strspn(from, "0123456789abcdef");

		if (address && length && to[length - 1] == ' ' &&
		    strncmp(from + address, " <", 2) == 0)
			from += address + 1;
		else if (*from == '\t')
			from++, to[length++] = ' ';
		else
			to[length++] = *from++;
	}
	while (length && to[length - 1] == ' ')
		length--;
	to[length] = '\0';
}

/* A line of objdump's that begins "  ADDRESS:\t"; others are passed over. */
static int add_line(const struct image *image, const struct piece *piece, const char *line,
		    struct listing *listing)
{
	struct line *to = &listing->lines[listing->n];
	char text[1024], inside[NAME_MAX], *target;
	struct insn insn;
	uint64_t at;
	int used = 0;

	if (sscanf(line, " %" SCNx64 ":%n", &at, &used) != 1 || line[used] != '\t' ||
	    at < piece->start || at >= piece->end || strstr(line, "R_X86_64_"))
		return 0;
	copy_insn(line + used + 1, text, sizeof(text));
	if (insn_decode(piece->section->data + at, piece->end - at, &insn))
		add_places(image, piece->section, at, insn.size, text, sizeof(text));
	snprintf(inside, sizeof(inside), " <%.200s", piece->name);
	target = insn.jump_size ? strstr(text, inside) : NULL;
	to->text = strdup(text);
	to->key = strndup(text, target ? (size_t)(target - text) : sizeof(text));
	if (to->text && to->key) {
		listing->n++;
		return 0;
	}
	free(to->text);
	free(to->key);
	return -ENOMEM;
}

static int cut_up(const struct image *image, const struct piece *piece, struct listing *listing)
{
	size_t n = 1;
	char *line, *rest = listing->text;
	int err = 0;

	for (const char *at = listing->text; *at; at++)
		n += *at == '\n';
	listing->lines = calloc(n + 1, sizeof(*listing->lines));
	if (!listing->lines)
		return -ENOMEM;
	while (!err && (line = strsep(&rest, "\n")))
		err = add_line(image, piece, line, listing);
	return err;
}

/* run_program() keeps only the end of what is printed, so a shell writes it to a file. */
static int run_objdump(const char *dir, const struct piece *piece, char *why)
{
	char file[PATH_MAX], to[PATH_MAX], start[48], stop[48];
	const char *const argv[] = {
		"sh", "-c", "to=$1; shift; exec objdump \"$@\" >\"$to\"", "sh", to,
		"-d", "--no-show-raw-insn", "-j", piece->section->name, start, stop, file, NULL
	};

	snprintf(file, sizeof(file), "%s/module.ko", dir);
	snprintf(to, sizeof(to), "%s/text", dir);
	snprintf(start, sizeof(start), "--start-address=0x%" PRIx64, piece->start);
	snprintf(stop, sizeof(stop), "--stop-address=0x%" PRIx64, piece->end);
	return run_program(argv, OBJDUMP_SECONDS, NULL, why);
}

int listing_read(const struct image *image, const struct piece *piece, struct listing *listing,
		 char *why)
{
	char dir[] = "/tmp/kvm-fixes.XXXXXX", path[PATH_MAX];
	size_t size;
	int err;

	if (!mkdtemp(dir)) {
		snprintf(why, WHY_MAX, "%s: cannot be made (%s); free some space there", dir, strerror(errno));
		return -EIO;
	}
	snprintf(path, sizeof(path), "%s/module.ko", dir);
	err = publish(path, image->plain, image->plain_size, 0600);
	if (err)
		snprintf(why, WHY_MAX, "%s: cannot be written (%s); free some space there", path, strerror(-err));
	else
		err = run_objdump(dir, piece, why);
	snprintf(path, sizeof(path), "%s/text", dir);
	if (!err && read_file(path, MODFILE_MAX, &listing->text, &size)) {
		snprintf(why, WHY_MAX, "%s: objdump wrote nothing; install binutils", path);
		err = -EIO;
	}
	remove_tree(dir);
	if (!err && cut_up(image, piece, listing)) {
		snprintf(why, WHY_MAX, "no memory is left to print a function; free some");
		err = -ENOMEM;
	}
	return err;
}

void listing_free(struct listing *listing)
{
	for (size_t i = 0; i < listing->n; i++) {
		free(listing->lines[i].text);
		free(listing->lines[i].key);
	}
	free(listing->lines);
	free(listing->text);
}
