/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * session_links.h - what both sides of a session say of their links, addresses and lanes
 *
 * The session carries these and makes no use of them. Ours are copied, the peer's are borrowed and
 * valid until the next session_rx or session_subflow_open.
 */
#pragma once

#include "session/session.h"

/* Facts */

/* What is known of our links: goes to the peer with HELLO or WELCOME, so it has to be set before
 * the first subflow opens. Set again, if it differs, it goes out on every subflow with the next
 * frame, and on those that open later. */
void session_set_facts(struct session *s, const struct wire_facts *facts);

/* Ours; kind WIRE_FACTS_NONE: not known. */
const struct wire_facts *session_facts(const struct session *s);

/* What the peer has announced of its links, by HELLO, WELCOME or the newest FACTS, if nobody has
 * taken it yet; NULL: no news. The caller keeps what it needs: the session itself only compares how
 * many links LINKS has. */
const struct wire_facts *session_take_peer_facts(struct session *s);

/* Would that be news? */
bool session_peer_facts_new(const struct session *s);

/* Client: further addresses at which the peer listens; none before WELCOME. */
const struct wire_addrs *session_peer_addrs(const struct session *s);

/* Counters */

/* The present counters of our links; they go to the peer with the next frames. A caller that has
 * called this once calls it again when session_links_due: DONE waits for the last count. */
void session_links(struct session *s, const struct wire_links *links);
bool session_links_due(const struct session *s);

/* The counters that the peer sent last; n 0: it has sent none. */
const struct wire_links *session_peer_links(const struct session *s);

/* Cost */

/* What the session has cost this side: goes to the peer with DONE, so it has to be set while
 * session_cost_due. Without a call the peer hears nothing of it. */
void session_set_cost(struct session *s, const struct wire_cost *cost);
bool session_cost_due(const struct session *s);

/* What it has cost the peer; cpu_ns 0: not known, or not yet. */
const struct wire_cost *session_peer_cost(const struct session *s);

/* Lanes */

/* Over which of our links this subflow runs. News goes to the peer with the next frames on it.
 * Returns whether it is news. */
bool session_subflow_set_lane(struct session *s, uint16_t slot, const struct wire_lane *lane);
const struct wire_lane *session_subflow_lane(const struct session *s, uint16_t slot);

/* What the peer announced last of its links for this subflow; nothing known before. */
const struct wire_lane *session_subflow_peer_lane(const struct session *s, uint16_t slot);

/* How the peer sees the two ends of this subflow; family 0: not known, or not yet. */
const struct wire_names *session_subflow_peer_names(const struct session *s, uint16_t slot);
