/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * doctor_probe.c - trials: short sessions with a listener, one after the other
 *
 *   ask (HELLO query) -> several and one connection, each way -> single flows from a block of ports
 *      the peer's facts   rates                                  lanes, stuck flows, segments
 *
 * A trial is one measured session (measure.h) with a time limit. Its flow is alone, so the growth
 * of the links' counters during the trial is the flow's own, and tells the lane (doctor_lane_end).
 *
 * What always holds:
 * - try() returns false when going on is of no use, and out->why says the reason. What was found
 *   until then stays and is shown.
 * - All trials together send at most DOCTOR_PROBE_BYTES: each has a number of bytes, and there are
 *   DOCTOR_FLOWS_MAX of them at most.
 * - Counters that contradict the bond's own rule too often are late, and no lane comes from them
 *   (doctor_check_lanes).
 */
#include "cmd/doctor/doctor_probe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "client/query.h"
#include "cmd/cli/tls_setup.h"
#include "cmd/measure/measure.h"
#include "path/link_convert.h"
#include "topo/ports.h"
#include "ui/log.h"
#include "util/text.h"
#include "util/units.h"

/* As a user waits who is used to ping. */
#define QUERY_NS (5 * NS_PER_S)

/* Ports are tried in blocks of neighbours, which a hash that knows ports puts on different links.
 */
#define BLOCK 16

/* One link carried it if it has this part of all that the links carried meanwhile, and this part of
 * what was sent. */
#define MOST_OF_ALL  0.6
#define MOST_OF_SENT 0.7

/* A busy listener is asked this often, with this pause. */
#define BUSY_TRIES 20
#define BUSY_NS    100000000

/* After this many ports from which no connection began, nobody is there. */
#define MISSED_MAX 4

/* Segments that are tried where large ones are lost: with a tunnel or two, a small MTU, the least.
 */
static const int small_segments[] = { 1360, 1200, 536 };

struct prober {
	const struct config *config;
	struct doctor_probes *out;
	struct client_setup peer;
	struct tls_context *tls;
	struct loop *loop;
	unsigned n_missed;
};

/* One session. */
struct trial {
	uint64_t out_bytes, back_bytes;
	unsigned n_subflows; /* 0: as many as the links need */
	uint16_t port;
	int mss;
	uint64_t ns;
};

/* What came of it. */
struct trial_result {
	bool answered;
	char reason[DOCTOR_WHY_LEN]; /* why it ended */
	uint64_t ns;
	uint64_t sent, received;
	unsigned n_live;
	double out, back; /* bits per second */
	struct measure_state state;
	struct subflow_stats first;
};

static void note(void *arg, int level, const char *text)
{
	log_debug("%s", text);
}

static void on_ended(void *arg)
{
	loop_stop(((struct prober *)arg)->loop);
}

static double rate_of(uint64_t bytes, uint64_t ns)
{
	return ns ? (double)bytes * 8 * (double)NS_PER_S / (double)ns : 0;
}

static void judge(struct measure *m, struct trial_result *o)
{
	const struct measure_state *state = measure_state(m);
	const char *reason;

	measure_exit(m, &reason);
	text_printf(o->reason, sizeof(o->reason), "%s", reason);
	o->state = *state;
	o->state.subflow = NULL;
	o->state.stats.subflow = NULL;
	o->state.stats.verdict = NULL;
	if (state->stats.n_subflows)
		o->first = state->stats.subflow[0];
	o->answered = session_version(engine_session(measure_engine(m))) != 0;
	o->n_live = measure_n_subflows(m);
	o->sent = state->stats.tx_taken;
	o->received = state->stats.rx_taken;
	o->out = rate_of(o->sent, measure_way_ns(m, true));
	o->back = rate_of(o->received, measure_way_ns(m, false));
}

/* There is no use in going on. Returns false. */
static bool stop(struct prober *p, const char *why)
{
	text_printf(p->out->why, sizeof(p->out->why), "%s", why);
	return false;
}

static bool is_busy(struct measure *m)
{
	const struct session_end *end = session_end(engine_session(measure_engine(m)));

	return end->kind == SESSION_END_REFUSED && end->reason == WIRE_R_BUSY;
}

static bool was_refused(struct measure *m, struct prober *p)
{
	const struct session_end *end = session_end(engine_session(measure_engine(m)));
	const char *reason;

	if (end->kind != SESSION_END_REFUSED && end->kind != SESSION_END_NOT_MPNC &&
	    end->reason != WIRE_R_LIMIT)
		return false;
	measure_exit(m, &reason);
	text_printf(p->out->why, sizeof(p->out->why), "%s", reason);
	return true;
}

static int begin(struct prober *p, const struct trial *t, struct measure **out)
{
	const struct measure_config config = { .config = p->config,
					       .sends = t->out_bytes,
					       .receives = t->back_bytes,
					       .n_subflows = t->n_subflows,
					       .send_bytes = t->out_bytes,
					       .wanted = t->back_bytes,
					       .time_ns = t->ns,
					       .max_ns = t->ns + NS_PER_S };
	const struct measure_events events = { .note = note, .ended = on_ended, .arg = p };
	uint8_t id[WIRE_SESSION_ID_LEN];
	char why[BENCH_TEXT_LEN];
	int r = getrandom(id, sizeof(id), 0) == sizeof(id) ? 0 : -EIO;

	if (!r)
		r = measure_new(out, p->loop, &config, id, &events, why);
	if (!r)
		r = measure_connect(*out, &p->peer, t->port, t->mss);
	return r;
}

