/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One session after another. A client has one and leaves; with -l -k a listener goes round:
 *
 *               a peer                 it ended, -k
 *   CAT_WAITING ------> CAT_SERVING ---------------> CAT_CLOSING
 *       ^  ^                |                         |   |
 *       |  |                | it ended           the command is gone
 *       |  |                v                         |   | a thread hangs
 *       |  |           CAT_LEAVING ---> leave         |   v
 *       |  `------------------------------------------'  CAT_HANGING
 *       |                    the thread has ended             |
 *       `-----------------------------------------------------'
 *
 *   What always holds: `engine` is set in CAT_SERVING, CAT_CLOSING and CAT_LEAVING alone,
 *   `late.engine` in CAT_HANGING alone. Peers that come in another state than CAT_WAITING, or while
 *   a plain client is served, wait in the queue or are refused. A signal leaves from any state.
 */
#include "cmd/netcat/cat.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "client/client.h"
#include "cmd/cli/client_setup.h"
#include "cmd/cli/limits.h"
#include "cmd/cli/listen_setup.h"
#include "cmd/cli/query_reply.h"
#include "cmd/cli/resolve_args.h"
#include "cmd/cli/signals.h"
#include "cmd/cli/threads.h"
#include "cmd/cli/tls_setup.h"
#include "cmd/measure/measure_server.h"
#include "cmd/netcat/between.h"
#include "cmd/netcat/display.h"
#include "cmd/netcat/idle_turn.h"
#include "cmd/netcat/local.h"
#include "cmd/netcat/plain_clients.h"
#include "endpoint/input.h"
#include "engine/engine.h"
#include "engine/worker_pool.h"
#include "io/child.h"
#include "server/hello.h"
#include "server/listener.h"
#include "server/prove_reply.h"
#include "server/queue.h"
#include "session/handshake.h"
#include "ui/log.h"
#include "util/text.h"
#include "util/units.h"

/* How often it is looked whether the threads of the session before have ended. */
#define LATE_LOOK_NS 100000000ull

/* A round trip around the world, and a packet that was lost on it. */
#define PARTING_NS NS_PER_S

/* The session before, if one of its threads has not ended; engine NULL: none. The next one waits
 * for it, as both may have the same descriptors: a read or write that hangs would take bytes from
 * the new session, or put some into it. So one session hangs at most. */
struct late {
	struct engine *engine;
	struct local *local;
	struct loop_timer timer;
};

/* What a listener has, besides the session that it serves. */
struct server {
	struct listener *listener;
	struct query_reply *answers;
	struct queue *queue;
	struct measure_server *measured; /* by others, before a session begins */
	struct plain_clients *guests;    /* NULL: without --plain-ok */
};

/* The program that started us has ended its pipe (between.h): the session goes on until nothing is
 * outstanding, at most for PARTING_NS. */
struct parting {
	pid_t starter;
	int number; /* its signal; 0: none came, or the session knows */
	bool quiet; /* nothing was outstanding: the session ends in silence */
	struct loop_timer timer;
};

/* How the session's command ended. */
struct verdict {
	bool due; /* the engine does not know yet */
	char failure[CHILD_TEXT_LEN];
};

enum cat_state {
	CAT_WAITING, /* no session: for a peer; plain clients are served meanwhile */
	CAT_SERVING, /* a session runs */
	CAT_CLOSING, /* its end was said, its command may still run; another one is served then */
	CAT_LEAVING, /* the same of the last session */
	CAT_HANGING, /* a thread of the last session has not ended */
};

