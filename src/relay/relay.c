/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Model: a session of the relay (struct relayed) is an engine with one plain connection. Near, a
 * client connects the engine; far, a plain_connect fetches the target meanwhile. Each session is in
 * the list of all and in one bucket, by its name, from relayed_new until session_over or discard.
 *
 * Memory: `all` is the pool of all sessions, and each source has a part of it (struct share), which
 * its first session makes and its last one frees. A share's n_sessions counts its sessions.
 *
 * A session ends inside of a callback of its engine, and is freed by a task of the loop after it.
 * Everything here is the loop's thread's.
 */
#include "relay/relay.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include "relay/plain_connect.h"
#include "relay/preconnect.h"
#include "server/prove_reply.h"
#include "session/handshake.h"
#include "util/text.h"
#include "util/units.h"

/* Sessions are found by their names, which are random (proof.h). */
#define BUCKETS 1024

/* Memory of the sessions of one source, or of all. */
struct share {
	struct winpool *pool;
	unsigned n_sessions;
	uint64_t look_ns; /* when they may be looked at again */
};

struct relayed {
	struct relay *relay;
	struct share *share; /* the relay's `all` for a unix socket */
	struct relayed *next, *prev;
	struct relayed *next_in_bucket;
	uint8_t key[WIRE_PROOF_LEN]; /* the session's name of proof.h */
	struct engine *engine;
	struct client *client;                 /* near */
	struct plain_connect *connecting;      /* far, until the target answers */
	const struct addr_list *failed_target; /* if it did not answer; borrowed */
	int target_error;
	struct loop_task over; /* the session has ended: clean up outside of its callback */
	struct source_table_member
		member; /* of the relay's sources; in no table: a unix socket's */
	char name[RELAY_NAME_LEN];
};

struct relay {
	struct loop *loop;
	struct relay_config config;
	struct relay_events events;
	struct share all;
	struct topo_source *source;
	struct preconnect *preconnect; /* NULL: no connections are kept ready */
	struct relayed *sessions;
	struct relayed *buckets[BUCKETS];
	struct source_table *sources; /* of the sessions */
	struct relay_totals totals;
	bool stopping;
	struct loop_timer stop_timer;
	struct loop_task stopped;
};

