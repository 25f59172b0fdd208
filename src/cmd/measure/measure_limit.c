/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * measure_limit.c - what limits a transfer: the first cause of a list that holds
 *
 * While data flows bench_look() is called at intervals and counts what it sees. At the end
 * measure_limit() asks in this order, and the first answer is the limit:
 *
 *   1  the consumer    the output had most of the window still to take, at most looks
 *   2  the source      all that was read had been sent
 *   3  the processor   the thread was hardly ever idle
 *   4  the window      no room at the peer, and most of it was under way
 *   5  the links       one lane has nearly all, some are idle, or all carry their speed
 *   6  the network     none of these
 *
 * The order goes from the ends inwards: a slow consumer fills the window too, and a busy thread
 * leaves links idle, so the cause comes before its consequences.
 *
 * What always holds: looks at a stream that has ended, or has not begun, do not count. Counters of
 * the peer decide nothing but the text, and its names are quoted.
 */
#include "cmd/measure/measure_limit.h"

#include <stdlib.h>
#include <string.h>

#include "util/text.h"
#include "util/units.h"

/* Room at the peer that is as good as none: a chunk does not fit. */
#define NO_ROOM (256u << 10)

/* Less than this read and not sent: the senders are waiting for the source. */
#define NOTHING_TO_SEND (64u << 10)

/* A cause that was there in this part of all looks is the limit. */
#define MOSTLY 0.5

/* The thread is the limit: it does not run while it sleeps in epoll_wait between two events. */
#define BUSY 0.9

/* One link's share from which on the others are idle. */
#define NEARLY_ALL 0.9

/* A link with less than this of an even share is idle. */
#define IDLE_PART 0.1

/* Of the links' speed: headers and acknowledgements take a little. */
#define FULL 0.85

static uint64_t sent_once(const struct session_stats *s)
{
	uint64_t sent = 0;

	for (unsigned i = 0; i < s->n_subflows; i++)
		sent += s->subflow[i].tx_bytes;
	sent -= sent < s->tx_reinjected ? sent : s->tx_reinjected;
	return sent < s->tx_read ? sent : s->tx_read;
}

