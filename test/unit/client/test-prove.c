/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A client and whoever it finds at an address. The hashes were computed with sha256sum. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "client/prove.h"
#include "path/sock_wire.h"
#include "server/prove_reply.h"

static const uint8_t number[] = { 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31 };

static void names_and_proofs_are_those_of_the_page(void **state)
{
	static const uint8_t challenge[] = { 64, 65, 66, 67, 68, 69, 70, 71,
					     72, 73, 74, 75, 76, 77, 78, 79 };
	static const uint8_t proof[] = { 0x19, 0x59, 0xd2, 0xef, 0x2e, 0xc7, 0xd6, 0x30,
					 0x19, 0xc3, 0x52, 0x12, 0x55, 0xde, 0xcf, 0x30 };
	struct wire_addr at = { .family = 4, .addr = { 192, 0, 2, 1 }, .port = 31337 };
	uint8_t out[WIRE_PROOF_LEN];
	char text[PROOF_TEXT_LEN];

	proof_name_text(text, number);
	assert_string_equal(text, "925bf17e0519fdc03e555a77107f571e");
	proof_make(out, number, challenge, &at);
	assert_memory_equal(out, proof, sizeof(proof));
	at.port++;
	proof_make(out, number, challenge, &at);
	assert_memory_not_equal(out, proof, sizeof(proof));
}

struct fixture {
	int client, listener;
	struct prove *prove;
	struct wire_hello hello; /* that came */
	struct wire_names names; /* of the listener's end */
};

static void connect_both(struct fixture *f)
{
	union sock_addr at = { .in = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, &at.sa, sizeof(at.in)), 0);
	assert_int_equal(listen(fd, 1), 0);
	sock_local(fd, &at);
	f->client = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(f->client, &at.sa, sizeof(at.in)), 0);
	f->listener = accept(fd, NULL, NULL);
	assert_true(f->listener >= 0);
	close(fd);
}

static void start(struct fixture *f)
{
	char text[HANDSHAKE_TEXT_LEN];
	enum handshake_result r = HANDSHAKE_MORE;
	static struct handshake h;
	uint32_t ifindex;

	connect_both(f);
	assert_int_equal(prove_ask(&f->prove, f->client, number), 0);
	handshake_init(&h);
	while (r == HANDSHAKE_MORE) {
		size_t size;
		void *p = handshake_space(&h, &size);
		ssize_t n = recv(f->listener, p, size, 0);

		assert_true(n > 0);
		r = handshake_read(&h, (size_t)n, &f->hello, text);
	}
	assert_int_equal(r, HANDSHAKE_HELLO);
	assert_int_equal(sock_wire_names(f->listener, &f->names, &ifindex), 0);
}

static void stop(struct fixture *f)
{
	prove_free(f->prove);
	close(f->client);
	close(f->listener);
}

/* Byte by byte; returns what the last one makes of it. */
static int say(struct fixture *f, const uint8_t *bytes, size_t n)
{
	char why[PROVE_TEXT_LEN];
	int r = -EAGAIN;

	for (size_t i = 0; i < n; i++) {
		assert_int_equal(r, -EAGAIN);
		assert_int_equal(send(f->listener, bytes + i, 1, 0), 1);
		r = prove_read(f->prove, f->client, why);
	}
	assert_int_equal(r && r != -EAGAIN, why[0] != '\0');
	return r;
}

static int answer(struct fixture *f, const struct wire_items *items)
{
	const struct wire_welcome m = { .version = 1, .items = *items };
	static uint8_t buf[HANDSHAKE_ANSWER_LEN];

	return say(f, buf, handshake_welcome(buf, sizeof(buf), &m));
}

static void the_listener_that_has_it_is_believed(void **state)
{
	struct wire_items items = { .has_proof = true };
	struct fixture f;

	start(&f);
	assert_true(prove_fits(&f.hello, number));
	/* The number itself was not said. */
	assert_memory_not_equal(f.hello.session, number, sizeof(number));
	proof_make(items.proof, number, f.hello.session, &f.names.local);
	assert_int_equal(answer(&f, &items), 0);
	stop(&f);
}

static void nobody_else_is(void **state)
{
	uint8_t other[sizeof(number)] = { 1 };

	for (int kind = 0; kind < 4; kind++) {
		struct wire_items items = { .has_proof = kind != 0 };
		struct fixture f;

		start(&f);
		assert_false(prove_fits(&f.hello, other));
		/* One that has the name alone, another session, or asked the listener at another
		 * address for it. */
		if (kind == 1)
			memcpy(items.proof, f.hello.items.proof, sizeof(items.proof));
		else if (kind == 2)
			proof_make(items.proof, other, f.hello.session, &f.names.local);
		f.names.local.addr[3]++;
		if (kind == 3)
			proof_make(items.proof, number, f.hello.session, &f.names.local);
		assert_int_equal(answer(&f, &items), -EPROTO);
		stop(&f);
	}
}

static void a_refusal_and_another_protocol_are_told_apart(void **state)
{
	uint8_t buf[HANDSHAKE_ANSWER_LEN];
	struct fixture f;

	start(&f);
	assert_int_equal(
		say(&f, buf, handshake_refuse(buf, sizeof(buf), WIRE_R_NO_SESSION, "gone")),
		-EPROTO);
	stop(&f);
	start(&f);
	assert_int_equal(say(&f, (const uint8_t *)"H", 1), -EPROTO);
	stop(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_and_proofs_are_those_of_the_page),
		cmocka_unit_test(the_listener_that_has_it_is_believed),
		cmocka_unit_test(nobody_else_is),
		cmocka_unit_test(a_refusal_and_another_protocol_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
