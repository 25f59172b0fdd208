/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The side that waits: serves one client after another, each as it asks.
 */
#include <errno.h>
#include <string.h>

#include "cmd/bench/bench_run.h"
#include "cmd/cli/client_setup.h"
#include "cmd/cli/listen_setup.h"
#include "cmd/cli/query_reply.h"
#include "cmd/cli/resolve_args.h"
#include "server/hello.h"
#include "server/prove_reply.h"
#include "server/queue.h"
#include "session/handshake.h"
#include "ui/log.h"
#include "util/text.h"

/* How often it is looked whether the threads of the run before have ended; and, while a client
 * waits, whether the one before it still has a connection. */
#define LATE_LOOK_NS 100000000ull
#define TURN_LOOK_NS 100000000ull

struct server {
	struct bench *bench;
	struct listener *listener;
	struct query_reply *answers;
	struct queue *queue;
	struct loop_timer late_timer;
	struct loop_timer turn_timer;
};

static void refuse(void *arg, const struct hello_peer *peer, enum wire_reason reason,
		   const char *why)
{
	log_info("refused a peer: %s", why ? why : wire_reason_text(reason));
	hello_refuse(peer, reason, why);
}

static struct measure_config config_for(const struct server *s, const struct wire_hello *hello)
{
	const struct bench *b = s->bench;
	struct measure_config config = { .config = b->config,
					 .listener = s->listener,
					 .worker_pool = b->worker_pool,
					 .disk = b->options->disk,
					 .interval_ns = b->options->interval_ns };

	config.send_bytes = hello->items.wanted;
	config.sends = !(hello->side & WIRE_SIDE_SEND_ONLY);
	config.receives = !(hello->side & WIRE_SIDE_RECV_ONLY);
	return config;
}

static void say_client(struct bench *b, struct channel ch)
{
	struct sock_names names;

	sock_names(ch.fd, &names);
	if (ch.tls)
		log_info("the peer proved to be \"%s\"", tls_peer_name(ch.tls));
	if (b->print.text)
		fprintf(b->print.text, "client %s port %u\n", names.peer, names.peer_port);
}

static void serve(struct server *s, const struct hello_peer *peer)
{
	struct bench *b = s->bench;
	struct measure_config config = config_for(s, peer->hello);
	struct measure_events events = {
		.note = log_note, .interval = bench_interval, .ended = bench_ended, .arg = b
	};
	char why[BENCH_TEXT_LEN] = "";
	int r = 0;

	if (config.disk && config.sends && config.receives)
		text_printf(why, sizeof(why),
			    "--disk is for one direction, and the client wants both");
	else
		r = measure_new(&b->measure, b->loop, &config, peer->hello->session, &events, why);
	if (!r && !why[0])
		r = engine_attach(
			measure_engine(b->measure),
			&(struct engine_arrival){ peer->channel, peer->hello, peer->greeted });
	if (!r && !why[0]) {
		say_client(b, peer->channel);
		bench_print_start(&b->print, (struct bench_ways){ config.sends, config.receives },
				  true);
		return;
	}
	bench_let_go(b);
	log_error("cannot serve a peer: %s", why[0] ? why : outcome_refusal_text(r));
	hello_refuse(peer, why[0] ? WIRE_R_NONE : outcome_refusal(r), why);
}

static bool is_current(const struct bench *b, const struct wire_hello *hello)
{
	return b->measure && memcmp(session_id(engine_session(measure_engine(b->measure))),
				    hello->session, WIRE_SESSION_ID_LEN) == 0;
}

static void join(void *arg, const struct hello_peer *peer)
{
	struct server *s = arg;
	struct bench *b = s->bench;
	int r;

	if (!is_current(b, peer->hello) ||
	    session_state(engine_session(measure_engine(b->measure))) != SESSION_OPEN) {
		refuse(s, peer, WIRE_R_NO_SESSION, NULL);
		return;
	}
	r = engine_attach(
		measure_engine(b->measure),
		&(struct engine_arrival){ .channel = peer->channel, .hello = peer->hello });
	if (r)
		refuse(s, peer, outcome_refusal(r), NULL);
}

static void answer(void *arg, const struct hello_peer *peer)
{
	struct server *s = arg;

	query_reply_query(s->answers, peer->channel, peer->hello, loop_now(s->bench->loop));
}

static bool has_lost_all(const struct bench *b)
{
	struct engine *e = b->measure ? measure_engine(b->measure) : NULL;

	return e && session_state(engine_session(e)) == SESSION_OPEN && !engine_n_live(e);
}

/* A run that has lost all connections would wait for its client to come back. Once another client
 * waits, it is over: who measures for so long and no longer, as doctor does, cuts the connections.
 */
