// SPDX-License-Identifier: GPL-2.0-only
/*
 * One kernel of status as JSON.
 */
#include "status.h"

struct json_object *status_next_json(const char *file, enum origin origin, const char *build_id)
{
	struct json_object *object;

	if (!*file)
		return NULL;
	object = json_object_new_object();
	json_put_text(object, "file", file);
	json_put_text(object, "origin", origin_name(origin));
	json_put_text(object, "build_id", build_id);
	return object;
}

static struct json_object *initrd_json(const struct status *status, size_t index)
{
	struct json_object *object;
	const struct initrd *initrd = &status->initrds[index];

	if (!*initrd->path)
		return NULL;
	object = json_object_new_object();
	json_put_text(object, "path", initrd->path);
	json_put_text(object, "carries_kvm", carried_name(initrd_carries(status->host,
								&status->kernels[index], initrd)));
	json_put_text(object, "why", initrd->why);
	json_object_object_add(object, "modules", initrd_modules_json(initrd));
	return object;
}

static struct json_object *fixes_json(const struct kernel *kernel)
{
	struct json_object *list = json_object_new_array();

	for (unsigned int i = 0; i < kernel->n_fixes; i++) {
		struct json_object *fix = json_object_new_object();

		json_put_text(fix, "name", kernel->fixes[i].name);
		json_put_text(fix, "state", kernel->fixes[i].state);
		json_put_text(fix, "reason", kernel->fixes[i].reason);
		json_object_array_add(list, fix);
	}
	return list;
}

struct json_object *status_kernel_json(const struct status *status, size_t index)
{
	struct json_object *object = json_object_new_object();
	const struct kernel *kernel = &status->kernels[index];

	json_put_text(object, "release", kernel->release);
	json_put_flag(object, "running", index == status->running);
	json_put_text(object, "state", kernel->state);
	json_put_text(object, "reason", kernel->reason);
	json_put_text(object, "version", kernel->version);
	json_put_text(object, "build", kernel->build);
	json_put_text(object, "headers_version", kernel->headers);
	json_put_text(object, "image_version", kernel->image);
	json_put_text(object, "audit", kernel->audit);
	json_put_flag(object, "has_headers", kernel->has_headers);
	json_put_flag(object, "stale", kernel->stale);
	json_put_text(object, "stock_copy", kernel->stock_copy);
	json_object_object_add(object, "fixes", fixes_json(kernel));
	json_object_object_add(object, "next_kvm", status_next_json(kernel->next, kernel->next_origin,
							     kernel->next_build_id));
	json_object_object_add(object, "next_vendor",
			       status_next_json(kernel->next_vendor, kernel->next_vendor_origin,
					 kernel->next_vendor_build_id));
	json_put_text(object, "next_boot", next_boot(status->host, kernel, &status->initrds[index]));
	json_object_object_add(object, "initrd", initrd_json(status, index));
	return object;
}
