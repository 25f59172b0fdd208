/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "path/addr_pairs.h"

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

/* Any address of ours is the one that is in use towards the remote one, if there is one. */
static bool is_there(const struct routes *r, const union sock_addr *remote,
		     const union sock_addr *local)
{
	for (unsigned i = 0; i < r->n; i++)
		if (same_host(&r->route[i].remote, remote) &&
		    (local->sa.sa_family == AF_UNSPEC || same_host(&r->route[i].local, local)))
			return true;
	return false;
}

static bool add_one(struct routes *r, const union sock_addr *remote, const union sock_addr *local)
{
	struct route *new = &r->route[r->n];

	if (is_there(r, remote, local) || r->n == ROUTES_MAX)
		return false;
	*new = (struct route){ .remote = *remote, .local = *local, .weight = 1 };
	r->n++;
	return true;
}

unsigned routes_add(struct routes *r, const union sock_addr *remote, const union sock_addr *sources,
		    int n_sources)
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

void routes_text(const struct route *route, char buf[ROUTES_TEXT_LEN])
{
	char local[SOCK_ADDR_LEN], remote[SOCK_ADDR_LEN];

	sock_addr_text(remote, &route->remote);
	if (route->local.sa.sa_family == AF_UNSPEC) {
		text_printf(buf, ROUTES_TEXT_LEN, "%s", remote);
		return;
	}
	sock_addr_text(local, &route->local);
	text_printf(buf, ROUTES_TEXT_LEN, "%s to %s", local, remote);
}

static bool is_at(const struct wire_addr *end, const union sock_addr *addr)
{
	struct wire_addr a;

	sock_wire_addr(addr, &a);
	return a.family == end->family && memcmp(a.addr, end->addr, sizeof(a.addr)) == 0;
}

bool routes_match(const struct route *route, const struct wire_names *names)
{
	if (!is_at(&names->remote, &route->remote))
		return false;
	return route->local.sa.sa_family == AF_UNSPEC || is_at(&names->local, &route->local);
}

unsigned routes_n_joining(const struct routes *r)
{
	unsigned n = 0;

	for (unsigned i = 0; i < r->n; i++)
		n += !r->route[i].idle;
	return n;
}

static bool may_join(const struct route *route, uint64_t now_ns)
{
	return !route->idle && route->due_ns <= now_ns;
}

int routes_next(const struct routes *r, const unsigned n_open[ROUTES_MAX], uint64_t now_ns)
{
	int best = -1;

	/* The one that would have the fewest for its weight. Of equals the first. */
	for (unsigned i = 0; i < r->n; i++) {
		if (!may_join(&r->route[i], now_ns))
			continue;
		if (best < 0 || (uint64_t)(n_open[i] + 1) * r->route[best].weight <
					(uint64_t)(n_open[best] + 1) * r->route[i].weight)
			best = (int)i;
	}
	return best;
}

int routes_bare(const struct routes *r, const unsigned n_open[ROUTES_MAX], uint64_t now_ns)
{
	for (unsigned i = 0; i < r->n; i++)
		if (!n_open[i] && may_join(&r->route[i], now_ns))
			return (int)i;
	return -1;
}

unsigned routes_again(const struct routes *r, unsigned last)
{
	for (unsigned i = 1; i <= r->n; i++)
		if (r->route[(last + i) % r->n].answered)
			return (last + i) % r->n;
	return last;
}

void routes_failed(struct route *route, bool refused, uint64_t now_ns)
{
	uint64_t delay = route->delay_ns ? route->delay_ns : ROUTES_REST_MIN_NS;

	route->delay_ns = 2 * delay < ROUTES_REST_MAX_NS ? 2 * delay : ROUTES_REST_MAX_NS;
	if (++route->failures >= ROUTES_FAILURES_MAX || refused)
		delay = ROUTES_REST_SLOW_NS;
	if (route->told && !route->answered && route->failures >= ROUTES_TOLD_TRIES)
		route->idle = true;
	route->due_ns = now_ns + delay;
}

void routes_answered(struct route *route)
{
	route->answered = true;
	route->failures = 0;
	route->delay_ns = 0;
}

void routes_fresh(struct route *route)
{
	route->failures = 0;
	route->delay_ns = 0;
	route->due_ns = 0;
}

uint64_t routes_due(const struct routes *r, uint64_t now_ns)
{
	uint64_t due_ns = UINT64_MAX;

	for (unsigned i = 0; i < r->n; i++)
		if (!r->route[i].idle && r->route[i].due_ns > now_ns && r->route[i].due_ns < due_ns)
			due_ns = r->route[i].due_ns;
	return due_ns;
}
