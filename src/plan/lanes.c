/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lanes.c - sums of what links and subflows have counted, from which lanes_solve.c infers lanes
 *
 * doc/design/lanes.md derives the model. For each lag of the counters that is considered (a view)
 * and each link there is one tally: sums over overlapping windows of the products that a score
 * needs, faded with FADE_S. Samples themselves are kept only as the subflows' last LANES_HISTORY
 * moments, since a lag needs to know what they had carried earlier.
 *
 *   lanes_sample: counters -> meters (has the link moved?) -> a span of a window -> tallies of all
 * views
 *
 * What always holds:
 * - x, xl, xx of a subflow that is not open are 0 in every tally. So the arithmetic needs no masks.
 * - xx is symmetric. All sums of one tally have faded alike.
 * - A subflow that is closed leaves its bytes' share of its link behind in l and ll: what remains
 * there is the other traffic alone. No window begins before it closed.
 * - moments[] is never empty, and its times grow.
 *
 * One thread; no lock. lanes_sample() takes 0.2 ms for 32 subflows and 32 links: at most one span
 * for each link and view, with 1,024 products.
 */
#include "plan/lanes.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plan/lanes_internal.h"

#define SECOND_NS 1e9

/* Lags of the counters that are considered, in seconds. Drivers that read their counters from the
 * card once in a while do so every second or two. */
static const double lags[LANES_VIEWS] = { 0, 0.5, 1, 2 };

/* What is older than this counts for a third. */
#define FADE_S 6.0

/* Sums are taken over windows of this length that overlap: when counters are read, packets are on
 * their way between a link's and a connection's, and that is no more in a long time than in a short
 * one. */
#define WINDOW_S 0.4

/* Joined samples are no longer than this; counters are renewed more often. */
#define JOIN_S 2.0

int lanes_new(struct lanes **out, unsigned n_links, uint32_t allowed)
{
	struct lanes *l;

	assert(n_links <= LANES_LINKS_MAX);
	l = calloc(1, sizeof(*l) + LANES_VIEWS * n_links * sizeof(l->tallies[0]));
	if (!l)
		return -ENOMEM;
	l->n_links = n_links;
	l->allowed = allowed;
	l->n_moments = 1;
	l->tolerance = 1;
	for (unsigned v = 0; v < LANES_VIEWS; v++) {
		memset(l->views[v].at, -1, sizeof(l->views[v].at));
		l->views[v].links = l->tallies + v * n_links;
	}
	*out = l;
	return 0;
}

struct lanes *lanes_free(struct lanes *l)
{
	free(l);
	return NULL;
}

/* Takes the bytes of a subflow that has ended from its link, or they would count as other traffic.
 */
static void fold(struct view *v, unsigned i, unsigned n_links)
{
	for (unsigned k = 0; k < n_links; k++) {
		struct tally *t = &v->links[k];

		if (v->at[i] == (int)k) {
			t->l -= t->x[i];
			t->ll += t->xx[i][i] - 2 * t->xl[i];
			for (unsigned j = 0; j < LANES_FLOWS_MAX; j++)
				t->xl[j] -= t->xx[i][j];
		}
		t->x[i] = t->xl[i] = 0;
		for (unsigned j = 0; j < LANES_FLOWS_MAX; j++)
			t->xx[i][j] = t->xx[j][i] = 0;
	}
	v->at[i] = -1;
}

/* The beginning, if nothing was read. */
static struct reading last_reading(const struct window *w)
{
	return w->n ? w->last[w->n - 1] : (struct reading){ 0, 0 };
}

static void begin_anew(struct window *w)
{
	w->last[0] = last_reading(w);
	w->n = 1;
}

static void set_top(struct lanes *l)
{
	l->top = l->open ? 32 - (unsigned)__builtin_clz(l->open) : 0;
}

void lanes_open(struct lanes *l, unsigned flow)
{
	assert(flow < LANES_FLOWS_MAX);
	lanes_close(l, flow);
	l->open |= 1u << flow;
	set_top(l);
	for (unsigned i = 0; i < l->n_moments; i++)
		l->moments[i].x[flow] = 0;
}

void lanes_close(struct lanes *l, unsigned flow)
{
	if (!lanes_is_open(l, flow))
		return;
	for (unsigned v = 0; v < LANES_VIEWS; v++)
		fold(&l->views[v], flow, l->n_links);
	/* What it had would be missing in windows that begin before. */
	for (unsigned k = 0; k < l->n_links; k++)
		begin_anew(&l->meters[k].window);
	begin_anew(&l->all);
	l->open &= ~(1u << flow);
	set_top(l);
}

/* Samples -------------------------------------------------------------------------------------- */

static void remember(struct lanes *l, const uint64_t *flow)
{
	struct moment *m;

	if (l->n_moments == LANES_HISTORY) {
		memmove(l->moments, l->moments + 1, (LANES_HISTORY - 1) * sizeof(l->moments[0]));
		l->n_moments--;
	}
	m = &l->moments[l->n_moments++];
	*m = m[-1];
	m->t = l->now;
	for (unsigned i = 0; i < LANES_FLOWS_MAX; i++)
		if (lanes_is_open(l, i))
			m->x[i] += (double)flow[i];
}

/* The subflows' bytes from the beginning to a moment. */
static void bytes_at(const struct lanes *l, double t, double out[LANES_FLOWS_MAX])
{
	unsigned i = l->n_moments - 1;
	const struct moment *a, *b;
	double part;

	while (i > 0 && l->moments[i - 1].t >= t)
		i--;
	b = &l->moments[i];
	a = i ? b - 1 : b;
	part = b->t > a->t && t < b->t ? (t - a->t) / (b->t - a->t) : 1;
	if (t < a->t)
		part = 0;
	for (unsigned f = 0; f < LANES_FLOWS_MAX; f++)
		out[f] = a->x[f] + part * (b->x[f] - a->x[f]);
}