static void note(const struct relay *r, int level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void note(const struct relay *r, int level, const char *fmt, ...)
{
	char text[RELAY_NAME_LEN + OUTCOME_REASON_LEN];
	va_list ap;

	va_start(ap, fmt);
	text_vprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	r->events.note(r->events.arg, level, text);
}

/* The table */

static struct relayed **bucket_of(struct relay *r, const uint8_t key[WIRE_PROOF_LEN])
{
	uint32_t n;

	memcpy(&n, key, sizeof(n));
	return &r->buckets[n % BUCKETS];
}

static struct relayed *find_named(struct relay *r, const uint8_t key[WIRE_PROOF_LEN])
{
	struct relayed *s = *bucket_of(r, key);

	while (s && memcmp(s->key, key, WIRE_PROOF_LEN) != 0)
		s = s->next_in_bucket;
	return s;
}

static struct relayed *find(struct relay *r, const uint8_t *id)
{
	uint8_t key[WIRE_PROOF_LEN];

	proof_name(key, id);
	return find_named(r, key);
}

static void insert(struct relay *r, struct relayed *s)
{
	struct relayed **bucket = bucket_of(r, s->key);

	s->next_in_bucket = *bucket;
	*bucket = s;
	s->next = r->sessions;
	if (s->next)
		s->next->prev = s;
	r->sessions = s;
	r->totals.n_running++;
}

static void take_out(struct relay *r, struct relayed *s)
{
	struct relayed **p = bucket_of(r, s->key);

	assert(*p && r->totals.n_running);
	while (*p != s)
		p = &(*p)->next_in_bucket;
	*p = s->next_in_bucket;
	*(s->prev ? &s->prev->next : &r->sessions) = s->next;
	if (s->next)
		s->next->prev = s->prev;
	source_table_remove(r->sources, &s->member);
	r->totals.n_running--;
}

/* Sessions */

static void on_note(void *arg, int level, const char *text)
{
	struct relayed *s = arg;

	/* What one session has to say at -v would be too much of many. */
	note(s->relay, level ? level + 1 : 0, "%s: %s", s->name, text);
}

static struct relayed *relayed_of(struct source_table_member *member)
{
	return (struct relayed *)(void *)((char *)member - offsetof(struct relayed, member));
}

/* Another session of this source has the share already, or it is a new one. Returns 0 or -ENOMEM.
 */
static int join_share(struct relayed *s, const uint8_t *source)
{
	struct relay *r = s->relay;
	struct source_table_member *other = source ? source_table_any(r->sources, source) : NULL;

	s->share = &r->all;
	if (other) {
		s->share = relayed_of(other)->share;
	} else if (source) {
		s->share = calloc(1, sizeof(*s->share));
		if (!s->share)
			return -ENOMEM;
		if (winpool_new_part(&s->share->pool, r->all.pool)) {
			free(s->share);
			s->share = NULL;
			return -ENOMEM;
		}
	}
	s->share->n_sessions++;
	return 0;
}

static void end_stalled(struct relayed *s, enum session_stall stall)
{
	static const char *const text[] = {
		[SESSION_STALL_GAP] = "memory is short, and bytes before those that it holds have "
				      "been missing for 15 s",
		[SESSION_STALL_OUTPUT] = "memory is short, and its output has taken nothing for "
					 "60 s",
		[SESSION_STALL_PEER] = "memory is short, and the peer has acknowledged nothing "
				       "for 60 s",
	};

	engine_fail(s->engine, WIRE_R_MEMORY, text[stall]);
}

/* What a session of this share will give back, as it has failed or is ended here because it stalls
 * in this way. */
static uint64_t given_back(struct relayed *s, enum session_stall stall)
{
	struct session *session = engine_session(s->engine);
	uint64_t held = session_held(session);

	/* The block of each stream stays with its session. */
	if (held <= RELAY_SESSION_MEMORY)
		return 0;
	if (stall == SESSION_STALL_NONE)
		return session_state(session) == SESSION_FAILED ? held : 0;
	if (session_state(session) != SESSION_OPEN ||
	    session_stall(session, loop_now(s->relay->loop)) != stall)
		return 0;
	end_stalled(s, stall);
	return held;
}

/* Ends sessions that hold memory in vain until a quarter of the share is, or will be, free, or in a
 * small one what gives each window a block again: first those with gaps, as only a peer that is
 * lost or hostile leaves one for so long. */
static void make_room(struct relay *r, struct share *share)
{
	static const enum session_stall order[] = { SESSION_STALL_NONE, SESSION_STALL_GAP,
						    SESSION_STALL_PEER, SESSION_STALL_OUTPUT };
	uint64_t wanted = max_u64(winpool_size(share->pool) / 4, WINPOOL_SHARE * WINBUF_BLOCK);

	if (!winpool_short(share->pool) || loop_now(r->loop) < share->look_ns)
		return;
	share->look_ns = loop_now(r->loop) + RELAY_LOOK_NS;
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		for (struct relayed *s = r->sessions; s && wanted; s = s->next) {
			uint64_t n = 0;

			if (share == &r->all || s->share == share)
				n = given_back(s, order[i]);
			wanted -= n < wanted ? n : wanted;
		}
	}
}

static void on_pumped(void *arg)
{
	struct relayed *s = arg;

	if (s->client)
		client_pumped(s->client);
	make_room(s->relay, s->share);
	make_room(s->relay, &s->relay->all);
}

static void on_ended(void *arg)
{
	struct relayed *s = arg;

	loop_queue(s->relay->loop, &s->over);
}

static void count_bytes(struct relay_totals *t, const struct session_stats *stats)
{
	t->tx_bytes += stats->tx_taken;
	t->rx_bytes += stats->rx_taken;
}

static void leave_share(struct relayed *s)
{
	struct share *share = s->share;

	if (!share || --share->n_sessions || share == &s->relay->all)
		return;
	winpool_free(share->pool);
	free(share);
}

static void relayed_free(struct relayed *s)
{
	client_free(s->client);
	plain_connect_free(s->connecting);
	loop_unqueue(s->relay->loop, &s->over);
	engine_free(s->engine);
	leave_share(s);
	free(s);
}

