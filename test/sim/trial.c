/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is required of a trial, by its seed:
 *
 *   It ends: both sides' sessions are over within LIMIT_NS of simulated time. That is more than all
 *   limits of the program together: --retry, connect, reconnect, and the pauses between. A client
 *   that has nobody to talk to ends by limit_ns, which is those limits of this trial.
 *
 *   A side ends with status 0 only if the whole stream was taken, each byte as it was given. With
 *   another status, one of those of outcome.h, it has a sentence of one line. A client that never
 *   had a connection names what its kernel said.
 *
 *   What the program promises to survive, it survives: `survives` of the script.
 *
 *   The loop sleeps: it goes round at most TURNS_MAX times in one moment, and in each second at
 *   most WAKES_MAX times more often than something happened in the network.
 *
 *   Nothing is left: descriptors, timers and tasks of the loop, memory. What it takes meanwhile is
 *   bounded.
 */
#include "trial.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client/client.h"
#include "engine/engine.h"
#include "heap.h"
#include "server/hello.h"
#include "server/listener.h"
#include "util/text.h"

#define LIMIT_NS (900 * CLOCK_SECOND)

/* The kernel gives up a SYN, and the session a connection that is silent. */
#define SYN_NS     (127 * CLOCK_SECOND)
#define NOTICED_NS (15 * CLOCK_SECOND)

/* Between two looks at what the loop and memory are used for. */
#define LOOK_NS CLOCK_SECOND

/* A side looks for late chunks each 10 ms while the peer has not confirmed what was sent (100 a
 * second), and nothing else is so frequent; retries, the plan and PING are a few. Both sides are in
 * this loop. */
#define WAKES_MAX 250

/* Each moves something: a frame or a block of 64 KiB, and windows are small. */
#define TURNS_MAX 100

/* Beside both windows of both sides. */
#define MEMORY_MAX (4u << 20)

/* So that 500 trials take seconds; the slow ones last long enough for all that fails. */
#define BYTES_MAX (4u << 20)

#define EVENTS_MAX 24
#define NETS_MAX   4

enum what {
	SET_FATE, /* of address `arg` */
	RESET_ONE,
	RESET_ALL,
	FORGET_ALL,
	SET_DOWN,
	SET_UP,
	DIE,
	START,
	NO_SOCKETS,
	NO_ACCEPT,
	FILES_BACK,
	CUT,
};

struct event {
	uint64_t at_ns;
	enum what what;
	unsigned arg;
	enum connect_fate fate;
	struct run *run;
};

struct script {
	enum trial_kind kind;
	struct network net;
	unsigned n_nets;
	enum connect_fate fate[NETS_MAX];
	struct event event[EVENTS_MAX];
	unsigned n_events;
	uint64_t window, reconnect_ns, retry_ns, connect_ns;
	unsigned n_flows;
	uint64_t limit_ns; /* the client has ended by then */
	bool survives;     /* it has to end well */
	const char *cause; /* it cannot end well, and this has to be in the sentence; NULL: may */
};

struct run {
	struct world world;
	struct faults faults;
	struct script script;
	bool trace;
	struct loop *loop;
	struct listener *listener;
	struct engine *engine[2];
	struct client *client;
	struct engine_events events[2];
	bool ended[2];
	bool cut;
	bool died; /* a server's session, with its process */
	uint64_t client_ended_ns, waits, done;
	double memory; /* at the beginning */
	struct trial *out;
};

const char *trial_name(enum trial_kind kind)
{
	static const char *const names[N_TRIALS] = { "sound", "refused", "silent", "no way",
						     "pairs", "resets",  "all",    "half open",
						     "down",  "dies",    "files",  "mix",
						     "cut" };

	return names[kind];
}

__attribute__((format(printf, 2, 3))) static void wrong(struct run *r, const char *fmt, ...)
{
	va_list ap;

	if (r->out->wrong)
		return;
	r->out->wrong = true;
	va_start(ap, fmt);
	text_vprintf(r->out->why, sizeof(r->out->why), fmt, ap);
	va_end(ap);
}

static double now_s(const struct run *r)
{
	return (double)r->world.clock.now_ns / 1e9;
}

