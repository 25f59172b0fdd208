/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Model: connections that are being made are in dials; those that are made are in a list, the
 * oldest first, and are ready once the peer has answered HELLO.
 *
 *   dialled --> HELLO sent --> ready --> taken by a session
 *      |            |            |
 *      +-- failed --+            +-- closed by the peer: the next one after a pause
 *            the pair of addresses rests, each time twice as long
 *
 * The first connection is made alone: its answer says which links there are, and the ports of the
 * others are planned with them (known). Both lists together hold config.n at most. The timer `fill`
 * makes what is missing.
 */
#include "relay/preconnect.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "client/dial.h"
#include "path/pathmgr_plan.h"
#include "session/handshake.h"
#include "util/text.h"

struct preconnection {
	struct loop_io io;
	struct channel ch;
	struct loop_timer limit;
	struct preconnect *owner;
	struct preconnection *next; /* which is younger */
	uint16_t port;
	unsigned pair;
	uint64_t took_ns;
	bool ready;
	size_t have; /* of the answer */
	uint8_t answer[HANDSHAKE_ANSWER_LEN];
};

struct preconnect {
	struct loop *loop;
	struct preconnect_config config;
	struct pathmgr *paths;
	struct loop_timer fill;
	struct addr_pairs pairs;  /* the links of the first one are planned */
	int addr[ADDR_PAIRS_MAX]; /* of the peer's, that of each pair */
	struct dials dials;
	struct preconnection *oldest;
	unsigned n;       /* of them */
	bool known;       /* the links are */
	bool anew;        /* nothing is left: what is known may hold no longer */
	uint64_t took_ns; /* the last one, to connect */
	uint64_t looked_ns;
};

static const uint32_t any_links[COVER_ENDS];

__attribute__((format(printf, 3, 4))) static void note(const struct preconnect *w, int level,
						       const char *fmt, ...)
{
	char text[OUTCOME_REASON_LEN];
	va_list ap;

	va_start(ap, fmt);
	text_vprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	w->config.note(w->config.arg, level, text);
}

static void fill_at(struct preconnect *w, uint64_t due_ns)
{
	if (!w->fill.linked || due_ns < w->fill.due_ns)
		loop_set_timer(w->loop, &w->fill, due_ns);
}

static void fill_after(struct preconnect *w, uint64_t delay_ns)
{
	fill_at(w, loop_now(w->loop) + delay_ns);
}

/* Over each pair: those that are there or being made. */
static void count_open(const struct preconnect *w, unsigned out[ADDR_PAIRS_MAX])
{
	memset(out, 0, ADDR_PAIRS_MAX * sizeof(*out));
	for (const struct preconnection *k = w->oldest; k; k = k->next)
		out[k->pair]++;
	for (const struct dial *d = w->dials.first; d; d = d->next)
		out[d->pair]++;
}

/* The pair for one more; -1: all of them rest. */
static int next_pair(const struct preconnect *w)
{
	unsigned open[ADDR_PAIRS_MAX];

	count_open(w, open);
	return addr_pairs_next(&w->pairs, open, loop_now(w->loop));
}

/* At once over a pair that does not rest, else when the first one has rested. */
static void fill_when_due(struct preconnect *w)
{
	uint64_t now_ns = loop_now(w->loop);

	if (w->n + w->dials.n < w->config.n)
		fill_at(w, next_pair(w) < 0 ? addr_pairs_due(&w->pairs, now_ns) : now_ns);
}

/* Returns its connection, which is open. */
static struct channel preconnection_end(struct preconnection *k)
{
	struct preconnect *w = k->owner;
	struct preconnection **p = &w->oldest;
	struct channel ch = k->ch;

	assert(w->n);
	while (*p != k)
		p = &(*p)->next;
	*p = k->next;
	w->n--;
	loop_remove(w->loop, &k->io);
	loop_set_timer(w->loop, &k->limit, LOOP_NEVER);
	free(k);
	return ch;
}

/* In the order that a client has them in. */
static void make_pairs(struct preconnect *w)
{
	const struct client_config *c = &w->config.client;

	for (int i = 0; i < c->n_addrs; i++) {
		unsigned n = w->pairs.n;

		addr_pairs_add(&w->pairs, &c->addrs[i], c->sources, c->n_sources);
		for (; n < w->pairs.n; n++)
			w->addr[n] = i;
	}
}

/* Other addresses may do, there and here. */
static void begin_anew(struct preconnect *w)
{
	w->anew = w->known = false;
	for (unsigned i = 0; i < w->pairs.n; i++) {
		w->pairs.pair[i].no_joins = false;
		if (!w->config.client.n_sources)
			w->pairs.pair[i].local.sa.sa_family = AF_UNSPEC;
	}
}