/* A signal has ended the peer's program, and what came from it has arrived: so ends a ProxyCommand.
 */
static bool dismissed(const struct session_end *end, const struct session_stats *stats)
{
	return end->kind == SESSION_END_PEER && end->reason == WIRE_R_SIGNAL &&
	       stats->rx_taken == stats->rx_received;
}

static void session_over(struct loop_task *task)
{
	struct relayed *s = task->arg;
	struct relay *r = s->relay;
	struct outcome end = *engine_outcome(s->engine);
	const struct session_end *how = session_end(engine_session(s->engine));
	struct session_stats stats;
	bool well;

	if (s->failed_target && how->reason == WIRE_R_TARGET)
		text_printf(end.reason, sizeof(end.reason), "cannot connect to %s: %s",
			    s->failed_target->name, strerror(s->target_error));
	if (s->client && client_failure(s->client))
		text_printf(end.reason, sizeof(end.reason), "%s", client_failure(s->client));
	engine_stats(s->engine, &stats);
	count_bytes(&r->totals, &stats);
	well = end.exit == OUTCOME_OK || dismissed(how, &stats);
	r->totals.n_failed += !well;
	r->events.ended(r->events.arg, s->name, &end,
			well || how->reason == WIRE_R_INPUT || how->reason == WIRE_R_OUTPUT,
			&stats);
	take_out(r, s);
	relayed_free(s);
	if (r->stopping && !r->sessions)
		loop_queue(r->loop, &r->stopped);
}

/* One more from there (NULL: a unix socket)? Returns why not, or NULL. */
static const char *excluded(const struct relay *r, const union sock_addr *from)
{
	uint8_t source[SOCK_SOURCE_LEN];

	if (r->stopping)
		return "the relay is about to stop";
	if (r->totals.n_running >= r->config.max_sessions)
		return "the limit of sessions is reached (-m)";
	if (!from)
		return NULL;
	sock_addr_source(source, from);
	return source_table_count(r->sources, source) >= r->config.max_per_source
		       ? "this address has reached the limit of sessions (--per-source)"
		       : NULL;
}

static void name_session(struct relayed *s, const union sock_addr *from, const char *target)
{
	char addr[SOCK_ADDR_LEN];
	unsigned long long number = s->relay->totals.n_served + 1;

	if (!from) {
		text_printf(s->name, sizeof(s->name), "session %llu", number);
		return;
	}
	sock_addr_text(addr, from);
	text_printf(s->name, sizeof(s->name), "session %llu of %s port %u%s%s", number, addr,
		    sock_addr_port(from), *target ? " to " : "", target);
}

/* A session that is in the table, with nothing connected to it. target: its name, or "". Returns 0
 * or -errno. */
static int relayed_new(struct relayed **out, struct relay *r, const uint8_t *id,
		       const union sock_addr *from, const char *target)
{
	struct engine_config config = r->config.engine;
	struct relayed *s = calloc(1, sizeof(*s));
	struct engine_events events = {
		.note = on_note, .pumped = on_pumped, .ended = on_ended, .arg = s
	};
	uint8_t source[SOCK_SOURCE_LEN];
	int result;

	if (!s)
		return -ENOMEM;
	s->relay = r;
	s->over = (struct loop_task){ .fn = session_over, .arg = s };
	name_session(s, from, target);
	memcpy(config.session.id, id, WIRE_SESSION_ID_LEN);
	proof_name(s->key, id);
	config.session.duplex = true;
	config.session.frugal = true;
	config.endpoint = (struct endpoint_config){ .is_socket = true };
	config.paths.source = r->source;
	if (from)
		sock_addr_source(source, from);
	result = join_share(s, from ? source : NULL);
	if (!result && from)
		result = source_table_add(r->sources, &s->member, source);
	if (!result) {
		config.session.pool = s->share->pool;
		result = engine_new(&s->engine, r->loop, &config, &events);
	}
	if (result) {
		source_table_remove(r->sources, &s->member);
		leave_share(s);
		free(s);
		return result;
	}
	insert(r, s);
	r->totals.n_served++;
	*out = s;
	return 0;
}

