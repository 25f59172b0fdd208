/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * random.c - random scenarios, each made from its seed alone
 */
#include <stdio.h>
#include <string.h>

#include "run.h"

struct fault random_fault(struct rng *rng, uint64_t bytes)
{
	struct fault f = { .kind = 1 + (enum fault_kind)rng_below(rng, N_FAULTS - 1) };

	if (rng_chance(rng, 50))
		f.at_bytes = rng_scale(rng, 1, bytes + 100);
	else
		f.at_ns = rng_scale(rng, NET_MS, 5 * NET_SECOND);
	f.dir = (unsigned)rng_below(rng, 2);
	f.both = rng_chance(rng, 50);
	f.for_ns = rng_scale(rng, NET_MS, 10 * NET_SECOND);
	f.path_too = rng_chance(rng, 30);
	return f;
}

static uint64_t random_len(struct rng *rng)
{
	uint64_t dice = rng_below(rng, 100);

	if (dice < 25)
		return 0;
	if (dice < 32)
		return 1;
	if (dice < 50)
		return rng_below(rng, 1000);
	if (dice < 78)
		return rng_scale(rng, 1000, 256 << 10);
	return dice < 96 ? rng_scale(rng, 256 << 10, 3 * MIB) : rng_scale(rng, 3 * MIB, 20 * MIB);
}

static void random_pauses(struct rng *rng, uint64_t len, uint64_t *max, unsigned *percent,
			  uint64_t *pause_ns)
{
	*percent = rng_chance(rng, 60) ? 0 : (unsigned)rng_scale(rng, 1, 100);
	*pause_ns = rng_scale(rng, 1000, 200 * NET_MS);
	*max = rng_scale(rng, 1, MIB);
	/* Not too many of them. */
	if (*max < len / (*percent ? 500 : 10000))
		*max = len / (*percent ? 500 : 10000);
}

static void random_host(struct rng *rng, struct host_config *h, uint64_t peer_len)
{
	struct session_config *s = &h->session;

	s->window = rng_chance(rng, 10) ? 256 << 10 : rng_scale(rng, MIB, 64 * MIB);
	s->duplex = rng_chance(rng, 10);
	s->input = rng_chance(rng, 70) ? SESSION_INPUT_STREAM
				       : 1 + (enum session_input)rng_below(rng, 2);
	h->source.eof = true;
	if (s->input == SESSION_INPUT_NONE)
		h->source.len = 0;
	random_pauses(rng, h->source.len, &h->source.read_max, &h->source.pause_percent,
		      &h->source.pause_max_ns);
	random_pauses(rng, peer_len, &h->sink.write_max, &h->sink.pause_percent,
		      &h->sink.pause_max_ns);
	h->sink.rate = rng_chance(rng, 20) ? rng_scale(rng, 1000000, 1000000000) : 0;
	h->sink.fail_at = NET_NEVER;
	h->sink.stop_at = rng_chance(rng, 3) ? rng_below(rng, peer_len + 1) : NET_NEVER;
	h->sink.stall_at = rng_chance(rng, 5) ? rng_below(rng, peer_len + 1) : NET_NEVER;
	h->sink.stall_ns = rng_scale(rng, NET_MS, 30 * NET_SECOND);
	h->rotate = rng_chance(rng, 50);
}

/* Inputs that never end by themselves, where a rule ends them. */
static void random_eof(struct rng *rng, struct host_config *host)
{
	int side = (int)rng_below(rng, 2);
	struct host_config *h = &host[side], *peer = &host[!side];

	if (h->session.input == SESSION_INPUT_NONE && peer->session.input == SESSION_INPUT_NONE)
		h->source.eof = peer->source.eof = rng_chance(rng, 50);
	else if (h->session.input == SESSION_INPUT_NONE)
		h->source.eof = rng_chance(rng, 50);
	else if (h->session.duplex)
		return;
	else if (h->session.input == SESSION_INPUT_TERMINAL)
		h->source.eof = rng_chance(rng, 50);
	else if (side == NET_SERVER && !h->source.len && peer->source.len)
		h->source.eof = rng_chance(rng, 50);
}

