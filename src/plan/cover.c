/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Choosing the fewest flows
 *
 * The target is the maximum flow over the edges of all classes, in each direction. Then:
 *
 *      grow()            add the class that gains most until the target is reached; ATTEMPTS times,
 *                        each with another order among equals
 *      leave_out()       remove what the others do not need
 *      lower_bound()     no set can be smaller: done
 *      search_smaller()  else try all sets that are smaller, at most SEARCH_STEPS of them
 *      settle_for_less() the limit is smaller than any set: first out, then in
 *
 * Always: a net holds a maximum flow over its edges, so that the
 * widths alone say what an edge would gain; users[rx] has bit tx if and only if carried[tx][rx] >
 * 0; a set that was found reaches the target unless the limit forbids it.
 */
#include "plan/cover.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Steps of the exhaustive search, some hundred ns each. */
#define SEARCH_STEPS 2000

/* Greedy choices; each prefers other classes among equals. */
#define ATTEMPTS 4

/* The graph of one direction with a maximum flow on the edges so far. */
struct net {
	uint32_t tx[COVER_NODES_MAX];    /* unused capacity of the sender's links */
	uint32_t rx[COVER_NODES_MAX];    /* and of the receiver's */
	uint32_t edges[COVER_NODES_MAX]; /* bit b of [a]: there is an edge */
	uint32_t users[COVER_NODES_MAX]; /* bit a of [b]: carried[a][b] > 0 */
	uint32_t carried[COVER_NODES_MAX][COVER_NODES_MAX];
	uint64_t total;
};

struct nets {
	struct net dir[COVER_DIRECTIONS];
};

/* How much could reach a sender's link from the unused capacities, and leave from a receiver's to
 * them, over one path of the edges so far. An edge between two nodes gains at least the lesser:
 * as the flow is a maximum, no node is on paths of both kinds, so the two do not meet. */
struct widths {
	uint32_t in[COVER_NODES_MAX];  /* of the sender's links */
	uint32_t out[COVER_NODES_MAX]; /* of the receiver's */
	uint32_t reached;              /* receiver's links that unused capacity reaches */
};

struct set {
	unsigned n;
	uint16_t chosen[COVER_FLOWS_MAX];
};

enum priority { BOTH, OUT_FIRST };

struct work {
	const struct cover_task *task;
	uint64_t target[COVER_DIRECTIONS];
	struct nets nets; /* of the set in hand */
	struct widths widths[COVER_DIRECTIONS];
	uint32_t present[COVER_ENDS];   /* nodes that some class has */
	uint32_t essential[COVER_ENDS]; /* nodes without which the target cannot be reached */
	unsigned first;                 /* class to begin with, among equals */
	unsigned steps;                 /* of the search, left */
};

static bool has(uint32_t set, unsigned i)
{
	return set >> i & 1;
}

/* Takes the lowest out of a set that is not empty. */
static unsigned take(uint32_t *set)
{
	unsigned i = (unsigned)__builtin_ctz(*set);

	*set &= *set - 1;
	return i;
}

static uint32_t min32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* Maximum flow ------------------------------------------------------------------------------- */

/* The search's tree: where each node was reached from. */
struct tree {
	uint8_t of_tx[COVER_NODES_MAX];
	uint8_t of_rx[COVER_NODES_MAX];
	uint32_t roots;
};

static void plain_copy(struct net *g, unsigned a, unsigned b, uint32_t amount, bool back)
{
	g->carried[a][b] = back ? g->carried[a][b] - amount : g->carried[a][b] + amount;
	if (g->carried[a][b])
		g->users[b] |= 1u << a;
	else
		g->users[b] &= ~(1u << a);
}

