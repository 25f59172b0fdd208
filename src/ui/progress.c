/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The line is made of parts that have an order on the line and another in which they give way on a
 * narrow terminal. The rate comes from a ring of samples, one per PROGRESS_INTERVAL_NS: its oldest
 * sample that is not older than RATE_WINDOW_NS is compared with now. So are the bytes of links.
 *
 * The cursor stays at the line's first column. A terminal that becomes narrower breaks a line that
 * no longer fits into several, and keeps the cursor at the same letter: so all of the line is at
 * the cursor and below, where the next drawing erases it. What is above is never touched. A line
 * must not be broken while it is drawn either, which would move the cursor: the terminal may be
 * narrower by then than it said.
 */
#include "ui/progress.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "ui/log.h"
#include "util/text.h"
#include "util/units.h"

#define BYTES_PER_MBIT 125000.0
#define RATE_WINDOW_NS 2500000000ull
/* As many samples as RATE_WINDOW_NS can hold, and one that is older. */
#define N_SAMPLES (RATE_WINDOW_NS / PROGRESS_INTERVAL_NS + 2)

/* Without a terminal: time between two lines, and their width. */
#define LINE_INTERVAL_NS NS_PER_S
#define LINE_WIDTH       100
/* Of a terminal that does not know its own. */
#define DEFAULT_WIDTH 80

/* What all parts of a line need: links take at most 151, the others 128. */
#define LINE_MAX_LEN 320
#define PART_MAX_LEN 160
#define BAR_MIN      10
#define BAR_MAX      30
/* The bar of one link, and what is shown of its name. */
#define LINK_BAR_MIN  3
#define LINK_BAR_MAX  8
#define LINK_NAME_MAX 8
/* Wrapping at the last column (DECAWM) off and on. */
#define NO_WRAP "\033[?7l"
#define WRAP    "\033[?7h"

/* A longer ETA is a guess not worth printing. */
#define ETA_MAX_S (99 * 3600)

struct sample {
	uint64_t ns;
	uint64_t bytes;
	unsigned list; /* which list of links this is about; 0: none was counted */
	uint64_t tx[PROGRESS_LINKS_MAX], rx[PROGRESS_LINKS_MAX];
};

struct progress {
	int fd;
	bool terminal; /* redrawn in place, else one line after the other */
	bool always;
	bool drawn;     /* the line is on the terminal now */
	bool was_drawn; /* at any time in this session */
	bool dumb;      /* the terminal erases nothing: spaces do */
	size_t drawn_len;
	uint64_t drawn_ns, sampled_ns;
	struct sample ring[N_SAMPLES];
	size_t n_samples; /* ever taken */
	/* The links that samples with this number are about: a bond may get and lose some. */
	unsigned list;
	unsigned n_links;
	char link[PROGRESS_LINKS_MAX][STATS_NAME_LEN];
};

/* What the line is about: the directions that flow, and how far the one with a known end is. */
struct view {
	bool tx, rx;
	uint64_t taken;       /* by the outputs of both directions */
	uint64_t done, total; /* total 0: the end is not known */
	unsigned n_links;     /* 0: no bars of links */
	struct {
		char name[LINK_NAME_MAX + 1];
		double load; /* 0 to 1 */
	} link[PROGRESS_LINKS_MAX];
};

/* Are there links worth a bar each? With one there is nothing to compare. */
static bool shows_links(const struct side_stats *here)
{
	return here && here->counted && here->n_links >= 2 && here->n_links <= PROGRESS_LINKS_MAX;
}

/* "enp129s0f0np0" becomes "~s0f0np0": names differ at their ends. */
static void shorten(char *buf, size_t size, const char *name)
{
	size_t len = strlen(name);

	if (len <= LINK_NAME_MAX)
		text_printf(buf, size, "%s", name);
	else
		text_printf(buf, size, "~%s", name + len - (LINK_NAME_MAX - 1));
	for (; *buf; buf++)
		if (*buf <= ' ' || *buf > '~')
			*buf = '?';
}