struct cat {
	const struct config *config;
	enum cat_state state;
	struct loop *loop;
	struct loop_io signals;
	struct loop_task over;        /* the session has ended: clean up outside of its callback */
	struct loop_task gone;        /* and so has its command */
	struct loop_timer wait_timer; /* -l -w: for a peer */
	struct engine *engine;        /* the session that runs; NULL: none */
	struct local *local;          /* its end here */
	struct late late;
	struct verdict verdict;           /* on its command */
	char not_started[LOCAL_TEXT_LEN]; /* why the session has no end here; "": it has one */
	char session[PROOF_TEXT_LEN];     /* its name */
	struct tls_context *tls;          /* NULL: plain */
	struct worker_pool *worker_pool;  /* NULL: no workers */
	struct client *client;
	struct client_setup peer; /* the client borrows it */
	struct server server;
	struct display *display;
	struct parting parting;
	struct idle_turn_count turn; /* of the session that runs, while others wait */
	uint64_t n_served;
	int last_failure; /* exit status of a session before; 0: none failed */
	int exit;
};

static void leave(struct cat *cat, int status)
{
	cat->exit = status;
	loop_stop(cat->loop);
}

/* Sessions ------------------------------------------------------------------------------------- */

/* Not before the peer has answered: until then it cannot hear of a failure. */
static void tell_verdict(struct cat *cat)
{
	if (!cat->verdict.due || session_state(engine_session(cat->engine)) == SESSION_CONNECTING)
		return;
	cat->verdict.due = false;
	engine_command_ended(cat->engine, cat->verdict.failure[0] ? cat->verdict.failure : NULL);
}

static void on_command_ended(void *arg, const char *failure)
{
	struct cat *cat = arg;

	cat->verdict.due = true;
	text_printf(cat->verdict.failure, sizeof(cat->verdict.failure), "%s",
		    failure ? failure : "");
	tell_verdict(cat);
}

static void part(struct cat *cat, bool quiet)
{
	cat->parting.quiet = quiet;
	loop_set_timer(cat->loop, &cat->parting.timer, LOOP_NEVER);
	engine_signal(cat->engine, cat->parting.number);
	cat->parting.number = 0;
}

static void consider_parting(struct cat *cat)
{
	if (cat->parting.number && !between_is_outstanding(cat->engine))
		part(cat, true);
}

static void on_pumped(void *arg)
{
	struct cat *cat = arg;

	tell_verdict(cat);
	consider_parting(cat);
	display_pumped(cat->display);
	if (cat->client)
		client_pumped(cat->client);
}

static void on_output(void *arg)
{
	display_output(((struct cat *)arg)->display);
}

static void on_replan(void *arg)
{
	struct cat *cat = arg;

	if (cat->client)
		client_replan(cat->client);
}

static void on_ended(void *arg)
{
	struct cat *cat = arg;

	loop_queue(cat->loop, &cat->over);
}

static int on_started(void *arg, struct channel ch, char why[SESSION_TEXT_LEN])
{
	struct cat *cat = arg;
	struct local_failure failure;

	if (local_start(cat->local, ch, cat->session, &failure) == 0)
		return 0;
	text_printf(why, SESSION_TEXT_LEN, "%s", failure.peer);
	text_printf(cat->not_started, sizeof(cat->not_started), "%s", failure.here);
	return -1;
}

/* listener: whose addresses the peer is to know; NULL: none. */
static struct engine_config engine_config_of(const struct cat *cat, const struct listener *listener)
{
	const struct config *c = cat->config;
	struct engine_config config = client_setup_engine_config(c, listener);
	bool stdio = local_is_stdio(c);

	config.session.expected = local_stream_size(c);
	config.session.duplex = c->duplex || !stdio;
	config.session.send_only = c->send_only;
	config.session.recv_only = c->recv_only;
	config.endpoint = (struct endpoint_config){
		.in_start = c->keep && stdio ? input_start(STDIN_FILENO) : -1,
		.keep_output = c->keep && stdio,
		.command = !stdio && !c->unix_path,
		.no_input = c->no_stdin || c->recv_only,
	};
	config.quit_ns = c->quit_ns;
	return config;
}

