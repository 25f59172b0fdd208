/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * measure.c - one measured session: three states, and snapshots of its counters
 *
 *                the session connects      all streams are confirmed
 *   CONNECTING -----------------------> FLOWS ------------------------> OVER
 *       |                                |  time_ns is up: stop()         |
 *       | it fails, or max_ns is up      v                                | the connections close
 *       |                             STOPPING: flows, ends its stream    v
 *       `------------------------------> on_ended() <---------------------'
 *
 * flows, stopping and over are set in this order and never cleared.
 *
 * What always holds:
 * - first, before and now are copies of the engine's counters: at WELCOME, at the last interval,
 *   and at the last look. A result is a difference of two of them.
 * - now does not change once all is confirmed, but for the counters that come with the goodbye
 *   (recount): the time that it takes to close connections is no part of a measurement.
 * - start_ns is 0 until data flows, so elapsed_ns counts from the first connection until then and
 *   from WELCOME afterwards.
 * - A file is made only where none was, and removed at the end, whatever the end was.
 */
#include "cmd/measure/measure.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cmd/cli/client_setup.h"
#include "io/clock.h"
#include "io/thread_time.h"
#include "session/session_stream.h"
#include "util/text.h"

struct measure {
	struct loop *loop;
	struct measure_config config;
	struct measure_events events;
	struct engine *engine;
	struct client *client;
	int in_fd, out_fd;
	bool remove_disk;
	bool flows;         /* WELCOME was said: data flows since start_ns */
	bool stopping;      /* the time is over */
	bool over;          /* all is confirmed */
	uint64_t start_ns;  /* since the first connection */
	uint64_t end_ns;    /* since start_ns */
	uint64_t way_ns[2]; /* the same: received, sent; 0: not confirmed */
	uint64_t stop_due_ns, limit_due_ns, interval_due_ns;
	unsigned n_live; /* connections, before the end closed them */
	struct loop_timer timer;
	struct bench_seen seen;
	struct measure_state first, before, now;
};

/* The main thread's time: that it ran, or could have but had no processor. */
static uint64_t busy_ns(void)
{
	struct thread_time t;

	thread_time_self(&t);
	return t.ran_ns + t.waited_ns;
}

/* State ---------------------------------------------------------------------------------------- */

static bool make_room(struct measure_state *s, unsigned n)
{
	struct subflow_stats *more;

	if (n <= s->room)
		return true;
	more = realloc(s->subflow, n * sizeof(*more));
	if (!more)
		return false;
	s->subflow = more;
	s->room = n;
	return true;
}

/* Copies what stats points to. Without memory for more connections, the first ones count. */
static void keep(struct measure_state *s, const struct session_stats *stats)
{
	s->stats = *stats;
	s->here = *stats->here;
	s->peer = *stats->peer;
	if (!make_room(s, stats->n_subflows))
		s->stats.n_subflows = s->room;
	if (s->stats.n_subflows)
		memcpy(s->subflow, stats->subflow, s->stats.n_subflows * sizeof(*stats->subflow));
	s->stats.subflow = s->subflow;
	s->stats.here = &s->here;
	s->stats.peer = &s->peer;
}

static void copy_state(struct measure_state *to, const struct measure_state *from)
{
	keep(to, &from->stats);
	to->cpu_ns = from->cpu_ns;
	to->busy_ns = from->busy_ns;
}

static void take_state(struct measure *m)
{
	struct session_stats stats;

	engine_stats(m->engine, &stats);
	stats.elapsed_ns -= m->start_ns;
	keep(&m->now, &stats);
	m->now.cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	m->now.busy_ns = busy_ns();
}

/* after_ns 0: never. */
static uint64_t due(uint64_t now_ns, uint64_t after_ns)
{
	return after_ns ? now_ns + after_ns : LOOP_NEVER;
}

static void begin(struct measure *m)
{
	uint64_t now_ns = loop_now(m->loop);

	m->flows = true;
	take_state(m);
	m->start_ns = m->now.stats.elapsed_ns;
	m->now.stats.elapsed_ns = 0;
	copy_state(&m->first, &m->now);
	copy_state(&m->before, &m->now);
	m->stop_due_ns = due(now_ns, m->config.time_ns);
	m->interval_due_ns = due(now_ns, m->config.interval_ns);
	loop_set_timer(m->loop, &m->timer, now_ns + MEASURE_LOOK_NS);
}

static void tell_interval(struct measure *m)
{
	if (m->events.interval)
		m->events.interval(m->events.arg, &m->before, &m->now);
	copy_state(&m->before, &m->now);
}

/* The end -------------------------------------------------------------------------------------- */

static void stop(struct measure *m)
{
	m->stopping = true;
	if (m->config.sends)
		engine_end_input(m->engine);
	if (m->config.receives)
		engine_stop_peer(m->engine);
}

static void check_limits(struct measure *m)
{
	uint64_t now_ns = loop_now(m->loop);
	uint64_t received = session_output_end(engine_session(m->engine));
	char text[SESSION_TEXT_LEN], size[24];

	if (now_ns >= m->stop_due_ns && !m->stopping)
		stop(m);
	if (now_ns < m->limit_due_ns && (!m->config.max_bytes || received <= m->config.max_bytes))
		return;
	text_size(size, sizeof(size), m->config.max_bytes);
	text_printf(text, sizeof(text),
		    "a measurement here has a limit of %s each way and of %u s; mpnc bench -l has "
		    "none",
		    size, (unsigned)(m->config.max_ns / 1000000000));
	if (m->config.config->listen)
		engine_fail(m->engine, WIRE_R_LIMIT, text);
	else
		engine_cut(m->engine);
}

/* The file is there to be measured, and not to be kept. */
static void close_ends(struct measure *m)
{
	if (m->in_fd >= 0)
		close(m->in_fd);
	if (m->out_fd >= 0)
		close(m->out_fd);
	if (m->remove_disk)
		unlink(m->config.disk);
	m->in_fd = m->out_fd = -1;
	m->remove_disk = false;
}

/* The goodbye is not measured any more. */
static void finish(struct measure *m)
{
	take_state(m);
	m->end_ns = m->flows ? m->now.stats.elapsed_ns : 0;
	m->over = true;
}

/* The last counts come with the goodbye. */
static void recount(struct measure *m)
{
	struct session_stats stats;

	engine_stats(m->engine, &stats);
	m->now.here = *stats.here;
	m->now.peer = *stats.peer;
	m->now.stats.cost = stats.cost;
	m->now.stats.peer_cost = stats.peer_cost;
}

static void on_ended(void *arg)
{
	struct measure *m = arg;

	loop_set_timer(m->loop, &m->timer, LOOP_NEVER);
	if (m->over)
		recount(m);
	else
		finish(m);
	m->events.ended(m->events.arg);
}

/* Looking -------------------------------------------------------------------------------------- */

static void watch_ways(struct measure *m)
{
	const struct session *s = engine_session(m->engine);
	const bool confirmed[] = { session_received_confirmed(s), session_sent_confirmed(s) };

	for (int i = 0; i < 2; i++) {
		if (!confirmed[i] || m->way_ns[i])
			continue;
		take_state(m);
		m->way_ns[i] = m->now.stats.elapsed_ns;
	}
	if (confirmed[0] && confirmed[1])
		finish(m);
}

static void on_pumped(void *arg)
{
	struct measure *m = arg;

	if (!m->flows && session_state(engine_session(m->engine)) != SESSION_CONNECTING)
		begin(m);
	if (engine_n_live(m->engine))
		m->n_live = engine_n_live(m->engine);
	if (m->flows && !m->over)
		watch_ways(m);
	/* Between two looks much can come. */
	if (m->config.max_bytes && !m->over)
		check_limits(m);
	if (m->client)
		client_pumped(m->client);
}

static void timer_fired(struct loop_timer *timer)
{
	struct measure *m = timer->arg;
	uint64_t now_ns = loop_now(m->loop);

	loop_set_timer(m->loop, timer, now_ns + MEASURE_LOOK_NS);
	if (m->over)
		return;
	if (!m->flows) {
		check_limits(m);
		return;
	}
	take_state(m);
	bench_look(&m->seen, &m->now.stats, m->config.config->window);
	if (now_ns >= m->interval_due_ns) {
		m->interval_due_ns += m->config.interval_ns;
		tell_interval(m);
	}
	check_limits(m);
}

/* Life ----------------------------------------------------------------------------------------- */

static int open_disk(struct measure *m, char why[BENCH_TEXT_LEN])
{
	const char *path = m->config.disk;
	char quoted[96];
	int fd;

	/* A name that is in use is not taken over: it is for a peer to say which way data goes. */
	fd = m->config.sends ? open(path, O_RDONLY | O_CLOEXEC)
			     : open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd >= 0)
		return fd;
	fd = -errno;
	text_quote(quoted, sizeof(quoted), path, strlen(path));
	text_printf(
		why, BENCH_TEXT_LEN, "cannot %s %s: %s", m->config.sends ? "read" : "write", quoted,
		fd == -EEXIST ? "it exists, and what is measured would replace it" : strerror(-fd));
	return fd;
}

/* Zeros: this many, or without end. Returns the descriptor or -1. */
static int open_source(uint64_t bytes)
{
	int fd;

	if (!bytes)
		return open("/dev/zero", O_RDONLY | O_CLOEXEC);
	/* A file without a written page takes no memory. */
	fd = memfd_create("mpnc", MFD_CLOEXEC);
	if (fd >= 0 && ftruncate(fd, (off_t)bytes) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static int open_ends(struct measure *m, char why[BENCH_TEXT_LEN])
{
	const struct measure_config *c = &m->config;
	int disk = c->disk ? open_disk(m, why) : -1;

	if (c->disk && disk < 0)
		return disk;
	if (c->sends)
		m->in_fd = c->disk ? disk : open_source(c->send_bytes);
	if (c->receives)
		m->out_fd = c->disk ? disk : open("/dev/null", O_WRONLY | O_CLOEXEC);
	m->remove_disk = c->disk && c->receives;
	return (c->sends && m->in_fd < 0) || (c->receives && m->out_fd < 0) ? -errno : 0;
}

static struct engine_config engine_config_of(const struct measure *m)
{
	const struct measure_config *mc = &m->config;
	const struct config *c = mc->config;
	struct engine_config config = client_setup_engine_config(c, mc->listener);

	if (mc->n_subflows)
		config.session.n_subflows = mc->n_subflows;
	if (mc->max_ns)
		config.session.reconnect_ns = 0;
	if (mc->max_window && mc->max_window < config.session.window)
		config.session.window = mc->max_window;
	config.session.measure = true;
	config.session.wanted = mc->wanted;
	config.session.duplex = true;
	config.session.send_only = !mc->receives;
	config.session.recv_only = !mc->sends;
	config.endpoint = (struct endpoint_config){
		.in_fd = m->in_fd,
		.in_start = -1,
		.out_fd = m->out_fd,
		.no_input = !mc->sends,
		.no_output = !mc->receives,
		.endless = !mc->disk,
	};
	if (c->idle_ns == CONFIG_NEVER)
		config.idle_ns = MEASURE_IDLE_NS;
	config.worker_pool = mc->worker_pool;
	return config;
}

int measure_new(struct measure **out, struct loop *loop, const struct measure_config *config,
		const uint8_t id[WIRE_SESSION_ID_LEN], const struct measure_events *events,
		char why[BENCH_TEXT_LEN])
{
	struct engine_events engine_events = { .note = events->note,
					       .pumped = on_pumped,
					       .ended = on_ended };
	struct measure *m = calloc(1, sizeof(*m));
	struct engine_config engine;
	int r;

	why[0] = '\0';
	if (!m)
		return -ENOMEM;
	m->loop = loop;
	m->config = *config;
	m->events = *events;
	m->in_fd = m->out_fd = -1;
	m->timer = (struct loop_timer){ .fn = timer_fired, .arg = m, .due_ns = LOOP_NEVER };
	r = open_ends(m, why);
	if (r)
		goto close_ends;
	engine = engine_config_of(m);
	memcpy(engine.session.id, id, WIRE_SESSION_ID_LEN);
	engine_events.arg = m;
	r = engine_new(&m->engine, loop, &engine, &engine_events);
	if (r)
		goto close_ends;
	m->stop_due_ns = m->interval_due_ns = LOOP_NEVER;
	m->limit_due_ns = due(loop_now(loop), config->max_ns);
	loop_set_timer(loop, &m->timer, loop_now(loop) + MEASURE_LOOK_NS);
	*out = m;
	return 0;
close_ends:
	close_ends(m);
	free(m);
	return r;
}

bool measure_free(struct measure *m)
{
	if (!m)
		return true;
	loop_set_timer(m->loop, &m->timer, LOOP_NEVER);
	if (!engine_free(m->engine))
		return false;
	client_free(m->client);
	close_ends(m);
	free(m->first.subflow);
	free(m->before.subflow);
	free(m->now.subflow);
	free(m);
	return true;
}

int measure_connect(struct measure *m, const struct client_setup *peer, uint16_t port, int mss)
{
	struct engine_events events = { .note = m->events.note, .arg = m->events.arg };
	struct client_config config = peer->config;

	if (m->config.n_subflows) {
		config.follow_plan = false;
		config.n_flows = m->config.n_subflows;
	}
	if (port)
		config.source_port = port;
	config.socket.mss = mss;
	return client_new(&m->client, m->loop, m->engine, &config, &events);
}

struct engine *measure_engine(struct measure *m)
{
	return m->engine;
}

/* Results -------------------------------------------------------------------------------------- */

int measure_exit(const struct measure *m, const char **reason_out)
{
	const struct outcome *e = engine_outcome(m->engine);

	*reason_out = e->reason;
	if (m->client && client_failure(m->client))
		*reason_out = client_failure(m->client);
	return e->exit;
}

uint64_t measure_ns(const struct measure *m)
{
	return m->end_ns;
}

unsigned measure_n_subflows(const struct measure *m)
{
	return m->n_live;
}

uint64_t measure_way_ns(const struct measure *m, bool sending)
{
	return m->way_ns[sending] ? m->way_ns[sending] : m->end_ns;
}

const struct measure_state *measure_state(const struct measure *m)
{
	return &m->now;
}

static double part(uint64_t ns, uint64_t of_ns)
{
	return of_ns ? (double)ns / (double)of_ns : 0;
}

double measure_cpu(const struct measure *m)
{
	return part(m->now.cpu_ns - m->first.cpu_ns, measure_ns(m));
}

double measure_busy(const struct measure *m)
{
	return part(m->now.busy_ns - m->first.busy_ns, measure_ns(m));
}

enum bench_limit measure_judge(const struct measure *m, bool sending, char text[BENCH_TEXT_LEN])
{
	const struct bench_case c = { .sending = sending,
				      .stats = &m->now.stats,
				      .ns = measure_ns(m),
				      .seen = &m->seen,
				      .busy = measure_busy(m),
				      .window = m->config.config->window,
				      .disk = m->config.disk };

	return measure_limit(&c, text);
}