static uint64_t beyond(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static void look_at_sending(struct bench_seen *seen, const struct session_stats *s)
{
	uint64_t sent = sent_once(s), waits = beyond(s->tx_acked, s->tx_taken);

	seen->n_sending++;
	if (beyond(s->tx_edge, sent) < NO_ROOM && waits > beyond(sent, s->tx_acked))
		seen->n_taker++;
	else if (beyond(s->tx_edge, sent) < NO_ROOM)
		seen->n_window++;
	else if (s->tx_read - sent < NOTHING_TO_SEND)
		seen->n_starved++;
}

void bench_look(struct bench_seen *seen, const struct session_stats *stats, uint64_t window)
{
	if (stats->tx_read && !stats->tx_ended)
		look_at_sending(seen, stats);
	if (!stats->rx_received || stats->rx_total_known)
		return;
	seen->n_receiving++;
	if (beyond(stats->rx_received, stats->rx_taken) > window / 2)
		seen->n_late++;
}

/* Links ---------------------------------------------------------------------------------------- */

/* One end of one direction, and how its links were used. */
struct use {
	const struct side_stats *side;
	const char *where; /* "here", "of the peer" */
	bool tx;
	double sum;      /* bytes */
	unsigned n;      /* links that could carry something */
	unsigned n_idle; /* of these */
	unsigned most;   /* which carried most, */
	double share;    /* and its share */
	double capacity; /* bits per second of those that could; 0: not known */
};

static double bytes_of(const struct use *u, unsigned i)
{
	const struct link_stats *l = &u->side->link[i];

	return (double)(u->tx ? l->tx_bytes : l->rx_bytes);
}

/* What a bond does not send over it may receive on all the same. */
static bool can_carry(const struct use *u, unsigned i)
{
	return u->side->link[i].usable || bytes_of(u, i) > 0;
}

static struct use use_of(const struct side_stats *side, const char *where, bool tx)
{
	struct use u = { .side = side, .where = where, .tx = tx };
	bool known = true;

	for (unsigned i = 0; i < side->n_links; i++) {
		if (!can_carry(&u, i))
			continue;
		u.n++;
		u.sum += bytes_of(&u, i);
		u.capacity += (double)side->link[i].speed * 1e6;
		known &= side->link[i].speed > 0;
		if (bytes_of(&u, i) > bytes_of(&u, u.most))
			u.most = i;
	}
	u.capacity = known ? u.capacity : 0;
	u.share = u.sum > 0 ? bytes_of(&u, u.most) / u.sum : 0;
	for (unsigned i = 0; i < side->n_links; i++)
		u.n_idle += can_carry(&u, i) && bytes_of(&u, i) * u.n < IDLE_PART * u.sum;
	return u;
}

/* Is it a bond, with something known about it? */
static bool can_judge(const struct use *u)
{
	return u->side->counted && u->n > 1 && u->sum > 0;
}

static void name_of(char name[STATS_NAME_LEN], const char *as_told)
{
	text_quote(name, STATS_NAME_LEN, as_told, strlen(as_told));
}

/* "all 4 links of bond0 here" */
static size_t print_links(char *buf, size_t size, const struct use *u)
{
	char name[STATS_NAME_LEN];

	name_of(name, u->side->name);
	if (u->n == 1)
		return text_printf(buf, size, "%s %s", name, u->where);
	return text_printf(buf, size, "all %u links of %s %s", u->n, name, u->where);
}

static size_t print_idle(char *buf, size_t size, const struct use *u)
{
	size_t len = 0;

	for (unsigned i = 0; i < u->side->n_links; i++) {
		char name[STATS_NAME_LEN];

		if (!can_carry(u, i) || bytes_of(u, i) * u->n >= IDLE_PART * u->sum)
			continue;
		name_of(name, u->side->link[i].name);
		len += text_printf(buf + len, size - len, "%s%s", len ? ", " : "", name);
	}
	return len;
}

static void say_one_lane(char text[BENCH_TEXT_LEN], const struct use *u)
{
	char bond[STATS_NAME_LEN], link[STATS_NAME_LEN];

	name_of(bond, u->side->name);
	name_of(link, u->side->link[u->most].name);
	text_printf(text, BENCH_TEXT_LEN,
		    "one lane: %.0f %% went %s %s of %s %s, which has %u links", u->share * 100,
		    u->tx ? "out by" : "in by", link, bond, u->where, u->n);
}

static void say_idle(char text[BENCH_TEXT_LEN], const struct use *u)
{
	char bond[STATS_NAME_LEN], idle[128];

	name_of(bond, u->side->name);
	print_idle(idle, sizeof(idle), u);
	text_printf(text, BENCH_TEXT_LEN,
		    "the lanes: next to nothing went %s %u of the %u links of %s %s (%s)",
		    u->tx ? "out by" : "in by", u->n_idle, u->n, bond, u->where, idle);
}

static enum bench_limit judge_use(const struct use *u, double bits, char text[BENCH_TEXT_LEN])
{
	char links[96], rate[24], capacity[24];

	print_links(links, sizeof(links), u);
	bench_bits(rate, sizeof(rate), bits);
	bench_bits(capacity, sizeof(capacity), u->capacity);
	if (u->capacity > 0 && bits >= FULL * u->capacity) {
		text_printf(text, BENCH_TEXT_LEN, "the links: %s carried %s of %s", links, rate,
			    capacity);
		return BENCH_LINKS;
	}
	if (u->capacity > 0) {
		text_printf(text, BENCH_TEXT_LEN,
			    "the network behind the links, or the peer: %s carried %s, but could "
			    "carry %s",
			    links, rate, capacity);
		return BENCH_BEYOND;
	}
	text_printf(text, BENCH_TEXT_LEN, "the links: %s carried their share, %s together", links,
		    rate);
	return BENCH_LINKS;
}

/* Data was always there to be sent, and room for it. */
static enum bench_limit judge_links(const struct bench_case *c, char text[BENCH_TEXT_LEN])
{
	const struct session_stats *s = c->stats;
	const struct use uses[] = {
		use_of(s->here, "here", c->sending),
		use_of(s->peer, "of the peer", !c->sending),
	};
	const struct use *narrow = NULL;
	double least = 0;

	for (size_t i = 0; i < 2; i++) {
		if (can_judge(&uses[i]) && uses[i].share >= NEARLY_ALL) {
			say_one_lane(text, &uses[i]);
			return BENCH_ONE_LANE;
		}
	}
	for (size_t i = 0; i < 2; i++) {
		if (can_judge(&uses[i]) && uses[i].n_idle) {
			say_idle(text, &uses[i]);
			return BENCH_IDLE_LINKS;
		}
	}
	for (size_t i = 0; i < 2; i++) {
		const struct use *u = &uses[i];

		if (!u->side->counted || u->sum <= 0 || (u->n == 1 && u->capacity <= 0))
			continue;
		if (!narrow || (u->capacity > 0 && (least <= 0 || u->capacity < least))) {
			narrow = u;
			least = u->capacity;
		}
	}
	if (narrow && c->ns)
		return judge_use(narrow, narrow->sum * 8 * (double)NS_PER_S / (double)c->ns, text);
	text_printf(text, BENCH_TEXT_LEN,
		    c->sending ? "the network, or the peer: data was always waiting here"
			       : "the peer, or the network: nothing here held it up");
	return c->sending ? BENCH_NETWORK : BENCH_NOT_KNOWN;
}

/* ---------------------------------------------------------------------------------------------- */

static bool mostly(unsigned n, unsigned of)
{
	return of && n > MOSTLY * of;
}

static enum bench_limit judge_window(const struct bench_case *c, char text[BENCH_TEXT_LEN])
{
	char now[24], more[24];

	text_size(now, sizeof(now), c->window);
	text_size(more, sizeof(more), 2 * c->window);
	text_printf(text, BENCH_TEXT_LEN,
		    "the window: it was full of data under way; %s here, try --window with %s at "
		    "both ends",
		    now, more);
	return BENCH_WINDOW;
}

static enum bench_limit judge_source(const struct bench_case *c, char text[BENCH_TEXT_LEN])
{
	char file[64];

	if (c->disk) {
		text_quote(file, sizeof(file), c->disk, strlen(c->disk));
		text_printf(text, BENCH_TEXT_LEN,
			    "the disk: all that was read of %s was sent at "
			    "once",
			    file);
	} else {
		text_printf(text, BENCH_TEXT_LEN,
			    "the processor: the thread that makes the data here does not keep up");
	}
	return BENCH_SOURCE;
}

static enum bench_limit judge_consumer(const struct bench_case *c, char text[BENCH_TEXT_LEN])
{
	char file[64];

	if (c->sending) {
		text_printf(text, BENCH_TEXT_LEN,
			    "the consumer: the peer's output takes it more slowly than it comes");
	} else if (c->disk) {
		text_quote(file, sizeof(file), c->disk, strlen(c->disk));
		text_printf(text, BENCH_TEXT_LEN,
			    "the disk: %s is written more slowly than data comes", file);
	} else {
		text_printf(text, BENCH_TEXT_LEN,
			    "the processor: the thread that takes the data here does not keep up");
	}
	return BENCH_CONSUMER;
}

enum bench_limit measure_limit(const struct bench_case *c, char text[BENCH_TEXT_LEN])
{
	const struct bench_seen *seen = c->seen;

	if (c->sending ? mostly(seen->n_taker, seen->n_sending)
		       : mostly(seen->n_late, seen->n_receiving))
		return judge_consumer(c, text);
	if (c->sending && mostly(seen->n_starved, seen->n_sending))
		return judge_source(c, text);
	if (c->busy >= BUSY) {
		text_printf(text, BENCH_TEXT_LEN,
			    "the processor: mpnc here was busy %.0f %% of the time", c->busy * 100);
		return BENCH_CPU;
	}
	if (c->sending && mostly(seen->n_window, seen->n_sending))
		return judge_window(c, text);
	return judge_links(c, text);
}

size_t bench_bits(char *buf, size_t size, double v)
{
	static const char *const units[] = { "bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s" };
	size_t last = sizeof(units) / sizeof(units[0]) - 1, i = 0;
	int decimals = 0;

	while (v >= 999.5 && i < last) {
		v /= 1000;
		i++;
	}
	if (i > 0 && v < 99.95)
		decimals = v < 9.995 ? 2 : 1;
	return text_printf(buf, size, "%.*f %s", decimals, v, units[i]);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double bench_median(double *values, size_t n)
{
	qsort(values, n, sizeof(*values), compare);
	return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

static double largest(const double *rates, size_t n)
{
	double most = 0;

	for (size_t i = 0; i < n; i++)
		most = rates[i] > most ? rates[i] : most;
	return most;
}

size_t bench_knee(const double *rates, size_t n)
{
	double enough = BENCH_KNEE_PART * largest(rates, n);
	size_t i = 0;

	while (i + 1 < n && rates[i] < enough)
		i++;
	return i;
}

bool bench_past_knee(const double *rates, size_t n)
{
	return n > 2 && BENCH_KNEE_PART * largest(rates + n - 2, 2) < largest(rates, n - 2);
}
