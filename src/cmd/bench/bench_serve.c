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
#include "server/listener.h"
#include "server/prove_reply.h"
#include "server/queue.h"
#include "session/handshake.h"
#include "ui/log.h"

/* How often it is looked whether the threads of the run before have ended. */
#define LATE_LOOK_NS 100000000ull

struct server {
	struct bench *bench;
	struct listener *listener;
	struct query_reply *answers;
	struct queue *queue;
	struct loop_timer late_timer;
};

static void refuse(struct server *s, struct channel ch, enum wire_reason reason)
{
	log_info("refused a peer: %s", wire_reason_text(reason));
	listener_refuse(s->listener, ch, reason);
}

static void refuse_because(struct server *s, struct channel ch, const char *why)
{
	log_error("%s", why);
	listener_refuse_because(s->listener, ch, WIRE_R_NONE, why);
}

static struct measure_config config_for(const struct server *s, const struct wire_hello *hello)
{
	const struct bench *b = s->bench;
	struct measure_config config = { .config = b->config,
					 .listener = s->listener,
					 .crew = b->crew,
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

static void serve(struct server *s, struct channel ch, const struct wire_hello *hello, bool greeted)
{
	struct bench *b = s->bench;
	struct measure_config config = config_for(s, hello);
	struct measure_events events = {
		.note = log_note, .interval = bench_interval, .ended = bench_ended, .arg = b
	};
	char why[BENCH_TEXT_LEN];
	int r;

	if (config.disk && config.sends && config.receives) {
		refuse_because(s, ch, "--disk is for one direction, and the client wants both");
		return;
	}
	r = measure_new(&b->measure, b->loop, &config, hello->session, &events, why);
	if (!r)
		r = engine_attach(measure_engine(b->measure), ch, hello, greeted);
	if (!r) {
		say_client(b, ch);
		bench_print_start(&b->print, (struct bench_ways){ config.sends, config.receives },
				  true);
		return;
	}
	bench_let_go(b);
	log_error("cannot serve a peer: %s", why[0] ? why : outcome_refusal_text(r));
	if (why[0])
		listener_refuse_because(s->listener, ch, WIRE_R_NONE, why);
	else
		listener_refuse(s->listener, ch, outcome_refusal(r));
}

static bool is_current(const struct bench *b, const struct wire_hello *hello)
{
	return b->measure && memcmp(session_id(engine_session(measure_engine(b->measure))),
				    hello->session, WIRE_SESSION_ID_LEN) == 0;
}

static void join(struct server *s, struct channel ch, const struct wire_hello *hello)
{
	struct bench *b = s->bench;
	int r;

	if (!is_current(b, hello) ||
	    session_state(engine_session(measure_engine(b->measure))) != SESSION_OPEN) {
		refuse(s, ch, WIRE_R_NO_SESSION);
		return;
	}
	r = engine_attach(measure_engine(b->measure), ch, hello, false);
	if (r)
		refuse(s, ch, outcome_refusal(r));
}

/* A client wants to know, before it joins, that its session is here. */
static void prove(struct server *s, struct channel ch, const struct wire_hello *hello)
{
	const struct bench *b = s->bench;
	const uint8_t *id =
		b->measure ? session_id(engine_session(measure_engine(b->measure))) : NULL;

	if (id && prove_fits(hello, id))
		prove_answer(s->listener, ch, hello, id);
	else
		refuse(s, ch, WIRE_R_NO_SESSION);
}

static void on_hello(void *arg, struct channel ch, const union sock_addr *from,
		     const struct wire_hello *hello)
{
	struct server *s = arg;

	if (!handshake_version(hello))
		refuse(s, ch, WIRE_R_VERSION);
	else if (hello->kind == WIRE_HELLO_QUERY)
		query_reply_query(s->answers, ch, hello, loop_now(s->bench->loop));
	else if (hello->kind == WIRE_HELLO_PROVE)
		prove(s, ch, hello);
	else if (hello->kind == WIRE_HELLO_NEW || hello->kind == WIRE_HELLO_WARM)
		refuse(s, ch, WIRE_R_PURPOSE);
	else if (hello->kind == WIRE_HELLO_JOIN || is_current(s->bench, hello))
		join(s, ch, hello);
	else if (!s->bench->measure)
		serve(s, ch, hello, false);
	else if (s->bench->options->one_off || !queue_push(s->queue, ch, hello))
		refuse(s, ch, WIRE_R_BUSY);
	else
		log_info("a client waits for its turn");
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
	struct wire_hello hello;
	struct channel ch;

	while (!s->bench->measure && queue_pop(s->queue, &ch, &hello))
		serve(s, ch, &hello, true);
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
	log_error("reading or writing a file hangs: the next client waits until it ends");
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
	r = start(&s);
	if (!r)
		r = loop_run(b->loop);
	queue_free(s.queue);
	query_reply_free(s.answers);
	listener_free(s.listener);
	return r;
}