static void fade(struct tally *t, double w, unsigned top)
{
	t->length *= w;
	t->n *= w;
	t->windows *= w;
	t->l *= w;
	t->ll *= w;
	for (unsigned i = 0; i < top; i++) {
		t->x[i] *= w;
		t->xl[i] *= w;
		for (unsigned j = 0; j < top; j++)
			t->xx[i][j] *= w;
	}
}

/* What came since a reading before the last one. */
struct span {
	double from; /* times */
	double to;
	double bytes;
	double new_s; /* part of it that is new since the last one */
};

/* Puts a reading into the window: this many bytes more. */
static struct span slide(struct window *w, double t, double bytes)
{
	struct reading last = last_reading(w);
	struct span s = { .to = t, .new_s = t - last.t };
	unsigned first = 0;

	if (w->n == 0)
		w->last[w->n++] = last;
	while (first + 1 < w->n && t - w->last[first].t > WINDOW_S)
		first++;
	s.from = w->last[first].t;
	s.bytes = last.bytes + bytes - w->last[first].bytes;
	first += w->n - first == LANES_READINGS;
	w->n -= first;
	memmove(w->last, w->last + first, w->n * sizeof(w->last[0]));
	w->last[w->n++] = (struct reading){ t, last.bytes + bytes };
	return s;
}

/* What the subflows have carried meanwhile. */
static void flows_in(const struct lanes *l, const struct span *s, double lag,
		     double out[LANES_FLOWS_MAX])
{
	double from[LANES_FLOWS_MAX];

	bytes_at(l, s->from - lag, from);
	bytes_at(l, s->to - lag, out);
	for (unsigned i = 0; i < LANES_FLOWS_MAX; i++)
		out[i] = lanes_is_open(l, i) ? out[i] - from[i] : 0;
}

/* Independent samples that the new part of a span is. */
static double independent(const struct span *s)
{
	return s->new_s < LANES_INDEPENDENT_S ? s->new_s / LANES_INDEPENDENT_S : 1;
}

static void add_total(const struct lanes *l, struct total *t, const struct span *s, double lag)
{
	double len = s->to - s->from, part = s->new_s / len;
	double x[LANES_FLOWS_MAX], w = exp(-s->new_s / FADE_S), rest = s->bytes, lack;

	flows_in(l, s, lag, x);
	for (unsigned i = 0; i < LANES_FLOWS_MAX; i++)
		rest -= x[i];
	/* Less than nothing is no traffic of others. */
	lack = rest < 0 ? -rest : 0;
	rest += lack;
	t->length = w * t->length + s->new_s;
	t->n = w * t->n + independent(s);
	t->rest = w * t->rest + part * rest;
	t->rest2 = w * t->rest2 + part * rest * rest / len;
	t->lack2 = w * t->lack2 + part * lack * lack / len;
}

static void add_sample(const struct lanes *l, struct tally *t, const struct span *s, double lag)
{
	double len = s->to - s->from, part = s->new_s / len;
	double x[LANES_FLOWS_MAX];

	fade(t, exp(-s->new_s / FADE_S), l->top);
	t->length += s->new_s;
	t->n += independent(s);
	t->windows += part / len;
	t->l += part * s->bytes;
	t->ll += part * s->bytes * s->bytes / len;
	flows_in(l, s, lag, x);
	for (unsigned i = 0; i < LANES_FLOWS_MAX; i++) {
		if (x[i] <= 0)
			continue;
		t->x[i] += part * x[i];
		t->xl[i] += part * x[i] * s->bytes / len;
		for (unsigned j = 0; j < LANES_FLOWS_MAX; j++)
			t->xx[i][j] += part * x[i] * x[j] / len;
	}
}

static double shortest_gap(const struct meter *m)
{
	double gap = m->n_gaps ? m->gap[0] : 0;

	for (unsigned i = 1; i < m->n_gaps && i < LANES_GAPS; i++)
		if (m->gap[i] < gap)
			gap = m->gap[i];
	return gap;
}

/* Counts, and returns whether that makes a sample: a counter that stands still may only not have
 * been renewed yet. */
static bool meter_count(struct meter *m, double bytes, double now)
{
	m->pending += bytes;
	if (bytes > 0) {
		if (m->moved > 0)
			m->gap[m->n_gaps++ % LANES_GAPS] = now - m->moved;
		m->moved = now;
		return true;
	}
	return now - m->moved > 1.5 * shortest_gap(m) || now - last_reading(&m->window).t >= JOIN_S;
}

void lanes_sample(struct lanes *l, uint64_t dt_ns, const uint64_t flow[LANES_FLOWS_MAX],
		  const uint64_t *link)
{
	struct span s;
	double all = 0;

	if (!dt_ns)
		return;
	l->now += (double)dt_ns / SECOND_NS;
	remember(l, flow);
	for (unsigned k = 0; k < l->n_links; k++) {
		struct meter *m = &l->meters[k];

		all += (double)link[k];
		if (!meter_count(m, (double)link[k], l->now))
			continue;
		s = slide(&m->window, l->now, m->pending);
		for (unsigned v = 0; v < LANES_VIEWS; v++)
			add_sample(l, &l->views[v].links[k], &s, lags[v]);
		m->pending = 0;
	}
	s = slide(&l->all, l->now, all);
	for (unsigned v = 0; v < LANES_VIEWS; v++)
		add_total(l, &l->views[v].total, &s, lags[v]);
}
