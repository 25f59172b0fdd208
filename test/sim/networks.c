/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * networks.c - the program over many simulated networks, beside what it could do more simply
 *
 * Each network is crossed by one connection, by the plan's connections without steering, by 8 and
 * by 16 blind ones, and by the program as it is, with some seeds each; medians count. A run is
 * wrong when its session fails. With --bounds it also fails when the program needs more than 1.02
 * times what the best of the others does in any network, or is in the median of those whose switch
 * hashes in its own way not 10 % faster than 8 blind connections, or says what is not true.
 */
#include "networks.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "single.h"
#include "transfer.h"
#include "util/parse.h"

#define SEEDS_MAX      9
#define MOST_OF_BEST   1.02
#define LEAST_OF_BLIND 1.10
#define WORST_SHOWN    12

struct options {
	const char *network;
	uint64_t first, count, seeds, seed, jobs, variant;
	bool trace, bounds, list, tcp;
};

/* Of one network: what all its runs came to. */
struct result {
	bool done;
	double seconds[N_VARIANTS];
	unsigned most, quarter[4];
	unsigned n_wrong;
	char wrong[200];
	char verdict[200], lie[200];
};

struct shared {
	unsigned next;
	struct result result[];
};

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *v, size_t n)
{
	qsort(v, n, sizeof(*v), ascending);
	return n ? (v[(n - 1) / 2] + v[n / 2]) / 2 : 0;
}

/* One network ------------------------------------------------------------------------------------
 */

static void take_program(struct result *r, const struct transfer *t)
{
	if (t->most >= r->most) {
		r->most = t->most;
		memcpy(r->quarter, t->quarter, sizeof(r->quarter));
	}
	if (t->verdict[0])
		memcpy(r->verdict, t->verdict, sizeof(r->verdict));
	if (t->lie[0])
		memcpy(r->lie, t->lie, sizeof(r->lie));
}

static double best_of_others(const struct result *r)
{
	double best = r->seconds[0];

	for (unsigned v = 1; v < VARIANT_PROGRAM; v++)
		best = r->seconds[v] < best ? r->seconds[v] : best;
	return best;
}

static void note_wrong(struct result *r, unsigned v, uint64_t seed, const char *why)
{
	r->n_wrong++;
	snprintf(r->wrong, sizeof(r->wrong), "%s, seed %llu: %.150s", variant_name((enum variant)v),
		 (unsigned long long)seed, why);
}

static void cross(const struct network *net, const struct options *o, struct result *out)
{
	struct transfer *t = clock_alloc(sizeof(*t));
	double seconds[SEEDS_MAX];

	for (unsigned v = 0; v < N_VARIANTS; v++) {
		for (unsigned i = 0; i < o->seeds; i++) {
			transfer_run(net, (enum variant)v, o->seed + i, false, t);
			seconds[i] = t->seconds;
			/* What is slow, whatever one does, is not wrong. */
			if (!t->ok && (!t->slow || (v == VARIANT_PROGRAM &&
						    best_of_others(out) < t->seconds / 2)))
				note_wrong(out, v, o->seed + i, t->wrong);
			if (v == VARIANT_PROGRAM)
				take_program(out, t);
		}
		out->seconds[v] = median(seconds, o->seeds);
	}
	out->done = true;
	free(t);
}

static double ratio_of(const struct result *r)
{
	return r->seconds[VARIANT_PROGRAM] / best_of_others(r);
}

static void print_head(void)
{
	printf("%-20s %-52s %7s %7s %7s %7s %7s  %6s  %s\n", "network", "", "one", "plan", "8",
	       "16", "program", "/ best", "connections: quarters, most");
}

static void print_result(const struct network *net, const struct result *r)
{
	char text[100];

	network_text(net, text, sizeof(text));
	printf("%-20s %-52s", net->name, text);
	for (unsigned v = 0; v < N_VARIANTS; v++)
		printf(" %7.1f", r->seconds[v]);
	printf("  %6.3f  %u %u %u %u, %u%s\n", ratio_of(r), r->quarter[0], r->quarter[1],
	       r->quarter[2], r->quarter[3], r->most, r->lie[0] ? ", FALSE" : "");
	if (r->lie[0])
		printf("    false: %s\n", r->lie);
	if (r->n_wrong)
		printf("    WRONG %u times: %s\n", r->n_wrong, r->wrong);
	fflush(stdout);
}

