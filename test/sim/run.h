/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * run.h - one run of the simulation: a scenario, played until both hosts have ended
 */
#pragma once

#include "host.h"

#define PATHS_MAX SUBFLOWS_MAX
#define MIB       (1ull << 20)

enum fault_kind { FAULT_NONE, FAULT_STALL, FAULT_SILENT, FAULT_RESET, FAULT_FLIP, N_FAULTS };

struct fault {
	enum fault_kind kind;
	uint64_t at_ns;    /* after the connection was made */
	uint64_t at_bytes; /* or, if not 0, once this many have arrived on one of its pipes */
	unsigned dir;      /* that pipe */
	bool both;         /* STALL: both pipes */
	uint64_t for_ns;   /* STALL */
	bool path_too;     /* SILENT: no other connection can be made on this path */
};

/* Every connection is cut, and none can be made for a while. */
enum cut_when {
	CUT_NONE,
	CUT_TIME,    /* after_ns after the beginning */
	CUT_END,     /* after the input of a side has ended */
	CUT_CONFIRM, /* after it has confirmed the other's stream */
	CUT_DONE,    /* after it is finished: only the other's DONE is missing */
};

struct cut {
	enum cut_when when;
	unsigned side;
	uint64_t after_ns;
	uint64_t for_ns;
	uint64_t late_ns; /* the server sees it so much later */
};

enum expect { EXPECT_SUCCESS, EXPECT_HONESTY };

struct scenario {
	uint64_t seed;
	const char *name;
	unsigned n_paths;
	struct path path[PATHS_MAX];
	struct fault fault[PATHS_MAX]; /* of the first connection on each path */
	unsigned refault_percent;      /* of later ones */
	unsigned connect_fail_percent;
	struct cut cut;
	enum expect expect;
	unsigned healthy; /* EXPECT_SUCCESS: no faults before this path's connection stands */
	struct host_config host[2];
};

struct live {
	struct conn *conn;
	struct fault fault;
};

struct pending {
	unsigned n_path;
	uint64_t ready_ns;
	bool fails;
};

struct run {
	const struct scenario *sc;
	struct rng rng;
	uint64_t now_ns;
	uint64_t limit_ns;
	uint64_t n_events;
	struct live live[HOST_SUBS];
	unsigned n_live;
	struct pending pending[HOST_SUBS];
	unsigned n_pending;
	unsigned n_conns;
	bool path_used[PATHS_MAX];
	bool path_dead[PATHS_MAX];
	bool healthy_up;
	uint64_t cut_ns;      /* NET_NEVER: what the cut waits for has not happened */
	uint64_t cut_over_ns; /* 0: it has not come yet */
	bool too_early;       /* it came before the session had begun: it may be its end */
	struct host *host[2];
	bool trace;
	char wrong[HOST_TEXT_LEN];
};

/* Nothing is allocated for r itself; run_end frees what run_begin and run_go have allocated. */
void run_begin(struct run *r, const struct scenario *sc, bool trace);
/* Returns whether all went as it must; r->wrong says what did not. */
bool run_go(struct run *r);
void run_end(struct run *r);

void run_wrong(struct run *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* One that strikes within this many bytes, or within seconds. */
struct fault random_fault(struct rng *rng, uint64_t bytes);

/* The scenario of a seed, and a line about it. */
void random_scenario(struct scenario *sc, uint64_t seed);
void describe(const struct scenario *sc);
