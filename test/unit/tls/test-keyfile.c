/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whose key files are taken, by owner, mode and access list. */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

#include "tls/keyfile.h"

#define SOMEBODY 54321

uid_t __real_geteuid(void);
uid_t __wrap_geteuid(void);

/* Who the program takes itself for. */
static uid_t euid;

uid_t __wrap_geteuid(void)
{
	return euid;
}

static char dir[64], file[96];
static char why[KEYFILE_WHY_LEN];

static int set_up(void **state)
{
	int fd;

	euid = __real_geteuid();
	strcpy(dir, "/tmp/mpnc-keyfile-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(file, sizeof(file), "%s/key", dir);
	fd = open(file, O_WRONLY | O_CREAT | O_EXCL, 0600);
	return fd < 0 ? -1 : close(fd);
}

static int tear_down(void **state)
{
	char command[128];

	unsetenv("CREDENTIALS_DIRECTORY");
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

/* From now on this belongs to another user. Without the rights for that, we are another user. */
static void give_away(const char *path)
{
	if (__real_geteuid() != 0)
		euid = SOMEBODY;
	else if (chown(path, SOMEBODY, (gid_t)-1) < 0)
		skip();
}

static int check(unsigned forbidden)
{
	int fd = open(file, O_RDONLY), r;

	assert_true(fd >= 0);
	why[0] = '\0';
	r = keyfile_check(fd, file, forbidden, why);
	close(fd);
	assert_int_equal(r != 0, why[0] != '\0');
	return r;
}

static void another_users_file_is_refused(void **state)
{
	assert_int_equal(check(077), 0);
	give_away(file);
	assert_int_equal(check(077), -EPERM);
	assert_non_null(strstr(why, "belongs to another user"));
	assert_non_null(strstr(why, "chown"));
}

static void pipe_is_taken_whoever_made_it(void **state)
{
	int fd[2];

	assert_int_equal(pipe(fd), 0);
	if (__real_geteuid() == 0)
		assert_int_equal(fchown(fd[0], SOMEBODY, (gid_t)-1), 0);
	else
		euid = SOMEBODY;
	assert_int_equal(keyfile_check(fd[0], "/dev/fd/63", 077, why), 0);
	close(fd[0]);
	close(fd[1]);
}

static void another_users_fifo_is_refused(void **state)
{
	int fd;

	unlink(file);
	assert_int_equal(mkfifo(file, 0600), 0);
	give_away(file);
	fd = open(file, O_RDONLY | O_NONBLOCK);
	if (fd < 0)
		skip();
	assert_int_equal(keyfile_check(fd, file, 077, why), -EPERM);
	close(fd);
}

#define ENTRY(tag, perm, id)                             \
	{                                                \
		htole16(tag), htole16(perm), htole32(id) \
	}

/* The file's access list: owner r, user r, group_perm, mask r; and group 7, unless group7_perm is
 * 0. */
static void set_acl(uid_t user, unsigned short group_perm, unsigned short group7_perm)
{
	struct {
		struct posix_acl_xattr_header header;
		struct posix_acl_xattr_entry entries[6];
	} acl = { { htole32(POSIX_ACL_XATTR_VERSION) },
		  { ENTRY(ACL_USER_OBJ, ACL_READ, UINT32_MAX), ENTRY(ACL_USER, ACL_READ, user),
		    ENTRY(ACL_GROUP_OBJ, group_perm, UINT32_MAX) } };
	int n = 3;

	if (group7_perm)
		acl.entries[n++] = (struct posix_acl_xattr_entry)ENTRY(ACL_GROUP, group7_perm, 7);
	acl.entries[n++] = (struct posix_acl_xattr_entry)ENTRY(ACL_MASK, ACL_READ, UINT32_MAX);
	acl.entries[n++] = (struct posix_acl_xattr_entry)ENTRY(ACL_OTHER, 0, UINT32_MAX);
	if (setxattr(file, "system.posix_acl_access", &acl,
		     sizeof(acl.header) + (size_t)n * sizeof(acl.entries[0]), 0) < 0 &&
	    errno == EOPNOTSUPP)
		skip();
}

/* What systemd 254 and later do for a service with a user of its own. */
static void access_list_that_names_us_alone_is_no_fault(void **state)
{
	struct stat st;

	set_acl(euid, 0, 0);
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0440);
	assert_int_equal(check(077), 0);
}

static void access_list_that_names_others_is_refused(void **state)
{
	set_acl(SOMEBODY, 0, 0);
	assert_int_equal(check(077), -EPERM);
	set_acl(euid, ACL_READ, 0);
	assert_int_equal(check(077), -EPERM);
	set_acl(euid, 0, ACL_READ);
	assert_int_equal(check(077), -EPERM);
	/* And without any list. */
	assert_int_equal(removexattr(file, "system.posix_acl_access"), 0);
	assert_int_equal(chmod(file, 0440), 0);
	assert_int_equal(check(077), -EPERM);
	assert_non_null(strstr(why, "chmod 400"));
}

static void group_of_a_credential_is_no_fault(void **state)
{
	assert_int_equal(chmod(file, 0440), 0);
	assert_int_equal(setenv("CREDENTIALS_DIRECTORY", dir, 1), 0);
	assert_int_equal(check(077), 0);
	assert_int_equal(chmod(file, 0444), 0);
	assert_int_equal(check(077), -EPERM);
	assert_int_equal(chmod(file, 0440), 0);
	assert_int_equal(setenv("CREDENTIALS_DIRECTORY", "/tmp", 1), 0);
	assert_int_equal(check(077), -EPERM);
	give_away(file);
	assert_int_equal(setenv("CREDENTIALS_DIRECTORY", dir, 1), 0);
	assert_int_equal(check(077), -EPERM);
}

static void group_may_read_a_private_key_and_not_write_it(void **state)
{
	assert_int_equal(chmod(file, 0640), 0);
	assert_int_equal(check(027), 0);
	assert_int_equal(chmod(file, 0660), 0);
	assert_int_equal(check(027), -EPERM);
	assert_non_null(strstr(why, "chmod 640"));
}

static void directory_to_which_others_can_write_is_refused(void **state)
{
	static const mode_t bad[] = { 0777, 0770, 0720, 0702, 01777 };

	assert_int_equal(keyfile_check_dir(dir, why), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(chmod(dir, bad[i]), 0);
		assert_int_equal(keyfile_check_dir(dir, why), -EPERM);
		assert_non_null(strstr(why, "others can add keys"));
	}
	assert_int_equal(chmod(dir, 0755), 0);
	assert_int_equal(keyfile_check_dir(dir, why), 0);
	give_away(dir);
	assert_int_equal(keyfile_check_dir(dir, why), -EPERM);
	assert_non_null(strstr(why, "belongs to another user"));
}

/* ... as the directory can be replaced. One with the sticky bit protects what is in it. */
static void directory_in_one_to_which_others_can_write_is_refused(void **state)
{
	char below[96], keys[128];

	snprintf(below, sizeof(below), "%s/below", dir);
	snprintf(keys, sizeof(keys), "%s/keys", below);
	assert_int_equal(mkdir(below, 0700), 0);
	assert_int_equal(mkdir(keys, 0700), 0);
	assert_int_equal(keyfile_check_dir(keys, why), 0);
	assert_int_equal(chmod(dir, 0770), 0);
	assert_int_equal(keyfile_check_dir(keys, why), -EPERM);
	assert_non_null(strstr(why, "chmod go-w /tmp/mpnc-keyfile-"));
	assert_int_equal(chmod(dir, 01777), 0);
	assert_int_equal(keyfile_check_dir(keys, why), 0);
	assert_int_equal(chmod(dir, 0755), 0);
	if (__real_geteuid() != 0)
		return;
	give_away(dir);
	assert_int_equal(keyfile_check_dir(keys, why), -EPERM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(another_users_file_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(pipe_is_taken_whoever_made_it, set_up, tear_down),
		cmocka_unit_test_setup_teardown(another_users_fifo_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(access_list_that_names_us_alone_is_no_fault, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(access_list_that_names_others_is_refused, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(group_of_a_credential_is_no_fault, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(group_may_read_a_private_key_and_not_write_it,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(directory_to_which_others_can_write_is_refused,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			directory_in_one_to_which_others_can_write_is_refused, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