/* All of them ------------------------------------------------------------------------------------
 */

static void work(struct shared *s, const struct options *o)
{
	struct network *net = clock_alloc(sizeof(*net));
	unsigned i;

	while ((i = __atomic_fetch_add(&s->next, 1, __ATOMIC_RELAXED)) < o->count) {
		network_numbered((unsigned)o->first + i, net);
		cross(net, o, &s->result[i]);
		print_result(net, &s->result[i]);
	}
	free(net);
}

static struct shared *cross_all(const struct options *o)
{
	size_t len = sizeof(struct shared) + o->count * sizeof(struct result);
	struct shared *s =
		mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (s == MAP_FAILED)
		exit(2);
	fflush(stdout);
	for (uint64_t i = 1; i < o->jobs; i++) {
		pid_t pid = fork();

		if (pid < 0)
			exit(2);
		if (!pid) {
			work(s, o);
			exit(0);
		}
	}
	work(s, o);
	while (wait(NULL) > 0)
		;
	return s;
}

static double at_part(const double *sorted, size_t n, double part)
{
	return n ? sorted[(size_t)(part * (double)(n - 1) + 0.5)] : 0;
}

static void print_spread(const char *what, double *v, size_t n)
{
	qsort(v, n, sizeof(*v), ascending);
	printf("%-42s %3zu networks: least %.3f, 10%% %.3f, median %.3f, 90%% %.3f, most %.3f\n",
	       what, n, at_part(v, n, 0), at_part(v, n, 0.1), at_part(v, n, 0.5),
	       at_part(v, n, 0.9), at_part(v, n, 1));
}

static int by_ratio(const void *a, const void *b)
{
	double x = ratio_of(*(const struct result *const *)a);
	double y = ratio_of(*(const struct result *const *)b);

	return (x < y) - (x > y);
}

static void print_worst(const struct shared *s, const struct options *o)
{
	const struct result **r = clock_alloc(o->count * sizeof(*r));
	struct network *net = clock_alloc(sizeof(*net));
	char text[100];

	for (size_t i = 0; i < o->count; i++)
		r[i] = &s->result[i];
	qsort(r, o->count, sizeof(*r), by_ratio);
	for (size_t i = 0; i < o->count && i < WORST_SHOWN && ratio_of(r[i]) > MOST_OF_BEST; i++) {
		network_numbered((unsigned)(o->first + (uint64_t)(r[i] - s->result)), net);
		network_text(net, text, sizeof(text));
		printf("    %6.3f  %-20s %s\n", ratio_of(r[i]), net->name, text);
	}
	free(net);
	free(r);
}

struct tally {
	size_t n, n_foreign;
	unsigned n_wrong, n_slower, n_false;
	double *ratio, *blind;
};

static void count(const struct shared *s, const struct options *o, struct tally *t)
{
	struct network *net = clock_alloc(sizeof(*net));

	for (size_t i = 0; i < o->count; i++) {
		const struct result *r = &s->result[i];

		network_numbered((unsigned)(o->first + i), net);
		t->n_wrong += r->n_wrong + !r->done;
		if (!r->done)
			continue;
		t->n_false += r->lie[0] != '\0';
		t->n_slower += ratio_of(r) > MOST_OF_BEST;
		t->ratio[t->n++] = ratio_of(r);
		if (net->machine[!net->sender].towards == SWITCH_FOREIGN)
			t->blind[t->n_foreign++] =
				r->seconds[VARIANT_BLIND_8] / r->seconds[VARIANT_PROGRAM];
	}
	free(net);
}

/* Returns whether all is as it must be. */
static bool judge(const struct shared *s, const struct options *o)
{
	struct tally t = { .ratio = clock_alloc(o->count * sizeof(double)),
			   .blind = clock_alloc(o->count * sizeof(double)) };
	double gain;
	bool right;

	count(s, o, &t);
	gain = median(t.blind, t.n_foreign);
	print_spread("time / best of the others", t.ratio, t.n);
	print_spread("8 blind / time, the switch's hash foreign", t.blind, t.n_foreign);
	printf("%u of %zu networks are slower than %.2f times the best of the others; %u false "
	       "verdicts; %u runs wrong\n",
	       t.n_slower, t.n, MOST_OF_BEST, t.n_false, t.n_wrong);
	print_worst(s, o);
	right = !t.n_wrong;
	if (o->bounds)
		right &= !t.n_slower && !t.n_false && (!t.n_foreign || gain >= LEAST_OF_BLIND);
	free(t.ratio);
	free(t.blind);
	return right;
}

