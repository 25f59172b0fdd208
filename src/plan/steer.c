/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The search for idle links, and the watch over it
 *
 * Of the connections that are there, cover.h chooses the fewest that reach the most: the needed
 * ones. What the links could carry besides is lacking.
 *
 *              lacking, tries left: open a batch
 *    +------------------------------------------------+
 *    |                                                v
 *  [ALL] <--- nothing is lacking, surplus closed --- [SEARCHES] <--+
 *    ^                                                |            | the rest is over
 *    |                        tries in vain, no room, |            |
 *    |                     or chance cannot be blamed v            |
 *    +--- a better link is found ----------- [PARTLY, ONE_LINK] ---+
 *
 * The watch (steer_watch.c) stands above all of it, and goes by progress alone. Where the search
 * has ended, company (steer_company.c) and more connections (steer_more.c) are tried, one kind at a
 * time.
 *
 * The table at the end has the order of decisions. Always: steering opens no connection beyond
 * limit_of(); of the needed ones none is closed but by the watch, which leaves one at least; one
 * step opens, or closes, or does neither; steering that is frozen does nothing. As many connections
 * as the plan has stay, but for the exceptions of least_kept().
 */
#include "plan/steer_internal.h"

#include <string.h>

#include "plan/lanes.h"

static bool one_bit(uint32_t set)
{
	return lanes_only(set) >= 0;
}

uint32_t steer_links_of(const struct steer_view *v, unsigned end)
{
	uint32_t links = 0;

	for (unsigned i = 0; i < COVER_NODES_MAX; i++)
		links |= (uint32_t)(v->capacity[end][i] != 0) << i;
	return links;
}

unsigned steer_n_links(const struct steer_view *v, unsigned end)
{
	return (unsigned)__builtin_popcount(steer_links_of(v, end));
}

/* Links on which a connection is likeliest to be. */
static uint32_t covered(const struct steer_view *v, unsigned end)
{
	uint32_t links = 0;

	for (unsigned i = 0; i < v->n_flows; i++)
		links |= 1u << v->flows[i].node[end];
	return links;
}

/* Ends that matter: where links are told apart, in a direction that is in use. */
bool steer_matters(const struct steer_view *v, unsigned end)
{
	return v->busy[cover_direction(end)] && v->distinct[end] && steer_n_links(v, end) > 1;
}

/* Is it known whether this connection uses a link that no other does? Among those that are used
 * anyway it is all the same. */
static bool is_settled(const struct steer_view *v, const struct steer_flow *f, unsigned end)
{
	uint32_t idle = steer_links_of(v, end) & ~covered(v, end);

	if (!f->possible[end])
		return false;
	return one_bit(f->possible[end]) || !(f->possible[end] & idle);
}

static bool all_settled(const struct steer_view *v)
{
	for (unsigned i = 0; i < v->n_flows; i++)
		for (unsigned end = 0; end < COVER_ENDS; end++)
			if (steer_matters(v, end) && v->flows[i].age_ns < STEER_SETTLE_NS &&
			    !is_settled(v, &v->flows[i], end))
				return false;
	return true;
}

static bool is_sure(const struct steer_view *v, const struct steer_flow *f)
{
	for (unsigned end = 0; end < COVER_ENDS; end++)
		if (steer_matters(v, end) && !one_bit(f->possible[end]))
			return false;
	return true;
}

/* Is what is likeliest of each connection known for as long as it is worth waiting for more? */
static bool all_aged(const struct steer_view *v)
{
	for (unsigned i = 0; i < v->n_flows; i++)
		if (v->flows[i].age_ns < STEER_SETTLE_NS)
			return false;
	return true;
}

static struct cover_class class_of(const struct steer_view *v, const struct steer_flow *f)
{
	struct cover_class c = { .port = f->port };

	for (unsigned end = 0; end < COVER_ENDS; end++)
		c.node[end] = steer_matters(v, end) ? f->node[end] : 0;
	return c;
}

