/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Each pair is fresh, rests or is shut out:
 *
 *           failed                        failed, announced by the peer,
 *   fresh -----------> rests until due_ns -----------------------------> no_joins
 *     ^                  |                never answered, too often
 *     `------------------'
 *      its time, or addr_pairs_fresh
 *
 * A rest is twice as long after each failure, up to ADDR_PAIRS_REST_MAX_NS, and
 * ADDR_PAIRS_REST_SLOW_NS once there were ADDR_PAIRS_FAILURES_MAX or the peer closed one
 * unanswered. The next connection goes to the pair with the lowest (connections + 1) / weight that
 * may join.
 *
 *   What always holds: no two pairs are the same, the number of a pair stays its own, and a weight
 *   is at least 1.
 */
#include "path/addr_pairs.h"

#include <assert.h>
#include <string.h>

#include "path/sock_wire.h"
#include "util/text.h"

static bool same_host(const union sock_addr *a, const union sock_addr *b)
{
	uint8_t as[16], bs[16];

	if (a->sa.sa_family != b->sa.sa_family)
		return false;
	sock_addr_bytes(as, a);
	sock_addr_bytes(bs, b);
	return memcmp(as, bs, sizeof(as)) == 0 &&
	       (a->sa.sa_family != AF_INET6 || a->in6.sin6_scope_id == b->in6.sin6_scope_id);
}

/* Any local address is the one that is in use towards the remote one, if there is one. */
static bool is_there(const struct addr_pairs *r, const union sock_addr *remote,
		     const union sock_addr *local)
{
	for (unsigned i = 0; i < r->n; i++)
		if (same_host(&r->pair[i].remote, remote) &&
		    (local->sa.sa_family == AF_UNSPEC || same_host(&r->pair[i].local, local)))
			return true;
	return false;
}

static bool add_one(struct addr_pairs *r, const union sock_addr *remote,
		    const union sock_addr *local)
{
	struct addr_pair *new = &r->pair[r->n];

	if (is_there(r, remote, local) || r->n == ADDR_PAIRS_MAX)
		return false;
	*new = (struct addr_pair){ .remote = *remote, .local = *local, .weight = 1 };
	r->n++;
	return true;
}

unsigned addr_pairs_add(struct addr_pairs *r, const union sock_addr *remote,
			const union sock_addr *sources, int n_sources)
{
	const union sock_addr any = { .sa = { .sa_family = AF_UNSPEC } };
	unsigned n = 0;

	if (!n_sources)
		n += add_one(r, remote, &any);
	for (int i = 0; i < n_sources; i++)
		if (sources[i].sa.sa_family == remote->sa.sa_family)
			n += add_one(r, remote, &sources[i]);
	return n;
}

void addr_pairs_text(const struct addr_pair *pair, char buf[ADDR_PAIRS_TEXT_LEN])
{
	char local[SOCK_ADDR_LEN], remote[SOCK_ADDR_LEN];

	sock_addr_text(remote, &pair->remote);
	if (pair->local.sa.sa_family == AF_UNSPEC) {
		text_printf(buf, ADDR_PAIRS_TEXT_LEN, "%s", remote);
		return;
	}
	sock_addr_text(local, &pair->local);
	text_printf(buf, ADDR_PAIRS_TEXT_LEN, "%s to %s", local, remote);
}

static bool is_at(const struct wire_addr *end, const union sock_addr *addr)
{
	struct wire_addr a;

	sock_wire_addr(addr, &a);
	return a.family == end->family && memcmp(a.addr, end->addr, sizeof(a.addr)) == 0;
}

bool addr_pairs_match(const struct addr_pair *pair, const struct wire_names *names)
{
	if (!is_at(&names->remote, &pair->remote))
		return false;
	return pair->local.sa.sa_family == AF_UNSPEC || is_at(&names->local, &pair->local);
}

unsigned addr_pairs_n_joining(const struct addr_pairs *r)
{
	unsigned n = 0;

	for (unsigned i = 0; i < r->n; i++)
		n += !r->pair[i].no_joins;
	return n;
}

static bool may_join(const struct addr_pair *pair, uint64_t now_ns)
{
	return !pair->no_joins && pair->due_ns <= now_ns;
}

int addr_pairs_next(const struct addr_pairs *r, const unsigned n_open[ADDR_PAIRS_MAX],
		    uint64_t now_ns)
{
	int best = -1;

	/* The one that would have the fewest for its weight. Of equals the first. */
	for (unsigned i = 0; i < r->n; i++) {
		assert(r->pair[i].weight);
		if (!may_join(&r->pair[i], now_ns))
			continue;
		if (best < 0 || (uint64_t)(n_open[i] + 1) * r->pair[best].weight <
					(uint64_t)(n_open[best] + 1) * r->pair[i].weight)
			best = (int)i;
	}
	return best;
}

int addr_pairs_bare(const struct addr_pairs *r, const unsigned n_open[ADDR_PAIRS_MAX],
		    uint64_t now_ns)
{
	for (unsigned i = 0; i < r->n; i++)
		if (!n_open[i] && may_join(&r->pair[i], now_ns))
			return (int)i;
	return -1;
}

unsigned addr_pairs_again(const struct addr_pairs *r, unsigned last)
{
	for (unsigned i = 1; i <= r->n; i++)
		if (r->pair[(last + i) % r->n].answered)
			return (last + i) % r->n;
	return last;
}

void addr_pairs_failed(struct addr_pair *pair, bool refused, uint64_t now_ns)
{
	uint64_t delay = pair->delay_ns ? pair->delay_ns : ADDR_PAIRS_REST_MIN_NS;

	pair->delay_ns = 2 * delay < ADDR_PAIRS_REST_MAX_NS ? 2 * delay : ADDR_PAIRS_REST_MAX_NS;
	if (++pair->failures >= ADDR_PAIRS_FAILURES_MAX || refused)
		delay = ADDR_PAIRS_REST_SLOW_NS;
	if (pair->announced && !pair->answered && pair->failures >= ADDR_PAIRS_ANNOUNCED_TRIES)
		pair->no_joins = true;
	pair->due_ns = now_ns + delay;
}

void addr_pairs_answered(struct addr_pair *pair)
{
	pair->answered = true;
	pair->failures = 0;
	pair->delay_ns = 0;
}

void addr_pairs_fresh(struct addr_pair *pair)
{
	pair->failures = 0;
	pair->delay_ns = 0;
	pair->due_ns = 0;
}

uint64_t addr_pairs_due(const struct addr_pairs *r, uint64_t now_ns)
{
	uint64_t due_ns = UINT64_MAX;

	for (unsigned i = 0; i < r->n; i++)
		if (!r->pair[i].no_joins && r->pair[i].due_ns > now_ns &&
		    r->pair[i].due_ns < due_ns)
			due_ns = r->pair[i].due_ns;
	return due_ns;
}