/* Sends as much as the path to b takes. */
static void push(struct net *g, const struct tree *t, unsigned b)
{
	uint32_t amount = g->rx[b];
	unsigned end = b, a;

	for (a = t->of_rx[b]; !has(t->roots, a); a = t->of_rx[b]) {
		b = t->of_tx[a];
		amount = min32(amount, g->carried[a][b]);
	}
	amount = min32(amount, g->tx[a]);

	g->rx[end] -= amount;
	g->tx[a] -= amount;
	g->total += amount;
	for (b = end, a = t->of_rx[b];; a = t->of_rx[b]) {
		plain_copy(g, a, b, amount, false);
		if (has(t->roots, a))
			return;
		b = t->of_tx[a];
		plain_copy(g, a, b, amount, true);
	}
}

/* Finds one path from unused capacity to unused capacity and fills it. */
static bool augment(struct net *g)
{
	struct tree t = { .roots = 0 };
	uint32_t seen_tx, seen_rx = 0, todo;

	for (unsigned i = 0; i < COVER_NODES_MAX; i++)
		t.roots |= (uint32_t)(g->tx[i] > 0) << i;
	seen_tx = todo = t.roots;
	while (todo) {
		unsigned a = take(&todo);
		uint32_t fresh = g->edges[a] & ~seen_rx;

		seen_rx |= fresh;
		while (fresh) {
			unsigned b = take(&fresh);
			uint32_t more = g->users[b] & ~seen_tx;

			t.of_rx[b] = (uint8_t)a;
			if (g->rx[b]) {
				push(g, &t, b);
				return true;
			}
			seen_tx |= more;
			todo |= more;
			while (more)
				t.of_tx[take(&more)] = (uint8_t)b;
		}
	}
	return false;
}

static void add_edge(struct net *g, unsigned a, unsigned b)
{
	if (has(g->edges[a], b))
		return;
	g->edges[a] |= 1u << b;
	while (augment(g))
		;
}

static void add_class(struct nets *n, const struct cover_class *c)
{
	add_edge(&n->dir[COVER_OUT], c->node[COVER_OUT_TX], c->node[COVER_OUT_RX]);
	add_edge(&n->dir[COVER_IN], c->node[COVER_IN_TX], c->node[COVER_IN_RX]);
}

static void clear(const struct work *w, struct nets *n)
{
	memset(n, 0, sizeof(*n));
	for (unsigned dir = 0; dir < COVER_DIRECTIONS; dir++) {
		memcpy(n->dir[dir].tx, w->task->capacity[cover_sender(dir)],
		       sizeof(n->dir[dir].tx));
		memcpy(n->dir[dir].rx, w->task->capacity[cover_receiver(dir)],
		       sizeof(n->dir[dir].rx));
	}
}

/* The open flows and those of the set but one. */
static void build(const struct work *w, struct nets *n, const struct set *s, unsigned but)
{
	clear(w, n);
	for (unsigned i = 0; i < w->task->n_open; i++)
		add_class(n, &w->task->open[i]);
	for (unsigned i = 0; i < s->n; i++)
		if (i != but)
			add_class(n, &w->task->classes[s->chosen[i]]);
}

static uint64_t lack(const struct work *w, const struct nets *n, unsigned dir)
{
	uint64_t total = n->dir[dir].total;

	return total < w->target[dir] ? w->target[dir] - total : 0;
}

static bool is_enough(const struct work *w, const struct nets *n)
{
	return !lack(w, n, COVER_OUT) && !lack(w, n, COVER_IN);
}

/* The target: all edges at once. */
static void find_most(struct work *w)
{
	const struct cover_task *t = w->task;

	clear(w, &w->nets);
	for (unsigned i = 0; i < t->n_classes + t->n_open; i++) {
		const struct cover_class *c =
			i < t->n_classes ? &t->classes[i] : &t->open[i - t->n_classes];

		for (unsigned dir = 0; dir < COVER_DIRECTIONS; dir++)
			w->nets.dir[dir].edges[c->node[cover_sender(dir)]] |=
				1u << c->node[cover_receiver(dir)];
		for (unsigned end = 0; end < COVER_ENDS; end++)
			w->present[end] |= 1u << c->node[end];
	}
	for (unsigned dir = 0; dir < COVER_DIRECTIONS; dir++) {
		while (augment(&w->nets.dir[dir]))
			;
		w->target[dir] = w->nets.dir[dir].total;
	}
}