/* Over this pair. It rests, longer each time, and no other waits for it. */
static void failed(struct preconnect *w, unsigned i, const char *why)
{
	struct addr_pair *pair = &w->pairs.pair[i];
	uint64_t now_ns = loop_now(w->loop);
	char addrs[ADDR_PAIRS_TEXT_LEN];

	addr_pairs_text(pair, addrs);
	if (w->pairs.n > 1)
		note(w, pair->failures ? 2 : 1, "no connection can be kept ready (%s): %s", addrs,
		     why);
	else
		note(w, pair->failures ? 2 : 1, "no connection can be kept ready: %s", why);
	pair->failures++;
	/* It may be our address that is another now. The first one's stays, as its ports are
	 * planned. */
	if (i != w->pairs.first && !w->config.client.n_sources)
		pair->local.sa.sa_family = AF_UNSPEC;
	w->anew = !w->n && !w->dials.n;
	/* Others that fail for the same reason count once. */
	if (pair->due_ns <= now_ns) {
		pair->delay_ns = pair->delay_ns ? 2 * pair->delay_ns : PRECONNECT_RETRY_MIN_NS;
		if (pair->delay_ns > PRECONNECT_RETRY_MAX_NS)
			pair->delay_ns = PRECONNECT_RETRY_MAX_NS;
		pair->due_ns = now_ns + pair->delay_ns;
	}
	fill_when_due(w);
}

static void preconnection_failed(struct preconnection *k, const char *why)
{
	struct preconnect *w = k->owner;
	unsigned pair = k->pair;
	struct channel ch = preconnection_end(k);
	char text[TLS_TEXT_LEN];

	text_printf(text, sizeof(text), "%s", channel_text(ch) ? channel_text(ch) : why);
	channel_close(ch);
	failed(w, pair, text);
}

static void limit_fired(struct loop_timer *timer)
{
	preconnection_failed(timer->arg, strerror(ETIMEDOUT));
}

/* It waited, and the peer has closed it: for its age, or because it is gone itself. */
static void preconnection_lost(struct preconnection *k)
{
	struct preconnect *w = k->owner;

	note(w, 2, "the preconnection from port %u is gone", k->port);
	channel_close(preconnection_end(k));
	fill_after(w, PRECONNECT_RETRY_MIN_NS);
}

/* Sessions begin on these connections. So they go to one machine: to several addresses only if the
 * user that named them means one by them, and not to all that a name has. */
static void choose_pairs(struct preconnect *w)
{
	const struct addr_pairs *r = &w->pairs;

	for (unsigned i = 0; i < r->n; i++)
		w->pairs.pair[i].no_joins =
			!w->config.client.listed && w->addr[i] != w->addr[r->first];
}

/* By what the links of each carry on this side; where that is not known, all alike. */
static void weigh_pairs(struct preconnect *w)
{
	uint32_t speed[ADDR_PAIRS_MAX];
	bool known = true;

	if (addr_pairs_n_joining(&w->pairs) < 2)
		return;
	for (unsigned i = 0; i < w->pairs.n; i++) {
		const struct addr_pair *pair = &w->pairs.pair[i];

		speed[i] =
			pair->no_joins ? 1 : pathmgr_speed(w->paths, &pair->local, &pair->remote);
		known &= speed[i] > 0;
	}
	for (unsigned i = 0; i < w->pairs.n; i++)
		w->pairs.pair[i].weight = known ? speed[i] : 1;
}

static void look_at_links(struct preconnect *w, const struct preconnection *k,
			  const struct wire_welcome *m)
{
	struct addr_pair *pair = &w->pairs.pair[k->pair];
	uint64_t now_ns = loop_now(w->loop);
	int fd = k->ch.fd;

	/* Later ones are bound to the address that was hashed. */
	if (pair->local.sa.sa_family == AF_UNSPEC) {
		sock_local(fd, &pair->local);
		sock_addr_set_port(&pair->local, 0);
	}
	if (!w->known) {
		w->pairs.first = k->pair;
		choose_pairs(w);
	} else if (k->pair != w->pairs.first || now_ns - w->looked_ns < PRECONNECT_LOOK_NS) {
		return;
	}
	w->known = true;
	w->looked_ns = now_ns;
	pathmgr_learn(w->paths, fd, now_ns);
	pathmgr_set_peer_facts(w->paths, &m->items.facts);
	pathmgr_compare_names(w->paths, fd, &m->items.names);
	weigh_pairs(w);
}

static void preconnection_answered(struct preconnection *k, const struct wire_welcome *m)
{
	struct preconnect *w = k->owner;

	assert(!k->ready);
	k->ready = true;
	loop_set_timer(w->loop, &k->limit, LOOP_NEVER);
	look_at_links(w, k, m);
	addr_pairs_answered(&w->pairs.pair[k->pair]);
	note(w, 2, "the preconnection from port %u is ready", k->port);
	fill_when_due(w);
}

