/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Model: a key is 32 random bytes, and its file has them as base64. Its id is derived from it by
 * HKDF, and passes in the clear; the key itself never does. A ring holds the key of one file, or
 * all of a directory, and does not change once it is loaded. A key that cannot be read fails the
 * whole ring. Secrets are overwritten before their memory is given back.
 */
#include "tls/keyring.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/text.h"

/* More than a key and the space around it. */
#define FILE_LEN 256

/* Tells ids from all else that may ever be derived from a key. */
#define ID_LABEL  "mpnc key id 1"
#define ID_PREFIX "mpnc-"
#define ID_BYTES  16

struct keyring {
	unsigned n;
	struct key keys[]; /* KEYRING_MAX of a directory: untouched ones cost nothing */
};

/* Keys ----------------------------------------------------------------------------------------- */

int key_generate(uint8_t out[KEY_LEN])
{
	ssize_t n = getrandom(out, KEY_LEN, 0);

	if (n < 0)
		return -errno;
	return n == KEY_LEN ? 0 : -EIO;
}

void key_encode(const uint8_t key[KEY_LEN], char out[KEY_TEXT_LEN])
{
	EVP_EncodeBlock((unsigned char *)out, key, KEY_LEN);
}

int key_decode(const char *text, size_t len, uint8_t out[KEY_LEN])
{
	unsigned char raw[KEY_LEN + 1];
	char again[KEY_TEXT_LEN];
	int r = -EINVAL;

	while (len && strchr(" \t\r\n", text[len - 1]))
		len--;
	while (len && strchr(" \t\r\n", *text)) {
		text++;
		len--;
	}
	if (len != KEY_TEXT_LEN - 1)
		return -EINVAL;
	/* Back again, as the decoder takes padding and the bits under it for zeros. */
	if (EVP_DecodeBlock(raw, (const unsigned char *)text, (int)len) == sizeof(raw)) {
		key_encode(raw, again);
		r = memcmp(again, text, len) ? -EINVAL : 0;
	}
	if (!r)
		memcpy(out, raw, KEY_LEN);
	explicit_bzero(raw, sizeof(raw));
	explicit_bzero(again, sizeof(again));
	return r;
}

static int derive(const uint8_t key[KEY_LEN], uint8_t out[ID_BYTES])
{
	char digest[] = "SHA256", label[] = ID_LABEL;
	uint8_t secret[KEY_LEN];
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, secret, KEY_LEN),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, label, strlen(label)),
		OSSL_PARAM_construct_end(),
	};
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
	int r = -EIO;

	memcpy(secret, key, KEY_LEN);
	if (ctx && EVP_KDF_derive(ctx, out, ID_BYTES, params) == 1)
		r = 0;
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	explicit_bzero(secret, sizeof(secret));
	return r;
}

int key_id(const uint8_t key[KEY_LEN], char out[KEY_ID_LEN + 1])
{
	uint8_t id[ID_BYTES];
	int r = derive(key, id);
	size_t n;

	if (r)
		return r;
	n = text_printf(out, KEY_ID_LEN + 1, ID_PREFIX);
	for (int i = 0; i < ID_BYTES; i++)
		n += text_printf(out + n, KEY_ID_LEN + 1 - n, "%02x", id[i]);
	return 0;
}

/* Files ---------------------------------------------------------------------------------------- */

static int fail_to_read(const char *path, char why[KEYRING_WHY_LEN], int error)
{
	text_printf(why, KEYRING_WHY_LEN, "cannot read %s: %s", path, strerror(error));
	return -error;
}

static int read_some(int fd, char *buf, size_t size, size_t *len_out)
{
	*len_out = 0;
	while (*len_out < size) {
		ssize_t n = read(fd, buf + *len_out, size - *len_out);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		*len_out += (size_t)n;
	}
	return 0;
}

static int read_key(int fd, const char *path, uint8_t out[KEY_LEN], char why[KEYRING_WHY_LEN])
{
	char buf[FILE_LEN];
	size_t len;
	int r = keyfile_check(fd, path, 077, why);

	if (r)
		return r;
	r = read_some(fd, buf, sizeof(buf), &len);
	if (r) {
		fail_to_read(path, why, -r);
	} else {
		r = key_decode(buf, len, out);
		if (r)
			text_printf(why, KEYRING_WHY_LEN,
				    "%s has no key of mpnc genkey: 44 characters of base64", path);
	}
	explicit_bzero(buf, sizeof(buf));
	return r;
}

