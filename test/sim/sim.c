/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sim.c - two sessions over simulated connections: random scenarios, and some with figures
 *
 * sim [--runs N] [--first S] [--jobs J]  the named scenarios (not under sanitizers) and N random
 *                                        ones (or SIM_RUNS=N)
 * sim --seed S [--trace]                 this random one only (or SEED=S)
 * sim --named [--trace]                  the named ones only
 *
 * A run is wrong when a byte in an output is, when a side says that its stream is complete and it
 * is not, when it uses more memory than its window allows, when nothing ends it, and when it fails
 * although one connection was sound from begin to end.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run.h"
#include "session/winbuf.h"
#include "util/parse.h"

static bool run_seed(uint64_t seed, bool trace)
{
	struct scenario *sc = calloc(1, sizeof(*sc));
	struct run *r = calloc(1, sizeof(*r));
	bool ok;

	if (!sc || !r)
		exit(2);
	random_scenario(sc, seed);
	run_begin(r, sc, trace);
	ok = run_go(r);
	if (!ok || trace) {
		printf("%s SEED=%llu: %s\n  ", ok ? "right" : "WRONG", (unsigned long long)seed,
		       r->wrong);
		describe(sc);
		fflush(stdout);
	}
	run_end(r);
	free(r);
	free(sc);
	return ok;
}

#ifndef __has_feature
#define __has_feature(x) 0
#endif
/* A sanitizer makes a run three to ten times as long. The named scenarios stay out then: they are
 * there for their figures, take nearly all of the time, and run no line or branch of the session
 * that 200 random ones do not run. Without a sanitizer the same seeds are run too. */
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define RUNS  2000
#define NAMED false
#else
#define RUNS  10000
#define NAMED true
#endif

/* Named scenarios --------------------------------------------------------------------------------
 */

#define MB 1000000ull

/* A copy from client to server over sound paths, which are all alike. */
struct copy {
	unsigned n_paths;
	uint64_t rate, delay_ns, len, window;
};

static void plain(struct scenario *sc, const char *name, struct copy c)
{
	*sc = (struct scenario){ .seed = 1, .name = name, .n_paths = c.n_paths };
	for (unsigned i = 0; i < c.n_paths; i++) {
		sc->path[i] = (struct path){ .rate = { c.rate, c.rate },
					     .delay_ns = { c.delay_ns, c.delay_ns },
					     .seg_max = 16 << 10 };
		path_fill(&sc->path[i], 0);
	}
	for (int side = 0; side < 2; side++) {
		struct host_config *h = &sc->host[side];

		h->session.role = side == NET_CLIENT ? SESSION_CLIENT : SESSION_SERVER;
		h->session.window = c.window;
		h->session.n_subflows = c.n_paths;
		h->source.eof = true;
		h->source.seed = h->sink.seed = 7;
		h->source.read_max = MIB;
		h->sink.write_max = MIB;
		h->sink.fail_at = h->sink.stop_at = h->sink.stall_at = NET_NEVER;
	}
	sc->host[NET_CLIENT].source.len = c.len;
	sc->host[NET_CLIENT].max_connects = c.n_paths + 20;
	sc->host[NET_CLIENT].rotate = true;
}

static void set_rate(struct scenario *sc, unsigned n_path, uint64_t rate, uint64_t queue_ns)
{
	sc->path[n_path].rate[0] = sc->path[n_path].rate[1] = rate;
	path_fill(&sc->path[n_path], queue_ns);
}

/* All paths together, all the time, and the connection's set-up and the path's delay twice. */
static uint64_t ideal_ns(const struct scenario *sc)
{
	uint64_t rate = 0;

	for (unsigned i = 0; i < sc->n_paths; i++)
		rate += sc->path[i].rate[0];
	return sc->host[NET_CLIENT].source.len * NET_SECOND / rate + 4 * sc->path[0].delay_ns[0];
}

struct figures {
	uint64_t took_ns;
	struct host_figures client, server;
	bool ok;
};

static struct figures play(const struct scenario *sc, bool trace)
{
	struct run *r = calloc(1, sizeof(*r));
	struct figures f;

	if (!r)
		exit(2);
	run_begin(r, sc, trace);
	f.ok = run_go(r);
	if (!f.ok)
		printf("WRONG %s: %s\n", sc->name, r->wrong);
	f.took_ns = r->host[NET_SERVER]->figures.output_done_ns;
	f.client = r->host[NET_CLIENT]->figures;
	f.server = r->host[NET_SERVER]->figures;
	run_end(r);
	free(r);
	return f;
}

