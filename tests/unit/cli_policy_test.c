// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel enforces, whether a file would pass, and load errors in words.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli_tree.h"
#include "explain.h"
#include "policy.h"

#define RELEASE		"6.1.0-1-amd64"
#define VERMAGIC	RELEASE " SMP preempt mod_unload modversions "
#define EFIVARS		"/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
#define SIG_ENFORCE	"/sys/module/module/parameters/sig_enforce"
#define LOCKDOWN	"/sys/kernel/security/lockdown"
#define STATE_JSON	"/var/lib/kvm-fixes/kernels/" RELEASE "/state.json"

static const char keys[] =
	"0bae8132 I--Q---     1 perm 1f3f0000     0 65534 keyring   Our Key: 1\n"
	"1c9b7f03 I------     1 perm 1f030000     0     0 asymmetri Debian Secure Boot CA: "
	"6ccece7e4c6c0d1f6149f3dd27dfcc5cbb419ea1: X509.rsa 5cbb419ea1 []\n"
	"2d7a1b55 I------     1 perm 1f030000     0     0 asymmetri Some Firm: Module Signer: "
	"66f54e1566a043cc3030420e181cf850fb9f42ac: X509.rsa fb9f42ac []\n"
	"3e7a1b55 I--Q---     1 perm 1f030000     0     0 user      Later Key: 5\n";

static struct host host;
static struct policy policy;
static struct acceptance verdict;
static char why[WHY_MAX];

static int setup(void **state)
{
	(void)state;
	tree_make(&host, RELEASE);
	memset(&policy, 0, sizeof(policy));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	tree_remove(&host);
	return 0;
}

static void assert_contains(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("expected '%s' in '%s'", part, text);
}

static void nothing_known(void **state)
{
	(void)state;
	policy_read(&host, &policy);
	assert_int_equal(policy.secure_boot, STATE_UNKNOWN);
	assert_int_equal(policy.sig_enforce, STATE_UNKNOWN);
	assert_string_equal(policy.lockdown, "");
	assert_null(policy_enforcer(&policy));
}

static void all_read(void **state)
{
	(void)state;
	tree_bytes(&host, EFIVARS, "\6\0\0\0\1", 5);
	tree_text(&host, SIG_ENFORCE, "Y\n");
	tree_text(&host, LOCKDOWN, "none [integrity] confidentiality\n");
	policy_read(&host, &policy);
	assert_int_equal(policy.secure_boot, STATE_YES);
	assert_int_equal(policy.sig_enforce, STATE_YES);
	assert_string_equal(policy.lockdown, "integrity");
	assert_string_equal(policy_enforcer(&policy), "module.sig_enforce");
	tree_bytes(&host, EFIVARS, "\6\0\0\0\0", 5);
	tree_text(&host, SIG_ENFORCE, "N\n");
	policy_read(&host, &policy);
	assert_int_equal(policy.secure_boot, STATE_NO);
	assert_int_equal(policy.sig_enforce, STATE_NO);
	assert_string_equal(policy_enforcer(&policy), "lockdown=integrity");
	tree_text(&host, LOCKDOWN, "none integrity [confidentiality]\n");
	policy_read(&host, &policy);
	assert_string_equal(policy_enforcer(&policy), "lockdown=confidentiality");
	tree_text(&host, LOCKDOWN, "[none] integrity confidentiality\n");
	policy_read(&host, &policy);
	assert_null(policy_enforcer(&policy));
}

static void damaged_values(void **state)
{
	(void)state;
	tree_bytes(&host, EFIVARS, "\6\0\0", 3);
	tree_text(&host, LOCKDOWN, "none [integrity\n");
	tree_folder(&host, "/sys/module");
	policy_read(&host, &policy);
	assert_int_equal(policy.secure_boot, STATE_UNKNOWN);
	assert_string_equal(policy.lockdown, "");
	/* A kernel that knows no signatures. */
	assert_int_equal(policy.sig_enforce, STATE_NO);
}