/* An end that does not matter is one node that limits nothing. */
static void set_capacity(const struct steer_view *v, struct cover_task *task)
{
	memset(task->capacity, 0, sizeof(task->capacity));
	for (unsigned end = 0; end < COVER_ENDS; end++) {
		unsigned facing = cover_facing(end);

		if (steer_matters(v, end))
			memcpy(task->capacity[end], v->capacity[end], sizeof(task->capacity[end]));
		else if (!v->busy[cover_direction(end)])
			task->capacity[end][0] = 1;
		else
			for (unsigned i = 0; i < COVER_NODES_MAX; i++)
				task->capacity[end][0] +=
					v->capacity[steer_n_links(v, end) ? end : facing][i];
	}
}

static uint64_t sum(const uint32_t *capacity)
{
	uint64_t total = 0;

	for (unsigned i = 0; i < COVER_NODES_MAX; i++)
		total += capacity[i];
	return total;
}

/* What the links of a direction can carry at most. */
static uint64_t most_of(const struct cover_task *task, unsigned dir)
{
	uint64_t tx = sum(task->capacity[cover_sender(dir)]);
	uint64_t rx = sum(task->capacity[cover_receiver(dir)]);

	return tx < rx ? tx : rx;
}

/* Connections that together reach the most, and nothing less does. */
struct choice {
	struct cover cover;
	uint16_t flow[STEER_FLOWS_MAX]; /* which they were chosen from */
};

static int choose(const struct steer_view *v, bool only_sure, struct choice *out)
{
	static const struct cover_class none[1];
	struct cover_class classes[STEER_FLOWS_MAX];
	struct cover_task task = { .classes = classes, .open = none, .limit = STEER_FLOWS_MAX };

	set_capacity(v, &task);
	for (unsigned i = 0; i < v->n_flows && i < STEER_FLOWS_MAX; i++) {
		if (only_sure && !is_sure(v, &v->flows[i]))
			continue;
		out->flow[task.n_classes] = (uint16_t)i;
		classes[task.n_classes++] = class_of(v, &v->flows[i]);
	}
	return cover_choose(&task, &out->cover);
}

/* Connections in all. Of more than LANES_FLOWS_MAX nobody could say where they run. */
static unsigned limit_of(const struct steer_view *v)
{
	unsigned links = 0, limit;

	for (unsigned end = 0; end < COVER_ENDS; end++)
		if (v->distinct[end] && steer_n_links(v, end) > links)
			links = steer_n_links(v, end);
	limit = STEER_FLOWS_PER_LINK * links;
	if (limit > LANES_FLOWS_MAX)
		limit = LANES_FLOWS_MAX;
	return limit < v->most ? limit : v->most;
}

static unsigned tries_for(const struct steer_view *v, unsigned per_link)
{
	unsigned most = 0;

	for (unsigned end = 0; end < COVER_ENDS; end++)
		if (steer_matters(v, end) && steer_n_links(v, end) > most)
			most = steer_n_links(v, end);
	return most * per_link;
}

/* Company and surplus -------------------------------------------------------------------------- */

void steer_stay(struct steer_staying *st, unsigned i)
{
	st->n += !st->flow[i];
	st->flow[i] = true;
}

/* Those that are needed, and their company if there is to be any. */
static void find_staying(const struct steer *s, const struct steer_view *v,
			 const struct choice *needed, bool company, struct steer_staying *out)
{
	unsigned n = needed->cover.n;

	*out = (struct steer_staying){ 0 };
	for (unsigned i = 0; i < n; i++)
		steer_stay(out, needed->flow[needed->cover.chosen[i]]);
	for (unsigned i = 0; i < n && company && !v->crowded; i++)
		steer_company_keep(&s->company, v, needed->flow[needed->cover.chosen[i]], out);
}

