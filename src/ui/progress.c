/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The line is made of parts that have an order on the line and another in which they give way on a
 * narrow terminal. The rate comes from a ring of samples, one per PROGRESS_INTERVAL_NS: its oldest
 * sample that is not older than RATE_WINDOW_NS is compared with now.
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

#define NS_PER_S       1000000000ull
#define RATE_WINDOW_NS 2500000000ull
/* As many samples as RATE_WINDOW_NS can hold, and one that is older. */
#define N_SAMPLES (RATE_WINDOW_NS / PROGRESS_INTERVAL_NS + 2)

/* Without a terminal: time between two lines, and their width. */
#define LINE_INTERVAL_NS NS_PER_S
#define LINE_WIDTH       100
/* Of a terminal that does not know its own. */
#define DEFAULT_WIDTH 80

#define LINE_MAX_LEN 256
#define BAR_MIN      10
#define BAR_MAX      30
/* A longer ETA is a guess not worth printing. */
#define ETA_MAX_S (99 * 3600)

struct sample {
	uint64_t ns;
	uint64_t bytes;
};

struct progress {
	int fd;
	bool terminal; /* redrawn in place, else one line after the other */
	bool always;
	bool drawn;
	uint64_t expected;
	uint64_t drawn_ns, sampled_ns;
	struct sample ring[N_SAMPLES];
	size_t n_samples; /* ever taken */
};

/* What the line is about: the directions that flow, and how far the one with a known end is. */
struct view {
	bool tx, rx;
	uint64_t taken;       /* by the outputs of both directions */
	uint64_t done, total; /* total 0: the end is not known */
};

static struct view view_of(const struct session_stats *stats, uint64_t expected)
{
	struct view v = { .taken = stats->tx_taken + stats->rx_taken };

	v.tx = expected > 0 || stats->tx_read > 0;
	v.rx = !v.tx || stats->rx_received > 0;
	if (expected > 0 && stats->tx_read <= expected) {
		v.done = stats->tx_taken;
		v.total = expected;
	} else if (!v.tx && stats->rx_total_known) {
		v.done = stats->rx_taken;
		v.total = stats->rx_total;
	}
	return v;
}

enum part { SIZE, RATE, CLOCK, SUBFLOWS, BAR, PERCENT, ETA, N_PARTS };

/* The order in which parts give way; SIZE never does. */
static const enum part giving_way[] = { BAR, SUBFLOWS, CLOCK, ETA, PERCENT, RATE };