/* Secure Boot counts where the kernel does not say that it is not locked down. */
static void secure_boot(void **state)
{
	(void)state;
	policy.secure_boot = STATE_YES;
	assert_string_equal(policy_enforcer(&policy), "Secure Boot");
	strcpy(policy.lockdown, "none");
	assert_null(policy_enforcer(&policy));
	policy.sig_enforce = STATE_YES;
	assert_string_equal(policy_enforcer(&policy), "module.sig_enforce");
}

static enum tristate judge(bool has_signature, const char *signer)
{
	static struct modfile file;

	strcpy(file.path, "/x/kvm.ko");
	file.has_signature = has_signature;
	strcpy(file.signer, signer);
	memset(&verdict, 'x', sizeof(verdict));
	policy_judge(&host, &policy, &file, &verdict);
	return verdict.accepted;
}

static void judged_without_enforcement(void **state)
{
	(void)state;
	assert_int_equal(judge(true, "nobody"), STATE_YES);
	assert_string_equal(verdict.why, "");
	assert_int_equal(judge(false, ""), STATE_YES);
	assert_contains(verdict.why, "tainted");
}

static void judged_unsigned(void **state)
{
	(void)state;
	tree_text(&host, "/proc/keys", keys);
	policy.sig_enforce = STATE_YES;
	assert_int_equal(judge(false, ""), STATE_NO);
	assert_contains(verdict.why, "module.sig_enforce");
	assert_contains(verdict.why, "mokutil --import");
	policy.sig_enforce = STATE_NO;
	strcpy(policy.lockdown, "integrity");
	assert_int_equal(judge(false, ""), STATE_NO);
	assert_contains(verdict.why, "lockdown=integrity");
}

static void judged_by_signer(void **state)
{
	(void)state;
	policy.sig_enforce = STATE_YES;
	assert_int_equal(judge(true, "Debian Secure Boot CA"), STATE_UNKNOWN);
	assert_contains(verdict.why, "/proc/keys");
	tree_text(&host, "/proc/keys", "0bae8132 I--Q--- 1 perm 1f3f0000 0 65534 keyring   _ses: 1\n");
	assert_int_equal(judge(true, "_ses"), STATE_UNKNOWN);
	tree_text(&host, "/proc/keys", keys);
	assert_int_equal(judge(true, "Debian Secure Boot CA"), STATE_YES);
	assert_string_equal(verdict.why, "");
	assert_int_equal(judge(true, "Module Signer"), STATE_YES);
	assert_int_equal(judge(true, ""), STATE_UNKNOWN);
	assert_int_equal(judge(true, "DKMS module signing key"), STATE_NO);
	assert_contains(verdict.why, "'DKMS module signing key'");
	/* Parts of names, other kinds of keys, and what follows the last one. */
	assert_int_equal(judge(true, "Secure Boot CA"), STATE_NO);
	assert_int_equal(judge(true, "Debian Secure Boot"), STATE_NO);
	assert_int_equal(judge(true, "Signer"), STATE_NO);
	assert_int_equal(judge(true, "Our Key"), STATE_NO);
	assert_int_equal(judge(true, "Later Key"), STATE_NO);
}

static struct symbol_crc sym(const char *name, uint32_t crc)
{
	return (struct symbol_crc){ (char *)name, crc };
}

/* In the order of names, as modfile_read() has them. */
struct trio {
	struct modfile file, reference, kvm;
	struct symbol_crc imports[3], known[2], exports[1];
};