static int start_session(struct cat *cat, const uint8_t id[WIRE_SESSION_ID_LEN])
{
	const struct config *c = cat->config;
	struct engine_config config = engine_config_of(cat, cat->server.listener);
	struct engine_events events = { .note = log_note,
					.pumped = on_pumped,
					.output = on_output,
					.replan = on_replan,
					.ended = on_ended,
					.started = on_started,
					.arg = cat };
	struct local_events local_events = { .ended = on_command_ended, .arg = cat };
	int r = local_new(&cat->local, cat->loop, c, &local_events);

	if (r)
		return r;
	cat->verdict.due = false;
	cat->turn = (struct idle_turn_count){ 0 };
	cat->not_started[0] = '\0';
	config.endpoint.in_fd = local_in_fd(cat->local);
	config.endpoint.out_fd = local_out_fd(cat->local);
	config.worker_pool = cat->worker_pool;
	memcpy(config.session.id, id, WIRE_SESSION_ID_LEN);
	r = engine_new(&cat->engine, cat->loop, &config, &events);
	if (r)
		return r;
	cat->state = CAT_SERVING;
	proof_name_text(cat->session, id);
	display_begin(cat->display, cat->engine, cat->session);
	return 0;
}

/* Returns that no other can be served. */
static bool say_lost(void)
{
	log_error("bytes read from standard input are lost with this session: cannot serve another "
		  "peer; start mpnc again with the input");
	return false;
}

/* Did the session take bytes from an input that cannot be read a second time? */
static bool lost_input(const struct cat *cat)
{
	struct session_stats stats;

	engine_stats(cat->engine, &stats);
	return local_is_stdio(cat->config) && stats.tx_read && input_start(STDIN_FILENO) < 0;
}

static void session_over(struct loop_task *task)
{
	struct cat *cat = task->arg;
	const struct outcome *e = engine_outcome(cat->engine);
	struct report_end end = { .exit = e->exit, .reason = e->reason };
	bool keep = cat->config->keep && end.exit < OUTCOME_SIGNAL && !cat->exit;

	cat->parting.number = 0;
	loop_set_timer(cat->loop, &cat->parting.timer, LOOP_NEVER);
	if (end.exit)
		cat->last_failure = end.exit;
	if (++cat->n_served == cat->config->n_sessions)
		keep = false;
	if (cat->not_started[0])
		end.reason = cat->not_started;
	if (cat->client && client_failure(cat->client))
		end.reason = client_failure(cat->client);
	display_end(cat->display, &end, cat->parting.quiet);
	cat->client = client_free(cat->client);
	if (keep && end.exit && lost_input(cat))
		keep = say_lost();
	cat->state = keep ? CAT_CLOSING : CAT_LEAVING;
	local_end(cat->local, &cat->gone);
}

static void serve_next(struct cat *cat);

static void past_late(struct cat *cat)
{
	cat->state = CAT_WAITING;
	cat->late.engine = NULL;
	cat->late.local = local_free(cat->late.local);
	serve_next(cat);
}

static void late_fired(struct loop_timer *timer)
{
	struct cat *cat = timer->arg;

	if (engine_free(cat->late.engine))
		past_late(cat);
	else
		loop_set_timer(cat->loop, timer, loop_now(cat->loop) + LATE_LOOK_NS);
}

/* The next peer waits until the last session's threads have ended. */
static void let_go(struct cat *cat)
{
	cat->late.engine = cat->engine;
	cat->late.local = cat->local;
	cat->engine = NULL;
	cat->local = NULL;
	cat->state = CAT_HANGING;
	if (engine_free(cat->late.engine)) {
		past_late(cat);
		return;
	}
	log_error("the input or output of the last session hangs: the next peer waits until that "
		  "read or write ends");
	loop_set_timer(cat->loop, &cat->late.timer, loop_now(cat->loop) + LATE_LOOK_NS);
}

static void session_gone(struct loop_task *task)
{
	struct cat *cat = task->arg;

	if (cat->state == CAT_LEAVING || cat->exit) {
		leave(cat, cat->exit ? cat->exit : cat->last_failure);
		return;
	}
	let_go(cat);
}

