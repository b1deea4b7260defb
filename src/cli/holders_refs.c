// SPDX-License-Identifier: GPL-2.0-only
/*
 * References to the modules that no process explains, and the scan's results in
 * words and as JSON.
 */
#include <glob.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "holders_parts.h"
#include "json.h"

/* Appends to the line in @text, separated by "; ". */
__attribute__((format(printf, 2, 3)))
static void append(char *text, const char *fmt, ...)
{
	size_t length = strlen(text);
	va_list ap;

	if (length)
		length += (size_t)snprintf(text + length, WHY_MAX - length, "; ");
	if (length >= WHY_MAX)
		return;
	va_start(ap, fmt);
	vsnprintf(text + length, WHY_MAX - length, fmt, ap);
	va_end(ap);
}

/* Modules in kvm's holders other than the vendor modules. */
static void other_modules(const struct loaded *kvm, char *why)
{
	char names[sizeof(kvm->holders)];
	char *name, *rest = names;

	snprintf(names, sizeof(names), "%s", kvm->holders);
	while ((name = strsep(&rest, " "))) {
		if (!*name || strcmp(name, "kvm_intel") == 0 || strcmp(name, "kvm_amd") == 0)
			continue;
		append(why, "module %s uses kvm%s", name, strcmp(name, "kvmgt") ? "" :
		       " (Intel graphics for guests): unload it first");
	}
}

static bool livepatched(const struct host *host, char *name, size_t size)
{
	glob_t found;
	bool any = glob(host_path(host, "/sys/kernel/livepatch/*/kvm*"), 0, NULL, &found) == 0;

	if (any) {
		char path[PATH_MAX], *slash;

		snprintf(path, sizeof(path), "%s", found.gl_pathv[0]);
		slash = strrchr(path, '/');
		*slash = '\0';
		slash = strrchr(path, '/');
		snprintf(name, size, "%s", slash + 1);
	}
	globfree(&found);
	return any;
}

/* The likely owners of a reference without a process, the likeliest first. */
static void likely(const struct host *host, const struct suspects *suspects, char *text,
		   size_t size)
{
	size_t n = 0;

	text[0] = '\0';
	if (access(host_path(host, "/sys/module/vfio"), F_OK) == 0)
		n += (size_t)snprintf(text, size, "vfio, which is loaded");
	if (suspects->bpf && n < size)
		n += (size_t)snprintf(text + n, size - n, "%sBPF, of which pid %d has links", n ? ", or " : "",
				      (int)suspects->bpf);
	if (suspects->perf && n < size)
		n += (size_t)snprintf(text + n, size - n, "%sperf, of which pid %d has events", n ? ", or " : "",
				      (int)suspects->perf);
	if (!n)
		snprintf(text, size,
			 "a BPF program (bpftool prog), a trace event or a mapping of a vCPU");
}

static int beyond(const struct loaded *module)
{
	return module->present && module->refcnt > (int)module->n_holders ?
		module->refcnt - (int)module->n_holders : 0;
}

void explain_references(const struct host *host, const struct loaded *kvm,
			const struct loaded *vendor, const struct suspects *suspects,
			struct holders *holders)
{
	char *why = holders->unexplained, text[256];
	int of_kvm = beyond(kvm), of_vendor = holders->n ? 0 : beyond(vendor);

	other_modules(kvm, why);
	if (vendor->n_holders)
		append(why, "the vendor module is used by %s", vendor->holders);
	if (livepatched(host, text, sizeof(text)))
		append(why, "livepatch %.64s patches it", text);
	if (!of_kvm && !of_vendor)
		return;
	if (holders->unreadable) {
		append(why, "references to %s may be of the %u processes that only root can look into",
		       of_kvm ? "kvm" : "the vendor module", holders->unreadable);
		return;
	}
	likely(host, suspects, text, sizeof(text));
	if (of_kvm)
		append(why, "kvm has %d reference%s beyond its modules', likely of %s", of_kvm,
		       of_kvm > 1 ? "s" : "", text);
	if (of_vendor)
		append(why, "the vendor module has %d reference%s and no process has KVM open, likely of %s",
		       of_vendor, of_vendor > 1 ? "s" : "", text);
}

/* What cannot be told counts as used. */
static bool used(const struct loaded *module, const char *but_for)
{
	if (!module->present)
		return false;
	return module->refcnt != (int)module->n_holders || module->n_holders > 1 ||
	       (module->n_holders && strcmp(module->holders, but_for) != 0);
}

bool kvm_in_use(const struct loaded *kvm, const struct loaded *vendor)
{
	if (used(vendor, ""))
		return true;
	return used(kvm, "kvm_intel") && used(kvm, "kvm_amd");
}

void holders_text(const struct holders *holders, char *text, size_t size)
{
	const struct holder *first = holders->list;
	size_t n;

	if (!holders->n) {
		snprintf(text, size, "%s", holders->unexplained);
		return;
	}
	n = (size_t)snprintf(text, size, "%s (pid %d%s%s)", first->command, (int)first->pid,
			     *first->vm ? ", VM " : "", first->vm);
	if (holders->n > 1 && n < size)
		snprintf(text + n, size - n, ", %zu more", holders->n - 1);
}

struct json_object *holders_json(const struct holders *holders)
{
	struct json_object *object = json_object_new_object(), *list = json_object_new_array();

	for (size_t i = 0; i < holders->n; i++) {
		const struct holder *holder = &holders->list[i];
		struct json_object *entry = json_object_new_object();

		json_put_number(entry, "pid", holder->pid);
		json_put_number(entry, "inner_pid", holder->inner_pid);
		json_put_text(entry, "command", holder->command);
		json_put_text(entry, "vm", holder->vm);
		json_put_number(entry, "devices", holder->devices);
		json_put_number(entry, "vms", holder->vms);
		json_put_number(entry, "vcpus", holder->vcpus);
		json_put_number(entry, "others", holder->others);
		json_object_array_add(list, entry);
	}
	json_object_object_add(object, "processes", list);
	json_put_number(object, "unreadable", holders->unreadable);
	json_put_text(object, "unexplained", holders->unexplained);
	return object;
}