/* Is each link that may be this one's among those that surely are the needed ones'? */
static bool is_doubled(const struct steer_view *v, const uint32_t needed[COVER_ENDS],
		       const struct steer_flow *f)
{
	for (unsigned end = 0; end < COVER_ENDS; end++)
		if (steer_matters(v, end) && (!f->possible[end] || f->possible[end] & ~needed[end]))
			return false;
	return true;
}

/* Is there so little for each connection that one chunk takes seconds, and all others wait for it?
 * Goes by the counters of the links that the connections use. */
static bool is_starved(const struct steer_view *v)
{
	for (unsigned end = 0; end < COVER_ENDS; end++) {
		uint32_t links = covered(v, end);
		uint64_t rate = 0;

		if (!v->busy[cover_direction(end)] || !v->measured[end])
			continue;
		for (unsigned i = 0; i < COVER_NODES_MAX; i++)
			rate += links >> i & 1 ? v->rate[end][i] : 0;
		if (rate < (uint64_t)v->n_flows * STEER_LEAST_RATE)
			return true;
	}
	return false;
}

/* Connections that are not closed, surplus or not: those of the plan, and those
 * that proved a gain. Lanes that look alike are not
 * always, and a loss stops one of few connections for longer than a few too many cost. Where all
 * run over one link, or have next to nothing to carry, the fewest are best. */
static unsigned least_kept(const struct steer *s, const struct steer_view *v, unsigned needed)
{
	unsigned keep = v->keep > needed ? v->keep : needed;
	unsigned planned = v->planned + steer_more_kept(&s->more);

	if (s->verdict == STEER_ONE_LINK || planned <= keep || is_starved(v))
		return keep;
	return planned;
}

/* Closes all others, or only those that certainly add nothing. */
static void close_all_but(const struct steer *s, const struct steer_view *v,
			  const struct choice *needed, bool company, bool only_certain,
			  struct steer_action *out)
{
	unsigned keep = least_kept(s, v, needed->cover.n);
	uint32_t links[COVER_ENDS] = { 0 };
	struct steer_staying staying;

	find_staying(s, v, needed, company, &staying);

	for (unsigned i = 0; i < needed->cover.n; i++) {
		unsigned flow = needed->flow[needed->cover.chosen[i]];
		const uint32_t *possible = v->flows[flow].possible;

		for (unsigned end = 0; end < COVER_ENDS; end++)
			links[end] |= one_bit(possible[end]) ? possible[end] : 0;
	}
	for (unsigned i = v->n_flows; i-- > 0 && v->n_flows - out->n_close > keep;) {
		const struct steer_flow *f = &v->flows[i];

		if (staying.flow[i] || (only_certain && !is_doubled(v, links, f)))
			continue;
		out->close[out->n_close++] = f->port;
	}
}

/* Closes what does not add to what the others reach: it would only take its share of a link away
 * from one that does. All of it as soon as those whose lanes are sure are enough, or after a while
 * by what is likeliest: with fewer connections the truth will show, and what was wrong can be
 * mended. Until then those that are certainly too many, which makes the others easier to tell
 * apart. */
static int close_surplus(const struct steer *s, const struct steer_view *v,
			 const struct choice *likely, bool company, struct steer_action *out)
{
	struct choice sure;
	int r = choose(v, true, &sure);

	if (r)
		return r;
	if (sure.cover.reach[COVER_OUT] == likely->cover.reach[COVER_OUT] &&
	    sure.cover.reach[COVER_IN] == likely->cover.reach[COVER_IN])
		close_all_but(s, v, &sure, company, false, out);
	else
		close_all_but(s, v, likely, company, !all_aged(v), out);
	return 0;
}

/* From which of the sender's links could more be sent: those from which a further connection to
 * some link would add something. */
