/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * keyring.h - shared keys: their files, and the names by which they are asked for
 *
 * A key is 256 random bits; its file has them in base64 on one line and is one that nobody
 * else may know or have written (keyfile.h). On the wire a key is asked for by its id, which is
 * derived from it one way. Keys are wiped when the ring is freed.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "tls/keyfile.h"

#define KEY_LEN      32
#define KEY_TEXT_LEN 45 /* base64, with the NUL */
#define KEY_ID_LEN   37 /* "mpnc-" and 128 bits in hex, without NUL */
#define KEY_NAME_LEN 64 /* of its file, printable, cut if longer; with the NUL */

/* Keys of one directory: all of them are held, and looked through for each connection. */
#define KEYRING_MAX 1024

#define KEYRING_WHY_LEN KEYFILE_WHY_LEN

struct key {
	uint8_t secret[KEY_LEN];
	char id[KEY_ID_LEN + 1];
	char name[KEY_NAME_LEN];
};

struct keyring;

/* A new key from the kernel. Returns 0 or -errno. The caller wipes it. */
int key_generate(uint8_t out[KEY_LEN]);

void key_encode(const uint8_t key[KEY_LEN], char out[KEY_TEXT_LEN]);

/* text: what a key file has; space around the key is ignored. Returns 0 or -EINVAL. */
int key_decode(const char *text, size_t len, uint8_t out[KEY_LEN]);

/* Returns 0 or -EIO. */
int key_id(const uint8_t key[KEY_LEN], char out[KEY_ID_LEN + 1]);

/* One key, or every file of a directory whose name does not begin with a dot. Returns 0, or -errno
 * and in why a line for the user. */
int keyring_load_file(struct keyring **out, const char *path, char why[KEYRING_WHY_LEN]);
int keyring_load_dir(struct keyring **out, const char *path, char why[KEYRING_WHY_LEN]);
struct keyring *keyring_free(struct keyring *ring);

unsigned keyring_n(const struct keyring *ring);
/* Borrowed, as long as the ring lives. */
const struct key *keyring_at(const struct keyring *ring, unsigned i);
/* The key of this id, NULL without one. */
const struct key *keyring_find(const struct keyring *ring, const void *id, size_t len);