static unsigned verdict(const struct scenario *sc, const char *what, double value, double limit)
{
	bool ok = value <= limit;

	printf("%s %-46s %-34s %9.3f (at most %.3f)\n", ok ? "right" : "WRONG", sc->name, what,
	       value, limit);
	return !ok;
}

static unsigned against_ideal(const struct scenario *sc, bool trace, double limit)
{
	struct figures f = play(sc, trace);

	return !f.ok +
	       verdict(sc, "time / ideal time", (double)f.took_ns / (double)ideal_ns(sc), limit);
}

static unsigned slow_subflow(struct scenario *sc, bool trace)
{
	static const uint64_t queue_ns[] = { 0, 500 * NET_MS, 2 * NET_SECOND };
	static const char *const name[] = { "one of four at 1/50",
					    "one of four at 1/50, 0.5 s of queue",
					    "one of four at 1/50, 2 s of queue" };
	static const char *const small[] = { "the same, window 1 MiB",
					     "the same, 0.5 s of queue, window 1 MiB",
					     "the same, 2 s of queue, window 1 MiB" };
	unsigned n_wrong = 0;

	for (unsigned i = 0; i < 3; i++) {
		plain(sc, name[i], (struct copy){ 4, 10 * MB, 5 * NET_MS, 100 * MB, 64 * MIB });
		set_rate(sc, i % 4, 10 * MB / 50, queue_ns[i]);
		n_wrong += against_ideal(sc, trace, 1.05);
		plain(sc, small[i], (struct copy){ 4, 10 * MB, 5 * NET_MS, 100 * MB, MIB });
		set_rate(sc, i % 4, 10 * MB / 50, queue_ns[i]);
		n_wrong += against_ideal(sc, trace, 1.05);
	}
	return n_wrong;
}

/* One of four paths loses packets, and TCP repairs each loss in up to half a second. That is no
 * dead path: what is late on it comes, and what is sent again elsewhere wastes what both carry. */
static unsigned lossy_subflow(struct scenario *sc, bool trace)
{
	static const uint64_t loss_bytes[] = { 100000, 400000, 2000000 };
	static const char *const name[] = { "one of four loses often", "... now and then",
					    "... seldom" };
	unsigned n_wrong = 0;

	for (unsigned i = 0; i < 3; i++) {
		struct figures f;
		double alone, ideal_s;

		plain(sc, name[i], (struct copy){ 1, 6 * MB, NET_MS, 40 * MB, 64 * MIB });
		sc->path[0].loss_bytes = loss_bytes[i];
		sc->path[0].loss_ns = 500 * NET_MS;
		f = play(sc, trace);
		n_wrong += !f.ok;
		alone = 40.0 * MB / ((double)f.took_ns / 1e9);
		plain(sc, name[i], (struct copy){ 4, 6 * MB, NET_MS, 300 * MB, 64 * MIB });
		sc->path[1].loss_bytes = loss_bytes[i];
		sc->path[1].loss_ns = 500 * NET_MS;
		f = play(sc, trace);
		ideal_s = 300.0 * MB / (18.0 * MB + alone);
		n_wrong += !f.ok + verdict(sc, "time / time by the paths' own rates",
					   (double)f.took_ns / 1e9 / ideal_s, 1.05);
		n_wrong += verdict(sc, "sent again, % of the stream",
				   (double)f.client.reinjected * 100 / (300.0 * MB), 2);
	}
	return n_wrong;
}

/* Paths first .. first + n - 1 fall silent after one second, and stay so. */
static unsigned silent(struct scenario *sc, bool trace, unsigned first, unsigned n)
{
	struct figures f;
	unsigned n_wrong = 0;

	for (unsigned i = first; i < first + n; i++)
		sc->fault[i] = (struct fault){ .kind = FAULT_SILENT,
					       .at_ns = NET_SECOND,
					       .path_too = true };
	sc->healthy = (first + n) % sc->n_paths;
	for (int rotate = 0; rotate < 2; rotate++) {
		sc->host[NET_CLIENT].rotate = sc->host[NET_SERVER].rotate = rotate;
		f = play(sc, trace);
		n_wrong += !f.ok + verdict(sc, "longest pause of the output, s",
					   (double)f.server.max_gap_ns / 1e9, 2);
	}
	return n_wrong;
}