static void turn_fired(struct loop_timer *timer)
{
	struct server *s = timer->arg;

	if (!queue_len(s->queue))
		return;
	if (has_lost_all(s->bench))
		engine_fail(measure_engine(s->bench->measure), WIRE_R_TIMEOUT,
			    "the client has lost all connections, and another one waits");
	loop_set_timer(s->bench->loop, timer, loop_now(s->bench->loop) + TURN_LOOK_NS);
}

static void wait_for_turn(struct server *s)
{
	log_info("a client waits for its turn");
	turn_fired(&s->turn_timer);
}

static void begin(void *arg, const struct hello_peer *peer)
{
	struct server *s = arg;

	if (!s->bench->measure)
		serve(s, peer);
	else if (s->bench->options->one_off || !queue_push(s->queue, peer->channel, peer->hello))
		refuse(s, peer, WIRE_R_BUSY, NULL);
	else
		wait_for_turn(s);
}

static bool runs(void *arg, const struct wire_hello *hello)
{
	const struct server *s = arg;

	return is_current(s->bench, hello);
}

static const uint8_t *named(void *arg, const struct wire_hello *hello)
{
	const struct bench *b = ((const struct server *)arg)->bench;
	const uint8_t *id =
		b->measure ? session_id(engine_session(measure_engine(b->measure))) : NULL;

	return id && prove_fits(hello, id) ? id : NULL;
}

static void on_hello(void *arg, struct channel ch, const union sock_addr *from,
		     const struct wire_hello *hello)
{
	static const struct hello_table table = {
		.take = { [WIRE_HELLO_JOIN] = join,
			  [WIRE_HELLO_QUERY] = answer,
			  [WIRE_HELLO_MEASURE] = begin },
		.runs = runs,
		.named = named,
		.refuse = refuse,
	};
	struct server *s = arg;
	const struct hello_peer peer = {
		.listener = s->listener, .channel = ch, .from = from, .hello = hello
	};

	hello_dispatch(&table, s, &peer);
}

static bool on_allows(void *arg, const union sock_addr *peer)
{
	return resolve_args_allow(((struct server *)arg)->bench->config, peer);
}

static bool on_knows(void *arg, const uint8_t source[SOCK_SOURCE_LEN])
{
	const struct bench *b = ((struct server *)arg)->bench;

	return b->measure && engine_knows(measure_engine(b->measure), source);
}

static void serve_next(struct server *s)
{
	struct hello_peer peer = { .listener = s->listener, .greeted = true };
	struct wire_hello hello;

	peer.hello = &hello;
	while (!s->bench->measure && queue_pop(s->queue, &peer.channel, &hello))
		serve(s, &peer);
}

static void late_fired(struct loop_timer *timer)
{
	struct server *s = timer->arg;
	struct bench *b = s->bench;

	if (bench_let_go(b))
		serve_next(s);
	else
		loop_set_timer(b->loop, timer, loop_now(b->loop) + LATE_LOOK_NS);
}

static void run_over(struct loop_task *task)
{
	struct server *s = task->arg;
	struct bench *b = s->bench;
	int status = bench_finish(b, "listener");

	if (b->exit || b->options->one_off) {
		bench_leave(b, b->exit ? b->exit : status);
		return;
	}
	if (bench_let_go(b)) {
		serve_next(s);
		return;
	}
	log_error("reading or writing a file hangs: the next client waits until that ends");
	loop_set_timer(b->loop, &s->late_timer, loop_now(b->loop) + LATE_LOOK_NS);
}

static int start(struct server *s)
{
	struct bench *b = s->bench;
	const struct config *c = b->config;
	struct listener_events events = { .note = log_note,
					  .hello = on_hello,
					  .allows = on_allows,
					  .knows = on_knows,
					  .arg = s };
	struct engine_config config = client_setup_engine_config(c, NULL);
	char addr[LISTENER_TEXT_LEN];
	int r = listen_setup_open(&s->listener, b->loop, c, b->tls, &events);
	uint16_t port;

	if (r)
		return r;
	port = listener_port(s->listener, addr);
	log_info("listening on %s port %u", addr, port);
	r = query_reply_new(&s->answers, s->listener, c, &config);
	return r ? r : queue_new(&s->queue, b->loop, NULL, NULL);
}

int bench_serve(struct bench *b)
{
	struct server s = { .bench = b };
	int r;

	b->over = (struct loop_task){ .fn = run_over, .arg = &s };
	s.late_timer = (struct loop_timer){ .fn = late_fired, .arg = &s, .due_ns = LOOP_NEVER };
	s.turn_timer = (struct loop_timer){ .fn = turn_fired, .arg = &s, .due_ns = LOOP_NEVER };
	r = start(&s);
	if (!r)
		r = loop_run(b->loop);
	queue_free(s.queue);
	query_reply_free(s.answers);
	listener_free(s.listener);
	return r;
}
