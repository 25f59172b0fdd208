/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * keyfile.c - can anybody else know or replace a key?
 *
 * A key is trusted if only root and the user of this process can read and change it. For a file
 * this takes three questions, and for a directory of keys one more:
 *
 *   the file        who owns it, and which of its permission bits others have
 *   its access list a mask looks like the group's permission; the entries say whom it admits
 *   the directory   who can add a key to it
 *   those above it  who can put another directory in its place; a sticky one protects
 *
 * What always holds:
 * - A file is judged by its descriptor, after opening it, so that what is judged is what is read.
 * - What cannot be found out counts as unsafe: an access list that cannot be read admits others.
 * - Each refusal names the file, what others can do, and the command that ends it.
 *
 * Two things are ours without looking so: an unnamed pipe ("<(pass show key)"), and a credential of
 * systemd, whose group's bits do not count.
 */
#include "tls/keyfile.h"

#include <endian.h>
#include <errno.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "util/text.h"

/* Entries of an access list that are looked at: systemd's has five. A longer one is for others. */
#define ACL_ENTRIES 16

/* Owner of what has none in this user namespace: of / and /tmp in a container of an ordinary user.
 */
#define UID_UNKNOWN 65534

static int fail_to_read(const char *path, char why[KEYFILE_WHY_LEN], int error)
{
	text_printf(why, KEYFILE_WHY_LEN, "cannot read %s: %s", path, strerror(error));
	return -error;
}

static bool is_trusted(uid_t uid)
{
	return uid == 0 || uid == geteuid();
}

/* Directly below the directory of credentials that systemd has made for us? */
static bool is_credential(const char *path)
{
	const char *dir = getenv("CREDENTIALS_DIRECTORY");
	size_t n = dir ? strlen(dir) : 0;

	return n && !strncmp(path, dir, n) && path[n] == '/' && path[n + 1] != '.' &&
	       !strchr(path + n + 1, '/');
}

/* Does this entry give a permission of forbidden, three bits, to somebody else? */
static bool entry_gives(const struct posix_acl_xattr_entry *entry, unsigned forbidden)
{
	if (!(le16toh(entry->e_perm) & forbidden))
		return false;
	switch (le16toh(entry->e_tag)) {
	case ACL_USER_OBJ:
	case ACL_MASK:
		return false;
	case ACL_USER:
		return !is_trusted(le32toh(entry->e_id));
	default:
		return true;
	}
}

/* Are the group's bits a mask for users of an access list, all of whom we trust? */
static bool is_mask_for_us(int fd, unsigned forbidden)
{
	struct {
		struct posix_acl_xattr_header header;
		struct posix_acl_xattr_entry entries[ACL_ENTRIES];
	} acl;
	ssize_t n = fgetxattr(fd, "system.posix_acl_access", &acl, sizeof(acl));

	if (n < (ssize_t)sizeof(acl.header) ||
	    le32toh(acl.header.a_version) != POSIX_ACL_XATTR_VERSION)
		return false;
	n = (n - (ssize_t)sizeof(acl.header)) / (ssize_t)sizeof(acl.entries[0]);
	for (ssize_t i = 0; i < n; i++)
		if (entry_gives(&acl.entries[i], forbidden))
			return false;
	return true;
}

static bool is_unnamed_pipe(int fd, const struct stat *st)
{
	struct statfs fs;

	return S_ISFIFO(st->st_mode) && !fstatfs(fd, &fs) && fs.f_type == PIPEFS_MAGIC;
}

int keyfile_check(int fd, const char *path, unsigned forbidden, char why[KEYFILE_WHY_LEN])
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return fail_to_read(path, why, errno);
	if (S_ISDIR(st.st_mode))
		return fail_to_read(path, why, EISDIR);
	if (is_unnamed_pipe(fd, &st))
		return 0;
	if (!is_trusted(st.st_uid)) {
		text_printf(why, KEYFILE_WHY_LEN,
			    "%s belongs to another user, who may know the key and can change it; "
			    "make a new key, or: chown %u %s",
			    path, (unsigned)geteuid(), path);
		return -EPERM;
	}
	if (st.st_mode & forbidden & 070 &&
	    (is_credential(path) || is_mask_for_us(fd, forbidden >> 3 & 7)))
		forbidden &= 07;
	if (st.st_mode & forbidden) {
		text_printf(why, KEYFILE_WHY_LEN,
			    "%s is open to others and may be known to them; make a new key, or: "
			    "chmod %o %s",
			    path, (unsigned)st.st_mode & 0777 & ~forbidden, path);
		return -EPERM;
	}
	return 0;
}

static int check_dir_itself(const char *path, char why[KEYFILE_WHY_LEN])
{
	struct stat st;

	if (stat(path, &st) < 0)
		return fail_to_read(path, why, errno);
	if (!is_trusted(st.st_uid)) {
		text_printf(why, KEYFILE_WHY_LEN,
			    "%s belongs to another user, who can add keys to it; look at each key "
			    "in there, then: chown %u %s",
			    path, (unsigned)geteuid(), path);
		return -EPERM;
	}
	if (st.st_mode & 022) {
		text_printf(why, KEYFILE_WHY_LEN,
			    "others can add keys to %s; look at each key in there, then: "
			    "chmod %o %s",
			    path, (unsigned)st.st_mode & 0777 & ~022u, path);
		return -EPERM;
	}
	return 0;
}

/* Can others rename or remove what belongs to us or root in this directory? In one with the sticky
 * bit they cannot. */
static int check_dir_above(const char *path, char why[KEYFILE_WHY_LEN])
{
	struct stat st;

	if (stat(path, &st) < 0)
		return fail_to_read(path, why, errno);
	if (!is_trusted(st.st_uid) && st.st_uid != UID_UNKNOWN) {
		text_printf(why, KEYFILE_WHY_LEN,
			    "%s belongs to another user, who can put other keys in place of those "
			    "in it; choose another directory for keys",
			    path);
		return -EPERM;
	}
	if (st.st_mode & 022 && !(st.st_mode & S_ISVTX)) {
		text_printf(why, KEYFILE_WHY_LEN,
			    "others can write to %s, and put other keys in place of those in it; "
			    "choose another directory for keys, or: chmod go-w %s",
			    path, path);
		return -EPERM;
	}
	return 0;
}

int keyfile_check_dir(const char *path, char why[KEYFILE_WHY_LEN])
{
	int r = check_dir_itself(path, why);
	char full[PATH_MAX];
	char *slash;

	if (!r && !realpath(path, full))
		r = fail_to_read(path, why, errno);
	while (!r && full[1]) {
		slash = strrchr(full, '/');
		/* Of the root directory the slash itself is the name. */
		slash[slash == full] = '\0';
		r = check_dir_above(full, why);
	}
	return r;
}
