/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The session in doc/PROTOCOL.md, byte by byte: two real sessions and the listener's handshake make
 * it anew, and each flight has to be the page's.
 *
 * The client sends "hello\n" and ends its stream; the listener has nothing to send.
 */
#include "protocol-page.h"
#include "session-peer.h"

static const char stream[] = "hello\n";
#define STREAM_LEN 6

struct side {
	struct session *session; /* the listener's: NULL before HELLO */
	uint16_t slot;
};

struct trace {
	struct page_reader page;
	struct side client;
	struct side listener;
	struct handshake handshake;
};

static struct session *session_of(enum session_role role, enum session_input input)
{
	struct session_config config = {
		.role = role, .window = WINDOW, .n_subflows = 1, .input = input
	};
	struct session *s;

	for (unsigned i = 0; i < sizeof(config.id); i++)
		config.id[i] = (uint8_t)(0x10 + i);
	assert_int_equal(session_new(&s, &config), 0);
	return s;
}

static void digest_of_stream(size_t len, uint8_t out_digest[DIGEST_LEN])
{
	struct digest *d;

	assert_int_equal(digest_new(&d), 0);
	digest_begin_stream(d);
	digest_feed_stream(d, stream, len);
	digest_stream_value(d, out_digest);
	digest_free(d);
}

static void end_input(struct session *s, size_t len, uint64_t now_ns)
{
	uint8_t digest[DIGEST_LEN];

	digest_of_stream(len, digest);
	session_input_end(s, digest, now_ns);
}

static void read_input(struct session *s, uint64_t now_ns)
{
	size_t contiguous;
	uint64_t room;

	assert_int_equal(session_input_room(s, &room), 0);
	assert_true(room >= STREAM_LEN);
	memcpy(winbuf_at(session_tx_buf(s), 0, &contiguous), stream, STREAM_LEN);
	session_input_advance(s, STREAM_LEN, now_ns);
}

/* The output has taken all, and is flushed. */
static void finish_output(struct session *s, size_t len, uint64_t now_ns)
{
	uint8_t digest[DIGEST_LEN];

	session_output_taken(s, len, now_ns);
	assert_true(session_output_complete(s));
	digest_of_stream(len, digest);
	session_output_finish(s, digest, now_ns);
}

/* The listener reads the first bytes of a connection before there is a session. Returns how many of
 * them. */
static size_t greet(struct trace *t, const uint8_t *p, size_t n, uint64_t now_ns)
{
	enum handshake_result r = HANDSHAKE_MORE;
	char text[HANDSHAKE_TEXT_LEN];
	struct wire_hello hello;
	size_t at = 0;

	while (r == HANDSHAKE_MORE) {
		size_t size;
		void *space = handshake_space(&t->handshake, &size);

		assert_true(at + size <= n);
		memcpy(space, p + at, size);
		at += size;
		r = handshake_read(&t->handshake, size, &hello, text);
	}
	assert_int_equal(r, HANDSHAKE_HELLO);
	t->listener.session = session_of(SESSION_SERVER, SESSION_INPUT_NONE);
	assert_int_equal(
		session_subflow_open(t->listener.session, &hello, NULL, now_ns, &t->listener.slot),
		0);
	return at;
}

static void deliver(struct trace *t, struct side *to, size_t n, uint64_t now_ns)
{
	size_t at = to->session ? 0 : greet(t, out, n, now_ns);

	assert_int_equal(feed(to->session, to->slot, out + at, n - at, now_ns), 0);
}

/* What one side sends now is what the page has next, and reaches the other one. */
static void flight(struct trace *t, const char *title, uint64_t now_ns)
{
	bool from_client = title[0] == 'c';
	struct side *from = from_client ? &t->client : &t->listener;
	struct page_vector v;
	size_t n;

	session_tick(from->session, now_ns);
	n = drain(from->session, from->slot, now_ns);
	assert_true(page_vector(&t->page, &v));
	assert_string_equal(v.title, title);
	page_same_bytes(title, v.bytes, v.len, out, n);
	deliver(t, from_client ? &t->listener : &t->client, n, now_ns);
}

static void test_trace(void **state)
{
	char *page = page_load("doc/PROTOCOL.md");
	struct trace t = { .page = page_read(page, "## 12.", "## 13.") };
	struct session *client, *listener;
	struct page_vector v;

	handshake_init(&t.handshake);
	client = t.client.session = session_of(SESSION_CLIENT, SESSION_INPUT_STREAM);
	t.client.slot = open_subflow(client, 0);
	read_input(client, 0);
	flight(&t, "client, at 0 ms", 0);
	end_input(client, STREAM_LEN, MS);
	flight(&t, "client, at 1 ms", MS);
	flight(&t, "listener, at 1 ms", MS);
	flight(&t, "listener, at 5 ms", 5 * MS);
	listener = t.listener.session;
	finish_output(listener, STREAM_LEN, 6 * MS);
	assert_true(session_input_should_end(listener, false));
	end_input(listener, 0, 6 * MS);
	flight(&t, "listener, at 6 ms", 6 * MS);
	finish_output(client, 0, 7 * MS);
	flight(&t, "client, at 7 ms", 7 * MS);
	flight(&t, "listener, at 7 ms", 7 * MS);
	assert_int_equal(session_state(client), SESSION_DONE);
	assert_int_equal(session_state(listener), SESSION_DONE);
	assert_false(page_vector(&t.page, &v));
	session_free(client);
	session_free(listener);
	free(page);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_trace) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