static unsigned silent_subflows(struct scenario *sc, bool trace)
{
	unsigned n_wrong = 0;

	plain(sc, "one of four falls silent",
	      (struct copy){ 4, 10 * MB, 5 * NET_MS, 100 * MB, 64 * MIB });
	n_wrong += silent(sc, trace, 2, 1);
	plain(sc, "the first of four", (struct copy){ 4, 10 * MB, 5 * NET_MS, 100 * MB, 64 * MIB });
	n_wrong += silent(sc, trace, 0, 1);
	plain(sc, "the first of four, window 1 MiB",
	      (struct copy){ 4, 10 * MB, 5 * NET_MS, 100 * MB, MIB });
	n_wrong += silent(sc, trace, 0, 1);
	plain(sc, "one of four at 1 MB/s", (struct copy){ 4, MB, 5 * NET_MS, 20 * MB, 64 * MIB });
	n_wrong += silent(sc, trace, 1, 1);
	plain(sc, "two of four", (struct copy){ 4, 10 * MB, 5 * NET_MS, 100 * MB, 64 * MIB });
	n_wrong += silent(sc, trace, 0, 2);
	plain(sc, "three of four, window 4 MiB",
	      (struct copy){ 4, 10 * MB, 5 * NET_MS, 100 * MB, 4 * MIB });
	n_wrong += silent(sc, trace, 0, 3);
	plain(sc, "fifteen of sixteen",
	      (struct copy){ 16, 10 * MB, 5 * NET_MS, 200 * MB, 64 * MIB });
	n_wrong += silent(sc, trace, 0, 15);
	return n_wrong;
}

static unsigned never_slower(struct scenario *sc, bool trace)
{
	static const uint64_t window[] = { MIB, 4 * MIB, 64 * MIB };
	static const char *const name[] = { "1000:10:10:10, window 1 MiB",
					    "1000:10:10:10, window 4 MiB",
					    "1000:10:10:10, window 64 MiB" };
	unsigned n_wrong = 0;

	for (unsigned best = 0; best < 4; best += 3) {
		for (unsigned i = 0; i < 3; i++) {
			struct figures f;
			uint64_t alone_ns;

			plain(sc, name[i],
			      (struct copy){ 1, 100 * MB, 2 * NET_MS, 200 * MB, window[i] });
			f = play(sc, false);
			n_wrong += !f.ok;
			alone_ns = f.took_ns;
			plain(sc, name[i], (struct copy){ 4, MB, 2 * NET_MS, 200 * MB, window[i] });
			set_rate(sc, best, 100 * MB, 0);
			f = play(sc, trace);
			n_wrong += !f.ok + verdict(sc, "time / time of the best link alone",
						   (double)f.took_ns / (double)alone_ns, 1.02);
		}
	}
	return n_wrong;
}

static unsigned bounds(struct scenario *sc, bool trace)
{
	struct figures f;
	unsigned n_wrong = 0;

	plain(sc, "the consumer stalls for 60 s",
	      (struct copy){ 4, 100 * MB, NET_MS, 40 * MB, 4 * MIB });
	sc->host[NET_SERVER].sink.stall_at = 5 * MB;
	sc->host[NET_SERVER].sink.stall_ns = 60 * NET_SECOND;
	f = play(sc, trace);
	n_wrong += !f.ok + verdict(sc, "receiver's blocks", (double)f.server.max_blocks,
				   (double)(4 * MIB / WINBUF_BLOCK + 2));
	n_wrong += verdict(sc, "time beyond the stall, s", (double)f.took_ns / 1e9 - 60, 0.3);
	plain(sc, "the consumer takes 20 MB/s, window 1 MiB",
	      (struct copy){ 4, 100 * MB, NET_MS, 40 * MB, MIB });
	sc->host[NET_SERVER].sink.rate = 20 * MB;
	sc->host[NET_SERVER].sink.write_max = 64 << 10;
	f = play(sc, trace);
	n_wrong +=
		!f.ok + verdict(sc, "time / time of the consumer", (double)f.took_ns / 2e9, 1.02);
	plain(sc, "256 subflows", (struct copy){ 256, 10 * MB, NET_MS, 200 * MB, 64 * MIB });
	f = play(sc, trace);
	n_wrong += !f.ok + verdict(sc, "256 - subflows opened", 256 - (double)f.server.max_open, 0);
	n_wrong += verdict(sc, "time / ideal time", (double)f.took_ns / (double)ideal_ns(sc), 1.5);
	return n_wrong;
}

static unsigned equal_shares(struct scenario *sc, bool trace)
{
	uint64_t low = NET_NEVER, high = 0;
	struct figures f;
	unsigned n_wrong = 0;

	plain(sc, "four equal subflows",
	      (struct copy){ 4, 100 * MB, 2 * NET_MS, 200 * MB, 64 * MIB });
	f = play(sc, trace);
	for (unsigned i = 0; i < 4; i++) {
		low = f.client.path_tx[i] < low ? f.client.path_tx[i] : low;
		high = f.client.path_tx[i] > high ? f.client.path_tx[i] : high;
	}
	n_wrong += !f.ok + verdict(sc, "largest share / smallest", (double)high / (double)low, 1.1);
	n_wrong += verdict(sc, "sent again, % of the stream",
			   (double)f.client.reinjected * 100 / (200.0 * MB), 2);
	n_wrong += verdict(sc, "time / ideal time", (double)f.took_ns / (double)ideal_ns(sc), 1.05);
	return n_wrong;
}