/* Listening ------------------------------------------------------------------------------------ */

static void refuse(void *arg, const struct hello_peer *peer, enum wire_reason reason,
		   const char *why)
{
	log_info("refused a peer: %s", why ? why : wire_reason_text(reason));
	hello_refuse(peer, reason, why);
}

static void serve(struct cat *cat, const struct hello_peer *peer)
{
	const struct channel ch = peer->channel;
	int r;

	if (ch.tls)
		log_info("the peer proved to be \"%s\"", tls_peer_name(ch.tls));
	r = start_session(cat, peer->hello->session);
	if (!r)
		r = engine_attach(cat->engine,
				  &(struct engine_arrival){ ch, peer->hello, peer->greeted });
	if (!r) {
		loop_set_timer(cat->loop, &cat->wait_timer, LOOP_NEVER);
		return;
	}
	/* Most likely descriptors or memory are short for now. */
	log_error("cannot serve a peer: %s", outcome_refusal_text(r));
	hello_refuse(peer, outcome_refusal(r), NULL);
	local_kill(cat->local);
	let_go(cat);
}

static void serve_next(struct cat *cat)
{
	struct hello_peer peer = { .listener = cat->server.listener, .greeted = true };
	struct wire_hello hello;

	peer.hello = &hello;
	if (queue_pop(cat->server.queue, &peer.channel, &hello))
		serve(cat, &peer);
	else if (cat->server.guests && plain_clients_serve(cat->server.guests))
		loop_set_timer(cat->loop, &cat->wait_timer, LOOP_NEVER);
	else if (cat->config->timeout_ns != CONFIG_NEVER)
		loop_set_timer(cat->loop, &cat->wait_timer,
			       loop_now(cat->loop) + cat->config->timeout_ns);
}

static bool is_current(const struct cat *cat, const struct wire_hello *hello)
{
	return cat->engine && memcmp(session_id(engine_session(cat->engine)), hello->session,
				     WIRE_SESSION_ID_LEN) == 0;
}

static void join(void *arg, const struct hello_peer *peer)
{
	struct cat *cat = arg;
	int r;

	if (measure_server_knows(cat->server.measured, peer->hello)) {
		measure_server_join(cat->server.measured, cat->server.listener, peer->channel,
				    peer->hello);
		return;
	}
	if (!is_current(cat, peer->hello) ||
	    session_state(engine_session(cat->engine)) != SESSION_OPEN) {
		refuse(cat, peer, WIRE_R_NO_SESSION, NULL);
		return;
	}
	r = engine_attach(cat->engine, &(struct engine_arrival){ .channel = peer->channel,
								 .hello = peer->hello });
	if (r == -EACCES)
		log_info("\"%s\" tried to join the session of another peer",
			 tls_peer_name(peer->channel.tls));
	else if (r)
		log_info("cannot attach a peer's connection: %s", outcome_refusal_text(r));
	if (r)
		refuse(cat, peer, outcome_refusal(r), NULL);
}

/* With a key nobody but its holders can keep others out. A command may be at work in silence. And
 * after a failure an input that cannot be read a second time would end the service. */
static bool is_limited(const struct cat *cat)
{
	const struct config *c = cat->config;

	return !cat->tls && local_is_stdio(c) && c->idle_ns == CONFIG_NEVER && !c->idle_given &&
	       !lost_input(cat);
}

static struct idle_turn_state turn_state_of(const struct cat *cat)
{
	struct session_stats stats;
	struct idle_turn_state state = { .lost = session_lost(engine_session(cat->engine)),
					 .limited = is_limited(cat),
					 .now_ns = loop_now(cat->loop) };

	engine_stats(cat->engine, &stats);
	state.complete = stats.tx_ended && stats.rx_total_known &&
			 stats.tx_taken == stats.tx_read && stats.rx_taken == stats.rx_total;
	state.moved = stats.tx_read + stats.tx_taken + stats.rx_received + stats.rx_taken;
	return state;
}

