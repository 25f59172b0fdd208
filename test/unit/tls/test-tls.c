/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "tls/keyring.h"
#include "tls/tls.h"

#define BLOCK_LEN (300u << 10)

struct pair {
	struct tls_context *context[2]; /* client, server */
	struct tls *tls[2];
	int fd[2];
};

static char path[2][32];

static void write_key(char file[32])
{
	uint8_t key[KEY_LEN];
	char text[KEY_TEXT_LEN];
	int fd;

	strcpy(file, "/tmp/mpnc-tls-XXXXXX");
	fd = mkstemp(file);
	assert_true(fd >= 0);
	assert_int_equal(key_generate(key), 0);
	key_encode(key, text);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static int set_up(void **state)
{
	write_key(path[0]);
	write_key(path[1]);
	return 0;
}

static int tear_down(void **state)
{
	unlink(path[0]);
	unlink(path[1]);
	return 0;
}

static void open_pair(struct pair *p, const char *client_key, uint64_t rekey_len)
{
	char why[TLS_TEXT_LEN];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, p->fd), 0);
	for (int i = 0; i < 2; i++) {
		struct tls_config config = { .server = i == 1,
					     .key_file = i ? path[0] : client_key,
					     .rekey_len = rekey_len };

		assert_int_equal(tls_context_new(&p->context[i], &config, why), 0);
		assert_int_equal(tls_new(&p->tls[i], p->context[i], p->fd[i]), 0);
	}
}

static void close_pair(struct pair *p)
{
	for (int i = 0; i < 2; i++) {
		tls_free(p->tls[i]);
		tls_context_free(p->context[i]);
		if (p->fd[i] >= 0)
			close(p->fd[i]);
	}
}

/* Until both are done or one has failed; r is how they ended. */
static void shake(struct pair *p, int r[2])
{
	r[0] = r[1] = -EAGAIN;
	for (int i = 0; i < 20 && (r[0] == -EAGAIN || r[1] == -EAGAIN); i++)
		r[i % 2] = tls_handshake(p->tls[i % 2]);
}

static void shake_well(struct pair *p)
{
	int r[2];

	shake(p, r);
	assert_int_equal(r[0], 0);
	assert_int_equal(r[1], 0);
}

static uint8_t *random_block(void)
{
	uint8_t *block = malloc(BLOCK_LEN);

	assert_non_null(block);
	for (size_t i = 0; i < BLOCK_LEN; i++)
		block[i] = (uint8_t)rand();
	return block;
}

/* Sends a block in uneven pieces and receives it in others. */
static void pass_block(struct tls *from, struct tls *to, const uint8_t *block, uint8_t *got)
{
	size_t sent = 0, received = 0;

	while (received < BLOCK_LEN) {
		size_t first = (BLOCK_LEN - sent) / 7, rest = BLOCK_LEN - sent - first;
		struct iovec out[3] = { { (void *)(uintptr_t)(block + sent), first },
					{ NULL, 0 },
					{ (void *)(uintptr_t)(block + sent + first), rest } };
		size_t space = BLOCK_LEN - received;
		struct iovec in[2] = { { got + received, space / 3 },
				       { got + received + space / 3, space - space / 3 } };
		ssize_t n = sent < BLOCK_LEN ? tls_send(from, out, 3) : tls_flush(from);

		if (n > 0)
			sent += (size_t)n;
		n = tls_recv(to, in, 2);
		assert_true(n > 0 || n == -EAGAIN);
		if (n > 0)
			received += (size_t)n;
	}
	assert_memory_equal(block, got, BLOCK_LEN);
}

static void bytes_pass_both_ways_and_over_new_keys(void **state)
{
	uint8_t *block = random_block(), *got = malloc(BLOCK_LEN);
	struct pair p;

	/* One key per batch, and more of them than OpenSSL takes in a row without data. */
	open_pair(&p, path[0], 1);
	shake_well(&p);
	assert_string_equal(tls_peer_name(p.tls[1]), strrchr(path[0], '/') + 1);
	for (int i = 0; i < 20; i++)
		pass_block(p.tls[i % 2], p.tls[(i + 1) % 2], block, got);
	close_pair(&p);
	free(block);
	free(got);
}

