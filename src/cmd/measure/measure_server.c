/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * measure_server.c - one measurement at a time, and a budget of bytes for all of them
 *
 *           HELLO (measure)          the session has ended          its threads have
 *   FREE -------------------> RUNS ------------------------> ENDED ------------------> FREE
 *                                      charge the budget
 *
 * measure is NULL only in FREE; ended is set only in ENDED, where a thread that still sits in a
 * system call keeps the engine.
 *
 * What always holds:
 * - budget <= MEASURE_SERVER_BUDGET. It grows by MEASURE_SERVER_REFILL for each whole second since
 *   budget_ns, and falls by what a session has moved, or by MEASURE_SERVER_LEAST if it moved less:
 *   sessions that move nothing are not free.
 * - A session joins only while it runs; in the other states it is not known.
 */
#include "cmd/measure/measure_server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/measure/measure.h"
#include "ui/log.h"
#include "util/units.h"

struct measure_server {
	struct loop *loop;
	const struct config *config;
	struct measure *measure; /* NULL: none is under way */
	bool ended;              /* it is over, but a thread of it may not be */
	struct loop_task over;
	uint64_t budget; /* bytes, at budget_ns */
	uint64_t budget_ns;
};

static void refill(struct measure_server *m)
{
	uint64_t now_ns = loop_now(m->loop);
	uint64_t s = (now_ns - m->budget_ns) / NS_PER_S;

	m->budget_ns += s * NS_PER_S;
	m->budget = s >= MEASURE_SERVER_BUDGET / MEASURE_SERVER_REFILL
			    ? MEASURE_SERVER_BUDGET
			    : m->budget + s * MEASURE_SERVER_REFILL;
	if (m->budget > MEASURE_SERVER_BUDGET)
		m->budget = MEASURE_SERVER_BUDGET;
}

/* What it has moved counts, and what it could have is what it was let in with. */
static void charge(struct measure_server *m)
{
	const struct session_stats *s = &measure_state(m->measure)->stats;
	uint64_t cost = s->tx_read + s->rx_received;

	if (cost < MEASURE_SERVER_LEAST)
		cost = MEASURE_SERVER_LEAST;
	m->budget -= cost < m->budget ? cost : m->budget;
}

static void note(void *arg, int level, const char *text)
{
	log_debug("measured: %s", text);
}

static void on_ended(void *arg)
{
	struct measure_server *m = arg;

	loop_queue(m->loop, &m->over);
}

/* A thread that has not ended keeps its measure, and the next one waits for that. */
static void let_go(struct measure_server *m)
{
	if (m->ended && measure_free(m->measure)) {
		m->measure = NULL;
		m->ended = false;
	}
}

static void run_over(struct loop_task *task)
{
	struct measure_server *m = task->arg;

	charge(m);
	log_info("a peer ran a measurement against this listener");
	m->ended = true;
	let_go(m);
}

int measure_server_new(struct measure_server **out, struct loop *loop, const struct config *config)
{
	struct measure_server *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	m->loop = loop;
	m->config = config;
	m->over = (struct loop_task){ .fn = run_over, .arg = m };
	m->budget = MEASURE_SERVER_BUDGET;
	m->budget_ns = loop_now(loop);
	*out = m;
	return 0;
}

bool measure_server_free(struct measure_server *m)
{
	if (!m)
		return true;
	loop_unqueue(m->loop, &m->over);
	if (!measure_free(m->measure))
		return false;
	free(m);
	return true;
}

static int start(struct measure_server *m, const struct listener *l, struct channel ch,
		 const struct wire_hello *hello)
{
	uint64_t wanted = hello->items.wanted;
	struct measure_config config = { .config = m->config,
					 .listener = l,
					 .sends = !(hello->side & WIRE_SIDE_SEND_ONLY),
					 .receives = !(hello->side & WIRE_SIDE_RECV_ONLY),
					 .n_subflows = SUBFLOWS_MAX,
					 .max_window = MEASURE_SERVER_WINDOW,
					 .send_bytes = MEASURE_SERVER_BYTES,
					 .max_bytes = MEASURE_SERVER_BYTES,
					 .max_ns = MEASURE_SERVER_NS };
	struct measure_events events = { .note = note, .ended = on_ended, .arg = m };
	char why[BENCH_TEXT_LEN];
	int r;

	if (wanted && wanted < MEASURE_SERVER_BYTES)
		config.send_bytes = wanted;
	r = measure_new(&m->measure, m->loop, &config, hello->session, &events, why);
	if (r)
		return r;
	r = engine_attach(measure_engine(m->measure),
			  &(struct engine_arrival){ .channel = ch, .hello = hello });
	m->ended = r != 0;
	let_go(m);
	return r;
}

void measure_server_serve(struct measure_server *m, struct listener *l, struct channel ch,
			  const struct wire_hello *hello, bool busy)
{
	int r;

	refill(m);
	let_go(m);
	if (busy || m->measure) {
		listener_refuse(l, ch, WIRE_R_BUSY,
				busy ? "a session runs there, which a measurement would disturb"
				     : "another measurement is under way");
	} else if (m->budget < 2 * MEASURE_SERVER_BYTES) {
		listener_refuse(l, ch, WIRE_R_LIMIT,
				"the quota of measurements is used up: try again in a minute");
	} else {
		r = start(m, l, ch, hello);
		if (r)
			listener_refuse(l, ch, outcome_refusal(r), NULL);
	}
}

const uint8_t *measure_server_id(const struct measure_server *m)
{
	return m->measure && !m->ended ? session_id(engine_session(measure_engine(m->measure)))
				       : NULL;
}

bool measure_server_knows(const struct measure_server *m, const struct wire_hello *hello)
{
	const uint8_t *id = measure_server_id(m);

	return id && memcmp(id, hello->session, WIRE_SESSION_ID_LEN) == 0;
}

void measure_server_join(struct measure_server *m, struct listener *l, struct channel ch,
			 const struct wire_hello *hello)
{
	int r = engine_attach(measure_engine(m->measure),
			      &(struct engine_arrival){ .channel = ch, .hello = hello });

	if (r)
		listener_refuse(l, ch, outcome_refusal(r), NULL);
}
