/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * doctor_probe.h - the way to a waiting mpnc, tried with a little data
 *
 * A flow is tried alone, so that what the links count meanwhile is its own: that tells its lane,
 * and the lane's rate, whatever a switch does. One on which nothing moves is tried again with
 * smaller segments. All together it is less than DOCTOR_PROBE_BYTES each way and back.
 */
#pragma once

#include "cmd/cli/config.h"
#include "session/stats.h"
#include "wire/facts.h"

#define DOCTOR_FLOWS_MAX 16

/* Of one flow, each way: some hundred full segments. */
#define DOCTOR_FLOW_BYTES (512u << 10)

/* Of one connection, and of several, each way: enough to leave slow start behind, also where a link
 * has a few hundred Mbit/s. */
#define DOCTOR_ONE_BYTES     (4u << 20)
#define DOCTOR_SEVERAL_BYTES (19u << 20)

/* All that is sent, both ways, with segments that are sent again. */
#define DOCTOR_PROBE_BYTES (64u << 20)

/* A flow that moves nothing for this long is stuck. */
#define DOCTOR_FLOW_NS 2500000000ull

/* And a rate is what was reached by then. */
#define DOCTOR_RATE_NS 5000000000ull

/* Of one that is stuck, with smaller segments. */
#define DOCTOR_SMALL_BYTES (64u << 10)

#define DOCTOR_WHY_LEN 240

/* One direction of one flow. */
struct doctor_way {
	int8_t from, to; /* links at its sender and its receiver, -1: not known */
	double rate;     /* bits per second; 0: not known */
	bool stuck;      /* large segments do not get through, */
	int passes;      /* but those of this size do; 0: none did */
};

struct doctor_flow {
	uint16_t port;               /* the client's */
	int8_t told;                 /* the link of out.from by the bond's rule; -1: not known */
	struct doctor_way out, back; /* from here, and to here */
};

struct doctor_probes {
	unsigned n_flows;
	struct doctor_flow flow[DOCTOR_FLOWS_MAX];
	unsigned n_several;       /* connections of the striped runs */
	double one_out, one_back; /* bits per second of payload; 0: not known */
	double several_out, several_back;
	bool lagging;   /* the links' counters do not agree with the rule: lanes are not told */
	uint64_t bytes; /* of payload, both ways, in all */
	struct side_stats here, peer; /* names and speeds of the links */
	struct wire_facts peer_facts;
	char why[DOCTOR_WHY_LEN]; /* it could not be measured, or not to the end; "": it was */
};

/* Asks the listener that config names, and measures. Blocks: some seconds. Returns 0; -1 when
 * nobody is there, with why filled. */
int doctor_probe(const struct config *config, struct doctor_probes *out);

/* Pure: the link that carried bytes of one flow; -1 when no link stands out. growth: of each link.
 */
int8_t doctor_lane_end(const uint64_t *growth, unsigned n_links, uint64_t bytes);

/* Pure: flows that a rule predicts, before counters that contradict it too often count as late. */
#define DOCTOR_TOLD_MIN 4

/* Pure: the counters of some cards come up to two seconds late, and then show the flow before.
 * Where the rule of our own bond says otherwise for more than a quarter of the flows, no counter is
 * believed: sets lagging, and what only counters told is not known. */
void doctor_check_lanes(struct doctor_probes *p);
