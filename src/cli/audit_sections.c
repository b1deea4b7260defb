// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every section that a KVM module is known to have, and how it is to be compared.
 * One that is not in here fails the audit, so nothing is passed over by accident.
 */
#include <elf.h>
#include <string.h>

#include <kvm-fixes/stamp.h>

#include "audit_parts.h"

/* Sizes are those of the kernel's structures on x86-64, 5.10 to 7.x. */
static const struct table tables[] = {
	{ .name = "__bug_table", .what = "WARN and BUG table", .sizes = { 12, 16 }, .line_at = 4 },
	{ .name = "__ex_table", .what = "exception table", .sizes = { 12 } },
	{ .name = "__jump_table", .what = "jump table", .sizes = { 16 } },
	{ .name = "__mcount_loc", .what = "trace points of ftrace", .sizes = { 8 } },
	{ .name = "__patchable_function_entries", .what = "patchable entries", .sizes = { 8 } },
	{ .name = "__tracepoints_ptrs", .what = "list of tracepoints", .sizes = { 4 } },
	{ .name = ".altinstructions", .what = "alternatives", .sizes = { 12, 13, 14 }, .code_at = 4,
	  .lengths_at = { 11, 11, 13 }, .covers_at = { 10, 10, 12 } },
	{ .name = ".call_sites", .what = "call sites", .sizes = { 4 } },
	{ .name = ".ibt_endbr_seal", .what = "sealed entries", .sizes = { 4 } },
	{ .name = ".kcfi_traps", .what = "kCFI traps", .sizes = { 4 } },
	{ .name = ".orc_unwind_ip", .what = "unwind table", .sizes = { 4 }, .beside = ".orc_unwind",
	  .beside_size = UNWIND_SIZE },
	{ .name = ".parainstructions", .what = "paravirtual calls", .sizes = { 16 }, .last = 10,
	  .covers_at = { 9 } },
	{ .name = ".retpoline_sites", .what = "retpoline sites", .sizes = { 4 } },
	{ .name = ".return_sites", .what = "return sites", .sizes = { 4 } },
	{ .name = ".smp_locks", .what = "lock prefixes", .sizes = { 4 } },
	{ .name = ".static_call_sites", .what = "static call sites", .sizes = { 8 } },
};

/* A name that ends in '*' stands for all that begin so. */
static const struct {
	const char *name;
	enum section_kind kind;
} kinds[] = {
	{ ".altinstr_aux", KIND_CODE },
	{ ".altinstr_replacement", KIND_CODE },
	{ ".cpuidle.text", KIND_CODE },
	{ ".exit.text", KIND_CODE },
	{ ".fixup", KIND_CODE },
	{ ".init.text", KIND_CODE },
	{ ".noinstr.text", KIND_CODE },
	{ ".ref.text", KIND_CODE },
	{ ".static_call.text", KIND_CODE },
	{ ".text", KIND_CODE },
	{ ".text.*", KIND_CODE },
	{ ".text..*", KIND_CODE },
	{ "___srcu_struct_ptrs", KIND_DATA },
	{ "__bpf_raw_tp_map", KIND_DATA },
	{ "__dyndbg", KIND_DATA },
	{ "__dyndbg_classes", KIND_DATA },
	{ "__kcrctab*", KIND_DATA },
	{ "__kflagstab*", KIND_DATA },
	{ "__ksymtab*", KIND_DATA },
	{ "__param", KIND_DATA },
	{ "__tracepoint_check", KIND_DATA },
	{ "__tracepoints*", KIND_DATA },
	{ "_error_injection_whitelist", KIND_DATA },
	{ "_ftrace_eval_map", KIND_DATA },
	{ "_ftrace_events", KIND_DATA },
	{ ".bss", KIND_DATA },
	{ ".bss.*", KIND_DATA },
	{ ".codetag.*", KIND_DATA },
	{ ".data", KIND_DATA },
	{ ".data.*", KIND_DATA },
	{ ".exit.data", KIND_DATA },
	{ ".gnu.linkonce.this_module", KIND_DATA },
	{ ".init.data", KIND_DATA },
	{ ".init.rodata", KIND_DATA },
	{ ".ref.data", KIND_DATA },
	{ ".rodata", KIND_DATA },
	{ ".rodata.*", KIND_DATA },
	{ ".note.gnu.property", KIND_EXACT },
	{ ".note.Linux", KIND_EXACT },
	{ ".orc_header", KIND_EXACT },
	{ ".BTF", KIND_IGNORED },
	{ ".BTF.base", KIND_IGNORED },
	{ ".BTF_ids", KIND_IGNORED },
	{ ".comment", KIND_IGNORED },
	{ ".debug*", KIND_IGNORED },
	{ ".gnu_debuglink", KIND_IGNORED },
	{ ".modinfo", KIND_IGNORED },
	{ ".note.gnu.build-id", KIND_IGNORED },
	{ ".note.GNU-stack", KIND_IGNORED },
	{ ".orc_unwind", KIND_IGNORED },
	{ "__version_ext_crcs", KIND_IGNORED },
	{ "__version_ext_names", KIND_IGNORED },
	{ "__versions", KIND_IGNORED },
	{ KVM_FIXES_NOTE_SECTION, KIND_IGNORED },
};

static bool name_fits(const char *pattern, const char *name)
{
	size_t length = strlen(pattern);

	if (pattern[length - 1] == '*')
		return strncmp(pattern, name, length - 1) == 0;
	return strcmp(pattern, name) == 0;
}

static enum section_kind kind_by_name(const struct section *section)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (name_fits(kinds[i].name, section->name))
			return kinds[i].kind;
	}
	return KIND_UNKNOWN;
}

/* Are the bytes of a kind that the section's own header agrees to? */
static bool fits_header(const struct section *section)
{
	if (section->kind == KIND_IGNORED)
		return !(section->flags & (SHF_EXECINSTR | SHF_WRITE));
	if (section->type == SHT_NOBITS)
		return section->kind == KIND_DATA && !(section->flags & SHF_EXECINSTR);
	return (section->kind == KIND_CODE) == !!(section->flags & SHF_EXECINSTR);
}

void section_classify(struct section *section)
{
	const uint64_t merge = section->flags & (SHF_MERGE | SHF_STRINGS);

	if (section->type == SHT_SYMTAB || section->type == SHT_STRTAB ||
	    section->type == SHT_RELA || section->type == SHT_NULL) {
		section->kind = KIND_IGNORED;
		return;
	}
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		if (strcmp(tables[i].name, section->name) == 0) {
			section->kind = KIND_TABLE;
			section->table = &tables[i];
		}
	}
	if (!section->table)
		section->kind = kind_by_name(section);
	if (section->kind == KIND_DATA && merge == (SHF_MERGE | SHF_STRINGS) &&
	    section->entsize == 1)
		section->kind = KIND_STRINGS;
	else if (section->kind == KIND_DATA && merge == SHF_MERGE && section->entsize)
		section->kind = KIND_CONSTANTS;
	if (!fits_header(section))
		section->kind = KIND_UNKNOWN;
}
