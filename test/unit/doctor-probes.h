/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * doctor-probes.h - what trying the way to a peer finds when nothing is wrong
 */
#pragma once

#include <string.h>

#include "cmd/doctor/doctor_probe.h"

static inline void fixture_side(struct side_stats *side, const char *name)
{
	*side = (struct side_stats){ .counted = true, .n_links = 4 };
	strcpy(side->name, name);
	for (unsigned i = 0; i < 4; i++) {
		strcpy(side->link[i].name, "eth0");
		side->link[i].name[3] = (char)('0' + i);
		side->link[i].usable = true;
	}
}

/* Bonds of four links at both ends; flows go by all of them, in turn. */
static inline void fixture_probes(struct doctor_probes *p)
{
	memset(p, 0, sizeof(*p));
	fixture_side(&p->here, "bond0");
	fixture_side(&p->peer, "bond1");
	p->peer_facts = (struct wire_facts){ .kind = WIRE_FACTS_BOND,
					     .mode = 4,
					     .policy = 1,
					     .active = 255,
					     .n_links = 4,
					     .usable = 15,
					     .joined = 15 };
	strcpy(p->peer_facts.name, "bond1");
	for (unsigned i = 0; i < 4; i++)
		memcpy(p->peer_facts.link[i].name, p->peer.link[i].name, 5);
	p->n_flows = DOCTOR_FLOWS_MAX;
	for (unsigned i = 0; i < p->n_flows; i++) {
		struct doctor_way way = { .from = (int8_t)(i % 4),
					  .to = (int8_t)(i % 4),
					  .rate = 45e6 + i * 1e5 };

		p->flow[i] = (struct doctor_flow){ (uint16_t)(40000 + i), way.from, way, way };
	}
	p->one_out = p->one_back = 47e6;
	p->several_out = p->several_back = 188e6;
	p->n_several = 4;
}