/* It did not even begin. */
static void discard(struct relayed *s)
{
	take_out(s->relay, s);
	s->relay->totals.n_served--;
	relayed_free(s);
}

/* Near */

static void reset(int fd)
{
	sock_set_abrupt(fd);
	close(fd);
}

static void begin_preconnected(struct relay *r, struct relayed *s)
{
	struct client_first first;

	if (!r->preconnect || !preconnect_take(r->preconnect, &first))
		return;
	r->totals.n_preconnected++;
	client_begin_preconnected(s->client, &first);
}

static int begin(struct relay *r, int fd, const union sock_addr *from)
{
	struct engine_events events = { .note = on_note };
	uint8_t id[WIRE_SESSION_ID_LEN];
	struct relayed *s;
	int result;

	if (getrandom(id, sizeof(id), 0) != sizeof(id))
		return -EIO;
	result = relayed_new(&s, r, id, from, "");
	if (result)
		return result;
	events.arg = s;
	result = client_new(&s->client, r->loop, s->engine, &r->config.client, &events);
	if (!result)
		result = engine_set_socket(s->engine, fd);
	if (result)
		discard(s);
	else
		begin_preconnected(r, s);
	return result;
}

void relay_accept(struct relay *r, int fd, const union sock_addr *from)
{
	char addr[SOCK_ADDR_LEN] = "a unix socket";
	const char *why = excluded(r, from);
	int result;

	if (from)
		sock_addr_text(addr, from);
	if (!why) {
		result = begin(r, fd, from);
		if (!result)
			return;
		why = strerror(-result);
	}
	r->totals.n_refused++;
	note(r, 0, "refused a connection from %s: %s", addr, why);
	reset(fd);
}

/* Far */

static void on_target_connected(void *arg, int fd)
{
	struct relayed *s = arg;
	int result = engine_set_socket(s->engine, fd);

	s->connecting = plain_connect_free(s->connecting);
	if (!result)
		return;
	reset(fd);
	/* Or the session has ended meanwhile. */
	if (result != -ESHUTDOWN)
		engine_target_failed(s->engine, strerror(-result));
}

/* The peer may be a stranger: it does not learn where the target is. */
static void on_target_failed(void *arg, const struct addr_list *addrs, int error)
{
	struct relayed *s = arg;
	char text[SESSION_TEXT_LEN];

	s->connecting = plain_connect_free(s->connecting);
	s->failed_target = addrs;
	s->target_error = error;
	text_printf(text, sizeof(text), "cannot connect to the target: %s", strerror(error));
	engine_target_failed(s->engine, text);
}

/* Peers that said HELLO ------------------------------------------------------------------------ */

static void note_refused(const struct relay *r, int level, const struct hello_peer *peer,
			 const char *why)
{
	char addr[SOCK_ADDR_LEN];

	sock_addr_text(addr, peer->from);
	note(r, level, "refused a peer, %s port %u: %s", addr, sock_addr_port(peer->from), why);
}

static void refuse(void *arg, const struct hello_peer *peer, enum wire_reason reason,
		   const char *why)
{
	note_refused(arg, reason == WIRE_R_NO_SESSION || reason == WIRE_R_PURPOSE ? 1 : 0, peer,
		     why ? why : wire_reason_text(reason));
	hello_refuse(peer, reason, why);
}

/* What this machine lacks, or allows, is the user's business: the peer hears the kind alone. */
static void refuse_by_kind(struct relay *r, const struct hello_peer *peer, enum wire_reason reason,
			   const char *why)
{
	note_refused(r, 0, peer, why);
	hello_refuse(peer, reason, NULL);
}

/* The peer learns no names but the one that it said. */
static void refuse_target(struct relay *r, const struct hello_peer *peer)
{
	char why[WIRE_TARGET_LEN + 64] = "this relay's targets have names, and none was given";
	const char *name = peer->hello->items.target;

	if (*name)
		text_printf(why, sizeof(why), "this relay has no target named \"%s\"", name);
	r->totals.n_refused++;
	refuse(r, peer, WIRE_R_TARGET, why);
}