static void another_key_is_named_on_both_sides(void **state)
{
	struct pair p;
	int r[2];

	open_pair(&p, path[1], 0);
	shake(&p, r);
	assert_int_equal(r[0], -EPROTO);
	assert_int_equal(r[1], -EPROTO);
	assert_non_null(strstr(tls_text(p.tls[0]), "key files differ"));
	assert_non_null(strstr(tls_text(p.tls[1]), "another key"));
	close_pair(&p);
}

static ssize_t read_byte(struct tls *t)
{
	uint8_t byte;
	const struct iovec iov = { &byte, 1 };

	return tls_recv(t, &iov, 1);
}

/* This often nothing has come yet for recv, and it has for whoever asks right after that. */
static unsigned recv_is_early;

ssize_t __real_recv(int fd, void *buf, size_t len, int flags);
ssize_t __wrap_recv(int fd, void *buf, size_t len, int flags);

ssize_t __wrap_recv(int fd, void *buf, size_t len, int flags)
{
	if (!recv_is_early)
		return __real_recv(fd, buf, len, flags);
	recv_is_early--;
	errno = EAGAIN;
	return -1;
}

static void what_comes_right_after_a_look_is_tls_all_the_same(void **state)
{
	struct pair p;

	open_pair(&p, path[0], 0);
	assert_int_equal(tls_handshake(p.tls[0]), -EAGAIN);
	recv_is_early = 1;
	assert_int_equal(tls_handshake(p.tls[1]), -EAGAIN);
	assert_int_equal(recv_is_early, 0);
	shake_well(&p);
	close_pair(&p);
}

static void orderly_end_is_told_from_a_cut(void **state)
{
	char byte = 'x';
	const struct iovec iov = { &byte, 1 };
	struct pair p;

	for (int orderly = 0; orderly < 2; orderly++) {
		open_pair(&p, path[0], 0);
		shake_well(&p);
		assert_int_equal(tls_send(p.tls[0], &iov, 1), 1);
		if (orderly)
			tls_shutdown(p.tls[0]);
		close(p.fd[0]);
		p.fd[0] = -1;
		assert_int_equal(read_byte(p.tls[1]), 1);
		/* It stays so. */
		for (int i = 0; i < 2; i++)
			assert_int_equal(read_byte(p.tls[1]), orderly ? 0 : -ECONNRESET);
		if (!orderly)
			assert_non_null(strstr(tls_text(p.tls[1]), "cut off"));
		close_pair(&p);
	}
}

static void changed_bit_is_noticed(void **state)
{
	uint8_t wire[256];
	char text[] = "hello";
	const struct iovec iov = { text, 5 };
	struct pair p;
	ssize_t n;
	int mid[2];

	open_pair(&p, path[0], 0);
	shake_well(&p);
	/* The rest of the server's input is what we let through. */
	assert_int_equal(tls_send(p.tls[0], &iov, 1), 5);
	n = recv(p.fd[1], wire, sizeof(wire), 0);
	assert_true(n > 10);
	wire[7] ^= 1;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, mid), 0);
	assert_int_equal(dup2(mid[0], p.fd[1]), p.fd[1]);
	assert_int_equal(send(mid[1], wire, (size_t)n, 0), n);
	assert_int_equal(read_byte(p.tls[1]), -EPROTO);
	assert_string_equal(tls_text(p.tls[1]), "the data were changed on the way");
	close(mid[0]);
	close(mid[1]);
	close_pair(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_pass_both_ways_and_over_new_keys),
		cmocka_unit_test(another_key_is_named_on_both_sides),
		cmocka_unit_test(what_comes_right_after_a_look_is_tls_all_the_same),
		cmocka_unit_test(orderly_end_is_told_from_a_cut),
		cmocka_unit_test(changed_bit_is_noticed),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
