// SPDX-License-Identifier: GPL-2.0-only
/*
 * What /sys/module says, whose a loaded module is, and what modprobe would load: in
 * folders that stand for hosts.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "cli_elf.h"
#include "cli_tree.h"
#include "loaded.h"
#include "resolve.h"

#define MODULES	"/lib/modules/" SAMPLE_RELEASE
#define STOCK	MODULES "/kernel/arch/x86/kvm/kvm-intel.ko"
#define FIXED	MODULES "/updates/dkms/kvm-intel.ko"
#define COPY	"/var/lib/kvm-fixes/stock/" SAMPLE_RELEASE "/kvm-intel.ko"
#define KEPT	"/var/lib/kvm-fixes/swap/files/" SAMPLE_ID "/kvm-intel.ko"
#define SYS	"/sys/module/kvm_intel"
#define STAMP	"kernel=" SAMPLE_RELEASE "\nstates=bus-barrier:applied\nbuild=1b56\n"

static struct host host;
static struct loaded loaded;
static char why[WHY_MAX];

static int setup(void **state)
{
	(void)state;
	tree_make(&host, SAMPLE_RELEASE);
	memset(&loaded, 0, sizeof(loaded));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	tree_remove(&host);
	return 0;
}

/* A loaded module; its build-id is 00, 01, ... @last. */
static void load(unsigned char last, bool stamped)
{
	struct {
		Elf64_Nhdr header;
		char name[12];
		char text[sizeof(STAMP)];
	} stamp = { { 10, sizeof(STAMP), 1 }, "kvm-fixes", STAMP };
	struct sample sample;

	SAMPLE(&sample, STOCK_INFO);
	sample.id.id[19] = last;
	tree_bytes(&host, SYS "/notes/.note.gnu.build-id", &sample.id, sizeof(sample.id));
	if (stamped)
		tree_bytes(&host, SYS "/notes/.note.kvm-fixes", &stamp,
			   offsetof(typeof(stamp), text) + sizeof(STAMP));
	tree_text(&host, SYS "/initstate", "live\n");
	tree_text(&host, SYS "/refcnt", "0\n");
}

static void install_as(const char *path, unsigned char last, bool stamped)
{
	struct sample sample;
	unsigned char *file;
	size_t size;

	if (stamped)
		SAMPLE(&sample, STAMP_INFO);
	else
		SAMPLE(&sample, STOCK_INFO);
	sample.id.id[19] = last;
	file = sample_build(&sample, &size);
	tree_bytes(&host, path, file, size);
	free(file);
}

/* modules.dep by hand would be ours and not depmod's. */
static void run_depmod(void)
{
	char command[2 * PATH_MAX];

	tree_text(&host, MODULES "/modules.builtin", "kernel/drivers/virt/builtin.ko\n");
	tree_text(&host, MODULES "/modules.builtin.modinfo", "");
	tree_text(&host, MODULES "/modules.order", "");
	snprintf(command, sizeof(command), "PATH=$PATH:/sbin:/usr/sbin depmod -C /dev/null -b %s %s 2>&1",
		 host.root, SAMPLE_RELEASE);
	assert_int_equal(system(command), 0);
}

static void not_loaded(void **state)
{
	(void)state;
	assert_int_equal(loaded_read(&host, "kvm", &loaded, why), -EIO);
	assert_non_null(strstr(why, "/sys"));
	tree_folder(&host, "/sys/module");
	assert_int_equal(loaded_read(&host, "kvm", &loaded, why), 0);
	assert_false(loaded.present);
	assert_false(loaded.builtin);
	assert_int_equal(loaded.refcnt, -1);
}

static void builtin(void **state)
{
	(void)state;
	tree_text(&host, "/sys/module/kvm/parameters/halt_poll_ns", "200000\n");
	assert_int_equal(loaded_read(&host, "kvm", &loaded, why), 0);
	assert_false(loaded.present);
	assert_true(loaded.builtin);
}