/* Another client waits, each QUEUE_PING_NS. */
static void on_pinged(void *arg)
{
	struct cat *cat = arg;
	struct idle_turn_state state;
	enum idle_turn turn;

	if (cat->state != CAT_SERVING)
		return;
	state = turn_state_of(cat);
	turn = idle_turn_round(&cat->turn, &state);
	/* The network works for another one. */
	if (turn == IDLE_TURN_LOST && queue_answered(cat->server.queue))
		engine_give_up(cat->engine);
	else if (turn == IDLE_TURN_IDLE)
		engine_fail(cat->engine, WIRE_R_TIMEOUT,
			    "nothing moved for 10 minutes, and another client waits");
}

/* A client whose first connection was lost before our WELCOME came begins anew. */
static bool is_busy(const struct cat *cat)
{
	return cat->state != CAT_WAITING || plain_clients_busy(cat->server.guests);
}

/* One more that waits, behind the one that is served? */
static bool has_room(const struct cat *cat)
{
	return cat->config->keep &&
	       queue_len(cat->server.queue) + plain_clients_len(cat->server.guests) + 1 <
		       cat->config->max_clients;
}

static void on_plain(void *arg, int fd, const uint8_t *bytes, size_t n)
{
	struct cat *cat = arg;

	if ((is_busy(cat) && !has_room(cat)) ||
	    !plain_clients_push(cat->server.guests, fd, bytes, n)) {
		log_info("closed the connection of a plain client: too many others wait");
		close(fd);
	} else if (!is_busy(cat)) {
		serve_next(cat);
	} else {
		log_info("a plain client waits for its turn");
	}
}

static void guest_over(void *arg, const struct plain_copy_result *result)
{
	struct cat *cat = arg;
	bool keep = cat->config->keep;

	if (result->exit)
		cat->last_failure = result->exit;
	if (keep && result->exit && result->sent && input_start(STDIN_FILENO) < 0)
		keep = say_lost();
	if (++cat->n_served == cat->config->n_sessions || !keep)
		leave(cat, cat->last_failure);
	else
		serve_next(cat);
}

static void answer(void *arg, const struct hello_peer *peer)
{
	struct cat *cat = arg;

	query_reply_query(cat->server.answers, peer->channel, peer->hello, loop_now(cat->loop));
}

static void measure(void *arg, const struct hello_peer *peer)
{
	struct cat *cat = arg;

	measure_server_serve(cat->server.measured, cat->server.listener, peer->channel, peer->hello,
			     is_busy(cat));
}

static void begin(void *arg, const struct hello_peer *peer)
{
	struct cat *cat = arg;
	struct engine_config config = engine_config_of(cat, NULL);

	if (peer->hello->items.target[0])
		refuse(cat, peer, WIRE_R_TARGET, "this listener is not a relay and has no targets");
	else if (handshake_conflict(session_side(&config.session), peer->hello->side))
		refuse(cat, peer, WIRE_R_CONFLICT, NULL);
	else if (!is_busy(cat))
		serve(cat, peer);
	else if (!has_room(cat) || !queue_push(cat->server.queue, peer->channel, peer->hello))
		refuse(cat, peer, WIRE_R_BUSY, NULL);
	else
		log_info("a peer waits for its turn");
}

static bool runs(void *arg, const struct wire_hello *hello)
{
	const struct cat *cat = arg;

	return is_current(cat, hello) || measure_server_knows(cat->server.measured, hello);
}

static const uint8_t *named(void *arg, const struct wire_hello *hello)
{
	const struct cat *cat = arg;
	const uint8_t *id = cat->engine ? session_id(engine_session(cat->engine)) : NULL;

	if (!id || !prove_fits(hello, id))
		id = measure_server_id(cat->server.measured);
	return id && prove_fits(hello, id) ? id : NULL;
}