static void preconnection_read(struct preconnection *k)
{
	struct iovec iov = { .iov_base = k->answer + k->have,
			     .iov_len = sizeof(k->answer) - k->have };
	ssize_t n = channel_recv(k->ch, &iov, 1);
	char quoted[HANDSHAKE_TEXT_LEN];
	struct wire_notice refusal;
	struct wire_welcome m;

	if (n == -EAGAIN || n == -EINTR)
		return;
	if (n <= 0) {
		preconnection_failed(k, n ? strerror((int)-n) : "it was closed without an answer");
		return;
	}
	k->have += (size_t)n;
	switch (handshake_answer(k->answer, k->have, &m, &refusal, quoted)) {
	case HANDSHAKE_ANSWER_MORE:
		break;
	case HANDSHAKE_ANSWER_WELCOME:
		preconnection_answered(k, &m);
		break;
	case HANDSHAKE_ANSWER_REFUSED:
		preconnection_failed(k, refusal.text[0] ? refusal.text
							: wire_reason_text(refusal.reason));
		break;
	case HANDSHAKE_ANSWER_STRANGER:
		preconnection_failed(k, "it is not mpnc");
		break;
	}
}

static void preconnection_event(struct loop_io *io, uint32_t events)
{
	struct preconnection *k = io->arg;

	/* There is nothing to be said to one that is ready. */
	if (k->ready)
		preconnection_lost(k);
	else
		preconnection_read(k);
}

static void dial_connected(void *arg, uint64_t took_ns)
{
	((struct preconnect *)arg)->took_ns = took_ns;
}

static bool dial_late(void *arg)
{
	return false;
}

static void dial_failed(void *arg, unsigned pair, bool stood, int error, const char *why)
{
	failed(arg, pair, why);
}

static void dial_done(void *arg, unsigned pair, struct channel ch)
{
	struct preconnect *w = arg;
	struct preconnection *k = calloc(1, sizeof(*k)), **last = &w->oldest;
	uint8_t hello[HANDSHAKE_ASK_LEN];
	union sock_addr local;
	int r;

	if (!k) {
		channel_close(ch);
		failed(w, pair, strerror(ENOMEM));
		return;
	}
	sock_local(ch.fd, &local);
	k->owner = w;
	k->ch = ch;
	k->port = sock_addr_port(&local);
	k->pair = pair;
	k->took_ns = w->took_ns;
	k->io = (struct loop_io){ .fd = ch.fd, .fn = preconnection_event, .arg = k };
	k->limit = (struct loop_timer){ .fn = limit_fired, .arg = k, .due_ns = LOOP_NEVER };
	loop_set_timer(w->loop, &k->limit, loop_now(w->loop) + PRECONNECT_LIMIT_NS);
	while (*last)
		last = &(*last)->next;
	*last = k;
	w->n++;
	r = loop_add(w->loop, &k->io, EPOLLIN | EPOLLRDHUP);
	if (r)
		preconnection_failed(k, strerror(-r));
	else if (!channel_send_all(ch, hello, handshake_ask(hello, sizeof(hello), WIRE_HELLO_WARM)))
		preconnection_failed(k, "the connection broke at once");
}

/* Filling -------------------------------------------------------------------------------------- */

/* Goes on with a socket that is connecting over this pair, or takes note of why it has none. */
static void add(struct preconnect *w, unsigned pair, int fd, uint16_t port)
{
	const struct dial_wish wish = {
		.pair = pair, .port = port, .late_ns = LOOP_NEVER, .limit_ns = PRECONNECT_LIMIT_NS
	};
	int r = fd < 0 ? fd : dials_add(&w->dials, fd, &wish);

	if (r)
		failed(w, pair, strerror(-r));
}

static int connect_from(const struct preconnect *w, unsigned pair, uint16_t port)
{
	return dial_from(&w->pairs.pair[pair], port, &w->config.client.socket);
}

/* Over the first pair, for whose addresses plans are made. */
static unsigned open_ports(const struct preconnect *w, uint16_t out[PRECONNECT_MAX])
{
	unsigned n = 0;

	for (const struct preconnection *k = w->oldest; k; k = k->next)
		if (k->pair == w->pairs.first)
			out[n++] = k->port;
	for (const struct dial *d = w->dials.first; d; d = d->next)
		if (d->pair == w->pairs.first)
			out[n++] = d->port;
	return n;
}

/* The planned port of a flow, or another that does the same. */
static void add_planned(struct preconnect *w, const struct plan *plan, unsigned flow)
{
	uint16_t port = plan->flows[flow].port, tried = 0;
	int fd = -EADDRINUSE;

	for (int i = 0; i < CLIENT_PORT_TRIES && port && dial_taken(fd); i++) {
		tried = port;
		fd = connect_from(w, w->pairs.first, port);
		if (!dial_taken(fd))
			break;
		pathmgr_avoid(w->paths, port);
		port = pathmgr_alternate(w->paths, plan, flow, port);
	}
	add(w, w->pairs.first, fd, tried);
}