static void make_trio(struct trio *trio)
{
	memset(trio, 0, sizeof(*trio));
	strcpy(trio->file.path, "/x/kvm-intel.ko");
	strcpy(trio->file.vermagic, VERMAGIC);
	strcpy(trio->reference.vermagic, VERMAGIC);
	trio->imports[0] = sym("kmalloc", 1);
	trio->imports[1] = sym("kvm_init", 2);
	trio->imports[2] = sym("mutex_lock", 3);
	trio->known[0] = sym("kmalloc", 1);
	trio->known[1] = sym("zfree", 9);
	trio->exports[0] = sym("kvm_init", 2);
	trio->file.imports = trio->imports;
	trio->file.n_imports = 3;
	trio->reference.imports = trio->known;
	trio->reference.n_imports = 2;
	trio->kvm.exports = trio->exports;
	trio->kvm.n_exports = 1;
}

static int fits(struct trio *trio)
{
	why[0] = '\0';
	return policy_fits(&host, &trio->file, &trio->reference, &trio->kvm, why);
}

static void fits_vermagic(void **state)
{
	struct trio trio;

	(void)state;
	make_trio(&trio);
	assert_int_equal(fits(&trio), 0);
	strcpy(trio.file.vermagic, "6.1.0-2-amd64 SMP");
	assert_int_equal(fits(&trio), -ENOEXEC);
	assert_contains(why, "'6.1.0-2-amd64'");
	strcpy(trio.file.vermagic, RELEASE "1 SMP");
	assert_int_equal(policy_fits(&host, &trio.file, NULL, NULL, why), -ENOEXEC);
	strcpy(trio.file.vermagic, "");
	assert_int_equal(fits(&trio), -ENOEXEC);
	strcpy(trio.file.vermagic, RELEASE " SMP preempt mod_unload ");
	assert_int_equal(fits(&trio), -ENOEXEC);
	assert_contains(why, "vermagic");
	assert_int_equal(policy_fits(&host, &trio.file, NULL, NULL, why), 0);
	trio.file.stamp.present = true;
	assert_int_equal(fits(&trio), -ENOEXEC);
	assert_contains(why, "dkms-kernel install " RELEASE);
}

static void fits_crcs(void **state)
{
	struct trio trio;

	(void)state;
	make_trio(&trio);
	trio.imports[0].crc = 0xbad;
	assert_int_equal(fits(&trio), -ENOEXEC);
	assert_contains(why, "kmalloc with CRC 0x00000bad");
	make_trio(&trio);
	trio.imports[1].crc = 0xbad;
	assert_int_equal(fits(&trio), -ENOEXEC);
	assert_contains(why, "kvm_init");
	/* What the reference has is no excuse for what the kvm beside it has not. */
	trio.known[1] = sym("kvm_init", 0xbad);
	assert_int_equal(fits(&trio), -ENOEXEC);
	make_trio(&trio);
	trio.file.n_imports = 0;
	assert_int_equal(fits(&trio), -ENOEXEC);
	assert_contains(why, "no CRCs");
	trio.reference.n_imports = 0;
	assert_int_equal(fits(&trio), 0);
}

static void fits_symvers(void **state)
{
	static const char path[] = "/lib/modules/" RELEASE "/build/Module.symvers";
	struct trio trio;

	(void)state;
	make_trio(&trio);
	tree_text(&host, path, "0x00000009\tmutex_lock_nested\tvmlinux\tEXPORT_SYMBOL\t\n"
			       "0x00000003\tmutex_lock\tvmlinux\tEXPORT_SYMBOL\t\n");
	assert_int_equal(fits(&trio), 0);
	tree_text(&host, path, "0x00000009\tmutex_lock_nested\tvmlinux\tEXPORT_SYMBOL\t\n"
			       "0x00000004\tmutex_lock\tvmlinux\tEXPORT_SYMBOL\t\n");
	assert_int_equal(fits(&trio), -ENOEXEC);
	assert_contains(why, "mutex_lock with CRC 0x00000003, and this kernel has it with 0x00000004");
	tree_text(&host, path, "0x00000009\tmutex_lock_nested\tvmlinux\tEXPORT_SYMBOL\t\n"
			       "0x00000003\tx\tmutex_lock\tEXPORT_SYMBOL\nmutex_lock\n\tmutex_lock\t");
	assert_int_equal(fits(&trio), -ENOEXEC);
	assert_contains(why, "nothing of this kernel has");
	tree_text(&host, path, "");
	assert_int_equal(fits(&trio), -ENOEXEC);
}