static const struct relay_target *find_target(const struct relay *r, const char *name)
{
	for (unsigned i = 0; i < r->config.n_targets; i++)
		if (strcmp(r->config.targets[i].name, name) == 0)
			return &r->config.targets[i];
	return NULL;
}

static void join(void *arg, const struct hello_peer *peer)
{
	struct relay *r = arg;
	struct relayed *s = find(r, peer->hello->session);
	int result;

	if (!s || session_state(engine_session(s->engine)) != SESSION_OPEN) {
		refuse(r, peer, WIRE_R_NO_SESSION, NULL);
		return;
	}
	result = engine_attach(s->engine, &(struct engine_arrival){ .channel = peer->channel,
								    .hello = peer->hello });
	if (result)
		refuse_by_kind(r, peer, outcome_refusal(result), outcome_refusal_text(result));
}

static int serve(struct relay *r, const struct hello_peer *peer, const struct relay_target *target)
{
	struct plain_connect_events events = { .done = on_target_connected,
					       .failed = on_target_failed };
	struct relayed *s;
	int result = relayed_new(&s, r, peer->hello->session, peer->from, target->name);

	if (result)
		return result;
	events.arg = s;
	result = plain_connect_new(&s->connecting, r->loop, &target->addrs, r->config.connect_ns,
				   &events);
	if (!result)
		result =
			engine_attach(s->engine, &(struct engine_arrival){ .channel = peer->channel,
									   .hello = peer->hello });
	if (result)
		discard(s);
	return result;
}

static void begin_far(void *arg, const struct hello_peer *peer)
{
	struct relay *r = arg;
	const struct relay_target *target = find_target(r, peer->hello->items.target);
	const char *why;
	int result;

	if (!target) {
		refuse_target(r, peer);
		return;
	}
	why = excluded(r, peer->from);
	result = why ? 0 : serve(r, peer, target);
	if (!why && !result)
		return;
	r->totals.n_refused++;
	if (result)
		refuse_by_kind(r, peer, outcome_refusal(result), outcome_refusal_text(result));
	else
		refuse_by_kind(r, peer, WIRE_R_LIMIT, why);
}

static bool runs(void *arg, const struct wire_hello *hello)
{
	return find(arg, hello->session);
}

static const uint8_t *named(void *arg, const struct wire_hello *hello)
{
	struct relayed *s = hello->items.has_proof ? find_named(arg, hello->items.proof) : NULL;

	return s ? session_id(engine_session(s->engine)) : NULL;
}

static void answer(void *arg, const struct hello_peer *peer)
{
	struct relay *r = arg;

	r->events.asked(r->events.arg, peer);
}

void relay_hello(struct relay *r, const struct hello_peer *peer)
{
	static const struct hello_table table = {
		.take = { [WIRE_HELLO_NEW] = begin_far,
			  [WIRE_HELLO_JOIN] = join,
			  [WIRE_HELLO_QUERY] = answer,
			  [WIRE_HELLO_WARM] = answer },
		.refusal[WIRE_HELLO_MEASURE] =
			"this is a relay; for mpnc bench start mpnc bench -l",
		.runs = runs,
		.named = named,
		.refuse = refuse,
	};

	hello_dispatch(&table, r, peer);
}

bool relay_knows(const struct relay *r, const uint8_t source[SOCK_SOURCE_LEN])
{
	return source_table_count(r->sources, source) > 0;
}

/* The end */

void relay_kill(struct relay *r, int signal)
{
	for (struct relayed *s = r->sessions; s; s = s->next)
		engine_signal(s->engine, signal);
}

static void stop_fired(struct loop_timer *timer)
{
	struct relay *r = timer->arg;

	note(r, 0, "%u session%s still running: ended", r->totals.n_running,
	     r->totals.n_running == 1 ? " is" : "s are");
	relay_kill(r, SIGTERM);
}

static void stopped(struct loop_task *task)
{
	struct relay *r = task->arg;

	r->events.stopped(r->events.arg);
}

void relay_stop(struct relay *r)
{
	r->stopping = true;
	r->preconnect = preconnect_free(r->preconnect);
	if (r->sessions)
		loop_set_timer(r->loop, &r->stop_timer, loop_now(r->loop) + RELAY_STOP_NS);
	else
		loop_queue(r->loop, &r->stopped);
}

