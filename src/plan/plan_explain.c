/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plan/plan.h"

#include "util/text.h"

/* Sentences, with "; " in between. */
struct words {
	char *buf;
	size_t size, used;
};

static void say(struct words *w, const char *text)
{
	if (w->used < w->size)
		w->used += text_printf(w->buf + w->used, w->size - w->used, "%s%s",
				       w->used ? "; " : "", text);
}

static const char *fixed_by(const struct hash_bond *b)
{
	if (b->mode == HASH_BALANCE_XOR || b->mode == HASH_8023AD ||
	    (b->mode == HASH_BALANCE_TLB && !b->dynamic) ||
	    (b->mode == HASH_BALANCE_ALB && !b->dynamic))
		return hash_policy_name(b->policy);
	return b->mode == HASH_TEAM ? "the team's hash" : hash_mode_name(b->mode);
}

/* What there is to say of one side. */
struct side_words {
	const char *where;
	const struct plan_side *side;
	bool is_fixed;
	bool is_random;
	int reason; /* enum hash_reason */
};

static void say_side(struct words *w, const struct side_words *s)
{
	char text[160];

	if (s->is_fixed && s->reason != HASH_R_DOUBLE_TAG)
		text_printf(text, sizeof(text), "%s: %s sends all connections to one peer %s",
			    s->where, fixed_by(&s->side->bond),
			    s->side->bond.mode == HASH_BROADCAST ? "through every link"
								 : "through one link");
	else if (s->is_fixed || s->is_random)
		text_printf(text, sizeof(text), "%s: links cannot be chosen, as %s", s->where,
			    hash_reason_text(s->reason));
	else
		return;
	say(w, text);
}

size_t plan_explain(const struct plan_input *in, const struct plan *p, char *buf, size_t size)
{
	struct words w = { buf, size, 0 };

	if (size)
		buf[0] = '\0';
	if (p->notes & PLAN_BLIND)
		say(&w, "no bond is visible, so a block of consecutive ports is used");
	say_side(&w, &(struct side_words){ "here", &in->here, p->notes & PLAN_HERE_FIXED,
					   p->notes & PLAN_HERE_RANDOM, p->here_reason });
	say_side(&w, &(struct side_words){ "peer", &in->peer, p->notes & PLAN_PEER_FIXED,
					   p->notes & PLAN_PEER_RANDOM, p->peer_reason });
	if (p->notes & PLAN_ASSUMED)
		say(&w, "the switches are assumed to hash like layer3+4");
	if (p->notes & PLAN_LIMITED)
		say(&w, "more connections or ports would reach more");
	return w.used;
}