/* How busy each link is: of what it could carry, or beside the fastest where that is not known. */
static void view_links(struct view *v, const struct side_stats *here,
		       const struct progress_rate *lately)
{
	double rate[PROGRESS_LINKS_MAX], fastest = 0;

	if (!shows_links(here) || lately->link_ns == 0)
		return;
	v->n_links = here->n_links;
	for (unsigned i = 0; i < v->n_links; i++) {
		double bytes = (v->tx ? (double)lately->link_tx[i] : 0) +
			       (v->rx ? (double)lately->link_rx[i] : 0);

		rate[i] = bytes / (double)lately->link_ns * (double)NS_PER_S;
		if (rate[i] > fastest)
			fastest = rate[i];
	}
	for (unsigned i = 0; i < v->n_links; i++) {
		double full = (double)here->link[i].speed * BYTES_PER_MBIT;

		if (full <= 0)
			full = fastest;
		shorten(v->link[i].name, sizeof(v->link[i].name), here->link[i].name);
		v->link[i].load = rate[i] < full ? rate[i] / full : rate[i] > 0;
	}
}

/* The peer's word, until its stream has ended; 0: not known, or its stream is longer. */
static uint64_t rx_total(const struct session_stats *stats)
{
	if (stats->rx_total_known)
		return stats->rx_total;
	return stats->rx_received <= stats->rx_expected ? stats->rx_expected : 0;
}

static struct view view_of(const struct session_stats *stats)
{
	struct view v = { .taken = stats->tx_taken + stats->rx_taken };

	v.tx = stats->tx_expected > 0 || stats->tx_read > 0;
	v.rx = !v.tx || stats->rx_received > 0;
	if (stats->tx_expected > 0 && stats->tx_read <= stats->tx_expected) {
		v.done = stats->tx_taken;
		v.total = stats->tx_expected;
	} else if (!v.tx) {
		v.done = stats->rx_taken;
		v.total = rx_total(stats);
	}
	return v;
}

enum part { SIZE, RATE, LOST, CLOCK, SUBFLOWS, BAR, PERCENT, ETA, LINKS, N_PARTS };

/* The order in which parts give way; SIZE never does. */
static const enum part giving_way[] = { LINKS, BAR, SUBFLOWS, CLOCK, ETA, PERCENT, RATE, LOST };

struct line {
	char part[N_PARTS][PART_MAX_LEN]; /* empty: not shown */
};

static void print_clock(char *buf, size_t size, uint64_t s)
{
	unsigned long long h = s / 3600, m = s / 60 % 60, rest = s % 60;

	if (h)
		text_printf(buf, size, "%llu:%02llu:%02llu", h, m, rest);
	else
		text_printf(buf, size, "%llu:%02llu", m, rest);
}

static void print_bytes(char *buf, size_t size, const struct session_stats *stats,
			const struct view *v)
{
	char tx[24], rx[24];

	text_size(tx, sizeof(tx), stats->tx_taken);
	text_size(rx, sizeof(rx), stats->rx_taken);
	if (v->tx && v->rx)
		text_printf(buf, size, "tx %s  rx %s", tx, rx);
	else
		text_printf(buf, size, "%s", v->tx ? tx : rx);
}

/* Rounded down: 100 means all of it. */
static unsigned percentage(const struct view *v)
{
	unsigned percent;

	if (v->done >= v->total)
		return 100;
	percent = (unsigned)((double)v->done / (double)v->total * 100);
	return percent < 100 ? percent : 99;
}

/* With both directions in the rate, the one with a known end gets its mean share of it. */
static void print_eta(char *buf, size_t size, const struct view *v, double rate)
{
	double share = v->taken ? (double)v->done / (double)v->taken : 0;
	double left = (double)(v->total - v->done);
	char clock[24];

	if (rate * share <= 0 || left / (rate * share) > ETA_MAX_S)
		return;
	print_clock(clock, sizeof(clock), (uint64_t)(left / (rate * share) + 0.5));
	text_printf(buf, size, "ETA %s", clock);
}

static size_t gap_before(const struct line *line, enum part part)
{
	/* "[===>   ] 52 %" */
	return part == PERCENT && line->part[BAR][0] ? 1 : 2;
}