/* Returns the session, which is over; NULL and why it could not be. */
static struct measure *run_session(struct prober *p, const struct trial *t)
{
	struct measure *m = NULL;
	int r = begin(p, t, &m);

	if (!r)
		r = loop_run(p->loop);
	if (!r)
		return m;
	text_printf(p->out->why, sizeof(p->out->why), "%s", strerror(-r));
	measure_free(m);
	return NULL;
}

/* Returns false when there is no use in going on: out->why tells. */
static bool try(struct prober *p, const struct trial *t, struct trial_result *o)
{
	const struct timespec pause = { .tv_nsec = BUSY_NS };
	uint64_t start_ns = loop_update(p->loop);
	struct measure *m = run_session(p, t);
	bool go_on;

	memset(o, 0, sizeof(*o));
	/* The one before may not be over yet, as the listener sees it. */
	for (int i = 0; i < BUSY_TRIES && m && is_busy(m); i++) {
		measure_free(m);
		nanosleep(&pause, NULL);
		m = run_session(p, t);
	}
	if (!m)
		return false;
	go_on = !was_refused(m, p);
	judge(m, o);
	o->ns = loop_now(p->loop) - start_ns;
	p->out->bytes += o->sent + o->received;
	measure_free(m);
	return go_on;
}

/* Rates ---------------------------------------------------------------------------------------- */

static bool probe_rates(struct prober *p)
{
	struct doctor_probes *out = p->out;
	const struct trial several_out = { .out_bytes = DOCTOR_SEVERAL_BYTES,
					   .ns = DOCTOR_RATE_NS };
	const struct trial several_back = { .back_bytes = DOCTOR_SEVERAL_BYTES,
					    .ns = DOCTOR_RATE_NS };
	const struct trial one_out = { DOCTOR_ONE_BYTES, 0, 1, .ns = DOCTOR_RATE_NS };
	const struct trial one_back = { 0, DOCTOR_ONE_BYTES, 1, .ns = DOCTOR_RATE_NS };
	struct trial_result o;

	if (!try(p, &several_out, &o))
		return false;
	out->several_out = o.out;
	out->n_several = o.n_live;
	out->here = o.state.here;
	out->peer = o.state.peer;
	if (!try(p, &several_back, &o))
		return false;
	out->several_back = o.back;
	if (!try(p, &one_out, &o))
		return false;
	out->one_out = o.out;
	if (!try(p, &one_back, &o))
		return false;
	out->one_back = o.back;
	return true;
}

/* Flows ---------------------------------------------------------------------------------------- */

int8_t doctor_lane_end(const uint64_t *growth, unsigned n_links, uint64_t bytes)
{
	unsigned most = 0;
	double sum = 0;

	for (unsigned i = 0; i < n_links; i++) {
		sum += (double)growth[i];
		if (growth[i] > growth[most])
			most = i;
	}
	if (!n_links || (double)growth[most] < MOST_OF_ALL * sum ||
	    (double)growth[most] < MOST_OF_SENT * (double)bytes || !bytes)
		return -1;
	return (int8_t)most;
}

static int8_t end_of(const struct side_stats *side, bool tx, uint64_t bytes, int8_t told)
{
	uint64_t growth[STATS_LINKS_MAX];
	int8_t found;

	for (unsigned i = 0; i < side->n_links; i++)
		growth[i] = tx ? side->link[i].tx_bytes : side->link[i].rx_bytes;
	found = side->counted ? doctor_lane_end(growth, side->n_links, bytes) : -1;
	return found >= 0 ? found : told;
}

static void set_lanes(struct doctor_flow *f, const struct trial_result *o)
{
	const struct subflow_stats *s = &o->first;

	f->told = s->observed & SUBFLOW_TX ? -1 : s->tx_link;
	/* The other end of a flow on which nothing came is the counters' to tell. */
	f->out.from = end_of(&o->state.here, true, o->sent, s->tx_link);
	f->out.to = end_of(&o->state.peer, false, o->sent, -1);
	f->back.from = end_of(&o->state.peer, true, o->received, s->peer_tx_link);
	f->back.to = end_of(&o->state.here, false, o->received, -1);
}

void doctor_check_lanes(struct doctor_probes *p)
{
	unsigned n = 0, wrong = 0;

	for (unsigned i = 0; i < p->n_flows; i++) {
		n += p->flow[i].told >= 0;
		wrong += p->flow[i].told >= 0 && p->flow[i].out.from != p->flow[i].told;
	}
	p->lagging = n >= DOCTOR_TOLD_MIN && 4 * wrong > n;
	for (unsigned i = 0; p->lagging && i < p->n_flows; i++) {
		p->flow[i].out.from = p->flow[i].told;
		p->flow[i].out.to = p->flow[i].back.from = p->flow[i].back.to = -1;
	}
}