static void all_of_it(void **state)
{
	(void)state;
	load(0x13, true);
	tree_text(&host, SYS "/refcnt", "7\n");
	tree_text(&host, SYS "/version", "0.1.0\n");
	tree_text(&host, SYS "/taint", "OE\n");
	tree_folder(&host, SYS "/holders/kvmgt");
	tree_folder(&host, SYS "/holders/other");
	assert_int_equal(loaded_read(&host, "kvm_intel", &loaded, why), 0);
	assert_true(loaded.present);
	assert_false(loaded.builtin);
	assert_string_equal(loaded.state, "live");
	assert_string_equal(loaded.build_id, SAMPLE_ID);
	assert_true(loaded.stamp.present);
	assert_string_equal(loaded.stamp.build, "1b56");
	assert_string_equal(loaded.version, "0.1.0");
	assert_string_equal(loaded.taint, "OE");
	assert_int_equal(loaded.refcnt, 7);
	assert_int_equal(loaded.n_holders, 2);
	assert_non_null(strstr(loaded.holders, "kvmgt"));
	assert_int_equal(strlen(loaded.holders), strlen("kvmgt other"));
}

/* A build-id may end in what looks like white space. */
static void build_id_with_blanks(void **state)
{
	(void)state;
	load(' ', false);
	assert_int_equal(loaded_read(&host, "kvm_intel", &loaded, why), 0);
	assert_string_equal(loaded.build_id + 38, "20");
	load('\n', false);
	assert_int_equal(loaded_read(&host, "kvm_intel", &loaded, why), 0);
	assert_string_equal(loaded.build_id + 38, "0a");
}

static void odd_values(void **state)
{
	char name[64];

	(void)state;
	load(1, false);
	tree_text(&host, SYS "/refcnt", "many\n");
	tree_text(&host, SYS "/notes/.note.gnu.build-id", "no note at all");
	tree_text(&host, SYS "/notes/.note.kvm-fixes", "");
	for (int i = 0; i < 30; i++) {
		snprintf(name, sizeof(name), SYS "/holders/holder_with_a_name_%02d", i);
		tree_folder(&host, name);
	}
	assert_int_equal(loaded_read(&host, "kvm_intel", &loaded, why), 0);
	assert_int_equal(loaded.refcnt, -1);
	assert_string_equal(loaded.build_id, "");
	assert_false(loaded.stamp.present);
	assert_int_equal(loaded.n_holders, 30);
	assert_true(strlen(loaded.holders) < sizeof(loaded.holders));
}

static enum origin origin(char *file)
{
	assert_int_equal(loaded_read(&host, "kvm_intel", &loaded, why), 0);
	return loaded_origin(&host, "kvm_intel", &loaded, file);
}

static void assert_origin(enum origin expected, const char *path)
{
	char file[PATH_MAX];

	assert_string_equal(origin_name(origin(file)), origin_name(expected));
	assert_string_equal(file, path ? host_path(&host, "%s", path) : "");
}

static void origin_none(void **state)
{
	(void)state;
	tree_folder(&host, "/sys/module");
	assert_origin(ORIGIN_NONE, NULL);
}

static void origin_stock(void **state)
{
	(void)state;
	load(0x13, false);
	assert_origin(ORIGIN_OTHER, NULL);
	install_as(STOCK, 0x13, false);
	install_as(FIXED, 0x77, true);
	assert_origin(ORIGIN_STOCK, STOCK);
	run_depmod();
	assert_origin(ORIGIN_STOCK, STOCK);
	/* DKMS 3.2 takes the original away. */
	unlink(host_path(&host, STOCK));
	install_as(COPY, 0x13, false);
	assert_origin(ORIGIN_STOCK, COPY);
}

static void origin_ours(void **state)
{
	(void)state;
	load(0x13, true);
	assert_origin(ORIGIN_OURS, NULL);	/* the stamp alone */
	install_as(KEPT, 0x13, true);
	assert_origin(ORIGIN_OURS, KEPT);
	install_as(STOCK, 0x55, false);
	install_as(FIXED, 0x13, true);
	assert_origin(ORIGIN_OURS, FIXED);
	run_depmod();
	assert_origin(ORIGIN_OURS, FIXED);
	/* A newer build of ours lies there meanwhile. */
	install_as(FIXED, 0x14, true);
	assert_origin(ORIGIN_OURS, KEPT);
}

static void origin_other(void **state)
{
	(void)state;
	load(0x13, false);
	install_as(STOCK, 0x55, false);
	assert_origin(ORIGIN_OTHER, NULL);
	install_as(FIXED, 0x13, false);
	assert_origin(ORIGIN_OTHER, FIXED);
	install_as(MODULES "/extra/kvm-intel.ko", 0x13, false);
	unlink(host_path(&host, FIXED));
	unlink(host_path(&host, STOCK));
	run_depmod();
	assert_origin(ORIGIN_OTHER, MODULES "/extra/kvm-intel.ko");
}

