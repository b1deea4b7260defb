// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a disk was told, and what is on it when the power goes.
 *
 * Reads a log in the form of the kernel's dm-log-writes, as QEMU's blklogwrites makes it: each
 * write and flush, in the order in which the disk got them. A prefix of it is a disk that kept
 * all it was sent up to then; what was written after the last flush may as well be lost in part.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOG_MAGIC	0x6a736677736872ull
#define LOG_VERSION	1ull
#define LOG_SECTOR	512ull		/* as run-host has it made */
#define LOG_FLUSH	1u
#define LOG_FUA		2u
#define LOG_DISCARD	4u
#define MARK_MAX	120u

enum { EX_DONE, EX_FAILED, EX_USAGE };

static const char usage[] =
	"Usage: disklog count LOG                        how many entries it has\n"
	"       disklog flushed LOG N                    how many of the first N were sure to stay:\n"
	"                                                those up to the last flush\n"
	"       disklog marks LOG OFFSET                 the writes at byte OFFSET, which are names:\n"
	"                                                how many entries it took, and the name\n"
	"       disklog find LOG TEXT                    how many it took to write TEXT\n"
	"       disklog apply LOG IMAGE FROM TO          make these entries' writes\n"
	"       disklog cut LOG IMAGE FROM TO SEED UNDO  the same, but of what is not sure to stay a\n"
	"                                                part is lost (none of it if SEED is 0);\n"
	"                                                what was there before is kept in UNDO\n"
	"       disklog undo IMAGE UNDO                  put that back\n";

struct log_super {
	uint64_t magic, version, entries;
	uint32_t sector_size;
};

struct log_head {
	uint64_t sector, sectors, flags, data_length;
};

struct entry {
	uint64_t offset, length, flags;	/* bytes; of a discard, no data follows */
	const uint8_t *data;
};

struct log {
	const uint8_t *bytes;
	uint64_t size, entries, at;
};

static int fail(const char *name, const char *what)
{
	fprintf(stderr, "disklog: %s: %s\n", name, what);
	return EX_FAILED;
}

/* The whole file, until the program ends; NULL after a message. */
static const uint8_t *map_file(const char *name, uint64_t *size)
{
	const uint8_t *bytes = NULL;
	struct stat st;
	int fd = open(name, O_RDONLY | O_CLOEXEC);

	if (fd >= 0 && fstat(fd, &st) == 0) {
		*size = (uint64_t)st.st_size;
		/* An empty file cannot be mapped, and one byte more is not looked at. */
		bytes = mmap(NULL, *size + 1, PROT_READ, MAP_PRIVATE, fd, 0);
		if (bytes == MAP_FAILED)
			bytes = NULL;
	}
	if (!bytes)
		fail(name, strerror(errno));
	if (fd >= 0)
		close(fd);
	return bytes;
}

static int log_open(const char *name, struct log *log)
{
	struct log_super super;

	log->bytes = map_file(name, &log->size);
	if (!log->bytes)
		return -1;
	if (log->size < LOG_SECTOR) {
		fail(name, "is cut short");
		return -1;
	}
	memcpy(&super, log->bytes, sizeof(super));
	if (le64toh(super.magic) != LOG_MAGIC || le64toh(super.version) != LOG_VERSION ||
	    le32toh(super.sector_size) != LOG_SECTOR) {
		fail(name, "is no log of writes with sectors of 512 bytes");
		return -1;
	}
	log->entries = le64toh(super.entries);
	log->at = LOG_SECTOR;
	return 0;
}

