/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "networks.h"
#include "util/text.h"

#define MBIT (1e6 / 8)

/* As tbf: what waits for `latency_ms` at most, and what may pass at once. */
static struct hop_config tbf(double mbit, double burst, double latency_ms)
{
	return (struct hop_config){ .rate = mbit * MBIT,
				    .burst = burst,
				    .limit = mbit * MBIT * latency_ms / 1e3 + burst };
}

static void same_links(struct network *net, unsigned n, const struct hop_config *hop,
		       uint32_t speed)
{
	for (unsigned side = 0; side < 2; side++) {
		struct machine_config *m = &net->machine[side];

		m->n_links = n;
		m->policy = HASH_LAYER34;
		for (unsigned i = 0; i < n; i++)
			m->link[i] =
				(struct link_config){ .out = *hop, .in = *hop, .speed = speed };
	}
}

/* The lab: queues of 20 ms, both hosts and the switch shape. */
static void lab(struct network *net, unsigned n, double mbit, enum switch_hash towards)
{
	struct hop_config hop = tbf(mbit, 65536, 20);

	same_links(net, n, &hop, 10000);
	net->machine[0].towards = net->machine[1].towards = towards;
	net->gso = true;
	net->delay_ns = 50000;
	net->bytes = (uint64_t)(30 * n * mbit * MBIT);
}

bool network_named(const char *name, struct network *out)
{
	*out = (struct network){ 0 };
	text_printf(out->name, sizeof(out->name), "%s", name);
	if (!strcmp(name, "8x10-short"))
		lab(out, 8, 10, SWITCH_SAME);
	else if (!strcmp(name, "8x10-short-foreign"))
		lab(out, 8, 10, SWITCH_FOREIGN);
	else if (!strcmp(name, "4x50"))
		lab(out, 4, 50, SWITCH_SAME);
	else if (!strcmp(name, "4x50-foreign"))
		lab(out, 4, 50, SWITCH_FOREIGN);
	else
		return false;
	return true;
}