/* Sizes that get through where large ones do not. */
static bool try_small(struct prober *p, struct doctor_flow *f)
{
	struct trial t = { .out_bytes = DOCTOR_SMALL_BYTES,
			   .back_bytes = DOCTOR_SMALL_BYTES,
			   .n_subflows = 1,
			   .port = f->port,
			   .ns = DOCTOR_FLOW_NS };
	struct trial_result o;

	for (size_t i = 0; i < sizeof(small_segments) / sizeof(small_segments[0]); i++) {
		t.mss = small_segments[i];
		if (!try(p, &t, &o))
			return false;
		if (f->out.stuck && o.sent && !f->out.passes)
			f->out.passes = t.mss;
		if (f->back.stuck && o.received && !f->back.passes)
			f->back.passes = t.mss;
		if (o.sent && o.received) {
			set_lanes(f, &o);
			return true;
		}
	}
	return true;
}

static bool probe_flow(struct prober *p, uint16_t port)
{
	struct doctor_flow *f = &p->out->flow[p->out->n_flows];
	const struct trial t = { .out_bytes = DOCTOR_FLOW_BYTES,
				 .back_bytes = DOCTOR_FLOW_BYTES,
				 .n_subflows = 1,
				 .port = port,
				 .ns = DOCTOR_FLOW_NS };
	struct trial_result o;

	if (!try(p, &t, &o))
		return false;
	/* The port is in use, and others will do; or nobody is there any more. */
	if (!o.state.stats.n_subflows && o.ns < DOCTOR_FLOW_NS / 2)
		return ++p->n_missed < MISSED_MAX || stop(p, o.reason);
	*f = (struct doctor_flow){ .port = port, .told = -1 };
	set_lanes(f, &o);
	f->out.rate = o.out;
	f->back.rate = o.back;
	f->out.stuck = !o.sent;
	f->back.stuck = o.answered && !o.received;
	p->out->n_flows++;
	return (!f->out.stuck && !f->back.stuck) || try_small(p, f);
}

static uint16_t first_port(const struct config *c)
{
	struct topo_ports range = { 32768, 60999 };
	struct topo_source *source;
	unsigned blocks, number = 0;

	if (topo_source_new(&source) == 0) {
		range = topo_local_ports(source);
		topo_source_free(source);
	}
	if (c->n_ports)
		range = (struct topo_ports){ c->ports[0].first, c->ports[0].last };
	blocks = (unsigned)(range.last - range.first + 1) / BLOCK;
	if (blocks < 2 || getrandom(&number, sizeof(number), 0) != sizeof(number))
		return range.first;
	/* The last block would reach beyond the range when it is made even. */
	number = range.first + BLOCK - 1u + number % (blocks - 1) * BLOCK;
	return (uint16_t)(number / BLOCK * BLOCK);
}

static bool probe_flows(struct prober *p)
{
	uint16_t port = first_port(p->config);

	for (unsigned i = 0; i < DOCTOR_FLOWS_MAX; i++)
		if (!probe_flow(p, (uint16_t)(port + i)))
			return false;
	return true;
}

/* ---------------------------------------------------------------------------------------------- */

static int ask(struct prober *p)
{
	const struct query query = { .addrs = p->peer.addrs,
				     .n_addrs = p->peer.config.n_addrs,
				     .sources = p->peer.sources,
				     .n_sources = p->peer.config.n_sources,
				     .limit_ns = QUERY_NS,
				     .socket = client_setup_sock_options(p->config),
				     .tls = p->tls };
	struct wire_welcome welcome;
	int fd = query_peer(&query, &welcome, p->out->why);

	if (fd < 0)
		return -1;
	close(fd);
	p->out->peer_facts = welcome.items.facts;
	link_convert_side_stats(&welcome.items.facts, &p->out->peer);
	return 0;
}

static int run(struct prober *p)
{
	if (tls_setup_open(p->config, &p->tls) ||
	    client_setup_resolve(&p->peer, p->config, p->tls)) {
		text_printf(p->out->why, sizeof(p->out->why), "it could not be asked");
		return -1;
	}
	/* A flow is tried alone, over the lanes of one pair of addresses. */
	p->peer.config.all_pairs = false;
	if (ask(p))
		return -1;
	if (loop_new(&p->loop)) {
		text_printf(p->out->why, sizeof(p->out->why), "out of memory");
		return -1;
	}
	if (probe_rates(p))
		probe_flows(p);
	doctor_check_lanes(p->out);
	return 0;
}

int doctor_probe(const struct config *config, struct doctor_probes *out)
{
	struct prober *p = calloc(1, sizeof(*p));
	int r;

	memset(out, 0, sizeof(*out));
	if (!p) {
		text_printf(out->why, sizeof(out->why), "out of memory");
		return -1;
	}
	p->config = config;
	p->out = out;
	r = run(p);
	loop_free(p->loop);
	tls_context_free(p->tls);
	free(p);
	return r;
}