/* The next one; the caller counts them. */
static int log_next(struct log *log, struct entry *entry)
{
	struct log_head head;
	uint64_t sector, sectors;

	if (log->size - log->at < LOG_SECTOR)
		goto bad;
	memcpy(&head, log->bytes + log->at, sizeof(head));
	log->at += LOG_SECTOR;
	sector = le64toh(head.sector);
	sectors = le64toh(head.sectors);
	entry->flags = le64toh(head.flags);
	if (sector > INT64_MAX / LOG_SECTOR - sectors || sectors > INT64_MAX / LOG_SECTOR)
		goto bad;
	entry->offset = sector * LOG_SECTOR;
	entry->length = sectors * LOG_SECTOR;
	entry->data = log->bytes + log->at;
	if (entry->flags & LOG_DISCARD)
		return 0;
	if (entry->length > log->size - log->at)
		goto bad;
	log->at += entry->length;
	return 0;
bad:
	fprintf(stderr, "disklog: the log ends, or is damaged, at byte %" PRIu64 "\n", log->at);
	return -1;
}

static int number(const char *text, uint64_t max, uint64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoull(text, &end, 10);
	if (errno || !*text || *text == '-' || *end || *value > max) {
		fprintf(stderr, "disklog: '%s' is no number up to %" PRIu64 "\n", text, max);
		return -1;
	}
	return 0;
}

static int count(struct log *log, char *argv[])
{
	(void)argv;
	printf("%" PRIu64 "\n", log->entries);
	return EX_DONE;
}

static int flushed(struct log *log, char *argv[])
{
	uint64_t to, sure = 0;
	struct entry entry;

	if (number(argv[0], log->entries, &to))
		return EX_USAGE;
	for (uint64_t n = 1; n <= to; n++) {
		if (log_next(log, &entry))
			return EX_FAILED;
		if (entry.flags & LOG_FLUSH)
			sure = n;
	}
	printf("%" PRIu64 "\n", sure);
	return EX_DONE;
}

/* Padded with blanks, in a sector of its own. */
static size_t name_length(const struct entry *entry)
{
	size_t n = 0;

	while (n < MARK_MAX && entry->data[n] > ' ' && entry->data[n] < 127)
		n++;
	return n;
}

static int marks(struct log *log, char *argv[])
{
	struct entry entry;
	uint64_t offset;

	if (number(argv[0], INT64_MAX, &offset))
		return EX_USAGE;
	for (uint64_t n = 1; n <= log->entries; n++) {
		if (log_next(log, &entry))
			return EX_FAILED;
		if (entry.offset == offset && entry.length && !(entry.flags & LOG_DISCARD))
			printf("%" PRIu64 " %.*s\n", n, (int)name_length(&entry), (const char *)entry.data);
	}
	return EX_DONE;
}

static int find(struct log *log, char *argv[])
{
	struct entry entry;

	for (uint64_t n = 1; n <= log->entries; n++) {
		if (log_next(log, &entry))
			return EX_FAILED;
		if (!(entry.flags & LOG_DISCARD) &&
		    memmem(entry.data, entry.length, argv[0], strlen(argv[0])))
			printf("%" PRIu64 "\n", n);
	}
	return EX_DONE;
}

static bool whole(ssize_t done, uint64_t length)
{
	return done >= 0 && (uint64_t)done == length;
}

/* What the write replaces goes to UNDO: where, how much, and the bytes. */
static int save(int image, FILE *undo, const struct entry *entry)
{
	uint64_t place[2] = { entry->offset, entry->length };
	uint8_t *old = malloc(entry->length);
	int err = -1;

	if (old && whole(pread(image, old, entry->length, (off_t)entry->offset), entry->length) &&
	    fwrite(place, sizeof(place), 1, undo) == 1 && fwrite(old, entry->length, 1, undo) == 1)
		err = 0;
	free(old);
	return err;
}

/* xorshift64*, so that a seed means the same everywhere. */
static bool lost(uint64_t *state)
{
	if (!*state)
		return false;
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return (*state * 2685821657736338717ull) >> 63;
}

