/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/warm.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "net/dial.h"
#include "session/handshake.h"
#include "util/text.h"

struct kept {
	struct loop_io io;
	struct channel ch;
	struct loop_timer limit;
	struct warm *warm;
	struct kept *next; /* which is younger */
	uint16_t port;
	unsigned route;
	uint64_t took_ns;
	bool ready;
	size_t have; /* of the answer */
	uint8_t answer[HANDSHAKE_ANSWER_LEN];
};

struct warm {
	struct loop *loop;
	struct warm_config config;
	struct pathmgr *paths;
	struct loop_timer fill;
	struct routes routes;
	unsigned route; /* in use; bound to our address once a connection has stood */
	struct dials dials;
	struct kept *oldest;
	unsigned n;       /* of them */
	bool known;       /* the links are */
	uint64_t took_ns; /* the last one, to connect */
	uint64_t looked_ns;
	uint64_t delay_ns; /* before the next attempt; 0: the last one went well */
	bool told;         /* that it does not work */
};

__attribute__((format(printf, 3, 4))) static void note(const struct warm *w, int level,
						       const char *fmt, ...)
{
	char text[ENGINE_REASON_LEN];
	va_list ap;

	va_start(ap, fmt);
	text_vprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	w->config.note(w->config.arg, level, text);
}

static void fill_after(struct warm *w, uint64_t delay_ns)
{
	if (!w->fill.linked)
		loop_set_timer(w->loop, &w->fill, loop_now(w->loop) + delay_ns);
}

/* Returns its connection, which is open. */
static struct channel kept_end(struct kept *k)
{
	struct warm *w = k->warm;
	struct kept **p = &w->oldest;
	struct channel ch = k->ch;

	while (*p != k)
		p = &(*p)->next;
	*p = k->next;
	w->n--;
	loop_remove(w->loop, &k->io);
	loop_set_timer(w->loop, &k->limit, LOOP_NEVER);
	free(k);
	return ch;
}

/* Bound to no address of ours but those that were given. */
static void make_routes(struct warm *w)
{
	const struct client_config *c = &w->config.client;

	w->routes = (struct routes){ 0 };
	for (int i = 0; i < c->n_addrs; i++)
		routes_add(&w->routes, &c->addrs[i], c->sources, c->n_sources);
}

static void failed(struct warm *w, const char *why)
{
	note(w, w->told ? 2 : 1, "no connection can be kept ready: %s", why);
	w->told = true;
	/* Other addresses may do, there and here. */
	if (!w->n && !w->dials.n) {
		make_routes(w);
		w->route = (w->route + 1) % w->routes.n;
		w->known = false;
	}
	/* Others that fail for the same reason count once. */
	if (w->fill.linked)
		return;
	w->delay_ns = w->delay_ns ? 2 * w->delay_ns : WARM_RETRY_MIN_NS;
	if (w->delay_ns > WARM_RETRY_MAX_NS)
		w->delay_ns = WARM_RETRY_MAX_NS;
	fill_after(w, w->delay_ns);
}

static void kept_failed(struct kept *k, const char *why)
{
	struct warm *w = k->warm;
	struct channel ch = kept_end(k);
	char text[TLS_TEXT_LEN];

	text_printf(text, sizeof(text), "%s", channel_text(ch) ? channel_text(ch) : why);
	channel_close(ch);
	failed(w, text);
}

static void limit_fired(struct loop_timer *timer)
{
	kept_failed(timer->arg, strerror(ETIMEDOUT));
}

/* It waited, and the peer has closed it: for its age, or because it is gone itself. */
static void kept_lost(struct kept *k)
{
	struct warm *w = k->warm;

	note(w, 2, "the connection from port %u, which was ready, is gone", k->port);
	channel_close(kept_end(k));
	fill_after(w, WARM_RETRY_MIN_NS);
}

