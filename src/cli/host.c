// SPDX-License-Identifier: GPL-2.0-only
/*
 * Paths of the host, which CPU it has, and the few file operations that all share.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "host.h"

#define RANDOM_LENGTH	6u	/* what mkstemp() makes of XXXXXX */

const char *host_path(const struct host *host, const char *fmt, ...)
{
	static char buffers[8][PATH_MAX];
	static unsigned int turn;
	char *path = buffers[turn++ % 8];
	size_t length = strlen(host->root);
	va_list ap;

	memcpy(path, host->root, length);
	va_start(ap, fmt);
	vsnprintf(path + length, PATH_MAX - length, fmt, ap);
	va_end(ap);
	return path;
}

/* The alphabet that scripts/lib/common.sh goes by. */
bool release_valid(const char *text)
{
	size_t length = strlen(text);

	if (!length || length >= RELEASE_MAX || !isalnum((unsigned char)text[0]) ||
	    strstr(text, ".."))
		return false;
	for (; *text; text++) {
		if (!isalnum((unsigned char)*text) && !strchr(".+~_-", *text))
			return false;
	}
	return true;
}

/* The first processor's vendor_id decides. */
static void find_vendor(struct host *host)
{
	char text[4096];
	const char *line;

	host->vendor = "";
	host->vendor_file = "";
	read_text(host_path(host, "/proc/cpuinfo"), text, sizeof(text));
	line = strstr(text, "vendor_id");
	if (!line)
		return;
	line += strcspn(line, ":\n");
	if (strncmp(line, ": GenuineIntel", 14) == 0) {
		host->vendor = "kvm_intel";
		host->vendor_file = "kvm-intel";
	} else if (strncmp(line, ": AuthenticAMD", 14) == 0) {
		host->vendor = "kvm_amd";
		host->vendor_file = "kvm-amd";
	}
}

int host_open(struct host *host, const char *root, char *why)
{
	int length;

	memset(host, 0, sizeof(*host));
	if (root && *root) {
		length = snprintf(host->root, sizeof(host->root), "%s", root);
		if (length >= PATH_MAX / 2 || root[0] != '/') {
			snprintf(why, WHY_MAX,
				 "KVM_FIXES_ROOT is no absolute path of sensible length; correct it");
			return -EINVAL;
		}
		while (length > 0 && host->root[length - 1] == '/')
			host->root[--length] = '\0';
	}
	read_text(host_path(host, "/proc/sys/kernel/osrelease"), host->release,
		  sizeof(host->release));
	if (!release_valid(host->release))
		host->release[0] = '\0';
	find_vendor(host);
	return 0;
}

int host_need_release(const struct host *host, char *why)
{
	if (host->release[0])
		return 0;
	snprintf(why, WHY_MAX, "%s: tells no kernel release; is /proc mounted?",
		 host_path(host, "/proc/sys/kernel/osrelease"));
	return -EIO;
}

static ssize_t read_all(int fd, char *data, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = read(fd, data + done, size - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

int read_text(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n;

	text[0] = '\0';
	if (fd < 0)
		return -errno;
	n = read_all(fd, text, size - 1);
	close(fd);
	while (n > 0 && isspace((unsigned char)text[n - 1]))
		n--;
	text[n > 0 ? n : 0] = '\0';
	return (int)n;
}

int read_file(const char *path, size_t max, char **data, size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	ssize_t n;
	int err = 0;

	*data = NULL;
	*size = 0;
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st))
		err = -errno;
	else if (!S_ISREG(st.st_mode))
		err = -EINVAL;
	else if (st.st_size < 0 || (size_t)st.st_size > max)
		err = -EFBIG;
	if (err)
		goto out;
	*data = malloc((size_t)st.st_size + 1);
	if (!*data) {
		err = -ENOMEM;
		goto out;
	}
	n = read_all(fd, *data, (size_t)st.st_size);
	if (n < 0) {
		err = (int)n;
		free(*data);
		*data = NULL;
		goto out;
	}
	(*data)[n] = '\0';
	*size = (size_t)n;
out:
	close(fd);
	return err;
}

static int write_all(int fd, const char *data, size_t size)
{
	while (size) {
		ssize_t n = write(fd, data, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		size -= (size_t)n;
	}
	return 0;
}

int folder_sync(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (fsync(fd))
		err = -errno;
	close(fd);
	return err;
}

/* Of the folder that @path lies in. */
static int sync_parent(const char *path)
{
	char dir[PATH_MAX];
	char *slash;

	snprintf(dir, sizeof(dir), "%s", path);
	slash = strrchr(dir, '/');
	if (!slash)
		return -EINVAL;
	slash[slash == dir] = '\0';
	return folder_sync(dir);
}

int folder_make(const char *path, int mode)
{
	char dir[PATH_MAX];

	snprintf(dir, sizeof(dir), "%s", path);
	for (char *slash = strchr(dir + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(dir, 0755) && errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	return mkdir(dir, (mode_t)mode) && errno != EEXIST ? -errno : 0;
}

int publish(const char *path, const void *data, size_t size, int mode)
{
	char temporary[PATH_MAX];
	const char *name = strrchr(path, '/');
	int fd, err;

	if (!name || snprintf(temporary, sizeof(temporary), "%.*s/.%s.XXXXXX", (int)(name - path),
			      path, name + 1) >= (int)sizeof(temporary))
		return -EINVAL;
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = write_all(fd, data, size);
	if (!err && (fchmod(fd, (mode_t)mode) || fsync(fd)))
		err = -errno;
	if (close(fd) && !err)
		err = -errno;
	if (!err && rename(temporary, path))
		err = -errno;
	if (err) {
		unlink(temporary);
		return err;
	}
	return sync_parent(path);
}

/* Is @entry the .NAME.XXXXXX of a publish()? Then @name is what it was to become. */
static bool unpublished(const char *entry, char *name, size_t size)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	const char *dot = strrchr(entry, '.');

	if (entry[0] != '.' || dot <= entry + 1 || strlen(dot + 1) != RANDOM_LENGTH ||
	    strspn(dot + 1, letters) != RANDOM_LENGTH)
		return false;
	snprintf(name, size, "%.*s", (int)(dot - entry) - 1, entry + 1);
	return true;
}

void publish_sweep(const char *dir, bool (*ours)(const char *name))
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	char name[NAME_MAX + 1];
	struct dirent *entry;
	struct stat st;

	while (stream && (entry = readdir(stream))) {
		if (unpublished(entry->d_name, name, sizeof(name)) && ours(name) &&
		    fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
			unlinkat(fd, entry->d_name, 0);
	}
	if (stream)
		closedir(stream);
	else if (fd >= 0)
		close(fd);
}

int publish_copy(const char *from, const char *path, size_t max)
{
	char *data;
	size_t size;
	int err = read_file(from, max, &data, &size);

	if (err)
		return err;
	err = publish(path, data, size, 0644);
	free(data);
	return err;
}

double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}