/* Greedy choice ------------------------------------------------------------------------------ */

static void widen(uint32_t *width, uint32_t by, bool *changed)
{
	if (*width >= by)
		return;
	*width = by;
	*changed = true;
}

static void find_widths(const struct net *g, struct widths *w)
{
	uint32_t rx[COVER_NODES_MAX] = { 0 }, tx[COVER_NODES_MAX] = { 0 };
	bool changed = true;

	memcpy(w->in, g->tx, sizeof(w->in));
	memcpy(w->out, g->rx, sizeof(w->out));
	while (changed) {
		changed = false;
		for (unsigned a = 0; a < COVER_NODES_MAX; a++) {
			for (uint32_t set = g->edges[a]; set;) {
				unsigned b = take(&set);
				uint32_t there = g->carried[a][b];

				widen(&rx[b], w->in[a], &changed);
				widen(&tx[a], w->out[b], &changed);
				widen(&w->in[a], min32(rx[b], there), &changed);
				widen(&w->out[b], min32(tx[a], there), &changed);
			}
		}
	}
	w->reached = 0;
	for (unsigned b = 0; b < COVER_NODES_MAX; b++)
		w->reached |= (uint32_t)(rx[b] > 0) << b;
}

static uint32_t gain(const struct work *w, const struct cover_class *c, unsigned dir)
{
	const struct widths *x = &w->widths[dir];

	return min32(x->in[c->node[cover_sender(dir)]], x->out[c->node[cover_receiver(dir)]]);
}

/* Does the class at least lead unused capacity to where it was not? With enough such steps there
 * is a gain, if any is left. */
static bool leads_on(const struct work *w, const struct cover_class *c, unsigned dir)
{
	const struct widths *x = &w->widths[dir];

	return lack(w, &w->nets, dir) && x->in[c->node[cover_sender(dir)]] &&
	       !has(x->reached, c->node[cover_receiver(dir)]);
}

/* What a class is worth now; a gain counts by its part of the direction's target. */
static uint64_t worth(const struct work *w, const struct cover_class *c, enum priority p)
{
	uint64_t out = gain(w, c, COVER_OUT), in = gain(w, c, COVER_IN);

	if (p == OUT_FIRST)
		return out << 32 | in;
	return out * (w->target[COVER_IN] + 1) + in * (w->target[COVER_OUT] + 1);
}

static int best_class(const struct work *w, enum priority p)
{
	const struct cover_task *t = w->task;
	uint64_t best = 0;
	int found = -1;

	for (unsigned k = 0; k < t->n_classes; k++) {
		unsigned i =
			w->first + k < t->n_classes ? w->first + k : w->first + k - t->n_classes;
		uint64_t v = worth(w, &t->classes[i], p);

		if (v > best) {
			best = v;
			found = (int)i;
		}
	}
	for (unsigned dir = 0; found < 0 && dir < COVER_DIRECTIONS; dir++)
		for (unsigned i = 0; found < 0 && i < t->n_classes; i++)
			if (leads_on(w, &t->classes[i], dir))
				found = (int)i;
	return found;
}

static void measure(struct work *w)
{
	for (unsigned dir = 0; dir < COVER_DIRECTIONS; dir++)
		find_widths(&w->nets.dir[dir], &w->widths[dir]);
}

/* Adds to the set until it is enough or has limit members. */
static void grow(struct work *w, struct set *s, enum priority p, unsigned limit)
{
	build(w, &w->nets, s, s->n);
	while (s->n < limit && !is_enough(w, &w->nets)) {
		int i;

		measure(w);
		i = best_class(w, p);
		if (i < 0)
			return;
		s->chosen[s->n++] = (uint16_t)i;
		add_class(&w->nets, &w->task->classes[i]);
	}
}

/* Making it smaller -------------------------------------------------------------------------- */