/* Writes what fits of the line if buf is not NULL. Returns the length of all of it. */
static size_t join(char *buf, size_t size, const struct line *line)
{
	size_t n = 0;

	for (enum part i = 0; i < N_PARTS; i++) {
		size_t gap = n ? gap_before(line, i) : 0;

		if (!line->part[i][0])
			continue;
		if (buf && n < size)
			text_printf(buf + n, size - n, "%*s%s", (int)gap, "", line->part[i]);
		n += gap + strlen(line->part[i]);
	}
	return n;
}

static void draw_bar(char *buf, size_t len, const struct view *v)
{
	size_t inner = len - 2;
	size_t full = inner * percentage(v) / 100;

	memset(buf, '=', len);
	memset(buf + 1 + full, ' ', inner - full);
	if (full > 0 && full < inner)
		buf[full] = '>';
	buf[0] = '[';
	buf[len - 1] = ']';
	buf[len] = '\0';
}

/* "eth0[####    ] eth1[######  ]" */
static void draw_links(char *buf, size_t size, size_t bar, const struct view *v)
{
	static const char full[] = "########";
	size_t n = 0;

	_Static_assert(sizeof(full) == LINK_BAR_MAX + 1, "a whole bar");
	for (unsigned i = 0; i < v->n_links; i++) {
		int done = (int)(v->link[i].load * (double)bar + 0.5);

		n += text_printf(buf + n, size - n, "%s%s[%.*s%*s]", n ? " " : "", v->link[i].name,
				 done, full, (int)bar - done, "");
	}
}

/* Drops parts until the line fits in `room`. */
static void drop(struct line *line, size_t room)
{
	for (size_t i = 0; i < sizeof(giving_way) / sizeof(giving_way[0]); i++) {
		if (join(NULL, 0, line) <= room)
			break;
		line->part[giving_way[i]][0] = '\0';
	}
}

static size_t at_most(size_t n, size_t max)
{
	return n < max ? n : max;
}

/* Gives what is left of the room to the bars. */
static void widen(struct line *line, size_t room, const struct view *v)
{
	size_t n = join(NULL, 0, line);

	if (line->part[LINKS][0] && n < room) {
		size_t extra = at_most((room - n) / v->n_links, LINK_BAR_MAX - LINK_BAR_MIN);

		draw_links(line->part[LINKS], PART_MAX_LEN, LINK_BAR_MIN + extra, v);
		n += extra * v->n_links;
	}
	if (line->part[BAR][0] && n < room)
		draw_bar(line->part[BAR], BAR_MIN + 2 + at_most(room - n, BAR_MAX - BAR_MIN), v);
}

/* Rounded up: the last second is one, too. */
static void print_lost(char *buf, size_t size, uint64_t left_ns)
{
	if (left_ns)
		text_printf(buf, size, "reconnecting, %llu s left",
			    (unsigned long long)((left_ns + NS_PER_S - 1) / NS_PER_S));
	else
		text_printf(buf, size, "reconnecting");
}

/* What moves, and when it will be complete. */
static void print_motion(struct line *line, const struct session_stats *stats, const struct view *v,
			 const struct progress_rate *lately)
{
	double rate = 0;

	if (lately->ns)
		rate = (double)lately->bytes / (double)lately->ns * (double)NS_PER_S;
	text_rate(line->part[RATE], PART_MAX_LEN, lately->bytes, lately->ns);
	text_printf(line->part[SUBFLOWS], PART_MAX_LEN, "%u subflow%s", stats->n_live,
		    stats->n_live == 1 ? "" : "s");
	if (v->done < v->total)
		print_eta(line->part[ETA], PART_MAX_LEN, v, rate);
	draw_links(line->part[LINKS], PART_MAX_LEN, LINK_BAR_MIN, v);
}

size_t progress_format(char *buf, size_t size, unsigned width, const struct session_stats *stats,
		       const struct progress_rate *lately)
{
	struct view v = view_of(stats);
	size_t room = width ? width - 1 : 0, n;
	struct line line = { 0 };

	if (size == 0)
		return 0;
	room = at_most(room, size - 1);
	view_links(&v, stats->here, lately);
	print_bytes(line.part[SIZE], PART_MAX_LEN, stats, &v);
	print_clock(line.part[CLOCK], PART_MAX_LEN, stats->elapsed_ns / NS_PER_S);
	if (stats->lost)
		print_lost(line.part[LOST], PART_MAX_LEN, stats->lost_left_ns);
	else
		print_motion(&line, stats, &v, lately);
	if (v.total) {
		draw_bar(line.part[BAR], BAR_MIN + 2, &v);
		text_printf(line.part[PERCENT], PART_MAX_LEN, "%u %%", percentage(&v));
	}
	drop(&line, room);
	widen(&line, room, &v);
	n = join(buf, room + 1, &line);
	buf[room] = '\0';
	return at_most(n, room);
}

