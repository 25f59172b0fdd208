/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cost.h - what a session has cost one side: processor time, and how busy each stage was
 */
#pragma once

#include <stdint.h>

/* Where the bytes of a stream pass through a side. The numbers are the protocol's. */
enum wire_stage {
	WIRE_STAGE_INPUT,   /* reads the input */
	WIRE_STAGE_NETWORK, /* moves bytes between the session and its connections */
	WIRE_STAGE_OUTPUT,  /* writes the output */
	WIRE_STAGES,
};

/* A stage that the side does not have, or cannot measure. */
#define WIRE_BUSY_UNKNOWN 255

struct wire_cost {
	uint64_t cpu_ns;           /* of all threads, since the first connection; 0: not known */
	uint64_t busiest_ns;       /* of the thread that used most */
	enum wire_stage busiest;   /* what that thread does */
	uint8_t busy[WIRE_STAGES]; /* percent of the session's time in which the stage did not wait
				      for another stage; WIRE_BUSY_UNKNOWN */
};

/* One more thread: it ran for ran_ns and was busy for busy_ns, of elapsed_ns. Of a stage with
 * several threads the busiest one counts. */
static inline void wire_cost_add(struct wire_cost *c, enum wire_stage stage, uint64_t ran_ns,
				 uint64_t busy_ns, uint64_t elapsed_ns)
{
	uint64_t percent = elapsed_ns ? busy_ns / (elapsed_ns / 100 + 1) : 0;

	if (percent > 100)
		percent = 100;
	if (c->busy[stage] == WIRE_BUSY_UNKNOWN || percent > c->busy[stage])
		c->busy[stage] = (uint8_t)percent;
	if (ran_ns > c->busiest_ns) {
		c->busiest_ns = ran_ns;
		c->busiest = stage;
	}
}