struct line {
	char part[N_PARTS][64]; /* empty: not shown */
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

/* Drops parts until the line fits in `room`, or gives what is left to the bar. */
static void fit(struct line *line, size_t room, const struct view *v)
{
	size_t n;

	if (v->total)
		draw_bar(line->part[BAR], BAR_MIN + 2, v);
	for (size_t i = 0; i < sizeof(giving_way) / sizeof(giving_way[0]); i++) {
		if (join(NULL, 0, line) <= room)
			break;
		line->part[giving_way[i]][0] = '\0';
	}
	n = join(NULL, 0, line);
	if (line->part[BAR][0] && n < room) {
		size_t extra = room - n;

		if (extra > BAR_MAX - BAR_MIN)
			extra = BAR_MAX - BAR_MIN;
		draw_bar(line->part[BAR], BAR_MIN + 2 + extra, v);
	}
}

size_t progress_format(char *buf, size_t size, unsigned width, const struct session_stats *stats,
		       uint64_t expected, uint64_t rate_bytes, uint64_t rate_ns)
{
	struct view v = view_of(stats, expected);
	size_t room = width ? width - 1 : 0, n;
	struct line line = { 0 };
	double rate = rate_ns ? (double)rate_bytes / (double)rate_ns * (double)NS_PER_S : 0;

	if (size == 0)
		return 0;
	if (room > size - 1)
		room = size - 1;
	print_bytes(line.part[SIZE], sizeof(line.part[0]), stats, &v);
	text_rate(line.part[RATE], sizeof(line.part[0]), rate_bytes, rate_ns);
	print_clock(line.part[CLOCK], sizeof(line.part[0]), stats->elapsed_ns / NS_PER_S);
	text_printf(line.part[SUBFLOWS], sizeof(line.part[0]), "%u subflow%s", stats->n_live,
		    stats->n_live == 1 ? "" : "s");
	if (v.total) {
		text_printf(line.part[PERCENT], sizeof(line.part[0]), "%u %%", percentage(&v));
		if (v.done < v.total)
			print_eta(line.part[ETA], sizeof(line.part[0]), &v, rate);
	}
	fit(&line, room, &v);
	n = join(buf, room + 1, &line);
	buf[room] = '\0';
	return n < room ? n : room;
}

static void wipe_hook(void *arg)
{
	progress_wipe(arg);
}

int progress_new(struct progress **out, int fd, bool always, uint64_t expected)
{
	bool terminal = isatty(fd) == 1;
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
	p->expected = expected;
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

void progress_wipe(struct progress *p)
{
	static const char wipe[] = "\r\033[K";

	if (!p || !p->drawn)
		return;
	p->drawn = false;
	/* A terminal that is gone needs no wiping. */
	(void)log_write(p->fd, wipe, sizeof(wipe) - 1);
}

static void add_sample(struct progress *p, uint64_t ns, uint64_t bytes)
{
	p->ring[p->n_samples++ % N_SAMPLES] = (struct sample){ .ns = ns, .bytes = bytes };
}

/* The oldest sample of the window; the last but one, when all before the last are older. There are
 * at least two. */
static const struct sample *oldest_sample(const struct progress *p, uint64_t now_ns)
{
	size_t i = p->n_samples > N_SAMPLES ? p->n_samples - N_SAMPLES : 0;

	while (i + 2 < p->n_samples && now_ns - p->ring[i % N_SAMPLES].ns > RATE_WINDOW_NS)
		i++;
	return &p->ring[i % N_SAMPLES];
}

static unsigned terminal_width(int fd)
{
	struct winsize ws;

	if (ioctl(fd, TIOCGWINSZ, &ws) < 0 || ws.ws_col == 0)
		return DEFAULT_WIDTH;
	return ws.ws_col;
}

/* A terminal that was stopped must not stop the transfer, nor must a job write over the shell. */
static bool may_draw(const struct progress *p)
{
	struct pollfd pfd = { .fd = p->fd, .events = POLLOUT };
	pid_t foreground;

	if (!p->terminal)
		return true;
	if (poll(&pfd, 1, 0) != 1 || !(pfd.revents & POLLOUT))
		return false;
	foreground = tcgetpgrp(p->fd);
	return p->always || foreground < 0 || foreground == getpgrp();
}

static void draw(struct progress *p, const struct session_stats *stats, const struct sample *since,
		 const struct sample *now)
{
	char text[LINE_MAX_LEN], line[LINE_MAX_LEN + 8];
	unsigned width = p->terminal ? terminal_width(p->fd) : LINE_WIDTH;
	size_t n;

	progress_format(text, sizeof(text), width, stats, p->expected, now->bytes - since->bytes,
			now->ns - since->ns);
	if (p->terminal)
		n = text_printf(line, sizeof(line), "\r%s\033[K", text);
	else
		n = text_printf(line, sizeof(line), "%s\n", text);
	/* Progress is not worth a failure; the next line may fare better. */
	(void)log_write(p->fd, line, n);
	p->drawn = p->terminal;
}

void progress_update(struct progress *p, const struct session_stats *stats, uint64_t now_ns)
{
	struct sample now = { .ns = now_ns };
	const struct sample *last;

	/* Before the first connection there is nothing to show. */
	if (!p || stats->elapsed_ns == 0)
		return;
	now.bytes = stats->tx_taken + stats->rx_taken;
	last = p->n_samples ? &p->ring[(p->n_samples - 1) % N_SAMPLES] : NULL;
	/* The first call, or another session: the rate begins with the session. */
	if (!last || last->bytes > now.bytes) {
		uint64_t elapsed = stats->elapsed_ns < now_ns ? stats->elapsed_ns : now_ns;

		p->n_samples = 0;
		p->drawn_ns = p->sampled_ns = now_ns;
		add_sample(p, now_ns - elapsed, 0);
		return;
	}
	if (now_ns - p->sampled_ns < PROGRESS_INTERVAL_NS)
		return;
	p->sampled_ns = now_ns;
	add_sample(p, now.ns, now.bytes);
	if (now_ns - p->drawn_ns < (p->terminal ? PROGRESS_INTERVAL_NS : LINE_INTERVAL_NS))
		return;
	/* The cost of a drawing that is not allowed now is its check: keep that to the rate too. */
	p->drawn_ns = now_ns;
	if (may_draw(p))
		draw(p, stats, oldest_sample(p, now_ns), &now);
}