/* Later ones are bound to the address that was hashed. */
static void look_at_links(struct warm *w, int fd, const struct wire_welcome *m)
{
	struct route *route = &w->routes.route[w->route];
	uint64_t now_ns = loop_now(w->loop);

	if (w->known && now_ns - w->looked_ns < WARM_LOOK_NS)
		return;
	w->known = true;
	w->looked_ns = now_ns;
	sock_local(fd, &route->local);
	sock_addr_set_port(&route->local, 0);
	pathmgr_learn(w->paths, fd, now_ns);
	pathmgr_peer(w->paths, fd, &m->items.facts, &m->items.names);
}

static void kept_answered(struct kept *k, const struct wire_welcome *m)
{
	struct warm *w = k->warm;

	k->ready = true;
	loop_set_timer(w->loop, &k->limit, LOOP_NEVER);
	look_at_links(w, k->ch.fd, m);
	w->delay_ns = 0;
	w->told = false;
	note(w, 2, "the connection from port %u is ready", k->port);
	if (w->n + w->dials.n < w->config.n)
		fill_after(w, 0);
}

static void kept_read(struct kept *k)
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
		kept_failed(k, n ? strerror((int)-n) : "it was closed without an answer");
		return;
	}
	k->have += (size_t)n;
	switch (handshake_answer(k->answer, k->have, &m, &refusal, quoted)) {
	case HANDSHAKE_ANSWER_MORE:
		break;
	case HANDSHAKE_ANSWER_WELCOME:
		kept_answered(k, &m);
		break;
	case HANDSHAKE_ANSWER_REFUSED:
		kept_failed(k, refusal.text[0] ? refusal.text : wire_reason_text(refusal.reason));
		break;
	case HANDSHAKE_ANSWER_STRANGER:
		kept_failed(k, "it is not mpnc");
		break;
	}
}

static void kept_event(struct loop_io *io, uint32_t events)
{
	struct kept *k = io->arg;

	/* There is nothing to be said to one that is ready. */
	if (k->ready)
		kept_lost(k);
	else
		kept_read(k);
}

static void dial_connected(void *arg, uint64_t took_ns)
{
	((struct warm *)arg)->took_ns = took_ns;
}

static bool dial_late(void *arg)
{
	return false;
}

static void dial_failed(void *arg, unsigned route, bool stood, int error, const char *why)
{
	failed(arg, why);
}

static void dial_done(void *arg, unsigned route, struct channel ch)
{
	struct warm *w = arg;
	struct kept *k = calloc(1, sizeof(*k)), **last = &w->oldest;
	uint8_t hello[HANDSHAKE_ASK_LEN];
	union sock_addr local;

	if (!k) {
		channel_close(ch);
		failed(w, strerror(ENOMEM));
		return;
	}
	sock_local(ch.fd, &local);
	k->warm = w;
	k->ch = ch;
	k->port = sock_addr_port(&local);
	k->route = route;
	k->took_ns = w->took_ns;
	k->io = (struct loop_io){ .fd = ch.fd, .fn = kept_event, .arg = k };
	k->limit = (struct loop_timer){ .fn = limit_fired, .arg = k, .due_ns = LOOP_NEVER };
	loop_set_timer(w->loop, &k->limit, loop_now(w->loop) + WARM_LIMIT_NS);
	while (*last)
		last = &(*last)->next;
	*last = k;
	w->n++;
	if (loop_add(w->loop, &k->io, EPOLLIN | EPOLLRDHUP) ||
	    !channel_send_all(ch, hello, handshake_ask(hello, sizeof(hello), WIRE_HELLO_WARM)))
		kept_failed(k, strerror(ENOMEM));
}

/* Filling -------------------------------------------------------------------------------------- */

/* Goes on with a socket that is connecting, or takes note of why there is none. */
static void add(struct warm *w, int fd, uint16_t port)
{
	const struct dial_wish wish = {
		.route = w->route, .port = port, .late_ns = LOOP_NEVER, .limit_ns = WARM_LIMIT_NS
	};
	int r = fd < 0 ? fd : dials_add(&w->dials, fd, &wish);

	if (r)
		failed(w, strerror(-r));
}

