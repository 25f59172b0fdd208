/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * steer_internal.h - what steer.c and steer_company.c share; for them and their tests
 */
#pragma once

#include "plan/steer.h"

/* Links of an end that can be used, as bits. */
uint32_t steer_links_of(const struct steer_view *v, unsigned end);
unsigned steer_n_links(const struct steer_view *v, unsigned end);

/* Does this end decide anything? Its links are told apart, in a direction that is in use. */
bool steer_matters(const struct steer_view *v, unsigned end);

/* Connections that are not surplus. */
struct steer_staying {
	bool flow[STEER_FLOWS_MAX];
	unsigned n;
	/* One more is wanted on the lane of this one, for its losses in that direction. NULL: no.
	 */
	const struct steer_flow *lossy;
	unsigned dir;
};

/* Marks the connection of index i as one that stays. */
void steer_stay(struct steer_staying *st, unsigned i);

/* The watch: steer_watch.c has the model. */

/* Have the last changes done harm? Once in each step, before all others. */
bool steer_watch_found_harm(struct steer_watch *w, const struct steer_view *v);

/* Closes what was opened since the first of the changes, and asks for what the plan has if any of
 * them closed something; out->most is the caller's. */
void steer_watch_undo(const struct steer_watch *w, const struct steer_view *v,
		      struct steer_action *out);

/* Notes what a step decided, and what the streams moved before it. */
void steer_watch_note(struct steer_watch *w, const struct steer_view *v,
		      const struct steer_action *act);

/* Company: steer_company.c has the model. */

/* Ends a trial whose time is over or whose reason is gone. Once in each step, before all others. */
void steer_company_review(struct steer_company *c, const struct steer_view *v);

/* Marks the company of a connection that is needed, as far as the company is allowed, and notes
 * whether a further one is wanted. */
void steer_company_keep(const struct steer_company *c, const struct steer_view *v, unsigned needed,
			struct steer_staying *st);

/* Opens what st wants, as a trial, if nothing forbids it. limit: connections in all. */
void steer_company_open(struct steer_company *c, const struct steer_view *v,
			const struct steer_staying *st, unsigned limit, struct steer_action *out);

/* Trials: steer_more.c has the model. */

/* Connections that trials keep, besides those of the plan. */
unsigned steer_more_kept(const struct steer_more *t);

/* Ends a trial whose time is over. Returns false if none runs: then others may decide. */
bool steer_more_review(struct steer_more *t, const struct steer_view *v, struct steer_action *out);

/* The trial under way, if any, was in vain, and its connections are closed by others. */
void steer_more_fail(struct steer_more *t, uint64_t now_ns);

/* Opens connections as a trial, if nothing forbids it. limit: connections in all. */
void steer_more_open(struct steer_more *t, const struct steer_view *v, unsigned limit,
		     struct steer_action *out);
