/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * saved.c - bonds of another machine, from copies of /proc/net/bonding/NAME
 *
 * A path is one file, a directory of files, or "-" for standard input. Each file holds one bond;
 * what it is called comes from the file's name, since the content does not say.
 *
 * What always holds:
 * - Files come from users and support reports, so their size, number and bytes are checked, and a
 *   file of a directory that is no copy of a bond is passed over.
 * - Numbers of devices are made up (ifindex), in a block for each bond, so that no two are the
 *   same.
 * - All or nothing: a failure leaves no bonds in *out.
 */
#include "topo/saved.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "topo/bonding_file.h"
#include "util/text.h"

/* A file of 32 ports with everything takes 40 KiB; around it there may be a report. */
#define TEXT_LEN (1u << 20)

/* Bonds of one directory: more than any machine has. */
#define BONDS_MAX 1024

#define STDIN "-"

/* As the kernel's dev_valid_name, but for bytes that a terminal cannot show. */
static bool is_device_name(const char *name)
{
	size_t len = strlen(name);

	return len && len < TOPO_NAME_LEN && name[0] != '.' && !strpbrk(name, "/: \t\r\n\v\f");
}

static const char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	return strcmp(path, STDIN) != 0 && is_device_name(name) ? name : "bond";
}

/* Returns 0 or -errno; the caller frees *text_out. */
static int read_text(FILE *in, char **text_out)
{
	char *text = malloc(TEXT_LEN);
	size_t len;

	*text_out = text;
	if (!text)
		return -ENOMEM;
	len = fread(text, 1, TEXT_LEN, in);
	if (ferror(in))
		return errno ? -errno : -EIO;
	if (len == TEXT_LEN)
		return -EFBIG;
	text[len] = '\0';
	/* What comes behind a NUL is no text. */
	return strlen(text) == len ? 0 : -EINVAL;
}

static int add_bond(struct saved *s, struct bonding_file *file, const char *name)
{
	struct topo_bond *more = reallocarray(s->bonds, s->n + 1, sizeof(*more));

	if (!more)
		return -ENOMEM;
	s->bonds = more;
	bonding_file_complete(file, name);
	file->bond.ifindex += (uint32_t)(s->n * (TOPO_LINKS_MAX + 1));
	s->bonds[s->n++] = file->bond;
	if (file->release[0])
		memcpy(s->release, file->release, sizeof(s->release));
	return 0;
}

/* Returns 0, -EINVAL if it is of no bond, -E2BIG if it is of several, or -errno. */
static int read_file(const char *path, struct saved *s)
{
	FILE *in = strcmp(path, STDIN) == 0 ? stdin : fopen(path, "re");
	struct bonding_file file;
	char *text = NULL;
	int r = in ? read_text(in, &text) : -errno;

	if (!r)
		r = bonding_file_parse(text, &file);
	if (!r)
		r = add_bond(s, &file, name_of(path));
	free(text);
	if (in && in != stdin)
		fclose(in);
	return r;
}

static int read_entry(const char *dir, const char *name, struct saved *s)
{
	char *path;
	int r;

	if (asprintf(&path, "%s/%s", dir, name) < 0)
		return -ENOMEM;
	r = read_file(path, s);
	free(path);
	/* Other files may lie there too. */
	return r == -EINVAL || r == -EISDIR || r == -EFBIG ? 0 : r;
}

static int read_directory(const char *path, struct saved *s)
{
	struct dirent **entries;
	int n = scandir(path, &entries, NULL, alphasort);
	int r = n < 0 ? -errno : 0;

	for (int i = 0; i < n; i++) {
		if (!r && s->n < BONDS_MAX && entries[i]->d_name[0] != '.')
			r = read_entry(path, entries[i]->d_name, s);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	if (!r && !s->n)
		r = -EINVAL;
	return r;
}

static void explain(int r, char why[SAVED_WHY_LEN])
{
	if (r == -EINVAL)
		text_printf(why, SAVED_WHY_LEN,
			    "no copy of /proc/net/bonding/NAME is in it. Make one: cat "
			    "/proc/net/bonding/bond0 >bond0");
	else if (r == -E2BIG)
		text_printf(why, SAVED_WHY_LEN,
			    "several bonds are in one file. Put each into a file of its own, and "
			    "give their directory");
	else
		text_printf(why, SAVED_WHY_LEN, "%s", strerror(-r));
}

int saved_read(const char *path, struct saved *out, char why[SAVED_WHY_LEN])
{
	struct stat st;
	int r;

	memset(out, 0, sizeof(*out));
	if (strcmp(path, STDIN) != 0 && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		r = read_directory(path, out);
	else
		r = read_file(path, out);
	if (r) {
		explain(r, why);
		free(out->bonds);
		out->bonds = NULL;
	}
	return r;
}