/* The script ----------------------------------------------------------------------------------- */

static uint64_t between(struct clock *c, uint64_t low_ns, uint64_t high_ns)
{
	return low_ns + clock_below(c, high_ns - low_ns);
}

static bool chance(struct clock *c, unsigned percent)
{
	return clock_below(c, 100) < percent;
}

static void plan_event(struct script *s, uint64_t at_ns, enum what what)
{
	if (s->n_events < EVENTS_MAX)
		s->event[s->n_events++] = (struct event){ .at_ns = at_ns, .what = what };
}

static void plan_fate(struct script *s, uint64_t at_ns, unsigned net, enum connect_fate fate)
{
	plan_event(s, at_ns, SET_FATE);
	s->event[s->n_events - 1].arg = net;
	s->event[s->n_events - 1].fate = fate;
}

static void draw_options(struct script *s, struct clock *c)
{
	static const unsigned windows[] = { 256, 256, 1024, 4096 };
	static const uint64_t reconnect[] = { 0, 3, 10, 30 };
	struct network *net = &s->net;
	double rate = 1e5 * (double)(1u << clock_below(c, 8));

	text_printf(net->name, sizeof(net->name), "trial");
	for (unsigned i = 0; i < 2; i++) {
		net->machine[i].n_links = 1 + (unsigned)clock_below(c, 3);
		net->machine[i].policy = HASH_LAYER34;
		for (unsigned k = 0; k < net->machine[i].n_links; k++) {
			struct hop_config hop = { .rate = rate, .limit = 3e5 };

			net->machine[i].link[k] =
				(struct link_config){ .out = hop, .in = hop, .speed = 100 };
		}
	}
	net->delay_ns = between(c, 50000, 80 * CLOCK_MS);
	net->sender = (unsigned)clock_below(c, 2);
	net->bytes = (uint64_t)(rate * clock_part(c) * (double)(1u << clock_below(c, 5)));
	if (net->bytes > BYTES_MAX)
		net->bytes = clock_below(c, BYTES_MAX);
	s->n_nets = 1;
	s->window = (uint64_t)windows[clock_below(c, 4)] << 10;
	s->reconnect_ns = reconnect[clock_below(c, 4)] * CLOCK_SECOND;
	s->retry_ns = chance(c, 50) ? between(c, CLOCK_SECOND, 40 * CLOCK_SECOND) : 0;
	s->connect_ns = chance(c, 50) ? between(c, CLOCK_SECOND, 20 * CLOCK_SECOND) : LOOP_NEVER;
	s->n_flows = 1 + (unsigned)clock_below(c, 8);
}

static enum connect_fate any_fate(struct clock *c)
{
	return (enum connect_fate)(CONNECT_REFUSED + clock_below(c, 3));
}

/* By when a client that never has a connection has ended: an attempt may begin at the end of
 * --retry. */
static uint64_t first_limit_ns(const struct script *s)
{
	uint64_t connect_ns = s->connect_ns == LOOP_NEVER ? SYN_NS : s->connect_ns;

	return s->retry_ns + connect_ns + 2 * CLOCK_SECOND;
}

/* For a while, or ever. A round of attempts begins each CLIENT_RETRY_MAX_NS at least, and one that
 * is refused costs no more. */
static void draw_fate(struct script *s, struct clock *c, enum connect_fate fate)
{
	static const char *const cause[] = {
		[CONNECT_REFUSED] = "Connection refused",
		[CONNECT_SILENT] = "Connection timed out",
		[CONNECT_UNREACHABLE] = "Network is unreachable",
	};
	uint64_t back_ns = between(c, 0, 60 * CLOCK_SECOND);

	s->fate[0] = fate;
	if (chance(c, 30)) {
		s->cause = cause[fate];
		s->limit_ns = first_limit_ns(s);
		return;
	}
	plan_fate(s, back_ns, 0, CONNECT_STANDS);
	s->survives = fate != CONNECT_SILENT && s->retry_ns > back_ns + 3 * CLIENT_RETRY_MAX_NS;
}

