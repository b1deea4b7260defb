/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Is a module the shipped one plus the declared fixes, and nothing else? What was found,
 * and its printing; how it is found is in audit_parts.h.
 */
#ifndef AUDIT_H
#define AUDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli.h"
#include "modfile.h"

#define AUDIT_FIXES_MAX		32
#define AUDIT_MODULES_MAX	16

/* What the build adds to every module by itself: see include/kvm-fixes/stamp.h. */
#define AUDIT_BY_STAMP		"stamp"
/* Whichever was applied: lines and loops move when anything is added above them. */
#define AUDIT_BY_ANY		""

enum verdict {
	VERDICT_MOVED,		/* the same but for numbers of source lines */
	VERDICT_PADDED,		/* the same but for what aligns its loops; and for lines, it can be */
	VERDICT_CHANGED,
	VERDICT_ADDED,
	VERDICT_REMOVED,
};

enum subject {
	SUBJECT_FUNCTION,
	SUBJECT_DATA,
	SUBJECT_TEXT,		/* a string or constant that nothing refers to */
	SUBJECT_IMPORT,
	SUBJECT_EXPORT,
	SUBJECT_INFO,		/* an entry of .modinfo: parameters, aliases, vermagic, ... */
	SUBJECT_SECTION,
	SUBJECT_SYMBOL,		/* one that names no bytes */
};

/**
 * struct finding - one thing that is not identical
 * @detail: what is different, "" if the verdict says it all
 * @by: fix that declares it, or AUDIT_BY_STAMP; NULL: nobody does
 */
struct finding {
	enum subject subject;
	enum verdict verdict;
	char *name;
	char *detail;
	const char *by;
};

/**
 * struct declared_fix - one fix, as report.json has it
 * @changes: functions that it may change, add or remove; @n of them
 * @met: which of them were found changed
 */
struct declared_fix {
	char name[64];
	char state[32];
	char patch[128];
	char digest[72];
	char **changes;
	bool *met;
	size_t n;
};

#define AUDIT_BYS_MAX		64

/* Names of fixes that declare the same function, joined; each once. */
struct declared_bys {
	char *list[AUDIT_BYS_MAX];
	size_t n;
};

/**
 * struct declared - what the build says of itself
 * @present: there is a report.json; without one nothing is declared
 * @bys: filled while it is asked for; NULL if none is present
 */
struct declared {
	bool present;
	char kernel[RELEASE_MAX];
	char origin[128];
	char version[128];
	char digest[72];
	char headers[128];
	char build[BUILD_ID_MAX];
	struct declared_fix fixes[AUDIT_FIXES_MAX];
	size_t n;
	struct declared_bys *bys;
};

/* What was compared of a kind, and came out how. */
struct tally {
	size_t same;
	size_t moved;
	size_t padded;
	size_t changed;
	size_t added;
	size_t removed;
};

/**
 * struct audited - one module
 * @compared: false where another compiler made it: then only what others see was compared
 * @findings: in order, @n of them, @undeclared of which nobody declares
 */
struct audited {
	char name[64];
	char stock_build_id[BUILD_ID_MAX];
	char build_id[BUILD_ID_MAX];
	char stock_compiler[256];
	char compiler[256];
	bool compared;
	struct tally functions;
	struct tally data;
	struct finding *findings;
	size_t n;
	size_t room;
	size_t undeclared;
};

struct audit {
	char kernel[RELEASE_MAX];
	struct declared declared;
	struct audited modules[AUDIT_MODULES_MAX];
	size_t n;
};

/* audit_declared.c. 0 or -errno with @why set; declared_free() it in either case. */
int declared_read(const char *path, struct declared *declared, char *why);
int declared_parse(const char *data, size_t size, const char *path, struct declared *declared,
		   char *why);
void declared_free(struct declared *declared);
/* The applied fixes that name the function that @name is, or is a clone of; NULL: none. */
const char *declared_by(const struct declared *declared, const char *name);
/* Was any fix applied? */
bool declared_any(const struct declared *declared);

/* One module against the shipped one. 0 or -errno with @why set. */
int audit_module(const char *stock, const char *built, struct declared *declared,
		 struct audited *audited, char *why);
/* The same of bytes in memory. */
int audit_bytes(const void *stock, size_t stock_size, const void *built, size_t built_size,
		const char *path, struct declared *declared, struct audited *audited, char *why);
void audited_free(struct audited *audited);

/* "passed", "failed" or "not attestable". */
const char *audit_verdict(const struct audit *audit);
const char *verdict_name(enum verdict verdict);
const char *subject_name(enum subject subject);

/* audit_gate.c. Where the shipped modules of a kernel are on this host: our copy, or its folder. */
void audit_stock_dir(const struct host *host, const char *release, char *dir);
/* The report.json of what is installed for a kernel, be it there or not. */
void audit_record(const struct host *host, const char *release, char *path);
/* The module in @dir that the file @built stands in for. 0 or -ENOENT with @why set. */
int audit_find_stock(const char *dir, const char *built, char *stock, char *why);
/*
 * Does the configuration say that what cannot be attested is not wanted? It counts as if it did
 * where it cannot be read; then @why is set, else "".
 */
bool audit_blocks_other_compiler(const struct host *host, char *why);
/*
 * May these @n installed modules of the kernel @release be loaded? 0, with @note set if they
 * cannot be attested and "" if they can; or -errno with @why set.
 */
int audit_gate(const struct host *host, const char *release, const char *const *built, size_t n,
	       char *note, char *why);

/* audit_text.c, audit_json.c: no times, no places on the disk: the same again, the same page. */
void audit_print(const struct cli *cli, const struct audit *audit);
struct json_object *audit_json(const struct cli *cli, const struct audit *audit);

/*
 * audit_show.c: the disassemblies of @function side by side, if the module has it (-ENOENT
 * if not). 0 or -errno with @why set.
 */
int audit_show(const struct cli *cli, const char *stock, const char *built, const char *function,
	       char *why);

#endif
