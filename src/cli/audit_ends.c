// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where the instruction ends that a relocation is in: what is relative is counted from there.
 */
#include <elf.h>

#include "audit_parts.h"

struct reloc *reloc_from(const struct section *section, uint64_t offset)
{
	size_t low = 0, high = section->n_relocs;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (section->relocs[middle].offset < offset)
			low = middle + 1;
		else
			high = middle;
	}
	return section->relocs + low;
}

/*
 * Each relocation in @start to @end is told where its instruction ends. Where
 * decoding fails it begins anew at @end: then the pieces there count as changed.
 */
static void find_ends(struct section *section, uint64_t start, uint64_t end)
{
	struct reloc *reloc = reloc_from(section, start);
	const struct reloc *last = section->relocs + section->n_relocs;
	struct insn insn;

	while (start < end && insn_decode(section->data + start, end - start, &insn)) {
		for (; reloc < last && reloc->offset < start + insn.size; reloc++)
			reloc->behind = reloc->relative ? (uint8_t)(start + insn.size - reloc->offset) : 0;
		start += insn.size;
	}
}

void image_find_ends(struct image *image, const uint32_t *sorted, size_t n)
{
	for (size_t i = 1; i < image->n_sections; i++) {
		struct section *section = &image->sections[i];
		uint64_t at = 0;

		if (section->kind != KIND_CODE || !section->data)
			continue;
		for (size_t j = 0; j < n; j++) {
			const struct symbol *symbol = &image->symbols[sorted[j]];

			if (symbol->section != i || symbol->value <= at || symbol->type == STT_OBJECT)
				continue;
			find_ends(section, at, symbol->value);
			at = symbol->value;
		}
		find_ends(section, at, section->size);
	}
}