/* Cut short, it is nobody's; the next place is looked at. */
static void origin_with_damaged_file(void **state)
{
	(void)state;
	load(0x13, false);
	install_as(STOCK, 0x13, false);
	assert_int_equal(truncate(host_path(&host, STOCK), 300), 0);
	install_as(COPY, 0x13, false);
	assert_origin(ORIGIN_STOCK, COPY);
}

static void parameters(void **state)
{
	static struct params params;
	const struct param *param;
	char text[400];

	(void)state;
	assert_int_equal(params_read(&host, "kvm_intel", &params), 0);
	assert_int_equal(params.n, 0);
	tree_text(&host, SYS "/parameters/nested", "Y\n");
	tree_text(&host, SYS "/parameters/ept", "N\n");
	assert_int_equal(chmod(host_path(&host, SYS "/parameters/ept"), 0444), 0);
	tree_text(&host, SYS "/parameters/empty", "\n");
	tree_text(&host, SYS "/parameters/lines", "a\nb\n");
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	tree_text(&host, SYS "/parameters/long", text);
	text[PARAM_VALUE_MAX - 1] = '\0';
	tree_text(&host, SYS "/parameters/longest", text);
	tree_folder(&host, SYS "/parameters/unreadable");
	assert_int_equal(params_read(&host, "kvm_intel", &params), 0);
	assert_int_equal(params.n, 7);
	assert_string_equal(params.list[0].name, "empty");
	assert_string_equal(params.list[6].name, "unreadable");
	param = params_find(&params, "nested");
	assert_string_equal(param->value, "Y");
	assert_true(param->known && param->writable);
	assert_false(params_find(&params, "ept")->writable);
	assert_true(params_find(&params, "empty")->known);
	assert_false(params_find(&params, "lines")->known);
	assert_false(params_find(&params, "long")->known);
	assert_string_equal(params_find(&params, "longest")->value, text);
	assert_false(params_find(&params, "unreadable")->known);
	assert_null(params_find(&params, "none"));
}

static void too_many_parameters(void **state)
{
	static struct params params;
	char name[64];

	(void)state;
	for (int i = 0; i <= PARAMS_MAX; i++) {
		snprintf(name, sizeof(name), SYS "/parameters/p%d", i);
		tree_text(&host, name, "1\n");
	}
	assert_int_equal(params_read(&host, "kvm_intel", &params), -E2BIG);
	unlink(host_path(&host, SYS "/parameters/p0"));
	assert_int_equal(params_read(&host, "kvm_intel", &params), 0);
	assert_int_equal(params.n, PARAMS_MAX);
}

static void resolving(void **state)
{
	char path[PATH_MAX];

	(void)state;
	assert_int_equal(resolve_file(&host, SAMPLE_RELEASE, "kvm_intel", path, why), -ENOENT);
	assert_non_null(strstr(why, "depmod"));
	install_as(STOCK, 1, false);
	run_depmod();
	assert_int_equal(resolve_file(&host, SAMPLE_RELEASE, "kvm_intel", path, why), 0);
	assert_string_equal(path, host_path(&host, STOCK));
	assert_int_equal(resolve_file(&host, SAMPLE_RELEASE, "kvm-intel", path, why), 0);
	install_as(FIXED, 2, true);
	run_depmod();
	assert_int_equal(resolve_file(&host, SAMPLE_RELEASE, "kvm_intel", path, why), 0);
	assert_string_equal(path, host_path(&host, FIXED));
	assert_int_equal(resolve_file(&host, SAMPLE_RELEASE, "kvm_amd", path, why), -ENOENT);
	assert_int_equal(resolve_file(&host, SAMPLE_RELEASE, "builtin", path, why), -ENOENT);
	assert_int_equal(resolve_file(&host, "5.10.0-1", "kvm_intel", path, why), -ENOENT);
	unlink(host_path(&host, FIXED));
	assert_int_equal(resolve_file(&host, SAMPLE_RELEASE, "kvm_intel", path, why), -ENOENT);
	assert_non_null(strstr(why, "not there"));
	assert_string_equal(path, "");
}