static void wipe_hook(void *arg)
{
	progress_wipe(arg);
}

int progress_new(struct progress **out, int fd, bool always)
{
	bool terminal = isatty(fd) == 1;
	const char *term = getenv("TERM");
	struct progress *p;

	*out = NULL;
	if (!always && !terminal)
		return 0;
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->fd = fd;
	p->terminal = terminal;
	p->always = always;
	p->dumb = !term || strcmp(term, "dumb") == 0;
	if (terminal)
		log_set_hook(wipe_hook, p);
	*out = p;
	return 0;
}

struct progress *progress_free(struct progress *p)
{
	if (!p)
		return NULL;
	progress_wipe(p);
	if (p->terminal)
		log_set_hook(NULL, NULL);
	free(p);
	return NULL;
}

bool progress_was_drawn(const struct progress *p)
{
	return p && p->was_drawn;
}

void progress_wipe(struct progress *p)
{
	char wipe[LINE_MAX_LEN + 8];
	size_t n;

	if (!p || !p->drawn)
		return;
	p->drawn = false;
	if (p->dumb)
		n = text_printf(wipe, sizeof(wipe), "\r%*s\r", (int)p->drawn_len, "");
	else
		n = text_printf(wipe, sizeof(wipe), "\r\033[J");
	/* A terminal that is gone needs no wiping. */
	(void)log_write(p->fd, wipe, n);
}

/* Is `here` about the links that the last samples were about? */
static bool same_links(const struct progress *p, const struct side_stats *here)
{
	if (p->n_links != here->n_links)
		return false;
	for (unsigned i = 0; i < p->n_links; i++)
		if (strcmp(p->link[i], here->link[i].name) != 0)
			return false;
	return true;
}

static struct sample sample_of(struct progress *p, const struct session_stats *stats, uint64_t ns)
{
	struct sample s = { .ns = ns, .bytes = stats->tx_taken + stats->rx_taken };
	const struct side_stats *here = stats->here;

	if (!shows_links(here))
		return s;
	if (!same_links(p, here)) {
		p->list++;
		p->n_links = here->n_links;
		for (unsigned i = 0; i < here->n_links; i++)
			memcpy(p->link[i], here->link[i].name, sizeof(p->link[i]));
	}
	s.list = p->list;
	for (unsigned i = 0; i < here->n_links; i++) {
		s.tx[i] = here->link[i].tx_bytes;
		s.rx[i] = here->link[i].rx_bytes;
	}
	return s;
}

static void add_sample(struct progress *p, const struct sample *s)
{
	p->ring[p->n_samples++ % N_SAMPLES] = *s;
}

/* The number of the oldest sample of the window; the last but one, when all before the last are
 * older. There are at least two. */
static size_t oldest_sample(const struct progress *p, uint64_t now_ns)
{
	size_t i = p->n_samples > N_SAMPLES ? p->n_samples - N_SAMPLES : 0;

	while (i + 2 < p->n_samples && now_ns - p->ring[i % N_SAMPLES].ns > RATE_WINDOW_NS)
		i++;
	return i;
}

/* A device that was made anew counts from 0. */
static uint64_t growth(uint64_t now, uint64_t before)
{
	return now > before ? now - before : 0;
}

/* From the oldest sample of the window to the last; for links the oldest that is about the same
 * ones, and when that is the last itself, link_ns is 0. */
static struct progress_rate rate_of(const struct progress *p, uint64_t now_ns)
{
	const struct sample *now = &p->ring[(p->n_samples - 1) % N_SAMPLES], *since;
	size_t i = oldest_sample(p, now_ns);
	struct progress_rate rate;