static void draw_pairs(struct script *s, struct clock *c)
{
	unsigned works;

	s->n_nets = 2 + (unsigned)clock_below(c, NETS_MAX - 1);
	works = (unsigned)clock_below(c, s->n_nets);
	for (unsigned i = 0; i < s->n_nets; i++)
		s->fate[i] = i == works || chance(c, 20) ? CONNECT_STANDS : any_fate(c);
	s->survives = s->connect_ns > CLOCK_SECOND;
}

static void draw_resets(struct script *s, struct clock *c, enum what what)
{
	unsigned n = 1 + (unsigned)clock_below(c, 8);

	for (unsigned i = 0; i < n; i++)
		plan_event(s, between(c, 0, 10 * CLOCK_SECOND), what);
	s->survives = s->reconnect_ns >= 10 * CLOCK_SECOND;
}

static void draw_down(struct script *s, struct clock *c)
{
	uint64_t at_ns = between(c, 0, 8 * CLOCK_SECOND);

	uint64_t down_ns = between(c, 0, 60 * CLOCK_SECOND);

	plan_event(s, at_ns, SET_DOWN);
	if (chance(c, 30)) {
		s->limit_ns = at_ns + NOTICED_NS + s->reconnect_ns + first_limit_ns(s);
		return;
	}
	plan_event(s, at_ns + down_ns, SET_UP);
	s->survives = at_ns > CLOCK_SECOND && down_ns + 5 * CLOCK_SECOND < s->reconnect_ns;
}

static void draw_death(struct script *s, struct clock *c)
{
	uint64_t at_ns = between(c, 0, 8 * CLOCK_SECOND);

	plan_event(s, at_ns, DIE);
	if (chance(c, 70))
		plan_event(s, at_ns + between(c, 1, 20 * CLOCK_SECOND), START);
}

static void draw_files(struct script *s, struct clock *c)
{
	uint64_t at_ns = chance(c, 50) ? 0 : between(c, 0, 5 * CLOCK_SECOND);

	plan_event(s, at_ns, chance(c, 50) ? NO_SOCKETS : NO_ACCEPT);
	plan_event(s, at_ns + between(c, 0, 20 * CLOCK_SECOND), FILES_BACK);
}

static void draw_kind(struct script *s, struct clock *c, enum trial_kind kind)
{
	switch (kind) {
	case TRIAL_REFUSED:
		draw_fate(s, c, CONNECT_REFUSED);
		break;
	case TRIAL_SILENT:
		draw_fate(s, c, CONNECT_SILENT);
		break;
	case TRIAL_NO_WAY:
		draw_fate(s, c, CONNECT_UNREACHABLE);
		break;
	case TRIAL_PAIRS:
		draw_pairs(s, c);
		break;
	case TRIAL_RESETS:
		draw_resets(s, c, RESET_ONE);
		break;
	case TRIAL_ALL:
		draw_resets(s, c, RESET_ALL);
		break;
	case TRIAL_HALF:
		draw_resets(s, c, FORGET_ALL);
		break;
	case TRIAL_DOWN:
		draw_down(s, c);
		break;
	case TRIAL_DIES:
		draw_death(s, c);
		break;
	case TRIAL_FILES:
		draw_files(s, c);
		break;
	default:
		s->survives = kind == TRIAL_SOUND;
		break;
	}
}

static void draw_mix(struct script *s, struct clock *c)
{
	unsigned n = 2 + (unsigned)clock_below(c, 3);

	for (unsigned i = 0; i < n; i++)
		draw_kind(s, c, (enum trial_kind)clock_below(c, TRIAL_MIX));
	s->survives = false;
	s->cause = NULL;
	s->limit_ns = 0;
	if (s->kind == TRIAL_CUT)
		plan_event(s, between(c, 0, 8 * CLOCK_SECOND), CUT);
}

static void draw(struct script *s, uint64_t seed)
{
	struct clock c;

	clock_init(&c, clock_mix(seed, 5));
	s->kind = (enum trial_kind)(seed % N_TRIALS);
	draw_options(s, &c);
	if (s->kind >= TRIAL_MIX)
		draw_mix(s, &c);
	else
		draw_kind(s, &c, s->kind);
	clock_clear(&c);
}

/* The two sides -------------------------------------------------------------------------------- */

