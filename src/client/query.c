/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "client/query.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "io/clock.h"
#include "path/addr_pairs.h"
#include "session/handshake.h"
#include "tls/channel.h"
#include "util/text.h"

/* Returns 0 or -errno. */
static int wait_for(int fd, short events, uint64_t due_ns)
{
	struct pollfd pfd = { .fd = fd, .events = events };
	int r;

	do {
		uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);

		if (now_ns >= due_ns)
			return -ETIMEDOUT;
		r = poll(&pfd, 1, (int)((due_ns - now_ns) / 1000000 + 1));
	} while (r == 0 || (r < 0 && errno == EINTR));
	return r < 0 ? -errno : 0;
}

static int shake(struct channel ch, uint64_t due_ns)
{
	int r = ch.tls ? tls_handshake(ch.tls) : 0;

	while (r == -EAGAIN) {
		r = wait_for(ch.fd, tls_flushed(ch.tls) ? POLLIN : POLLIN | POLLOUT, due_ns);
		if (!r)
			r = tls_handshake(ch.tls);
	}
	return r;
}

static int ask(struct channel *ch, const struct query *query, uint64_t due_ns)
{
	uint8_t hello[HANDSHAKE_ASK_LEN];
	size_t n = handshake_ask(hello, sizeof(hello), WIRE_HELLO_QUERY);
	int r = wait_for(ch->fd, POLLOUT, due_ns);

	if (!r)
		r = sock_connected(ch->fd);
	if (!r && query->tls)
		r = tls_new(&ch->tls, query->tls, ch->fd);
	if (!r)
		r = shake(*ch, due_ns);
	/* A new connection's socket buffer takes this. */
	if (!r && !channel_send_all(*ch, hello, n))
		r = -ECONNRESET;
	return r;
}

/* Returns how many bytes came, or -errno. */
static ssize_t read_some(struct channel ch, void *buf, size_t size, uint64_t due_ns)
{
	const struct iovec iov = { .iov_base = buf, .iov_len = size };
	ssize_t n = channel_recv(ch, &iov, 1);

	while (n == -EAGAIN) {
		n = wait_for(ch.fd, POLLIN, due_ns);
		if (!n)
			n = channel_recv(ch, &iov, 1);
	}
	return n ? n : -ECONNRESET;
}

/* Returns 0, -errno, or -EPROTO with the reason in why. */
static int read_answer(struct channel ch, uint64_t due_ns, struct wire_welcome *out,
		       char why[QUERY_TEXT_LEN])
{
	uint8_t in[HANDSHAKE_ANSWER_LEN];
	char quoted[HANDSHAKE_TEXT_LEN];
	struct wire_notice refusal;
	size_t have = 0;

	while (have < sizeof(in)) {
		ssize_t n = read_some(ch, in + have, sizeof(in) - have, due_ns);

		if (n < 0)
			return (int)n;
		have += (size_t)n;
		switch (handshake_answer(in, have, out, &refusal, quoted)) {
		case HANDSHAKE_ANSWER_MORE:
			break;
		case HANDSHAKE_ANSWER_WELCOME:
			return 0;
		case HANDSHAKE_ANSWER_REFUSED:
			text_printf(why, QUERY_TEXT_LEN, "it refused: %s",
				    refusal.text[0] ? refusal.text
						    : wire_reason_text(refusal.reason));
			return -EPROTO;
		case HANDSHAKE_ANSWER_STRANGER:
			text_printf(why, QUERY_TEXT_LEN, "it is not mpnc: it sent \"%s\"", quoted);
			return -EPROTO;
		}
	}
	return -EMSGSIZE;
}

/* Somebody took the connection: what of it that is no error of the network's is told apart. */
static int explain_silence(int r, char why[QUERY_TEXT_LEN])
{
	if (r != -ETIMEDOUT && r != -ECONNRESET)
		return r;
	text_printf(why, QUERY_TEXT_LEN, "the port is open, but %s",
		    r == -ETIMEDOUT ? "nothing answered as mpnc does"
				    : "the connection was closed without an answer");
	return -EPROTO;
}

int query_peer(const struct query *query, struct wire_welcome *out, char why[QUERY_TEXT_LEN])
{
	struct addr_pairs pairs = { 0 };
	int r = -EAFNOSUPPORT;

	why[0] = '\0';
	for (int i = 0; i < query->n_addrs; i++)
		addr_pairs_add(&pairs, &query->addrs[i], query->sources, query->n_sources);
	for (unsigned i = 0; i < pairs.n; i++) {
		const struct addr_pair *pair = &pairs.pair[i];
		bool bound = pair->local.sa.sa_family != AF_UNSPEC;
		uint64_t due_ns = clock_ns(CLOCK_MONOTONIC) + query->limit_ns;
		struct channel ch = { .fd = sock_connect(&pair->remote, bound ? &pair->local : NULL,
							 &query->socket) };

		r = ch.fd < 0 ? ch.fd : ask(&ch, query, due_ns);
		if (!r)
			r = explain_silence(read_answer(ch, due_ns, out, why), why);
		if (channel_text(ch)) {
			text_printf(why, QUERY_TEXT_LEN, "%s", channel_text(ch));
			r = -EPROTO;
		}
		tls_free(ch.tls);
		if (!r)
			return ch.fd;
		if (ch.fd >= 0)
			close(ch.fd);
	}
	if (r != -EPROTO)
		text_printf(why, QUERY_TEXT_LEN, "%s", strerror(-r));
	return -1;
}