	since = &p->ring[i % N_SAMPLES];
	rate = (struct progress_rate){ .ns = now->ns - since->ns,
				       .bytes = now->bytes - since->bytes };
	while (since->list != now->list)
		since = &p->ring[++i % N_SAMPLES];
	rate.link_ns = now->ns - since->ns;
	for (unsigned link = 0; link < PROGRESS_LINKS_MAX; link++) {
		rate.link_tx[link] = growth(now->tx[link], since->tx[link]);
		rate.link_rx[link] = growth(now->rx[link], since->rx[link]);
	}
	return rate;
}

static unsigned terminal_width(int fd)
{
	struct winsize ws;

	if (ioctl(fd, TIOCGWINSZ, &ws) < 0 || ws.ws_col == 0)
		return DEFAULT_WIDTH;
	return ws.ws_col;
}

/* A terminal that was stopped must not stop the transfer, nor must a job write over the shell, or
 * over a terminal that is not its own. */
static bool may_draw(const struct progress *p)
{
	struct pollfd pfd = { .fd = p->fd, .events = POLLOUT };

	if (!p->terminal)
		return true;
	if (poll(&pfd, 1, 0) != 1 || !(pfd.revents & POLLOUT))
		return false;
	return p->always || tcgetpgrp(p->fd) == getpgrp();
}

/* Redraws in place, and erases what the last drawing has left behind this one. */
static size_t in_place(const struct progress *p, char *buf, size_t size, const char *line)
{
	size_t len = strlen(line);

	if (!p->dumb)
		return text_printf(buf, size, "\r" NO_WRAP "%s" WRAP "\033[J\r", line);
	if (p->drawn && p->drawn_len > len)
		len = p->drawn_len;
	return text_printf(buf, size, "\r%-*s\r", (int)len, line);
}

static void draw(struct progress *p, const struct session_stats *stats, uint64_t now_ns)
{
	char line[LINE_MAX_LEN], text[LINE_MAX_LEN + 24];
	unsigned width = p->terminal ? terminal_width(p->fd) : LINE_WIDTH;
	struct progress_rate lately = rate_of(p, now_ns);
	size_t len = progress_format(line, sizeof(line), width, stats, &lately), n;

	if (p->terminal)
		n = in_place(p, text, sizeof(text), line);
	else
		n = text_printf(text, sizeof(text), "%s\n", line);
	/* Progress is not worth a failure; the next line may fare better. */
	(void)log_write(p->fd, text, n);
	p->drawn = p->terminal;
	p->drawn_len = len;
	p->was_drawn = true;
}

/* The rate begins with the session, when nothing had been counted yet. */
static void start(struct progress *p, const struct session_stats *stats, uint64_t now_ns)
{
	uint64_t elapsed = stats->elapsed_ns < now_ns ? stats->elapsed_ns : now_ns;
	unsigned list = sample_of(p, stats, now_ns).list;

	p->n_samples = 0;
	p->was_drawn = false;
	p->drawn_ns = p->sampled_ns = now_ns;
	add_sample(p, &(struct sample){ .ns = now_ns - elapsed, .list = list });
}

void progress_update(struct progress *p, const struct session_stats *stats, uint64_t now_ns)
{
	const struct sample *last;
	struct sample now;

	/* Before the first connection there is nothing to show. */
	if (!p || stats->elapsed_ns == 0)
		return;
	last = p->n_samples ? &p->ring[(p->n_samples - 1) % N_SAMPLES] : NULL;
	/* The first call, or another session. */
	if (!last || last->bytes > stats->tx_taken + stats->rx_taken) {
		start(p, stats, now_ns);
		return;
	}
	if (now_ns - p->sampled_ns < PROGRESS_INTERVAL_NS)
		return;
	p->sampled_ns = now_ns;
	now = sample_of(p, stats, now_ns);
	add_sample(p, &now);
	if (now_ns - p->drawn_ns < (p->terminal ? PROGRESS_INTERVAL_NS : LINE_INTERVAL_NS))
		return;
	/* The cost of a drawing that is not allowed now is its check: keep that to the rate too. */
	p->drawn_ns = now_ns;
	if (may_draw(p))
		draw(p, stats, now_ns);
}