static enum tristate pending(const char *version, const char *record)
{
	tree_text(&host, "/proc/version", version);
	tree_text(&host, STATE_JSON, record);
	return policy_reboot_pending(&host, why);
}

static void reboot(void **state)
{
	static const char version[] =
		"Linux version 6.1.0-1-amd64 (debian-kernel@lists.debian.org) (gcc-12 (Debian 12.2.0-14) 12.2.0, "
		"GNU ld (GNU Binutils for Debian) 2.40) #1 SMP PREEMPT_DYNAMIC Debian 6.1.9-2 (2026-01-02)\n";

	(void)state;
	assert_int_equal(policy_reboot_pending(&host, why), STATE_UNKNOWN);
	assert_int_equal(pending(version, "{}"), STATE_UNKNOWN);
	assert_int_equal(pending(version, "{\"headers\":"), STATE_UNKNOWN);
	assert_int_equal(pending(version, "{\"headers\":\"6.1.9-2\",\"image\":\"6.1.9-2\"}"), STATE_NO);
	assert_string_equal(why, "");
	assert_int_equal(pending(version, "{\"headers\":\"6.1.9-3\",\"image\":\"6.1.9-2\"}"), STATE_YES);
	assert_contains(why, "build 6.1.9-2 of kernel " RELEASE " runs");
	assert_contains(why, "linux-headers-" RELEASE " is of build 6.1.9-3; reboot");
	assert_int_equal(pending(version, "{\"headers\":\"6.1.9-2\",\"image\":\"6.1.9-3\"}"), STATE_YES);
	assert_contains(why, "linux-image-");
	assert_int_equal(pending(version, "{\"headers\":\"sha256:12\",\"image\":\"\"}"), STATE_UNKNOWN);
	assert_int_equal(pending(version, "{\"headers\":\"sha256:12\",\"image\":\"6.1.9-2\"}"), STATE_NO);
	assert_int_equal(pending("Linux version 6.1 (x) (gcc for Debian 12.2.0-14) #1 SMP Fri Jan 2\n",
				 "{\"headers\":\"6.1.9-3\"}"), STATE_UNKNOWN);
}

static const char *load_error(int error, const char *log)
{
	memset(why, 'x', sizeof(why));
	explain_load("kvm", "/x/kvm.ko", error, &policy, log, why);
	assert_non_null(memchr(why, '\0', sizeof(why)));
	assert_true(strncmp(why, "kvm: /x/kvm.ko was not loaded: ", 31) == 0);
	assert_non_null(strstr(why, "; "));	/* the next step */
	assert_null(strchr(why, '\n'));
	return why;
}

