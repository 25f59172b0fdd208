/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tls/keyring.h"

/* The key of bytes 0 to 31. */
#define TEXT "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
/* HKDF-SHA256 of it without salt, info "mpnc key id 1", computed with another program. */
#define ID "mpnc-909fd2a966bc7a8591c3663c1cd79e5c"

void __real_free(void *p);
void __wrap_free(void *p);

static unsigned n_freed, n_secrets;

/* Is there a part of the key of bytes 0 to 31 in what is given back? */
void __wrap_free(void *p)
{
	static const uint8_t part[] = { 8, 9, 10, 11, 12, 13, 14, 15 };

	n_freed++;
	if (p && memmem(p, malloc_usable_size(p), part, sizeof(part)))
		n_secrets++;
	__real_free(p);
}

static char dir[64];

static int set_up(void **state)
{
	strcpy(dir, "/tmp/mpnc-keyring-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

static const char *put(const char *name, const char *text, mode_t mode)
{
	static char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
	return path;
}

static void text_of_a_key(void **state)
{
	uint8_t key[KEY_LEN], again[KEY_LEN];
	char text[KEY_TEXT_LEN];

	for (uint8_t i = 0; i < KEY_LEN; i++)
		key[i] = i;
	key_encode(key, text);
	assert_string_equal(text, TEXT);
	assert_int_equal(key_decode(TEXT, strlen(TEXT), again), 0);
	assert_memory_equal(key, again, KEY_LEN);
	assert_int_equal(key_decode(" \n" TEXT "\r\n", strlen(TEXT) + 4, again), 0);

	assert_int_equal(key_generate(key), 0);
	key_encode(key, text);
	assert_int_equal(key_decode(text, strlen(text), again), 0);
	assert_memory_equal(key, again, KEY_LEN);
}

static void what_is_no_key(void **state)
{
	static const char *const texts[] = {
		"",
		"\n",
		"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
		TEXT "A",
		TEXT "\n" TEXT,
		/* padding elsewhere, bits below it, another alphabet */
		"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg==",
		"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9=",
		"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8A",
		"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdH_-=",
		"AAECAwQFBgcICQoL DA0ODxAREhMUFRYXGBkaGxwdHh=",
	};
	uint8_t key[KEY_LEN];

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_not_equal(key_decode(texts[i], strlen(texts[i]), key), 0);
}

static void id_is_derived_and_not_the_key(void **state)
{
	uint8_t key[KEY_LEN];
	char id[KEY_ID_LEN + 1], other[KEY_ID_LEN + 1];

	assert_int_equal(key_decode(TEXT, strlen(TEXT), key), 0);
	assert_int_equal(key_id(key, id), 0);
	assert_string_equal(id, ID);
	key[31] ^= 1;
	assert_int_equal(key_id(key, other), 0);
	assert_string_not_equal(id, other);
}

static void file_that_others_can_read_is_refused(void **state)
{
	static const mode_t modes[] = { 0640, 0604, 0660, 0644, 0620 };
	char why[KEYRING_WHY_LEN];
	struct keyring *ring;

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		assert_int_not_equal(keyring_load_file(&ring, put("k", TEXT "\n", modes[i]), why),
				     0);
		assert_non_null(strstr(why, "chmod 600 /tmp/"));
	}
	assert_int_equal(keyring_load_file(&ring, put("k", TEXT "\n", 0400), why), 0);
	assert_int_equal(keyring_n(ring), 1);
	assert_string_equal(keyring_at(ring, 0)->name, "k");
	assert_string_equal(keyring_at(ring, 0)->id, ID);
	keyring_free(ring);
}

static void message_does_not_show_the_file(void **state)
{
	char why[KEYRING_WHY_LEN];
	struct keyring *ring;

	assert_int_not_equal(keyring_load_file(&ring, put("k", "x" TEXT "\n", 0600), why), 0);
	assert_null(strstr(why, "AAEC"));
	assert_int_not_equal(keyring_load_file(&ring, "/nonexistent/k", why), 0);
	assert_non_null(strstr(why, "No such file"));
	assert_int_not_equal(keyring_load_file(&ring, dir, why), 0);
}

static void directory_of_keys(void **state)
{
	char text[KEY_TEXT_LEN], why[KEYRING_WHY_LEN], name[16], fifo[128];
	uint8_t key[KEY_LEN];
	struct keyring *ring;
	const struct key *found;
	char id[KEY_ID_LEN + 1] = "";

	assert_int_not_equal(keyring_load_dir(&ring, dir, why), 0);
	assert_non_null(strstr(why, "no key"));
	put(".hidden", "no key", 0644);
	snprintf(fifo, sizeof(fifo), "%s/fifo", dir);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(key_generate(key), 0);
		key_encode(key, text);
		snprintf(name, sizeof(name), "host%d", i);
		put(name, text, 0600);
		assert_int_equal(key_id(key, id), 0);
	}
	assert_int_equal(keyring_load_dir(&ring, dir, why), 0);
	assert_int_equal(keyring_n(ring), 20);
	found = keyring_find(ring, id, KEY_ID_LEN);
	assert_non_null(found);
	assert_string_equal(found->name, "host19");
	assert_memory_equal(found->secret, key, KEY_LEN);
	assert_null(keyring_find(ring, id, KEY_ID_LEN - 1));
	id[10] ^= 1;
	assert_null(keyring_find(ring, id, KEY_ID_LEN));
	keyring_free(ring);

	/* One bad file is an error: its owner would wonder why it does not work. */
	put("host3", text, 0644);
	assert_int_not_equal(keyring_load_dir(&ring, dir, why), 0);
	assert_non_null(strstr(why, "host3"));
}

static void key_is_wiped(void **state)
{
	char why[KEYRING_WHY_LEN];
	struct keyring *ring;
	uint8_t *volatile copy = malloc(KEY_LEN); /* volatile: it is really freed */

	for (uint8_t i = 0; i < KEY_LEN; i++)
		copy[i] = i;
	free(copy);
	assert_int_equal(n_secrets, 1);
	n_secrets = n_freed = 0;
	put("a", TEXT "\n", 0600);
	assert_int_equal(keyring_load_dir(&ring, dir, why), 0);
	keyring_free(ring);
	/* Also when the next file is refused. */
	put("b", TEXT "\n", 0644);
	assert_int_not_equal(keyring_load_dir(&ring, dir, why), 0);
	assert_true(n_freed > 0);
	assert_int_equal(n_secrets, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_of_a_key),
		cmocka_unit_test(what_is_no_key),
		cmocka_unit_test(id_is_derived_and_not_the_key),
		cmocka_unit_test_setup_teardown(file_that_others_can_read_is_refused, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(message_does_not_show_the_file, set_up, tear_down),
		cmocka_unit_test_setup_teardown(directory_of_keys, set_up, tear_down),
		cmocka_unit_test_setup_teardown(key_is_wiped, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