static void note_client(void *arg, int level, const char *text)
{
	const struct run *r = arg;

	if (r->trace)
		printf("%9.3f client: %s\n", now_s(r), text);
}

static void note_server(void *arg, int level, const char *text)
{
	const struct run *r = arg;

	if (r->trace)
		printf("%9.3f server: %s\n", now_s(r), text);
}

static void client_moved(void *arg)
{
	client_pumped(((struct run *)arg)->client);
}

static void client_links(void *arg)
{
	client_replan(((struct run *)arg)->client);
}

static void nothing(void *arg)
{
}

static void client_ended(void *arg)
{
	struct run *r = arg;

	r->ended[0] = true;
	r->client_ended_ns = r->world.clock.now_ns;
}

static void server_ended(void *arg)
{
	((struct run *)arg)->ended[1] = true;
}

static struct topo_source no_source = { .root = "/nonexistent" };

static int new_engine(struct run *r, unsigned side, const uint8_t id[WIRE_SESSION_ID_LEN])
{
	struct engine_config c = {
		.session = { .role = side ? SESSION_SERVER : SESSION_CLIENT,
			     .window = r->script.window,
			     .n_subflows = side ? SUBFLOWS_MAX : r->script.n_flows,
			     .reconnect_ns = r->script.reconnect_ns },
		.endpoint = { .is_socket = true },
		.paths = { .client = side == 0, .source = &no_source },
		.idle_ns = LOOP_NEVER,
		.quit_ns = LOOP_NEVER,
	};
	int r2;

	memcpy(c.session.id, id, WIRE_SESSION_ID_LEN);
	r->events[side] = (struct engine_events){ .note = side ? note_server : note_client,
						  .pumped = side ? nothing : client_moved,
						  .replan = side ? NULL : client_links,
						  .ended = side ? server_ended : client_ended,
						  .arg = r };
	r2 = engine_new(&r->engine[side], r->loop, &c, &r->events[side]);
	return r2 ? r2 : engine_set_socket(r->engine[side], world_plug(side));
}

static bool runs(void *arg, const struct wire_hello *hello)
{
	const struct run *r = arg;

	return r->engine[1] && memcmp(session_id(engine_session(r->engine[1])), hello->session,
				      WIRE_SESSION_ID_LEN) == 0;
}

static const uint8_t *named(void *arg, const struct wire_hello *hello)
{
	const struct run *r = arg;

	return runs(arg, hello) ? session_id(engine_session(r->engine[1])) : NULL;
}

static void refuse(void *arg, const struct hello_peer *peer, enum wire_reason reason,
		   const char *why)
{
	note_server(arg, 1, "a peer is refused");
	hello_refuse(peer, reason, why);
}

static void attach(struct run *r, const struct hello_peer *peer)
{
	int result = engine_attach(r->engine[1], &(struct engine_arrival){ .channel = peer->channel,
									   .hello = peer->hello });

	if (result)
		refuse(r, peer, outcome_refusal(result), NULL);
}

static void take_join(void *arg, const struct hello_peer *peer)
{
	struct run *r = arg;

	if (runs(r, peer->hello) && session_state(engine_session(r->engine[1])) == SESSION_OPEN)
		attach(r, peer);
	else
		refuse(r, peer, WIRE_R_NO_SESSION, NULL);
}

/* As with nc -l: one session, and the next client is refused. */
static void take_new(void *arg, const struct hello_peer *peer)
{
	struct run *r = arg;

	if (r->engine[1] || r->died)
		refuse(r, peer, WIRE_R_BUSY, NULL);
	else if (new_engine(r, 1, peer->hello->session))
		wrong(r, "the server has no engine");
	else
		attach(r, peer);
}

static void on_hello(void *arg, struct channel ch, const union sock_addr *from,
		     const struct wire_hello *hello)
{
	static const struct hello_table table = {
		.take = { [WIRE_HELLO_NEW] = take_new, [WIRE_HELLO_JOIN] = take_join },
		.runs = runs,
		.named = named,
		.refuse = refuse,
	};
	const struct hello_peer peer = {
		.listener = ((struct run *)arg)->listener,
		.channel = ch,
		.from = from,
		.hello = hello,
	};

	hello_dispatch(&table, arg, &peer);
}