/* Send-only and receive-only sides. A client cannot know in time that the server takes nothing. */
static void random_one_way(struct rng *rng, struct host_config *host)
{
	struct host_config *client = &host[NET_CLIENT], *server = &host[NET_SERVER];

	switch (rng_below(rng, 5)) {
	case 0:
		client->session.send_only = true;
		break;
	case 1:
		server->session.send_only = true;
		client->source.len = 0;
		break;
	case 2:
		client->session.recv_only = true;
		client->source.len = 0;
		break;
	case 3:
		server->session.recv_only = true;
		server->source.len = 0;
		break;
	default:
		server->session.recv_only = true;
		server->source.len = 0;
		client->session.send_only = true;
	}
}

static void random_paths(struct rng *rng, struct scenario *sc, uint64_t bytes)
{
	uint64_t base = rng_scale(rng, bytes > MIB ? 2000000 : 200000, 1000000000);
	uint64_t spread = rng_chance(rng, 40) ? 1 : rng_scale(rng, 2, 100);
	uint64_t delay_ns = rng_scale(rng, 1000, 300 * NET_MS);
	uint64_t queue_ns = rng_chance(rng, 60) ? 0 : rng_scale(rng, NET_MS, 2 * NET_SECOND);
	uint64_t seg_max = rng_scale(rng, 64, 64 << 10);

	if (seg_max < bytes / 2000)
		seg_max = bytes / 2000;
	for (unsigned i = 0; i < sc->n_paths; i++) {
		struct path *p = &sc->path[i];

		for (int dir = 0; dir < 2; dir++) {
			p->rate[dir] = base / rng_between(rng, 1, spread);
			if (p->rate[dir] < 20000)
				p->rate[dir] = 20000;
			p->delay_ns[dir] = rng_below(rng, delay_ns + 1);
		}
		p->jitter_ns = rng_chance(rng, 70) ? 0 : rng_below(rng, delay_ns);
		p->seg_max = seg_max;
		path_fill(p, rng_chance(rng, 50) ? queue_ns : 0);
	}
}

static void random_faults(struct rng *rng, struct scenario *sc, uint64_t bytes)
{
	bool any = rng_chance(rng, 60);

	sc->expect = rng_chance(rng, 70) ? EXPECT_SUCCESS : EXPECT_HONESTY;
	sc->healthy = (unsigned)rng_below(rng, sc->n_paths);
	sc->connect_fail_percent = rng_chance(rng, 10) ? 20 : 0;
	sc->refault_percent = any ? 50 : 0;
	for (unsigned i = 0; any && i < sc->n_paths; i++)
		if (rng_chance(rng, 60))
			sc->fault[i] = random_fault(rng, bytes);
	if (sc->expect == EXPECT_HONESTY)
		return;
	/* A stall is no reason to fail. */
	if (sc->fault[sc->healthy].kind != FAULT_STALL)
		sc->fault[sc->healthy].kind = FAULT_NONE;
}

/* Success can be expected when the hosts have more patience than the cut, the slowest back-off and
 * a few connections that fail take together. */
