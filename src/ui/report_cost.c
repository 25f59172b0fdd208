/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ui/report_cost.h"

#include "util/text.h"
#include "util/units.h"

/* Of fewer bytes the cost is that of starting and ending. */
#define BYTES_MIN 10000000u

/* A stage that waits for others during a quarter of the time does not hold them up. */
#define BUSY_MIN 75

static const char *const stages[] = {
	[WIRE_STAGE_INPUT] = "input",
	[WIRE_STAGE_NETWORK] = "network",
	[WIRE_STAGE_OUTPUT] = "output",
};

struct limit {
	int stage; /* enum wire_stage; -1: the links */
	bool here;
	uint8_t busy;
};

static void consider(struct limit *l, const struct wire_cost *c, bool here)
{
	for (int i = 0; c->cpu_ns && i < WIRE_STAGES; i++) {
		if (c->busy[i] == WIRE_BUSY_UNKNOWN || c->busy[i] < l->busy)
			continue;
		*l = (struct limit){ .stage = i, .here = here, .busy = c->busy[i] };
	}
}

static struct limit limit_of(const struct session_stats *stats)
{
	struct limit l = { .stage = -1, .busy = BUSY_MIN };

	consider(&l, &stats->peer_cost, false);
	consider(&l, &stats->cost, true);
	return l;
}

static double seconds(uint64_t ns)
{
	return (double)ns / (double)NS_PER_S;
}

static double gigabytes(const struct session_stats *stats)
{
	return ((double)stats->tx_taken + (double)stats->rx_taken) / 1e9;
}

static bool is_enough(const struct session_stats *stats)
{
	return stats->tx_taken + stats->rx_taken >= BYTES_MIN;
}

/* For people ----------------------------------------------------------------------------------- */

static size_t put_side(char *buf, size_t size, const struct wire_cost *c, double gb,
		       const char *where)
{
	return text_printf(buf, size, "%.2f s/GB %s (%s %.2f)", seconds(c->cpu_ns) / gb, where,
			   stages[c->busiest], seconds(c->busiest_ns) / gb);
}

size_t report_cost(char *buf, size_t size, const struct session_stats *stats)
{
	struct limit l = limit_of(stats);
	char here[48] = "", there[48] = "", limit[48] = "links";

	if (size)
		buf[0] = '\0';
	if (!is_enough(stats) || !stats->cost.cpu_ns)
		return 0;
	put_side(here, sizeof(here), &stats->cost, gigabytes(stats), "here");
	if (stats->peer_cost.cpu_ns)
		put_side(there, sizeof(there), &stats->peer_cost, gigabytes(stats), "there");
	if (l.stage >= 0)
		text_printf(limit, sizeof(limit), "%s %s, %u %% busy", stages[l.stage],
			    l.here ? "here" : "there", l.busy);
	return text_printf(buf, size, "cost: %s%s%s; limit: %s", here, there[0] ? ", " : "", there,
			   limit);
}

/* JSON ----------------------------------------------------------------------------------------- */

static json_t *busy_json(uint8_t busy)
{
	return busy == WIRE_BUSY_UNKNOWN ? json_null() : json_integer(busy);
}

static json_t *per_gb_json(uint64_t ns, const struct session_stats *stats)
{
	return is_enough(stats) ? json_real(seconds(ns) / gigabytes(stats)) : json_null();
}

static json_t *side_json(const struct wire_cost *c, const struct session_stats *stats)
{
	if (!c->cpu_ns)
		return json_null();
	return json_pack("{s:o, s:o, s:s, s:o, s:o, s:{s:o, s:o, s:o}}", "cpu_seconds",
			 json_real(seconds(c->cpu_ns)), "cpu_seconds_per_gb",
			 per_gb_json(c->cpu_ns, stats), "busiest", stages[c->busiest],
			 "busiest_seconds", json_real(seconds(c->busiest_ns)),
			 "busiest_seconds_per_gb", per_gb_json(c->busiest_ns, stats), "busy",
			 "input", busy_json(c->busy[WIRE_STAGE_INPUT]), "network",
			 busy_json(c->busy[WIRE_STAGE_NETWORK]), "output",
			 busy_json(c->busy[WIRE_STAGE_OUTPUT]));
}

json_t *report_cost_json(const struct session_stats *stats)
{
	struct limit l = limit_of(stats);
	json_t *side;

	if (!stats->cost.cpu_ns && !stats->peer_cost.cpu_ns)
		return json_null();
	side = l.stage < 0 ? json_null() : json_string(l.here ? "here" : "there");

	return json_pack("{s:o, s:o, s:{s:s, s:o}}", "here", side_json(&stats->cost, stats),
			 "there", side_json(&stats->peer_cost, stats), "limit", "stage",
			 l.stage < 0 ? "links" : stages[l.stage], "side", side);
}