/* Over the first pair, until there are n. */
static void fill_planned(struct preconnect *w, unsigned n)
{
	const struct addr_pair *first = &w->pairs.pair[w->pairs.first];
	struct pathmgr_wish wish = { .min_flows = n, .max_flows = n };
	uint16_t open[PRECONNECT_MAX];
	struct plan plan;
	int r;

	wish.open = open;
	wish.n_open = open_ports(w, open);
	r = pathmgr_plan(w->paths, &wish, &plan);
	if (r)
		failed(w, w->pairs.first, strerror(-r));
	for (unsigned i = wish.n_open; !r && i < plan.n_flows; i++)
		if (first->due_ns <= loop_now(w->loop))
			add_planned(w, &plan, i);
}

/* One over another pair. */
static void add_candidate(struct preconnect *w, unsigned pair)
{
	uint16_t port = 0;
	int fd = -EADDRINUSE;

	for (int i = 0; i < CLIENT_PORT_TRIES && dial_taken(fd); i++) {
		port = pathmgr_candidate(w->paths, NULL, 0, any_links);
		if (!port)
			break;
		fd = connect_from(w, pair, port);
		if (dial_taken(fd))
			pathmgr_avoid(w->paths, port);
	}
	add(w, pair, fd, port);
}

/* Over all pairs in turn. */
static void fill_known(struct preconnect *w)
{
	unsigned open[ADDR_PAIRS_MAX], first = w->pairs.first, before;

	count_open(w, open);
	before = open[first];
	for (unsigned have = w->n + w->dials.n; have < w->config.n; have++) {
		int i = addr_pairs_next(&w->pairs, open, loop_now(w->loop));

		if (i < 0)
			break;
		open[i]++;
		if ((unsigned)i != first)
			add_candidate(w, (unsigned)i);
	}
	if (open[first] > before)
		fill_planned(w, open[first]);
}

/* The first one tells what there is to plan with. */
static void fill_first(struct preconnect *w)
{
	int pair = next_pair(w);

	if (pair < 0)
		return;
	w->pairs.first = (unsigned)pair;
	if (w->config.client.ports_given)
		fill_planned(w, 1);
	else
		add(w, w->pairs.first, connect_from(w, w->pairs.first, 0), 0);
}

static void fill_fired(struct loop_timer *timer)
{
	struct preconnect *w = timer->arg;
	unsigned have = w->n + w->dials.n;

	if (!have && w->anew)
		begin_anew(w);
	if (have >= w->config.n || (have && !w->known))
		return;
	if (w->known)
		fill_known(w);
	else
		fill_first(w);
	if (w->n + w->dials.n < w->config.n)
		fill_at(w, addr_pairs_due(&w->pairs, loop_now(w->loop)));
}

/* Has nothing come on it, not even its end, that the loop has not reported yet? */
static bool is_quiet(const struct preconnection *k)
{
	char byte;

	return recv(k->ch.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

bool preconnect_take(struct preconnect *w, struct client_first *out)
{
	for (struct preconnection *k = w->oldest; k; k = k->next) {
		if (!k->ready || !is_quiet(k))
			continue;
		out->pair = k->pair;
		out->took_ns = k->took_ns;
		out->ch = preconnection_end(k);
		fill_after(w, PRECONNECT_PAUSE_NS);
		return true;
	}
	return false;
}

int preconnect_new(struct preconnect **out, struct loop *loop,
		   const struct preconnect_config *config)
{
	struct preconnect *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	w->loop = loop;
	w->config = *config;
	w->fill = (struct loop_timer){ .fn = fill_fired, .arg = w, .due_ns = LOOP_NEVER };
	if (pathmgr_new(&w->paths, &config->paths)) {
		free(w);
		return -ENOMEM;
	}
	make_pairs(w);
	w->dials = (struct dials){ .loop = loop,
				   .tls = config->client.tls,
				   .events = { .connected = dial_connected,
					       .done = dial_done,
					       .late = dial_late,
					       .failed = dial_failed,
					       .arg = w } };
	if (w->pairs.n)
		fill_after(w, 0);
	*out = w;
	return 0;
}

struct preconnect *preconnect_free(struct preconnect *w)
{
	if (!w)
		return NULL;
	loop_set_timer(w->loop, &w->fill, LOOP_NEVER);
	dials_clear(&w->dials);
	while (w->oldest)
		channel_close(preconnection_end(w->oldest));
	pathmgr_free(w->paths);
	free(w);
	return NULL;
}
