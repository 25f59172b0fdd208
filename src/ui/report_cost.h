/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report_cost.h - what a session cost, and which stage held it up: for people and for JSON
 *
 *   cost: 0.52 s/GB here (network 0.30), 0.45 s/GB there (output 0.24); limit: input here, 97 %
 * busy
 *
 * Processor seconds for each 10^9 bytes of both streams, of each side, and of its thread that used
 * most. The limit is the stage that waited least for the others; the links, if all waited. JSON
 * has an object:
 *
 *   cost (null: nothing is known): here, there (null: not known): cpu_seconds, cpu_seconds_per_gb
 * (null: too few bytes), busiest ("input", "network" or "output"), busiest_seconds,
 * busiest_seconds_per_gb, busy: input, network, output (percent; null: not known); limit: stage
 * ("input", "network", "output" or "links"), side ("here", "there"; null for links)
 */
#pragma once

#include <jansson.h>
#include <stddef.h>

#include "session/stats.h"

#define REPORT_COST_LEN 192

/* The line for people. Returns its length; 0: too few bytes, or nothing is known. */
size_t report_cost(char *buf, size_t size, const struct session_stats *stats);

/* Returns NULL: no memory. */
json_t *report_cost_json(const struct session_stats *stats);