static uint32_t find_wanted(const struct steer_view *v, unsigned dir)
{
	struct cover_class flows[STEER_FLOWS_MAX + 1];
	struct cover_task task = { .open = flows, .limit = STEER_FLOWS_MAX };
	unsigned tx = cover_sender(dir), rx = cover_receiver(dir);
	struct cover now, then;
	uint32_t want = 0;

	set_capacity(v, &task);
	while (task.n_open < v->n_flows && task.n_open < STEER_FLOWS_MAX - 1) {
		flows[task.n_open] = class_of(v, &v->flows[task.n_open]);
		task.n_open++;
	}
	if (cover_choose(&task, &now))
		return 0;
	for (unsigned a = 0; a < COVER_NODES_MAX; a++) {
		for (unsigned b = 0; b < COVER_NODES_MAX; b++) {
			struct cover_task more = task;

			if (!task.capacity[tx][a] || !task.capacity[rx][b])
				continue;
			flows[more.n_open] = (struct cover_class){ 0 };
			flows[more.n_open].node[tx] = (uint8_t)a;
			flows[more.n_open++].node[rx] = (uint8_t)b;
			if (cover_choose(&more, &then) || then.reach[dir] <= now.reach[dir])
				continue;
			want |= 1u << a;
		}
	}
	return want;
}

/* After a rest the switch may be another. */
static void forget(struct steer *s)
{
	s->rest_ns = 0;
	s->n_observed = 0;
	memset(s->observed, 0, sizeof(s->observed));
}

static void note_observed(struct steer *s, const struct steer_view *v)
{
	unsigned n = 0;

	for (unsigned i = 0; i < v->n_flows; i++) {
		bool sure = true;

		for (unsigned end = 0; end < COVER_ENDS; end++) {
			if (!steer_matters(v, end))
				continue;
			if (one_bit(v->flows[i].possible[end]))
				s->observed[end] |= v->flows[i].possible[end];
			else
				sure = false;
		}
		n += sure;
	}
	if (n > s->n_observed)
		s->n_observed = n;
}

/* Do the counters show data on a link that was not observed in use in the direction of the verdict?
 * What was believed of lanes is wrong then. */
static bool is_contradicted(const struct steer *s, const struct steer_view *v)
{
	enum cover_direction dir = s->verdict_dir;

	for (unsigned end = cover_sender(dir); end <= cover_receiver(dir); end++)
		if (steer_matters(v, end) &&
		    steer_links_of(v, end) & v->active[end] & ~s->observed[end])
			return true;
	return false;
}

static bool speaks_of_idle(enum steer_verdict verdict)
{
	return verdict == STEER_PARTLY || verdict == STEER_ONE_LINK;
}

/* The direction that lacks more, and what to say of it: nothing if the counters say otherwise. */
static void judge(struct steer *s, const struct steer_view *v,
		  const uint64_t lack[COVER_DIRECTIONS])
{
	unsigned dir = lack[COVER_IN] > lack[COVER_OUT] ? COVER_IN : COVER_OUT;

	s->verdict_dir = dir;
	s->verdict = STEER_PARTLY;
	for (unsigned end = cover_sender(dir); end <= cover_receiver(dir); end++)
		if (steer_matters(v, end) && one_bit(s->observed[end] | covered(v, end)) &&
		    s->n_observed > 2)
			s->verdict = STEER_ONE_LINK;
	if (is_contradicted(s, v))
		s->verdict = STEER_UNKNOWN;
}

/* Would chance alone have put all of these connections on one of the links? */
static bool is_hopeless(const struct steer *s, const struct steer_view *v)
{
	for (unsigned end = 0; end < COVER_ENDS; end++) {
		uint64_t odds = 1;

		if (!steer_matters(v, end) || !one_bit(s->observed[end]))
			continue;
		for (unsigned i = 1; i < s->n_observed && odds < STEER_ODDS; i++)
			odds *= steer_n_links(v, end);
		if (odds >= STEER_ODDS)
			return true;
	}
	return false;
}