void relay_totals(struct relay *r, struct relay_totals *out)
{
	struct session_stats stats;

	*out = r->totals;
	out->memory_used = (uint64_t)winpool_n_used(r->all.pool) * WINBUF_BLOCK;
	for (struct relayed *s = r->sessions; s; s = s->next) {
		session_stats(engine_session(s->engine), &stats);
		count_bytes(out, &stats);
	}
}

void relay_each(struct relay *r,
		void (*fn)(void *arg, const char *name, const struct session_stats *stats),
		void *arg)
{
	struct session_stats stats;

	for (struct relayed *s = r->sessions; s; s = s->next) {
		engine_stats(s->engine, &stats);
		fn(arg, s->name, &stats);
	}
}

unsigned relay_fitting(unsigned wanted, unsigned n_preconnect)
{
	const unsigned reserved = RELAY_FDS_RESERVED + n_preconnect;
	struct rlimit limit;
	uint64_t fitting;

	if (wanted > RELAY_SESSIONS_MAX)
		wanted = RELAY_SESSIONS_MAX;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY)
		return wanted;
	if (limit.rlim_cur < reserved + RELAY_FDS)
		return 1;
	fitting = (limit.rlim_cur - reserved) / RELAY_FDS;
	return fitting < wanted ? (unsigned)fitting : wanted;
}

unsigned relay_fitting_memory(unsigned wanted, uint64_t memory)
{
	uint64_t fitting = memory / 2 / RELAY_SESSION_MEMORY;

	if (!fitting)
		return 1;
	return fitting < wanted ? (unsigned)fitting : wanted;
}

static int make_preconnect(struct relay *r)
{
	struct preconnect_config config = { .client = r->config.client,
					    .paths = r->config.engine.paths,
					    .n = r->config.n_preconnect,
					    .note = r->events.note,
					    .arg = r->events.arg };

	config.paths.source = r->source;
	return config.n ? preconnect_new(&r->preconnect, r->loop, &config) : 0;
}

static int make_sources(struct relay *r)
{
	uint64_t seed;

	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		return -EIO;
	return source_table_new(&r->sources, r->config.max_sessions, seed);
}

/* What is left of the memory for all when each session has its own part. */
static size_t shared_blocks(const struct relay_config *config)
{
	uint64_t apart = config->max_sessions * RELAY_SESSION_MEMORY;

	return config->memory > apart ? (size_t)((config->memory - apart) / WINBUF_BLOCK) : 0;
}

int relay_new(struct relay **out, struct loop *loop, const struct relay_config *config,
	      const struct relay_events *events)
{
	struct relay *r = calloc(1, sizeof(*r));
	int result;

	if (!r)
		return -ENOMEM;
	r->loop = loop;
	r->config = *config;
	r->events = *events;
	r->stop_timer = (struct loop_timer){ .fn = stop_fired, .arg = r, .due_ns = LOOP_NEVER };
	r->stopped = (struct loop_task){ .fn = stopped, .arg = r };
	result = winpool_new(&r->all.pool, RELAY_POOL);
	if (!result)
		result = make_sources(r);
	if (result)
		goto failed;
	winpool_limit(r->all.pool, shared_blocks(config));
	/* Without it nothing is known of links, as in pathmgr.h. */
	if (topo_source_new(&r->source))
		r->source = NULL;
	result = make_preconnect(r);
	if (result)
		goto failed;
	*out = r;
	return 0;
failed:
	relay_free(r);
	return result;
}

struct relay *relay_free(struct relay *r)
{
	if (!r)
		return NULL;
	while (r->sessions) {
		struct relayed *s = r->sessions;

		take_out(r, s);
		relayed_free(s);
	}
	loop_set_timer(r->loop, &r->stop_timer, LOOP_NEVER);
	loop_unqueue(r->loop, &r->stopped);
	preconnect_free(r->preconnect);
	winpool_free(r->all.pool);
	source_table_free(r->sources);
	topo_source_free(r->source);
	free(r);
	return NULL;
}