static void resolving_by_configuration(void **state)
{
	char path[PATH_MAX];

	(void)state;
	install_as(STOCK, 1, false);
	run_depmod();
	tree_text(&host, "/etc/modprobe.d/a.conf", "blacklist kvm_intel\n");
	assert_int_equal(resolve_file(&host, SAMPLE_RELEASE, "kvm_intel", path, why), 0);
	tree_text(&host, "/etc/modprobe.d/a.conf", "alias kvm_intel something_else\n");
	assert_int_equal(resolve_file(&host, SAMPLE_RELEASE, "kvm_intel", path, why), -ENOENT);
}

static void options(void **state)
{
	char text[256];

	(void)state;
	assert_int_equal(resolve_options(&host, "kvm_intel", text, sizeof(text), why), 0);
	assert_string_equal(text, "");
	tree_text(&host, "/etc/modprobe.d/b.conf", "options kvm-intel nested=1\noptions kvm ignore_msrs=1\n");
	tree_text(&host, "/run/modprobe.d/c.conf", "options kvm_intel ept=0 pml=0\n");
	assert_int_equal(resolve_options(&host, "kvm_intel", text, sizeof(text), why), 0);
	assert_string_equal(text, "nested=1 ept=0 pml=0");
	assert_int_equal(resolve_options(&host, "kvm", text, sizeof(text), why), 0);
	assert_string_equal(text, "ignore_msrs=1");
	assert_int_equal(resolve_options(&host, "kvm_intel", text, 10, why), -E2BIG);
	assert_string_equal(text, "");
	assert_non_null(strstr(why, "too long"));
}

static void install_commands(void **state)
{
	char text[64];

	(void)state;
	tree_text(&host, "/etc/modprobe.d/b.conf", "blacklist kvm_intel\n");
	assert_int_equal(resolve_install_command(&host, "kvm_intel", text, sizeof(text)), 0);
	assert_string_equal(text, "");
	tree_text(&host, "/run/modprobe.d/c.conf", "install kvm-intel /bin/false\n");
	assert_int_equal(resolve_install_command(&host, "kvm_intel", text, sizeof(text)), 0);
	assert_string_equal(text, "/bin/false");
	assert_int_equal(resolve_install_command(&host, "kvm", text, sizeof(text)), 0);
	assert_string_equal(text, "");
}

/* Nonsense in modprobe.d is modprobe's to complain of. */
static void nothing_on_stderr(void **state)
{
	char text[64], said[256] = "";
	int kept = dup(2), fd = memfd_create("stderr", 0);

	(void)state;
	tree_text(&host, "/etc/modprobe.d/b.conf", "nonsense here\nalias\noptions kvm a=1\n");
	dup2(fd, 2);
	setenv("KMOD_LOG", "7", 1);
	resolve_options(&host, "kvm", text, sizeof(text), why);
	assert_string_equal(getenv("KMOD_LOG"), "7");
	unsetenv("KMOD_LOG");
	resolve_options(&host, "kvm", text, sizeof(text), why);
	assert_null(getenv("KMOD_LOG"));
	dup2(kept, 2);
	close(kept);
	assert_string_equal(text, "a=1");
	assert_int_equal(pread(fd, said, sizeof(said) - 1, 0), 0);
	assert_string_equal(said, "");
	close(fd);
}

static void places(void **state)
{
	char path[PATH_MAX];

	(void)state;
	path_stock_dir(&host, "6.1", path);
	assert_string_equal(path, host_path(&host, "/lib/modules/6.1/kernel/arch/x86/kvm"));
	path_fixed_dir(&host, "6.1", path);
	assert_string_equal(path, host_path(&host, "/lib/modules/6.1/updates/dkms"));
	path_stock_copy(&host, "6.1", path);
	assert_string_equal(path, host_path(&host, "/var/lib/kvm-fixes/stock/6.1"));
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(not_loaded), TEST(builtin), TEST(all_of_it), TEST(build_id_with_blanks),
		TEST(odd_values), TEST(origin_none), TEST(origin_stock), TEST(origin_ours),
		TEST(origin_other), TEST(origin_with_damaged_file), TEST(parameters),
		TEST(too_many_parameters), TEST(resolving), TEST(resolving_by_configuration),
		TEST(options), TEST(install_commands), TEST(nothing_on_stderr), TEST(places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