static unsigned least_used(uint32_t links, const unsigned *used)
{
	unsigned best = COVER_NODES_MAX;

	for (unsigned i = 0; i < COVER_NODES_MAX; i++)
		if (links >> i & 1 && (best == COVER_NODES_MAX || used[i] < used[best]))
			best = i;
	return best;
}

/* The sender's link is all that is chosen: what is known of the switch has just proved wrong. Every
 * other connection comes from where it adds most if it hits; the rest from all links alike, as many
 * connections from one link would share it until the surplus is known. */
static void choose_senders(const struct steer_view *v, unsigned dir, struct steer_action *out)
{
	unsigned tx = cover_sender(dir), used[COVER_NODES_MAX] = { 0 };
	uint32_t wanted;

	if (!steer_matters(v, tx))
		return;
	for (unsigned i = 0; i < v->n_flows; i++)
		used[v->flows[i].node[tx]]++;
	wanted = find_wanted(v, dir);
	for (unsigned i = 0; i < out->n_open; i++) {
		bool any = i % 2 || !wanted;
		unsigned link = least_used(any ? steer_links_of(v, tx) : wanted, used);

		out->want[i][tx] = 1u << link;
		used[link]++;
	}
}

static void open_more(struct steer *s, const struct steer_view *v,
		      const uint64_t lack[COVER_DIRECTIONS], struct steer_action *out)
{
	unsigned batch = tries_for(v, STEER_BATCH_PER_LINK);
	unsigned limit = limit_of(v), room = limit > v->n_flows ? limit - v->n_flows : 0;

	s->verdict = STEER_SEARCHES;
	out->n_open = batch < room ? batch : room;
	s->tries += out->n_open;
	/* A port that is right for both directions there may not be. */
	choose_senders(v, lack[COVER_IN] > lack[COVER_OUT] ? COVER_IN : COVER_OUT, out);
}

/* How much is lacking of what the links could carry. */
static bool find_lack(const struct steer_view *v, const struct cover *needed,
		      uint64_t lack[COVER_DIRECTIONS])
{
	struct cover_task limits = { 0 };
	bool lacking = false;

	set_capacity(v, &limits);
	for (unsigned dir = 0; dir < COVER_DIRECTIONS; dir++) {
		uint64_t most = most_of(&limits, dir);

		lack[dir] = 0;
		if (!v->busy[dir] || needed->reach[dir] * 100 >= most * STEER_ENOUGH)
			continue;
		lack[dir] = most - needed->reach[dir];
		lacking = true;
	}
	return lacking;
}

/* What helped nothing is tried again after a rest that is longer each time. */
static void give_up(struct steer *s, const struct steer_view *v)
{
	s->rest_len_ns = s->rest_len_ns ? 2 * s->rest_len_ns : STEER_REST_NS;
	if (s->rest_len_ns > STEER_REST_MAX_NS)
		s->rest_len_ns = STEER_REST_MAX_NS;
	s->rest_ns = v->now_ns + s->rest_len_ns;
	s->tries = 0;
}

/* One look: did packets get lost since the last one, and was there a queue? */
static void look_at_losses(struct steer_loss *l, const struct steer_sent *now)
{
	if (now->resent == l->last_resent)
		return;
	l->last_resent = now->resent;
	l->n_losing++;
	l->n_queued += now->rtt_us > 2 * (uint64_t)now->min_rtt_us + STEER_QUEUE_US;
}

bool steer_is_lossy(struct steer_loss *l, const struct steer_sent *now, uint64_t now_ns)
{
	uint64_t new_sent = now->sent - l->sent, new_resent = now->resent - l->resent;
	unsigned part = l->lossy ? 4 : 1;

	look_at_losses(l, now);
	if (l->since_ns && (now_ns - l->since_ns < STEER_LOSSY_NS || new_sent < STEER_LOSSY_BYTES))
		return l->lossy;
	if (l->since_ns) {
		if (part * new_resent * 100 >= new_sent * STEER_LOSSY_PERCENT &&
		    2 * l->n_queued <= l->n_losing)
			l->times++;
		else
			l->times = 0;
		l->lossy = l->times >= STEER_LOSSY_TIMES;
	}
	l->since_ns = now_ns;
	l->sent = now->sent;
	l->resent = now->resent;
	l->n_losing = l->n_queued = 0;
	return l->lossy;
}