static void address_of(unsigned net, union sock_addr *out)
{
	uint8_t addr[4], mac[6];

	*out = (union sock_addr){ .in = { .sin_family = AF_INET } };
	world_addresses(1, addr, mac);
	addr[2] = (uint8_t)net;
	memcpy(&out->in.sin_addr, addr, sizeof(addr));
	sock_addr_set_port(out, WORLD_PORT);
}

static const struct sock_options plain = { .tos = -1 };

static void start_listener(struct run *r)
{
	const struct listener_events events = { .note = note_server, .hello = on_hello, .arg = r };
	union sock_addr addr;
	const struct listener_where where = { &addr, 1, &plain };
	bool no_sockets = r->faults.no_sockets;

	/* It is another process, with descriptors of its own. */
	r->faults.no_sockets = false;
	address_of(0, &addr);
	if (!r->listener && listener_new(&r->listener, r->loop, &where, NULL, &events))
		wrong(r, "the listener does not start");
	r->faults.no_sockets = no_sockets;
}

static int start_client(struct run *r)
{
	union sock_addr server[NETS_MAX];
	struct client_config c = { .host = "server",
				   .port = "5000",
				   .addrs = server,
				   .n_addrs = (int)r->script.n_nets,
				   .all_pairs = true,
				   .listed = true,
				   .n_flows = r->script.n_flows,
				   .connect_ns = r->script.connect_ns,
				   .retry_ns = r->script.retry_ns,
				   .socket = plain };
	uint8_t id[WIRE_SESSION_ID_LEN] = { 1 };
	int result;

	for (unsigned i = 0; i < r->script.n_nets; i++)
		address_of(i, &server[i]);
	result = new_engine(r, 0, id);
	return result ? result : client_new(&r->client, r->loop, r->engine[0], &c, &r->events[0]);
}

/* What happens --------------------------------------------------------------------------------- */

static enum connect_fate fate(void *arg, unsigned net)
{
	const struct run *r = arg;

	return net < NETS_MAX ? r->script.fate[net] : CONNECT_REFUSED;
}

static bool is_open(const struct connection *c)
{
	return c->fd[0] >= 0 && c->fd[1] >= 0;
}

static void reset_one(struct run *r)
{
	struct connection *c = r->world.connections;
	uint64_t n = 0;

	for (; c; c = c->next)
		n += is_open(c);
	n = clock_below(&r->world.clock, n);
	for (c = r->world.connections; c; c = c->next) {
		if (!is_open(c) || n-- > 0)
			continue;
		kernel_break(c, 0, ECONNRESET);
		kernel_break(c, 1, ECONNRESET);
	}
}

static void break_all(struct run *r, bool both)
{
	for (struct connection *c = r->world.connections; c; c = c->next) {
		if (!is_open(c))
			continue;
		kernel_break(c, 1, both ? ECONNRESET : ETIMEDOUT);
		if (both)
			kernel_break(c, 0, ECONNRESET);
	}
}

static void set_down(struct run *r, bool down)
{
	for (unsigned i = 0; i < WORLD_LINKS; i++)
		r->world.device[1][i].in.down = r->world.device[1][i].out.down = down;
}

/* Its kernel closes what it had. */
static void die(struct run *r)
{
	r->died |= r->engine[1] != NULL;
	r->listener = listener_free(r->listener);
	if (r->engine[1])
		engine_free(r->engine[1]);
	r->engine[1] = NULL;
	r->ended[1] = false;
}

static void stop(struct run *r)
{
	r->faults.stop = true;
	loop_stop(r->loop);
}