/* Entries FROM + 1 to TO. With UNDO, those after entry SURE may be lost. */
static int replay(struct log *log, char *argv[], uint64_t sure, uint64_t seed, FILE *undo)
{
	int image = open(argv[0], O_RDWR | O_CLOEXEC), code = EX_FAILED;
	struct entry entry;
	uint64_t from, to;

	if (image < 0)
		return fail(argv[0], strerror(errno));
	if (number(argv[1], log->entries, &from) || number(argv[2], log->entries, &to)) {
		code = EX_USAGE;
		goto out;
	}
	for (uint64_t n = 1; n <= to; n++) {
		if (log_next(log, &entry))
			goto out;
		if (n <= from || !entry.length || (entry.flags & LOG_DISCARD))
			continue;
		if (undo && n > sure && !(entry.flags & LOG_FUA) && lost(&seed))
			continue;
		if ((undo && save(image, undo, &entry)) ||
		    !whole(pwrite(image, entry.data, entry.length, (off_t)entry.offset), entry.length)) {
			fail(argv[0], "cannot be written, or its old content cannot be kept");
			goto out;
		}
	}
	code = EX_DONE;
out:
	close(image);
	return code;
}

static int apply(struct log *log, char *argv[])
{
	return replay(log, argv, 0, 0, NULL);
}

static int cut(struct log *log, char *argv[])
{
	struct log again = *log;
	struct entry entry;
	uint64_t to, seed, sure = 0;
	FILE *undo;
	int code;

	if (number(argv[2], log->entries, &to) || number(argv[3], INT64_MAX, &seed))
		return EX_USAGE;
	for (uint64_t n = 1; n <= to; n++) {
		if (log_next(&again, &entry))
			return EX_FAILED;
		if (entry.flags & LOG_FLUSH)
			sure = n;
	}
	undo = fopen(argv[4], "wbe");
	if (!undo)
		return fail(argv[4], strerror(errno));
	code = replay(log, argv, sure, seed, undo);
	if (fclose(undo) && code == EX_DONE)
		code = fail(argv[4], "cannot be written");
	return code;
}

/* Last first, since a place may have been written more than once. */
static int undo(char *argv[])
{
	uint64_t size = 0, place[2], n = 0, *starts = NULL;
	const uint8_t *bytes = map_file(argv[1], &size);
	int image = open(argv[0], O_WRONLY | O_CLOEXEC), code = EX_FAILED;

	if (image < 0)
		fail(argv[0], strerror(errno));
	if (!bytes || image < 0)
		goto out;
	starts = calloc(size / (sizeof(place) + LOG_SECTOR) + 1, sizeof(*starts));
	if (!starts)
		goto out;
	for (uint64_t at = 0; at < size; n++) {
		if (size - at < sizeof(place))
			goto damaged;
		memcpy(place, bytes + at, sizeof(place));
		if (place[1] < LOG_SECTOR || place[1] > size - at - sizeof(place))
			goto damaged;
		starts[n] = at;
		at += sizeof(place) + place[1];
	}
	while (n--) {
		memcpy(place, bytes + starts[n], sizeof(place));
		if (!whole(pwrite(image, bytes + starts[n] + sizeof(place), place[1], (off_t)place[0]), place[1])) {
			fail(argv[0], "cannot be written");
			goto out;
		}
	}
	code = EX_DONE;
	goto out;
damaged:
	fail(argv[1], "is damaged");
out:
	if (image >= 0)
		close(image);
	free(starts);
	return code;
}

static const struct {
	const char *name;
	int arguments;
	int (*run)(struct log *log, char *argv[]);
} commands[] = {
	{ "count", 0, count },
	{ "flushed", 1, flushed },
	{ "marks", 1, marks },
	{ "find", 1, find },
	{ "apply", 3, apply },
	{ "cut", 5, cut },
};

int main(int argc, char *argv[])
{
	struct log log = { 0 };
	int code = EX_USAGE;

	if (argc == 4 && strcmp(argv[1], "undo") == 0)
		return undo(argv + 2);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (argc != commands[i].arguments + 3 || strcmp(argv[1], commands[i].name))
			continue;
		code = log_open(argv[2], &log) ? EX_FAILED : commands[i].run(&log, argv + 3);
		if (fflush(stdout) && code == EX_DONE)
			code = EX_FAILED;
		return code;
	}
	fputs(usage, stderr);
	return code;
}