static int add(struct keyring *ring, int fd, const char *path, char why[KEYRING_WHY_LEN])
{
	struct key *key = &ring->keys[ring->n];
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	int r = read_key(fd, path, key->secret, why);

	if (!r) {
		r = key_id(key->secret, key->id);
		if (r)
			text_printf(why, KEYRING_WHY_LEN, "cannot use %s: OpenSSL has no HKDF",
				    path);
	}
	if (r) {
		explicit_bzero(key, sizeof(*key));
		return r;
	}
	text_quote(key->name, sizeof(key->name), name, strlen(name));
	ring->n++;
	return 0;
}

static int add_file(struct keyring *ring, const char *path, char why[KEYRING_WHY_LEN])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int r;

	if (fd < 0)
		return fail_to_read(path, why, errno);
	r = add(ring, fd, path, why);
	close(fd);
	return r;
}

/* Takes one entry of a directory; what is no file there is passed over. */
static int add_entry(struct keyring *ring, int dir, const char *path, const char *name,
		     char why[KEYRING_WHY_LEN])
{
	char full[2 * KEYRING_WHY_LEN];
	struct stat st;
	int fd, r;

	if (name[0] == '.')
		return 0;
	text_printf(full, sizeof(full), "%s/%s", path, name);
	/* Not held up by a FIFO that somebody put there. */
	fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return fail_to_read(full, why, errno);
	r = fstat(fd, &st) < 0 || !S_ISREG(st.st_mode);
	if (!r && ring->n == KEYRING_MAX)
		r = fail_to_read(full, why, ENOSPC);
	else if (!r)
		r = add(ring, fd, full, why);
	close(fd);
	return r < 0 ? r : 0;
}

static int add_dir(struct keyring *ring, const char *path, char why[KEYRING_WHY_LEN])
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int r;

	if (!dir)
		return fail_to_read(path, why, errno);
	r = keyfile_check_dir(path, why);
	while (!r && (entry = readdir(dir)))
		r = add_entry(ring, dirfd(dir), path, entry->d_name, why);
	closedir(dir);
	if (!r && !ring->n) {
		text_printf(why, KEYRING_WHY_LEN, "there is no key in %s", path);
		r = -ENOENT;
	}
	return r;
}

typedef int (*fill_fn)(struct keyring *ring, const char *path, char why[KEYRING_WHY_LEN]);

/* A ring with room for n keys, and what fill puts into it. */
static int load(struct keyring **out, size_t n, fill_fn fill, const char *path,
		char why[KEYRING_WHY_LEN])
{
	struct keyring *ring = calloc(1, sizeof(*ring) + n * sizeof(ring->keys[0]));
	int r = ring ? fill(ring, path, why) : fail_to_read(path, why, ENOMEM);

	if (r)
		keyring_free(ring);
	else
		*out = ring;
	return r;
}

int keyring_load_file(struct keyring **out, const char *path, char why[KEYRING_WHY_LEN])
{
	return load(out, 1, add_file, path, why);
}

int keyring_load_dir(struct keyring **out, const char *path, char why[KEYRING_WHY_LEN])
{
	return load(out, KEYRING_MAX, add_dir, path, why);
}

struct keyring *keyring_free(struct keyring *ring)
{
	if (!ring)
		return NULL;
	explicit_bzero(ring->keys, ring->n * sizeof(ring->keys[0]));
	free(ring);
	return NULL;
}

unsigned keyring_n(const struct keyring *ring)
{
	return ring->n;
}

const struct key *keyring_at(const struct keyring *ring, unsigned i)
{
	return &ring->keys[i];
}

/* An id is no secret: it passes in the clear. */
const struct key *keyring_find(const struct keyring *ring, const void *id, size_t len)
{
	for (unsigned i = 0; len == KEY_ID_LEN && i < ring->n; i++)
		if (!memcmp(ring->keys[i].id, id, KEY_ID_LEN))
			return &ring->keys[i];
	return NULL;
}