static void on_hello(void *arg, struct channel ch, const union sock_addr *from,
		     const struct wire_hello *hello)
{
	static const struct hello_table table = {
		.take = { [WIRE_HELLO_NEW] = begin,
			  [WIRE_HELLO_JOIN] = join,
			  [WIRE_HELLO_QUERY] = answer,
			  [WIRE_HELLO_MEASURE] = measure },
		.refusal[WIRE_HELLO_WARM] = "this listener is not a relay and keeps no connections",
		.runs = runs,
		.named = named,
		.refuse = refuse,
	};
	struct cat *cat = arg;
	const struct hello_peer peer = {
		.listener = cat->server.listener, .channel = ch, .from = from, .hello = hello
	};

	hello_dispatch(&table, cat, &peer);
}

static bool on_allows(void *arg, const union sock_addr *peer)
{
	return resolve_args_allow(((struct cat *)arg)->config, peer);
}

static bool on_knows(void *arg, const uint8_t source[SOCK_SOURCE_LEN])
{
	const struct cat *cat = arg;

	return cat->engine && engine_knows(cat->engine, source);
}

static void wait_fired(struct loop_timer *timer)
{
	struct cat *cat = timer->arg;
	char duration[32];

	text_duration(duration, sizeof(duration), cat->config->timeout_ns);
	log_error("no peer came within %s", duration);
	leave(cat, OUTCOME_NETWORK);
}

static int start_listener(struct cat *cat)
{
	const struct config *c = cat->config;
	struct listener_events events = {
		.note = log_note,
		.hello = on_hello,
		.plain = c->plain_ok ? on_plain : NULL,
		.allows = on_allows,
		.knows = on_knows,
		.arg = cat,
	};
	struct engine_config config = engine_config_of(cat, NULL);
	char addr[LISTENER_TEXT_LEN];
	uint16_t port;
	int r = listen_setup_open(&cat->server.listener, cat->loop, c, cat->tls, &events);

	if (r)
		return r;
	r = query_reply_new(&cat->server.answers, cat->server.listener, c, &config);
	if (!r)
		r = queue_new(&cat->server.queue, cat->loop, on_pinged, cat);
	if (!r)
		r = measure_server_new(&cat->server.measured, cat->loop, c);
	if (!r && c->plain_ok)
		r = plain_clients_new(&cat->server.guests, cat->loop, c, guest_over, cat);
	if (r)
		return r;
	port = listener_port(cat->server.listener, addr);
	log_info("listening on %s port %u; %s", addr, port,
		 cat->tls ? "with TLS, for peers that prove their identity"
			  : "without a key, anyone who reaches this port can talk to it");
	serve_next(cat);
	return 0;
}

/* Connecting ----------------------------------------------------------------------------------- */

static int start_client(struct cat *cat)
{
	const struct config *c = cat->config;
	struct engine_events events = { .note = log_note, .arg = cat };
	uint8_t id[WIRE_SESSION_ID_LEN];
	int r = client_setup_resolve(&cat->peer, c, cat->tls);

	if (r)
		return r;
	if (getrandom(id, sizeof(id), 0) != sizeof(id)) {
		log_error("cannot get random numbers from the kernel: %s", strerror(errno));
		return -EIO;
	}
	r = start_session(cat, id);
	if (!r)
		r = client_new(&cat->client, cat->loop, cat->engine, &cat->peer.config, &events);
	if (r)
		log_error("cannot start a session: %s", strerror(-r));
	return r;
}

/* Signals -------------------------------------------------------------------------------------- */

static void say_signal(struct cat *cat, int number)
{
	display_wipe(cat->display);
	log_error("interrupted by signal %d (%s)", number, strsignal(number));
}

static void parting_fired(struct loop_timer *timer)
{
	part(timer->arg, false);
}

static void end_by_signal(struct cat *cat, int number, bool dismissed)
{
	if (!dismissed) {
		engine_signal(cat->engine, number);
		return;
	}
	cat->parting.number = number;
	loop_set_timer(cat->loop, &cat->parting.timer, loop_now(cat->loop) + PARTING_NS);
	consider_parting(cat);
}