static void happens(void *arg)
{
	const struct event *e = arg;
	struct run *r = e->run;
	static const char *const words[] = { "fate",       "reset one", "reset all",  "forget all",
					     "down",       "up",        "die",        "start",
					     "no sockets", "no accept", "files back", "cut" };

	if (r->trace)
		printf("%9.3f == %s %u %u\n", now_s(r), words[e->what], e->arg, e->fate);
	switch (e->what) {
	case SET_FATE:
		r->script.fate[e->arg] = e->fate;
		break;
	case RESET_ONE:
		reset_one(r);
		break;
	case RESET_ALL:
	case FORGET_ALL:
		break_all(r, e->what == RESET_ALL);
		break;
	case SET_DOWN:
	case SET_UP:
		set_down(r, e->what == SET_DOWN);
		break;
	case DIE:
		die(r);
		break;
	case START:
		start_listener(r);
		break;
	case NO_SOCKETS:
		r->faults.no_sockets = true;
		break;
	case NO_ACCEPT:
		r->faults.no_accept = true;
		break;
	case FILES_BACK:
		r->faults.no_sockets = r->faults.no_accept = false;
		break;
	case CUT:
		r->cut = true;
		stop(r);
		break;
	}
}

/* Looking -------------------------------------------------------------------------------------- */

/* All that is allocated but for what the simulated TCP has. */
static double memory_now(const struct world *w)
{
	double n = (double)heap_bytes();

	for (const struct connection *c = w->connections; c; c = c->next)
		for (unsigned i = 0; i < 2; i++) {
			const struct half *h = &c->tcp.half[i];

			n -= (double)(h->ring_len + h->segs_len * sizeof(*h->segs) +
				      h->log_len * sizeof(*h->log) +
				      2 * h->by_time_len * sizeof(*h->by_time));
		}
	return n;
}

static void look(void *arg)
{
	struct run *r = arg;
	uint64_t now_ns = r->world.clock.now_ns;
	double wakes =
		(double)(r->faults.n_waits - r->waits) - (double)(r->world.clock.n_done - r->done);
	double memory = memory_now(&r->world) - r->memory;

	r->waits = r->faults.n_waits;
	r->done = r->world.clock.n_done;
	if (wakes > r->out->wakes)
		r->out->wakes = wakes;
	if (memory > r->out->memory)
		r->out->memory = memory;
	/* A connection that was under way may yet come to the listener. */
	r->out->ended = r->ended[0] && (!r->engine[1] || r->ended[1]) &&
			now_ns > r->client_ended_ns + LISTENER_HELLO_NS;
	if (r->out->ended || now_ns > CLOCK_SECOND + LIMIT_NS) {
		stop(r);
		return;
	}
	clock_add(&r->world.clock, now_ns + LOOK_NS, look, r);
}

/* Judging -------------------------------------------------------------------------------------- */

static void judge_side(struct run *r, unsigned side, const char *sentence)
{
	int exit = engine_outcome(r->engine[side])->exit;
	bool whole = r->world.taken == r->script.net.bytes && !r->faults.wrong_byte;
	const char *name = side ? "server" : "client";

	r->out->exit[side] = exit;
	if (r->trace)
		printf("%9.3f %s: status %d: %s\n", now_s(r), name, exit, sentence);
	if (exit == OUTCOME_OK && !whole)
		wrong(r, "the %s says all is well, and %llu of %llu bytes were taken%s", name,
		      (unsigned long long)r->world.taken, (unsigned long long)r->script.net.bytes,
		      r->faults.wrong_byte ? ", some of them wrong" : "");
	if (exit < 0 || exit > OUTCOME_PEER || exit == OUTCOME_SETUP)
		wrong(r, "the %s has status %d", name, exit);
	if (!sentence[0] || strchr(sentence, '\n') ||
	    (exit != OUTCOME_OK && !strncmp(sentence, "complete", 8)))
		wrong(r, "the %s has status %d and says: %s", name, exit, sentence);
	if (exit != OUTCOME_OK && r->script.survives)
		wrong(r, "the %s does not survive: status %d: %s", name, exit, sentence);
}