static void remove_at(struct set *s, unsigned i)
{
	s->n--;
	memmove(&s->chosen[i], &s->chosen[i + 1], (s->n - i) * sizeof(s->chosen[0]));
}

static void leave_out(struct work *w, struct set *s)
{
	for (unsigned i = 0; i < s->n;) {
		build(w, &w->nets, s, i);
		if (is_enough(w, &w->nets))
			remove_at(s, i);
		else
			i++;
	}
}

/* Nodes of one end that are needed at least: the largest that together have the target. */
static unsigned nodes_needed(const struct work *w, unsigned end)
{
	uint32_t left = w->present[end];
	uint64_t sum = 0;
	unsigned n = 0;

	while (sum < w->target[cover_direction(end)] && left) {
		unsigned largest = (unsigned)__builtin_ctz(left);

		for (uint32_t set = left; set;) {
			unsigned i = take(&set);

			if (w->task->capacity[end][i] > w->task->capacity[end][largest])
				largest = i;
		}
		left &= ~(1u << largest);
		sum += w->task->capacity[end][largest];
		n++;
	}
	return n;
}

static unsigned lower_bound(const struct work *w)
{
	unsigned n = w->task->n_open;

	for (unsigned end = 0; end < COVER_ENDS; end++) {
		unsigned needed = nodes_needed(w, end);

		if (needed > n)
			n = needed;
	}
	return n - w->task->n_open;
}

/* Exhaustive search -------------------------------------------------------------------------- */

struct search {
	struct work *w;
	struct nets *level; /* one for each member of the set */
	struct set set;
	unsigned size;
};

static void find_essential(struct work *w)
{
	for (unsigned end = 0; end < COVER_ENDS; end++) {
		uint64_t sum = 0;

		w->essential[end] = 0;
		for (uint32_t set = w->present[end]; set;)
			sum += w->task->capacity[end][take(&set)];
		for (uint32_t set = w->present[end]; set;) {
			unsigned i = take(&set);

			if (sum - w->task->capacity[end][i] < w->target[cover_direction(end)])
				w->essential[end] |= 1u << i;
		}
	}
}

/* Essential nodes of one end that have no edge yet. */
static uint32_t missing(const struct work *w, const struct nets *n, unsigned end)
{
	const struct net *g = &n->dir[cover_direction(end)];
	uint32_t met = 0;

	for (unsigned a = 0; a < COVER_NODES_MAX; a++) {
		if (!cover_sends(end))
			met |= g->edges[a];
		else
			met |= (uint32_t)(g->edges[a] != 0) << a;
	}
	return w->essential[end] & ~met;
}

/* Can that many more do it? If so, *end_out and *node_out are what the next has to have, or
 * *end_out is COVER_ENDS. */
static bool is_hopeful(const struct search *s, const struct nets *n, unsigned left,
		       unsigned *end_out, unsigned *node_out)
{
	*end_out = COVER_ENDS;
	for (unsigned end = 0; end < COVER_ENDS; end++) {
		uint32_t set = missing(s->w, n, end);

		if ((unsigned)__builtin_popcount(set) > left)
			return false;
		if (set && *end_out == COVER_ENDS) {
			*end_out = end;
			*node_out = take(&set);
		}
	}
	for (unsigned dir = 0; dir < COVER_DIRECTIONS; dir++)
		if (left == 0 && lack(s->w, n, dir))
			return false;
	return true;
}

/* Tries every way to complete the set; n is what it reaches now. */
static bool complete(struct search *s, const struct nets *n)
{
	const struct cover_task *t = s->w->task;
	unsigned end, node, left = s->size - s->set.n;

	if (is_enough(s->w, n))
		return true;
	if (!s->w->steps || !is_hopeful(s, n, left, &end, &node) || !left)
		return false;
	for (unsigned i = 0; i < t->n_classes && s->w->steps; i++) {
		struct nets *next = &s->level[s->set.n];

		if (end < COVER_ENDS && t->classes[i].node[end] != node)
			continue;
		s->w->steps--;
		*next = *n;
		add_class(next, &t->classes[i]);
		s->set.chosen[s->set.n++] = (uint16_t)i;
		if (complete(s, next))
			return true;
		s->set.n--;
	}
	return false;
}