static void random_cut(struct rng *rng, struct scenario *sc)
{
	struct cut *cut = &sc->cut;
	uint64_t delay_ns = sc->path[0].delay_ns[0] + sc->path[0].delay_ns[1] + 1000;

	for (int side = 0; side < 2; side++)
		if (rng_chance(rng, 50))
			sc->host[side].session.reconnect_ns =
				rng_scale(rng, NET_MS, 60 * NET_SECOND);
	if (!rng_chance(rng, 30))
		return;
	cut->when = (enum cut_when)rng_between(rng, CUT_TIME, CUT_DONE);
	cut->side = (unsigned)rng_below(rng, 2);
	cut->after_ns = rng_below(rng, 3 * delay_ns);
	if (cut->when == CUT_TIME)
		cut->after_ns = rng_scale(rng, NET_MS, 5 * NET_SECOND);
	cut->for_ns = rng_scale(rng, NET_MS, 40 * NET_SECOND);
	cut->late_ns = rng_below(rng, sc->path[0].delay_ns[0] + 1);
	if (rng_chance(rng, 20))
		cut->late_ns = rng_scale(rng, NET_SECOND, 60 * NET_SECOND);
	if (sc->expect != EXPECT_SUCCESS)
		return;
	sc->refault_percent = sc->connect_fail_percent = 0;
	for (unsigned i = 0; i < sc->n_paths; i++)
		sc->fault[i].kind = FAULT_NONE;
	for (int side = 0; side < 2; side++)
		sc->host[side].session.reconnect_ns = cut->for_ns + 20 * NET_SECOND;
}

void random_scenario(struct scenario *sc, uint64_t seed)
{
	struct rng rng = { .state = seed * 0x2545f4914f6cdd1dull };
	struct host_config *host = sc->host;
	uint64_t bytes;

	*sc = (struct scenario){ .seed = seed };
	sc->n_paths = rng_chance(&rng, 20) ? 1 : (unsigned)rng_between(&rng, 2, 16);
	for (int side = 0; side < 2; side++) {
		host[side].source.len = random_len(&rng);
		host[side].source.seed = rng_next(&rng);
		host[!side].sink.seed = host[side].source.seed;
	}
	for (int side = 0; side < 2; side++) {
		host[side].session.role = side == NET_CLIENT ? SESSION_CLIENT : SESSION_SERVER;
		random_host(&rng, &host[side], host[!side].source.len);
	}
	if (rng_chance(&rng, 15))
		random_one_way(&rng, host);
	random_eof(&rng, host);
	bytes = host[0].source.len + host[1].source.len;
	random_paths(&rng, sc, bytes);
	random_faults(&rng, sc, bytes);
	host[NET_CLIENT].session.n_subflows = sc->n_paths;
	host[NET_SERVER].session.n_subflows = (unsigned)rng_between(&rng, 1, 20);
	host[NET_CLIENT].max_connects = sc->n_paths + 20;
	random_cut(&rng, sc);
	if (sc->cut.when && sc->expect == EXPECT_SUCCESS)
		host[NET_CLIENT].max_connects += 1000;
	memcpy(host[NET_CLIENT].session.id, &seed, sizeof(seed));
	if (sc->expect == EXPECT_HONESTY && rng_chance(&rng, 30)) {
		int side = (int)rng_below(&rng, 2);

		host[side].sink.fail_at = rng_below(&rng, host[!side].source.len + 1);
	}
	if (sc->expect == EXPECT_HONESTY && rng_chance(&rng, 2))
		host[0].session.send_only = host[1].session.send_only = true;
}

void describe(const struct scenario *sc)
{
	unsigned n_faults = 0;

	for (unsigned i = 0; i < sc->n_paths; i++)
		n_faults += sc->fault[i].kind != FAULT_NONE;
	printf("%u paths, %u faults, cut %d, expects %s;", sc->n_paths, n_faults, sc->cut.when,
	       sc->expect == EXPECT_SUCCESS ? "success" : "honesty");
	for (int side = 0; side < 2; side++) {
		const struct host_config *h = &sc->host[side];

		printf(" %s: %llu bytes%s, window %llu KiB, input %d%s%s%s, <= %u subflows;",
		       side == NET_CLIENT ? "client" : "server", (unsigned long long)h->source.len,
		       h->source.eof ? "" : " without end",
		       (unsigned long long)h->session.window >> 10, h->session.input,
		       h->session.duplex ? ", duplex" : "",
		       h->session.send_only ? ", send only" : "",
		       h->session.recv_only ? ", receive only" : "", h->session.n_subflows);
	}
	putchar('\n');
}