/* Main -------------------------------------------------------------------------------------------
 */

static void show_one(const struct options *o)
{
	struct network *net = clock_alloc(sizeof(*net));
	struct transfer *t = clock_alloc(sizeof(*t));
	char text[100];

	if (!network_named(o->network, net)) {
		fprintf(stderr, "networks: there is no network %s\n", o->network);
		exit(2);
	}
	network_text(net, text, sizeof(text));
	printf("%s: %s, %.1f s if all links are full\n", net->name, text,
	       (double)net->bytes / network_rate(net));
	for (unsigned v = 0; v < N_VARIANTS; v++) {
		if (o->variant != N_VARIANTS && o->variant != v)
			continue;
		transfer_run(net, (enum variant)v, o->seed,
			     o->trace && (v == VARIANT_PROGRAM || o->variant == v), t);
		printf("%-8s %8.2f s, %5.2f%% sent again; connections: %u at most, %u in all, by "
		       "quarters %u %u %u %u%s%s\n",
		       variant_name((enum variant)v), t->seconds, t->again * 100, t->most,
		       t->opened, t->quarter[0], t->quarter[1], t->quarter[2], t->quarter[3],
		       t->ok ? "" : "; WRONG: ", t->ok ? "" : t->wrong);
	}
	if (t->verdict[0])
		printf("verdict: %s%s\n", t->lie[0] ? "FALSE: " : "",
		       t->lie[0] ? t->lie : t->verdict);
	free(t);
	free(net);
}

static void usage(void)
{
	fputs("networks [--first N] [--count N] [--seeds N] [--seed N] [--jobs N] [--bounds]\n"
	      "networks --network NAME|NUMBER [--seed N] [--variant 0..4] [--trace]\n"
	      "networks --list\n"
	      "networks --tcp\n",
	      stderr);
	exit(2);
}

static void number(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
	if (!text || parse_u64(text, min, max, out))
		usage();
}

static void parse_options(struct options *o, char **argv)
{
	for (argv++; *argv; argv++) {
		if (!strcmp(*argv, "--first"))
			number(*++argv, 0, UINT32_MAX, &o->first);
		else if (!strcmp(*argv, "--count"))
			number(*++argv, 1, 100000, &o->count);
		else if (!strcmp(*argv, "--seeds"))
			number(*++argv, 1, SEEDS_MAX, &o->seeds);
		else if (!strcmp(*argv, "--seed"))
			number(*++argv, 0, UINT64_MAX, &o->seed);
		else if (!strcmp(*argv, "--variant"))
			number(*++argv, 0, N_VARIANTS - 1, &o->variant);
		else if (!strcmp(*argv, "--jobs"))
			number(*++argv, 1, 64, &o->jobs);
		else if (!strcmp(*argv, "--bounds"))
			o->bounds = true;
		else if (!strcmp(*argv, "--trace"))
			o->trace = true;
		else if (!strcmp(*argv, "--list"))
			o->list = true;
		else if (!strcmp(*argv, "--tcp"))
			o->tcp = true;
		else if (!strcmp(*argv, "--network") && argv[1])
			o->network = *++argv;
		else
			usage();
	}
}

static void list_all(void)
{
	struct network *net = clock_alloc(sizeof(*net));
	char text[100];

	for (unsigned i = 0; i < NETWORKS; i++) {
		network_numbered(i, net);
		network_text(net, text, sizeof(text));
		printf("%-20s %s\n", net->name, text);
	}
	free(net);
}

int main(int argc, char **argv)
{
	struct options o = {
		.count = NETWORKS, .seeds = 1, .seed = 1, .jobs = 2, .variant = N_VARIANTS
	};

	if (getenv("SEED"))
		number(getenv("SEED"), 0, UINT64_MAX, &o.seed);
	parse_options(&o, argv);
	if (o.list) {
		list_all();
	} else if (o.tcp) {
		single_table();
	} else if (o.network) {
		show_one(&o);
	} else {
		printf("SEED=%llu, %llu seeds\n", (unsigned long long)o.seed,
		       (unsigned long long)o.seeds);
		print_head();
		return judge(cross_all(&o), &o) ? 0 : 1;
	}
	return 0;
}