static unsigned spoilt_bytes(struct scenario *sc, bool trace)
{
	unsigned n_wrong = 0;

	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct figures f;

		plain(sc, "a byte is spoilt on its way",
		      (struct copy){ 3, 10 * MB, 5 * NET_MS, 10 * MB, 4 * MIB });
		sc->seed = seed;
		sc->healthy = 2;
		sc->fault[1] = (struct fault){ .kind = FAULT_FLIP, .at_bytes = 100000 * seed };
		f = play(sc, trace);
		n_wrong += !f.ok;
		if (f.server.n_faults != 1)
			n_wrong += verdict(sc, "subflows condemned - 1",
					   (double)f.server.n_faults - 1, -1);
	}
	if (!n_wrong)
		printf("right 20 times a byte was spoilt: its subflow was condemned, no other\n");
	return n_wrong;
}

/* Main --------------------------------------------------------------------------------------- */

struct options {
	uint64_t runs, first, jobs, seed;
	bool named, one, trace;
};

typedef unsigned (*named_fn)(struct scenario *sc, bool trace);

static const named_fn named[] = { slow_subflow, lossy_subflow, silent_subflows, never_slower,
				  bounds,       equal_shares,  spoilt_bytes };

static unsigned run_share(const struct options *o, uint64_t job)
{
	struct scenario *sc = calloc(1, sizeof(*sc));
	unsigned n_wrong = 0;

	if (!sc)
		exit(2);
	for (uint64_t i = job; o->named && i < sizeof(named) / sizeof(named[0]); i += o->jobs)
		n_wrong += named[i](sc, o->trace);
	free(sc);
	for (uint64_t i = job; i < o->runs; i += o->jobs)
		n_wrong += !run_seed(o->first + i, o->trace);
	return n_wrong;
}

static unsigned run_all(const struct options *o)
{
	unsigned n_wrong = 0;
	int status;

	for (uint64_t job = 1; job < o->jobs; job++) {
		pid_t pid = fork();

		if (pid < 0)
			exit(2);
		if (!pid) {
			n_wrong = run_share(o, job);
			exit(n_wrong < 255 ? (int)n_wrong : 255);
		}
	}
	n_wrong = run_share(o, 0);
	while (wait(&status) > 0)
		n_wrong += WIFEXITED(status) ? (unsigned)WEXITSTATUS(status) : 1;
	return n_wrong;
}

static void number(const char *text, uint64_t min, uint64_t *out)
{
	if (!text || parse_u64(text, min, UINT64_MAX, out)) {
		fputs("sim: a number is missing or wrong\n", stderr);
		exit(2);
	}
}

static void parse_options(struct options *o, char **argv)
{
	if (getenv("SIM_RUNS"))
		number(getenv("SIM_RUNS"), 0, &o->runs);
	o->one = getenv("SEED") != NULL;
	if (o->one)
		number(getenv("SEED"), 0, &o->seed);
	for (argv++; *argv; argv++) {
		if (!strcmp(*argv, "--runs")) {
			number(*++argv, 0, &o->runs);
		} else if (!strcmp(*argv, "--first")) {
			number(*++argv, 0, &o->first);
		} else if (!strcmp(*argv, "--jobs")) {
			number(*++argv, 1, &o->jobs);
		} else if (!strcmp(*argv, "--seed")) {
			number(*++argv, 0, &o->seed);
			o->one = true;
		} else if (!strcmp(*argv, "--named")) {
			o->runs = 0;
			o->named = true;
		} else if (!strcmp(*argv, "--trace")) {
			o->trace = true;
		} else {
			fprintf(stderr, "sim: %s?\n", *argv);
			exit(2);
		}
	}
}

int main(int argc, char **argv)
{
	struct options o = { .runs = RUNS, .first = 1, .jobs = 2, .named = NAMED };
	unsigned n_wrong = 0;

	parse_options(&o, argv);
	if (o.one)
		return run_seed(o.seed, o.trace) ? 0 : 1;
	n_wrong = run_all(&o);
	printf("%llu random runs%s, %u wrong\n", (unsigned long long)o.runs,
	       o.named ? " and the named ones" : "", n_wrong);
	return n_wrong ? 1 : 0;
}