/* Looks for a smaller set, smallest sizes first. Returns 0 or -ENOMEM. */
static int search_smaller(struct work *w, struct set *best, unsigned from)
{
	struct search s = { .w = w };

	s.level = malloc(best->n * sizeof(*s.level));
	if (!s.level)
		return -ENOMEM;
	find_essential(w);
	w->steps = SEARCH_STEPS;
	for (s.size = from; s.size < best->n && w->steps; s.size++) {
		s.set.n = 0;
		build(w, &w->nets, &s.set, 0);
		if (complete(&s, &w->nets)) {
			*best = s.set;
			break;
		}
	}
	free(s.level);
	return 0;
}

/* The best of some greedy choices, or a smaller one. Returns 0 or -ENOMEM. */
static int cover(struct work *w, struct set *best, enum priority p)
{
	unsigned bound = lower_bound(w);

	for (unsigned i = 0; i < ATTEMPTS && (i == 0 || best->n > bound); i++) {
		struct set s = { 0 };

		w->first = i * w->task->n_classes / ATTEMPTS;
		grow(w, &s, p, COVER_FLOWS_MAX);
		leave_out(w, &s);
		if (i == 0 || s.n < best->n)
			*best = s;
	}
	w->first = 0;
	/* If all classes are in it, there is no other choice. */
	if (best->n <= bound || best->n == w->task->n_classes)
		return 0;
	return search_smaller(w, best, bound);
}

/* -------------------------------------------------------------------------------------------- */

/* With too few flows for both: the most out of them, then what is left for the way in. */
static int settle_for_less(struct work *w, struct set *s, unsigned limit)
{
	uint64_t in = w->target[COVER_IN];
	int rc;

	w->target[COVER_IN] = 0;
	rc = cover(w, s, OUT_FIRST);
	w->target[COVER_IN] = in;
	if (rc)
		return rc;
	if (s->n > limit) {
		s->n = 0;
		w->target[COVER_IN] = 0;
		grow(w, s, OUT_FIRST, limit);
		w->target[COVER_IN] = in;
	}
	grow(w, s, OUT_FIRST, limit);
	return 0;
}

/* Those that gain most come first, so that each is worth opening when it is. */
static void sort(struct work *w, const struct set *s, struct cover *out)
{
	struct set left = *s, none = { 0 };

	build(w, &w->nets, &none, 0);
	out->n = 0;
	while (left.n) {
		unsigned best = 0;
		uint64_t most = 0;

		measure(w);
		for (unsigned i = 0; i < left.n; i++) {
			uint64_t v = worth(w, &w->task->classes[left.chosen[i]], BOTH);

			if (v > most) {
				most = v;
				best = i;
			}
		}
		out->chosen[out->n++] = left.chosen[best];
		add_class(&w->nets, &w->task->classes[left.chosen[best]]);
		remove_at(&left, best);
	}
	for (unsigned dir = 0; dir < COVER_DIRECTIONS; dir++)
		out->reach[dir] = w->nets.dir[dir].total;
}

static int choose(struct work *w, struct cover *out)
{
	unsigned limit = w->task->limit - w->task->n_open;
	struct set s;
	int rc;

	find_most(w);
	for (unsigned dir = 0; dir < COVER_DIRECTIONS; dir++)
		out->most[dir] = w->target[dir];
	rc = cover(w, &s, BOTH);
	if (!rc && s.n > limit)
		rc = settle_for_less(w, &s, limit);
	if (!rc)
		sort(w, &s, out);
	return rc;
}

int cover_choose(const struct cover_task *task, struct cover *out)
{
	struct work *w = calloc(1, sizeof(*w));
	int rc;

	if (!w)
		return -ENOMEM;
	w->task = task;
	*out = (struct cover){ 0 };
	rc = choose(w, out);
	free(w);
	return rc;
}