bool steer_is_busy(struct steer_use *use, uint64_t bytes, bool rested, uint64_t now_ns)
{
	uint64_t least = rested ? STEER_BUSY_RATE : STEER_SLOW_RATE;
	uint64_t dt_ns = now_ns - use->since_ns;

	if (!use->since_ns || dt_ns >= STEER_RATE_NS) {
		if (use->since_ns && (bytes - use->bytes) * 1000 / (dt_ns / 1000000) >= least)
			use->busy_ns = now_ns + STEER_BUSY_NS;
		use->since_ns = now_ns;
		use->bytes = bytes;
	}
	return now_ns < use->busy_ns;
}

/* The step ------------------------------------------------------------------------------------- */

/* One look at the network, and what follows from it. */
struct step {
	struct steer *s;
	const struct steer_view *v;
	struct steer_action *out;
	struct choice needed; /* by each connection's likeliest links */
	uint64_t lack[COVER_DIRECTIONS];
	bool lacking;  /* links could carry more than the needed connections reach */
	bool searches; /* and no rest forbids to look for more */
	bool no_room;  /* but the limit does */
	bool undone;   /* the last changes are taken back, which is no change to be watched */
	struct steer_staying staying;
};

/* A decision has been made for this step, or the next line decides. Negative: -errno. */
enum { PASS, DONE };

static int undo_harm(struct step *t)
{
	if (!steer_watch_found_harm(&t->s->watch, t->v))
		return PASS;
	if (t->s->more.state == STEER_MORE_TRIAL)
		steer_more_fail(&t->s->more, t->v->now_ns);
	steer_watch_undo(&t->s->watch, t->v, t->out);
	t->out->most = limit_of(t->v);
	t->undone = true;
	return DONE;
}

static int stay_frozen(struct step *t)
{
	return t->v->now_ns < t->s->watch.frozen_ns ? DONE : PASS;
}

static int await_lanes(struct step *t)
{
	return t->v->n_flows && tries_for(t->v, 1) && all_settled(t->v) ? PASS : DONE;
}

/* The best so far begins the tries anew. */
static void note_reach(struct steer *s, const struct steer_view *v, const struct cover *needed)
{
	uint64_t reach = 0;

	for (unsigned dir = 0; dir < COVER_DIRECTIONS; dir++)
		reach += v->busy[dir] ? needed->reach[dir] : 0;
	if (reach <= s->reach)
		return;
	s->reach = reach;
	s->tries = 0;
}

/* Is there a link that carries next to nothing? */
static bool any_idle(const struct steer_view *v)
{
	for (unsigned end = 0; end < COVER_ENDS; end++)
		if (steer_matters(v, end) && steer_links_of(v, end) & ~v->active[end])
			return true;
	return false;
}

/* Where the sender's bond spreads connections at random, one more is as likely on a lane that is
 * full: only a link whose counter stands still is worth it. */
static bool can_gain(const struct steer_view *v)
{
	for (unsigned dir = 0; dir < COVER_DIRECTIONS; dir++)
		if (v->random[cover_sender(dir)] && steer_matters(v, cover_sender(dir)))
			return any_idle(v);
	return true;
}