static void judge_outcome(struct run *r)
{
	const char *failure = client_failure(r->client);
	const char *cause = r->script.cause;
	const char *text;

	if (r->faults.busy)
		wrong(r, "the loop goes round without end");
	if (!r->out->ended) {
		wrong(r, "no end: client %s, server %s, %llu of %llu bytes taken",
		      r->ended[0] ? "ended" : "runs",
		      !r->engine[1] ? "has none"
		      : r->ended[1] ? "ended"
				    : "runs",
		      (unsigned long long)r->world.taken, (unsigned long long)r->script.net.bytes);
		return;
	}
	text = failure ? failure : engine_outcome(r->engine[0])->reason;
	judge_side(r, 0, text);
	if (r->script.limit_ns && r->client_ended_ns > CLOCK_SECOND + r->script.limit_ns)
		wrong(r, "the client ended after %.1f s, not within %.1f s: %s",
		      (double)(r->client_ended_ns - CLOCK_SECOND) / 1e9,
		      (double)r->script.limit_ns / 1e9, text);
	if (cause && (!r->out->exit[0] || !strstr(text, cause)))
		wrong(r, "status %d, and the sentence has no \"%s\": %s", r->out->exit[0], cause,
		      text);
	if (r->engine[1])
		judge_side(r, 1, engine_outcome(r->engine[1])->reason);
	else if (r->script.survives)
		wrong(r, "the server has no session");
}

static void judge_use(struct run *r)
{
	if (r->out->wakes > WAKES_MAX)
		wrong(r, "the loop wakes %.0f times in one second", r->out->wakes);
	if (r->out->turns > TURNS_MAX)
		wrong(r, "the loop goes round %u times in one moment", r->out->turns);
	if (r->out->memory > 4.0 * (double)r->script.window + MEMORY_MAX)
		wrong(r, "%.0f bytes of memory", r->out->memory);
}

static void end(struct run *r)
{
	client_free(r->client);
	if (r->engine[0])
		engine_free(r->engine[0]);
	if (r->engine[1])
		engine_free(r->engine[1]);
	listener_free(r->listener);
	if (!loop_is_empty(r->loop))
		wrong(r, "a timer or task is left");
	loop_free(r->loop);
	if (kernel_n_open(&r->world))
		wrong(r, "%u descriptors are left", kernel_n_open(&r->world));
	world_end(&r->world);
}

static void begin(struct run *r)
{
	struct script *s = &r->script;

	r->memory = memory_now(&r->world);
	for (unsigned i = 0; i < s->n_events; i++) {
		s->event[i].run = r;
		clock_add(&r->world.clock, CLOCK_SECOND + s->event[i].at_ns, happens, &s->event[i]);
	}
	clock_add(&r->world.clock, CLOCK_SECOND, look, r);
	if (loop_new(&r->loop))
		exit(2);
	start_listener(r);
	if (start_client(r))
		wrong(r, "the client does not start");
}

static void show_script(const struct script *s)
{
	printf("%s: %llu bytes from the %s, window %llu, reconnect %.1f s, retry %.1f s, connect "
	       "%.1f s, %u flows, %u addresses, %.1f ms, %.0f kB/s%s\n",
	       trial_name(s->kind), (unsigned long long)s->net.bytes,
	       s->net.sender ? "server" : "client", (unsigned long long)s->window,
	       (double)s->reconnect_ns / 1e9, (double)s->retry_ns / 1e9,
	       s->connect_ns == LOOP_NEVER ? 0 : (double)s->connect_ns / 1e9, s->n_flows, s->n_nets,
	       (double)s->net.delay_ns / 1e6, s->net.machine[0].link[0].out.rate / 1e3,
	       s->survives ? ", has to survive" : "");
}

void trial_run(uint64_t seed, bool trace, struct trial *out)
{
	int64_t before = heap_bytes();
	struct run *r = clock_alloc(sizeof(*r));

	*out = (struct trial){ .exit = { -1, -1 } };
	r->out = out;
	r->trace = trace;
	draw(&r->script, seed);
	out->kind = r->script.kind;
	if (trace)
		show_script(&r->script);
	world_begin(&r->world, &r->script.net, seed);
	r->faults = (struct faults){ .fate = fate, .arg = r };
	r->world.faults = &r->faults;
	begin(r);
	if (!out->wrong)
		loop_run(r->loop);
	out->seconds = now_s(r);
	out->turns = r->faults.most_turns;
	out->n_opened = r->world.n_connections;
	if (!r->cut)
		judge_outcome(r);
	judge_use(r);
	end(r);
	free(r);
	if (heap_bytes() != before && !out->wrong) {
		out->wrong = true;
		text_printf(out->why, sizeof(out->why), "%lld bytes of memory are left",
			    (long long)(heap_bytes() - before));
	}
}