static void signal_event(struct loop_io *io, uint32_t events)
{
	struct cat *cat = io->arg;
	pid_t sender;
	int number = signals_read(io, &sender);
	bool dismissed;

	if (!number)
		return;
	if (number == SIGUSR1) {
		display_say(cat->display);
		return;
	}
	/* Who dismisses us may end a job of the terminal by its own end, which hangs us up again.
	 */
	if (number == SIGHUP && (cat->parting.number || cat->parting.quiet))
		return;
	/* A second signal waits neither for the peer to hear of the first nor for the command. */
	if (!cat->local || cat->exit) {
		say_signal(cat, number);
		leave(cat, OUTCOME_SIGNAL + number);
		return;
	}
	cat->exit = OUTCOME_SIGNAL + number;
	dismissed = local_is_stdio(cat->config) &&
		    between_is_dismissed(number, sender, cat->parting.starter);
	if (engine_n_live(cat->engine)) {
		end_by_signal(cat, number, dismissed);
		return;
	}
	if (!dismissed || between_is_outstanding(cat->engine))
		say_signal(cat, number);
	local_end(cat->local, &cat->gone);
}

/* ---------------------------------------------------------------------------------------------- */

static int start(struct cat *cat)
{
	int r = loop_new(&cat->loop);

	if (r)
		return r;
	cat->over = (struct loop_task){ .fn = session_over, .arg = cat };
	cat->gone = (struct loop_task){ .fn = session_gone, .arg = cat };
	cat->wait_timer = (struct loop_timer){ .fn = wait_fired, .arg = cat, .due_ns = LOOP_NEVER };
	cat->late.timer = (struct loop_timer){ .fn = late_fired, .arg = cat, .due_ns = LOOP_NEVER };
	cat->parting.timer =
		(struct loop_timer){ .fn = parting_fired, .arg = cat, .due_ns = LOOP_NEVER };
	cat->signals = (struct loop_io){ .fn = signal_event, .arg = cat };
	/* What opens files comes first: a FIFO without a writer can be interrupted only while
	 * signals do what they do by default. */
	r = display_new(&cat->display, cat->loop, cat->config);
	if (!r)
		r = tls_setup_open(cat->config, &cat->tls);
	if (!r)
		r = signals_watch(cat->loop, &cat->signals);
	if (!r)
		r = threads_open(cat->config, cat->loop, cat->tls, &cat->worker_pool);
	if (!r)
		r = cat->config->listen ? start_listener(cat) : start_client(cat);
	return r;
}

int cat_run(const struct config *config)
{
	struct cat cat = { .config = config, .parting.starter = getppid() };
	int r;

	/* A command would inherit it, and a program that closes all that it may have open would
	 * take minutes. One session and those who wait for it have room below the usual 1024. */
	if (local_is_stdio(config) || config->unix_path)
		limits_raise_descriptors();
	/* A listener may be there for long after a stranger has measured the way to it. */
	if (config->listen)
		limits_return_memory();
	r = limits_check_memory(config->window);
	if (!r)
		r = start(&cat);
	if (!r)
		r = loop_run(cat.loop);
	if (r)
		cat.exit = OUTCOME_SETUP;
	cat.display = display_free(cat.display);
	local_kill(cat.local);
	/* A thread that hangs in the kernel keeps what it uses until the process ends, which is
	 * now. */
	if (!engine_free(cat.engine) || !engine_free(cat.late.engine) ||
	    !measure_server_free(cat.server.measured))
		return cat.exit;
	local_free(cat.local);
	local_free(cat.late.local);
	if (!plain_clients_free(cat.server.guests))
		return cat.exit;
	client_free(cat.client);
	queue_free(cat.server.queue);
	query_reply_free(cat.server.answers);
	listener_free(cat.server.listener);
	worker_pool_free(cat.worker_pool);
	loop_free(cat.loop);
	tls_context_free(cat.tls);
	return cat.exit;
}