static int connect_from(const struct warm *w, uint16_t port)
{
	return dial_from(&w->routes.route[w->route], port, &w->config.client.socket);
}

static int make_plan(struct warm *w, unsigned n, struct plan *out)
{
	uint16_t open[WARM_MAX];
	struct pathmgr_wish wish = { .open = open, .min_flows = n, .max_flows = n };

	for (const struct kept *k = w->oldest; k; k = k->next)
		open[wish.n_open++] = k->port;
	for (const struct dial *d = w->dials.first; d; d = d->next)
		open[wish.n_open++] = d->port;
	return pathmgr_plan(w->paths, &wish, out);
}

/* The planned port of a flow, or another that does the same. */
static void add_planned(struct warm *w, const struct plan *plan, unsigned flow)
{
	uint16_t port = plan->flows[flow].port, tried = 0;
	int fd = -EADDRINUSE;

	for (int i = 0; i < CLIENT_PORT_TRIES && port && dial_taken(fd); i++) {
		tried = port;
		fd = connect_from(w, port);
		if (!dial_taken(fd))
			break;
		pathmgr_avoid(w->paths, port);
		port = pathmgr_alternate(w->paths, plan, flow, port);
	}
	add(w, fd, tried);
}

static void fill_planned(struct warm *w, unsigned n)
{
	struct plan plan;
	unsigned have = w->n + w->dials.n;
	int r = make_plan(w, n, &plan);

	if (r)
		failed(w, strerror(-r));
	for (unsigned i = have; !r && i < plan.n_flows && !w->fill.linked; i++)
		add_planned(w, &plan, i);
}

/* The first one tells what there is to plan with. */
static void fill_fired(struct loop_timer *timer)
{
	struct warm *w = timer->arg;
	unsigned have = w->n + w->dials.n;

	if (have >= w->config.n || (have && !w->known))
		return;
	if (w->known)
		fill_planned(w, w->config.n);
	else if (w->config.client.ports_given)
		fill_planned(w, 1);
	else
		add(w, connect_from(w, 0), 0);
}

/* Has nothing come on it, not even its end, that the loop has not told of yet? */
static bool is_quiet(const struct kept *k)
{
	char byte;

	return recv(k->ch.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

bool warm_take(struct warm *w, struct client_first *out)
{
	for (struct kept *k = w->oldest; k; k = k->next) {
		if (!k->ready || !is_quiet(k))
			continue;
		out->route = k->route;
		out->took_ns = k->took_ns;
		out->ch = kept_end(k);
		fill_after(w, w->delay_ns ? w->delay_ns : WARM_PAUSE_NS);
		return true;
	}
	return false;
}

int warm_new(struct warm **out, struct loop *loop, const struct warm_config *config)
{
	struct warm *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	w->loop = loop;
	w->config = *config;
	w->fill = (struct loop_timer){ .fn = fill_fired, .arg = w, .due_ns = LOOP_NEVER };
	if (pathmgr_new(&w->paths, &config->paths)) {
		free(w);
		return -ENOMEM;
	}
	make_routes(w);
	w->dials = (struct dials){ .loop = loop,
				   .tls = config->client.tls,
				   .events = { .connected = dial_connected,
					       .done = dial_done,
					       .late = dial_late,
					       .failed = dial_failed,
					       .arg = w } };
	if (w->routes.n)
		fill_after(w, 0);
	*out = w;
	return 0;
}

struct warm *warm_free(struct warm *w)
{
	if (!w)
		return NULL;
	loop_set_timer(w->loop, &w->fill, LOOP_NEVER);
	dials_clear(&w->dials);
	while (w->oldest)
		channel_close(kept_end(w->oldest));
	pathmgr_free(w->paths);
	free(w);
	return NULL;
}
