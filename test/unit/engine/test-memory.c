/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory ends at every point of a session: handshake, a transfer each way over two connections,
 * close. The allocator fails once, at the first, second, ... n-th allocation, or from there on.
 * Each time it is an error of a session, never a crash, and a session that says that all is well is
 * right.
 */
#include "session-peer.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_XXH3_createState(void);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_XXH3_createState(void);

static unsigned n_allocations; /* since the scene began */
static unsigned fail_at;       /* 0: never */
static bool fail_for_good;

static bool fails(void)
{
	n_allocations++;
	return fail_at && (n_allocations == fail_at || (fail_for_good && n_allocations > fail_at));
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_XXH3_createState(void)
{
	return fails() ? NULL : __real_XXH3_createState();
}

#define LEN 700000u

/* One end. The two sessions have slot numbers of their own for the same connection. */
struct end {
	struct session *s;
	uint16_t slot[2];
	uint64_t read;
	bool ended;
	uint8_t *got; /* what the output took */
	uint64_t taken;
};

static uint8_t stream_digest[DIGEST_LEN];

static bool alive(const struct end *e)
{
	return session_state(e->s) == SESSION_OPEN || session_state(e->s) == SESSION_CONNECTING;
}

static void read_input(struct end *e)
{
	uint64_t room;

	if (!alive(e) || e->ended || session_input_room(e->s, &room))
		return;
	while (e->read < room && e->read < LEN) {
		size_t n;
		uint8_t *p = winbuf_at(session_tx_buf(e->s), e->read, &n);

		n = n < room - e->read ? n : (size_t)(room - e->read);
		n = n < LEN - e->read ? n : (size_t)(LEN - e->read);
		memcpy(p, payload + e->read, n);
		e->read += n;
	}
	session_input_advance(e->s, e->read, MS);
	e->ended = e->read == LEN;
	if (e->ended)
		session_input_end(e->s, stream_digest, MS);
}

static void write_output(struct end *e)
{
	uint64_t end = session_output_end(e->s);

	if (!alive(e))
		return;
	while (e->taken < end) {
		size_t n;
		const uint8_t *p = winbuf_at(session_rx_buf(e->s), e->taken, &n);

		n = n < end - e->taken ? n : (size_t)(end - e->taken);
		memcpy(e->got + e->taken, p, n);
		e->taken += n;
	}
	session_output_taken(e->s, e->taken, MS);
	if (session_output_complete(e->s))
		session_output_finish(e->s, stream_digest, MS);
}

/* What one end has to say on a connection reaches the other. Returns whether it said anything. */
static bool carry(struct end *from, struct end *to, unsigned i, size_t skip, uint64_t now_ns)
{
	struct iovec iov[SESSION_IOV];
	int n_iov = session_tx(from->s, from->slot[i], now_ns, iov);
	size_t n = 0;

	for (int k = 0; k < n_iov; k++) {
		memcpy(out + n, iov[k].iov_base, iov[k].iov_len);
		n += iov[k].iov_len;
	}
	if (!n)
		return false;
	session_tx_done(from->s, from->slot[i], n, now_ns);
	assert_int_equal(feed(to->s, to->slot[i], out + skip, n - skip, now_ns), 0);
	return true;
}

/* A connection: the client opens it, and its HELLO, which the session does not get, goes first. */
static int connect_ends(struct end *client, struct end *server, unsigned i, uint64_t now_ns)
{
	struct wire_hello hello = some_hello;
	struct iovec iov[SESSION_IOV];
	size_t n;
	int r;

	hello.kind = i ? WIRE_HELLO_JOIN : WIRE_HELLO_NEW;
	r = session_subflow_open(client->s, NULL, NULL, now_ns, &client->slot[i]);
	if (r)
		return r;
	session_tx(client->s, client->slot[i], now_ns, iov);
	n = iov[0].iov_len; /* preface, HELLO: control frames are one piece */
	session_tx_done(client->s, client->slot[i], n, now_ns);
	r = session_subflow_open(server->s, &hello, NULL, now_ns, &server->slot[i]);
	if (r)
		session_subflow_close(client->s, client->slot[i], now_ns);
	return r;
}

/* Until nothing moves. */
static void play(struct end *client, struct end *server, unsigned n_conns, uint64_t *now_ns)
{
	bool moved = true;

	for (int round = 0; moved && round < 10000; round++) {
		moved = false;
		*now_ns += 10 * MS;
		read_input(client);
		read_input(server);
		for (unsigned i = 0; i < n_conns; i++) {
			moved |= carry(client, server, i, 0, *now_ns);
			moved |= carry(server, client, i, 0, *now_ns);
		}
		write_output(client);
		write_output(server);
		session_tick(client->s, *now_ns);
		session_tick(server->s, *now_ns);
	}
}

static void check_end(struct end *e, const struct end *peer)
{
	if (session_received_confirmed(e->s)) {
		assert_int_equal(e->taken, LEN);
		assert_memory_equal(e->got, payload, LEN);
	}
	if (session_sent_confirmed(e->s))
		assert_int_equal(peer->taken, LEN);
}

/* Returns whether both ends say that all is well. */
static bool scene(uint8_t *buf)
{
	struct session_config config = {
		.role = SESSION_CLIENT, .window = WINDOW, .n_subflows = 4, .id = "an id of a test"
	};
	struct end client = { .got = buf }, server = { .got = buf + LEN };
	uint64_t now_ns = MS;
	unsigned n_conns = 0;
	bool well = false;

	n_allocations = 0;
	if (session_new(&client.s, &config))
		return false;
	config.role = SESSION_SERVER;
	if (session_new(&server.s, &config) == 0) {
		while (n_conns < 2 && connect_ends(&client, &server, n_conns, now_ns) == 0) {
			carry(&server, &client, n_conns, 0, now_ns);
			n_conns++;
		}
		play(&client, &server, n_conns, &now_ns);
		check_end(&client, &server);
		check_end(&server, &client);
		well = session_state(client.s) == SESSION_DONE &&
		       session_state(server.s) == SESSION_DONE;
		if (!well && n_conns)
			assert_true(session_end(client.s)->reason == WIRE_R_MEMORY ||
				    session_end(server.s)->reason == WIRE_R_MEMORY);
	}
	session_free(client.s);
	session_free(server.s);
	return well;
}

static void test_memory_ends_at_every_point(void **state)
{
	uint8_t *buf = test_malloc(2 * LEN);
	unsigned n, n_well = 0;

	digest_of(LEN, stream_digest);
	fail_at = 0;
	assert_true(scene(buf));
	n = n_allocations;
	assert_true(n > 10);
	for (int for_good = 0; for_good < 2; for_good++) {
		fail_for_good = for_good;
		for (unsigned at = 1; at <= n; at++) {
			fail_at = at;
			n_well += scene(buf);
		}
	}
	fail_at = 0;
	print_message("%u allocations; in %u of %u scenes one connection was enough\n", n, n_well,
		      2 * n);
	test_free(buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_memory_ends_at_every_point) };

	return cmocka_run_group_tests(tests, fill_payload, NULL);
}