static void load_errors(void **state)
{
	static const struct {
		int error;
		const char *log, *expected;
	} cases[] = {
		{ EKEYREJECTED, "", "mokutil" },
		{ EKEYREJECTED, "6,1,2,-;kvm: loading of unsigned module is rejected\n", "not signed" },
		{ EKEYREJECTED, "Loading of module with unavailable key is rejected", "does not have" },
		{ EPERM, "Lockdown: insmod: unsigned module loading is restricted", "locked down" },
		{ EPERM, "", "as root" },
		{ EPERM, "3,1,2,-;Module kvm is blacklisted\n", "module_blacklist" },
		{ ENOEXEC, "", "cut short" },
		{ ENOEXEC, "kvm: version magic 'a' should be 'b'", "another kernel (kernel: kvm: version" },
		{ EINVAL, "kvm: disagrees about version of symbol kfree\nkvm: Unknown symbol kfree (err -22)\n",
		  "CRC" },
		{ ENOEXEC, "kvm: disagrees about version of symbol module_layout", "layout" },
		{ ENOENT, "kvm: Unknown symbol irq_bypass_x (err -2)", "irq_bypass_x" },
		{ ENOENT, "", "modprobe irqbypass" },
		{ EINVAL, "kvm: `x' invalid for parameter `ept'", "modprobe.d" },
		{ EINVAL, "", "modprobe.d" },
		{ EINVAL, "failed to validate module [kvm] BTF: -22", "BTF" },
		{ EOPNOTSUPP, "kvm: disabled by bios", "firmware" },
		{ EOPNOTSUPP, "kvm_intel: VMX not enabled (by BIOS) in MSR_IA32_FEAT_CTL", "disabled on" },
		{ EOPNOTSUPP, "", "no virtualization" },
		{ ENODEV, "", "no virtualization" },
		{ EIO, "", "firmware" },
		{ ENOMEM, "", "memory" },
		{ EEXIST, "", "already" },
		{ EEXIST, "kvm: already loaded vendor module 'kvm_amd'", "other vendor" },
		{ EBUSY, "", "try again" },
		{ EBADMSG, "", "damaged" },
		{ ENOKEY, "", "enrol" },
		{ ENOPKG, "", "signature" },
		{ ENOSPC, "", "No space left" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_contains(load_error(cases[i].error, cases[i].log), cases[i].expected);
}

/* EPERM alone is ambiguous; what is in force decides. */
static void load_error_by_policy(void **state)
{
	(void)state;
	strcpy(policy.lockdown, "integrity");
	assert_contains(load_error(EPERM, ""), "locked down");
	strcpy(policy.lockdown, "none");
	assert_contains(load_error(EPERM, ""), "no root");
	policy.secure_boot = STATE_YES;
	policy.lockdown[0] = '\0';
	assert_contains(load_error(EPERM, ""), "locked down");
	assert_contains(load_error(EPERM, "Module kvm is blacklisted"), "module_blacklist");
}

static void quoted_lines(void **state)
{
	char log[2048];

	(void)state;
	assert_contains(load_error(ENOEXEC, "6,1,1,-;one\n4,9,9,-;kvm: version magic 'a' should be 'b'\n6,1,1,-;x"),
			"(kernel: kvm: version magic 'a' should be 'b');");
	memset(log, 'l', sizeof(log));
	memcpy(log + 1000, "version magic", 13);
	log[sizeof(log) - 1] = '\0';
	load_error(ENOEXEC, log);
}

static void unload_errors(void **state)
{
	struct loaded loaded = { .refcnt = 3 };

	(void)state;
	explain_unload("kvm", EAGAIN, &loaded, why);
	assert_contains(why, "3 references");
	assert_contains(why, "kvm-fixes status");
	loaded.n_holders = 2;
	strcpy(loaded.holders, "kvm_intel kvmgt");
	explain_unload("kvm", EWOULDBLOCK, &loaded, why);
	assert_contains(why, "kvm_intel kvmgt");
	memset(&loaded, 0, sizeof(loaded));
	loaded.refcnt = -1;
	explain_unload("kvm", EAGAIN, &loaded, why);
	assert_contains(why, "stop all guests");
	explain_unload("kvm", EBUSY, &loaded, why);
	assert_contains(why, "try again");
	explain_unload("kvm", ENOENT, &loaded, why);
	assert_contains(why, "not loaded");
	explain_unload("kvm", EPERM, &loaded, why);
	assert_contains(why, "root");
	explain_unload("kvm", EIO, &loaded, why);
	assert_contains(why, "dmesg");
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_known), TEST(all_read), TEST(damaged_values), TEST(secure_boot),
		TEST(judged_without_enforcement), TEST(judged_unsigned), TEST(judged_by_signer),
		TEST(fits_vermagic), TEST(fits_crcs), TEST(fits_symvers), TEST(reboot),
		TEST(load_errors), TEST(load_error_by_policy), TEST(quoted_lines),
		TEST(unload_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