/* Decides nothing: finds what the lines below go by. */
static int look(struct step *t)
{
	struct steer *s = t->s;
	const struct steer_view *v = t->v;
	bool rests = v->now_ns < s->rest_ns;
	int r;

	if (s->rest_ns && !rests)
		forget(s);
	note_observed(s, v);
	steer_company_review(&s->company, v);
	r = choose(v, false, &t->needed);
	if (r)
		return r;
	note_reach(s, v, &t->needed.cover);
	t->lacking = find_lack(v, &t->needed.cover, t->lack) && can_gain(v);
	t->searches = t->lacking && !rests;
	/* First things first: company would take the room. */
	find_staying(s, v, &t->needed, !t->searches, &t->staying);
	s->surplus = v->n_flows > t->staying.n && v->n_flows > least_kept(s, v, t->staying.n);
	return PASS;
}

static int search(struct step *t)
{
	struct steer *s = t->s;

	if (!t->searches || s->tries >= tries_for(t->v, STEER_TRIES_PER_LINK) ||
	    is_hopeless(s, t->v))
		return PASS;
	open_more(s, t->v, t->lack, t->out);
	t->no_room = !t->out->n_open;
	return t->no_room ? PASS : DONE;
}

/* Decides nothing: notes what is to be said of the links. */
static int conclude(struct step *t)
{
	if (!t->lacking) {
		t->s->verdict = STEER_ALL;
		t->s->rest_len_ns = 0;
	} else if (!t->no_room) {
		judge(t->s, t->v, t->lack);
		if (t->searches)
			give_up(t->s, t->v);
	}
	return PASS;
}

static int close_others(struct step *t)
{
	int r = close_surplus(t->s, t->v, &t->needed, !t->searches, t->out);

	if (r)
		return r;
	return t->out->n_close ? DONE : PASS;
}

/* Decides nothing: what was closed would have made room for other tries. */
static int rest_without_room(struct step *t)
{
	if (t->no_room)
		give_up(t->s, t->v);
	return PASS;
}

static int add_company(struct step *t)
{
	steer_company_open(&t->s->company, t->v, &t->staying, limit_of(t->v), t->out);
	return t->out->n_open || t->s->company.state != STEER_COMPANY_IDLE ? DONE : PASS;
}

static int judge_trial(struct step *t)
{
	return steer_more_review(&t->s->more, t->v, t->out) ? DONE : PASS;
}

static int try_more(struct step *t)
{
	/* Where all arrive on one link, no lane is missing. */
	if (t->s->watch.state == STEER_WATCH_CALM && t->s->verdict != STEER_ONE_LINK)
		steer_more_open(&t->s->more, t->v, limit_of(t->v), t->out);
	return DONE;
}

/* The first line that returns DONE is all that happens in a step. */
static int (*const decisions[])(struct step *) = {
	undo_harm,         /* the last changes made the session slower: back to what was */
	stay_frozen,       /* after that nothing is changed for a pause */
	judge_trial,       /* more connections are being tried: keep or close them */
	await_lanes,       /* where the connections run is not known yet, or decides nothing */
	look,              /* which connections are needed, and what links could carry besides */
	search,            /* links are idle and tries are left: open a batch */
	conclude,          /* the verdict; after all tries were in vain, a rest */
	close_others,      /* more connections than are needed: close */
	rest_without_room, /* no more connections are allowed: a rest */
	add_company,       /* packets are lost on a link with room: open one there */
	try_more, /* links could carry more by their speeds: do more connections move more? */
};

int steer_step(struct steer *s, const struct steer_view *v, struct steer_action *out)
{
	struct step t = { .s = s, .v = v, .out = out };
	int r = PASS;

	*out = (struct steer_action){ 0 };
	s->surplus = false;
	if (speaks_of_idle(s->verdict) && is_contradicted(s, v))
		s->verdict = STEER_UNKNOWN;
	for (unsigned i = 0; r == PASS && i < sizeof(decisions) / sizeof(decisions[0]); i++)
		r = decisions[i](&t);
	if (!t.undone)
		steer_watch_note(&s->watch, v, out);
	return r < 0 ? r : 0;
}
