// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device node and modprobe, out of reach and back.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "devnode.h"

#define NODE_DEVICE	makedev(10, 232)	/* misc, KVM_MINOR */
#define PLACEHOLDER	"kvm-fixes-swap-in-progress"

static const char block_text[] =
	"# Written by kvm-fixes for the time of a swap; `kvm-fixes recover` removes it.\n"
	"install kvm /bin/false\n"
	"install kvm_intel /bin/false\n"
	"install kvm_amd /bin/false\n";

static bool is_node(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISCHR(st.st_mode);
}

bool node_exists(const struct host *host)
{
	return is_node(host_path(host, NODE));
}

bool node_is_hidden(const struct host *host)
{
	char target[sizeof(PLACEHOLDER) + 1];
	ssize_t n = readlink(host_path(host, NODE), target, sizeof(target));

	return n == sizeof(PLACEHOLDER) - 1 && memcmp(target, PLACEHOLDER, (size_t)n) == 0;
}

bool node_is_lost(const struct host *host)
{
	return !node_exists(host) && !is_node(host_path(host, NODE_HIDDEN)) &&
	       !is_node(host_path(host, NODE_DIR "/link"));
}

int node_answers(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	int version, err = 0;

	if (fd < 0)
		return -errno;
	version = ioctl(fd, KVM_GET_API_VERSION, 0);
	if (version < 0)
		err = -errno;
	else if (version != KVM_API_VERSION)
		err = -EPROTO;
	close(fd);
	return err;
}

/* In one step, so that there is no moment without either. */
static int exchange(const char *link, const char *node)
{
	return renameat2(AT_FDCWD, link, AT_FDCWD, node, RENAME_EXCHANGE) ? -errno : 0;
}

int node_hide(const struct host *host)
{
	const char *node = host_path(host, NODE), *hidden = host_path(host, NODE_HIDDEN);
	const char *dir = host_path(host, NODE_DIR), *link = host_path(host, NODE_DIR "/link");
	int err;

	if (node_is_hidden(host))
		return 0;
	if (mkdir(dir, 0700) && errno != EEXIST)
		return -errno;
	if ((unlink(link) && errno != ENOENT) || symlink(PLACEHOLDER, link))
		return -errno;
	if (!is_node(node))
		return rename(link, node) ? -errno : 0;
	err = exchange(link, node);
	if (err)
		return err;
	return rename(link, hidden) ? -errno : 0;
}

int node_forget(const struct host *host)
{
	if (node_is_hidden(host) && unlink(host_path(host, NODE)))
		return -errno;
	unlink(host_path(host, NODE_DIR "/link"));
	unlink(host_path(host, NODE_HIDDEN));
	return rmdir(host_path(host, NODE_DIR)) && errno != ENOENT ? -errno : 0;
}

void node_announce(const struct host *host)
{
	int fd = open(host_path(host, "/sys/class/misc/kvm/uevent"), O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	/* Without a udev there is nobody to miss it. */
	if (write(fd, "add", 3) != 3)
		errno = 0;
	close(fd);
}

int node_show(const struct host *host, bool wanted)
{
	const char *node = host_path(host, NODE), *hidden = host_path(host, NODE_HIDDEN);
	const char *link = host_path(host, NODE_DIR "/link");

	/* A swap that was killed between its two renames left the node here. */
	if (is_node(link) && rename(link, hidden))
		return -errno;
	if (wanted && is_node(hidden)) {
		if (rename(hidden, node))
			return -errno;
	} else if (node_is_hidden(host)) {
		if (unlink(node))
			return -errno;
		if (wanted && mknod(node, S_IFCHR | 0600, NODE_DEVICE))
			return -errno;
	}
	if (wanted) {
		unlink(link);
		rmdir(host_path(host, NODE_DIR));
	}
	return 0;
}

int node_private(const struct host *host, char *path)
{
	snprintf(path, PATH_MAX, "%s", host_path(host, NODE_HIDDEN));
	if (is_node(path))
		return 0;
	if (is_node(host_path(host, NODE_DIR "/link")))
		return rename(host_path(host, NODE_DIR "/link"), path) ? -errno : 0;
	/* Somebody may have removed all of it by hand, after a swap that was killed. */
	if (mkdir(host_path(host, NODE_DIR), 0700) && errno != EEXIST)
		return -errno;
	return mknod(path, S_IFCHR | 0600, NODE_DEVICE) ? -errno : 0;
}

int autoload_block(const struct host *host)
{
	int err = folder_make(host_path(host, "/run/modprobe.d"), 0755);

	return err ? err : publish(host_path(host, BLOCK_FILE), block_text,
				   sizeof(block_text) - 1, 0644);
}

int autoload_unblock(const struct host *host)
{
	return unlink(host_path(host, BLOCK_FILE)) && errno != ENOENT ? -errno : 0;
}
