/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * steer.h - which connections to open and which to close, once it was observed over which links
 * those that are there run
 *
 * A switch spreads connections over its links to a host by a rule that nobody can ask for, so the
 * first plan may leave links idle. Then more connections are opened, from other ports, as many at a
 * time as are likely to hit what is idle. When the counters have shown where they run, those that
 * the links need are kept and the others closed. What never helps is not tried for ever: after
 * STEER_TRIES_PER_LINK connections for each link in vain there is a rest, and only as many stay as
 * the links that were found can use.
 *
 * Where packets are lost for other reasons than too many of them, TCP takes each loss for a full
 * link, and one connection carries a fraction of it. There it gets company on the same links.
 *
 * An end whose links are told apart neither by a rule nor by counters counts as one link of no
 * limit. Pure: observations go in, decisions come out.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "plan/cover.h"

/* One more connection hits a certain idle link of n with a chance of 1/n: after this many times n
 * in vain, one idle link of 400 was missed by bad luck. */
#define STEER_TRIES_PER_LINK 6

/* All on one link although there are n, by chance once in n^(connections - 1): when that is once in
 * this many, it is no chance. */
#define STEER_ODDS 1000

/* At a time: one of two links is hit by 4 with 94 %, one of four by 8 with 90 %. */
#define STEER_BATCH_PER_LINK 2

/* Steering waits this long for the lane of a connection that was opened. Then it takes the
 * likeliest one for sure. In the lab what is likeliest was right after 1.1 s in 8 of 10 runs, and
 * after 2 s in all; meanwhile surplus connections cost a tenth of what the links could carry, as
 * they share some of them unevenly. */
#define STEER_SETTLE_NS 2000000000ull

/* A direction is in use when it carries this many bytes per second. The links' speeds are no
 * measure: the rest of the path may be slower. */
#define STEER_BUSY_RATE (1u << 20)

/* A stream that always has something to move is in use at this rate already: slow links are worth
 * the same care. */
#define STEER_SLOW_RATE (256u << 10)

/* Rates are taken over at least this time. */
#define STEER_RATE_NS 200000000ull

/* A direction that was in use stays in use for this long: what is counted is the stream without
 * gaps, which stands still while one chunk is late and everything else arrives. */
#define STEER_BUSY_NS 1000000000ull

/* After tries in vain, and before what helps no more is looked for again; doubled after each
 * search in vain, up to the maximum. */
#define STEER_REST_NS     60000000000ull
#define STEER_REST_MAX_NS 960000000000ull

/* A choice that reaches this percentage of the maximum counts as the maximum. */
#define STEER_ENOUGH 97

/* A connection is lossy when it sends this percentage of its bytes again, in each of two such times
 * in a row, or longer ones in which it sends enough: how a connection begins, and how it finds the
 * limit of a link, costs less, or is over by then. Below a quarter of that percentage it stops
 * being lossy.
 */
#define STEER_LOSSY_PERCENT 2
#define STEER_LOSSY_NS      1000000000ull
#define STEER_LOSSY_TIMES   2

/* What is less than this says nothing. */
#define STEER_LOSSY_BYTES (256u << 10)

/* Losses come from a full queue while the round trip is longer than twice its minimum and this: the
 * link is full then, and the connection is not lossy. A queue that is shorter does not show in the
 * round trip; the counters of the links, and the trial, have to tell there. 20 ms are more than the
 * jitter of a busy machine. */
#define STEER_QUEUE_US 20000

/* Connections on one lane where packets are lost, the needed one included. In the lab, of 50 Mbit/s
 * with 5 % of loss one carries 15, three carry 40. More would take too much from others if a crowd
 * causes the losses. */
#define STEER_COMPANY 3

/* Trials of company in STEER_REST_NS: a trial's connection may come to other links, and what a peer
 * says of its losses may be anything. */
#define STEER_COMPANY_TRIES 16

/* A link that carries this part of its speed, or of the most that it has carried in any second,
 * gets no further connection. */
#define STEER_FULL_PERCENT 90

/* What a trial has to gain, and how long it runs. The rate before and the rate after are means of
 * STEER_MEAN_NS; the first second, in which a connection finds its rate, is not counted. */
#define STEER_GAIN_PERCENT 5
#define STEER_TRIAL_NS     3000000000ull
#define STEER_MEAN_NS      2000000000ull

/* The progress of a second is like that of two while it differs by less than this. */
#define STEER_STEADY_PERCENT 15

/* Connections arrive where the plan assumed: by chance once in this many, for the switch then
 * hashes as assumed. Fewer than STEER_ODDS, as a trial that is left out costs less than a false
 * verdict. */
#define STEER_FOLLOWS_ODDS 100

/* After a trial in vain; doubled each time, up to the maximum. */
#define STEER_PAUSE_NS     10000000000ull
#define STEER_PAUSE_MAX_NS 320000000000ull

/* After a trial of more connections in vain: each new one gets a chunk before its rate is known,
 * and all others wait for that chunk. So a trial costs up to a tenth of what moves in its 3 s, and
 * comes at most once in 30 s. */
#define STEER_MORE_PAUSE_NS 30000000000ull

/* After connections were opened or closed, the session's progress is compared with what it was: not
 * before this time, whose last STEER_MEAN_NS are measured. Less than this part is harm, and is
 * undone; then nothing is changed for a pause that doubles with each harm and is halved by each
 * change without. Progress alone counts, whatever is believed of links. A stream that had nothing
 * to move in the time measured says nothing: the comparison waits, and is given up in the end.
 * The first pause is long: in simulated networks the same change did the same harm 30 s later. */
#define STEER_WATCH_NS      3000000000ull
#define STEER_WATCH_MAX_NS  30000000000ull
#define STEER_HARM_PERCENT  90
#define STEER_FREEZE_NS     120000000000ull
#define STEER_FREEZE_MAX_NS 480000000000ull

/* More connections than this for each link of the larger side are never opened, whatever is
 * believed of the links; a plan may have more, and so may a user's -P. */
#define STEER_FLOWS_PER_LINK 4

/* A plan's connections are kept while there are this many bytes per second for each. With less, a
 * chunk is seconds on its way. */
#define STEER_LEAST_RATE (128u << 10)

/* Connections that are looked at; more are a user's wish, and leave nothing to choose. */
#define STEER_FLOWS_MAX 64

struct steer_flow {
	uint16_t port;
	uint64_t age_ns; /* since it can carry bytes */
	/* By enum cover_end: the likeliest link, and all that are possible. */
	uint8_t node[COVER_ENDS];
	uint32_t possible[COVER_ENDS]; /* 0: nothing is known yet */
	bool lossy[COVER_DIRECTIONS];
	/* The receiver's link if the switch does what is assumed of it; -1: nothing is assumed. */
	int8_t assumed[COVER_DIRECTIONS];
};

struct steer_view {
	uint64_t now_ns;
	bool busy[COVER_DIRECTIONS]; /* much is being sent in that direction */
	/* Speeds; what cannot be used has 0. */
	uint32_t capacity[COVER_ENDS][COVER_NODES_MAX];
	bool distinct[COVER_ENDS]; /* links are told apart here, by a rule or by counters */
	bool random[COVER_ENDS];   /* but by counters alone: no port leads to a certain one */
	/* What the links' counters say (usage.h): */
	bool measured[COVER_ENDS];                  /* rate has something */
	uint64_t rate[COVER_ENDS][COVER_NODES_MAX]; /* bytes per second, mean of STEER_MEAN_NS */
	uint32_t full[COVER_ENDS];                  /* links at STEER_FULL_PERCENT */
	uint32_t active[COVER_ENDS];                /* links that carry a part of their share */
	/* Bytes per second that each stream has moved, in order or not, mean of STEER_MEAN_NS, or
	 * of less at the beginning (0: not known); and did it have nothing to move at some moment
	 * in that time? */
	uint64_t progress[COVER_DIRECTIONS];
	bool rested[COVER_DIRECTIONS];
	bool steady[COVER_DIRECTIONS]; /* the last second was like the one before */
	bool crowded; /* there are other sessions: company would be more than its share */
	const struct steer_flow *flows;
	unsigned n_flows; /* at most STEER_FLOWS_MAX */
	unsigned keep;    /* connections that the user wants even if fewer do */
	unsigned planned; /* that the plan has: they are kept, with exceptions */
	unsigned most;    /* that are allowed */
};

enum steer_verdict {
	STEER_UNKNOWN,  /* not yet observed */
	STEER_ALL,      /* what the links can carry is reached */
	STEER_SEARCHES, /* it is not yet */
	STEER_PARTLY,   /* tries were in vain: some links stay idle */
	STEER_ONE_LINK, /* the same, and all connections arrived on one link */
};

enum steer_company_state { STEER_COMPANY_IDLE, STEER_COMPANY_TRIAL };

/* Company of connections that lose packets (steer_company.c); zero at the beginning. */
struct steer_company {
	enum steer_company_state state;
	uint8_t extra[COVER_DIRECTIONS][COVER_NODES_MAX]; /* allowed besides the needed one */
	/* The trial: for which link, since when, and what the link and all carried before. */
	unsigned dir;
	unsigned link;
	uint64_t since_ns;
	uint64_t before;
	uint64_t all_before;
	uint64_t next_ns;  /* none begins before */
	uint64_t pause_ns; /* the last one; 0: none since a gain */
	unsigned n_opened; /* until: */
	uint64_t minute_ns;
};

enum steer_more_state { STEER_MORE_IDLE, STEER_MORE_TRIAL };

/* Whether more connections move more (steer_more.c); zero at the beginning. */
struct steer_more {
	enum steer_more_state state;
	unsigned n_tried;  /* connections that were opened for the trial */
	unsigned n_kept;   /* for trials before, which gained */
	uint64_t since_ns; /* the trial runs, and before it the session moved: */
	uint64_t before;   /* bytes per second */
	uint64_t next_ns;  /* none begins before */
	uint64_t pause_ns; /* the last one; 0: none since a gain */
};

enum steer_watch_state { STEER_WATCH_CALM, STEER_WATCH_ACTED };

/* Whether the last changes did harm; zero at the beginning. */
struct steer_watch {
	enum steer_watch_state state;
	uint64_t before[COVER_DIRECTIONS]; /* progress before the first of them */
	bool closed;                       /* one of them closed connections */
	uint64_t began_ns;                 /* the first one */
	uint64_t acted_ns;                 /* the last one */
	uint64_t frozen_ns;                /* nothing is changed until then */
	uint64_t pause_ns;                 /* the last one, or what is left of it; 0: none */
};

/* State between calls; zero at the beginning, and when the links themselves have changed. */
struct steer {
	unsigned tries;       /* in vain, in a row */
	uint64_t rest_ns;     /* until then */
	uint64_t rest_len_ns; /* the last rest; 0: none since all links were in use */
	uint64_t reach;       /* the best so far */
	struct steer_company company;
	struct steer_more more;
	struct steer_watch watch;
	bool surplus; /* there are more connections than are needed: which is to be found out */
	/* Since the last rest: */
	unsigned n_observed;           /* connections whose lane was sure at the same time */
	uint32_t observed[COVER_ENDS]; /* and the links on which they were */
	enum steer_verdict verdict;
	enum cover_direction verdict_dir; /* which it is about */
};

/* What is known of one direction's use; zero at the beginning. */
struct steer_use {
	uint64_t since_ns; /* when it had carried: */
	uint64_t bytes;
	uint64_t busy_ns; /* in use until then */
};

/* What TCP has counted of a connection by now. */
struct steer_sent {
	uint64_t sent;       /* bytes, those that were sent again included */
	uint64_t resent;     /* of these */
	uint32_t rtt_us;     /* smoothed */
	uint32_t min_rtt_us; /* the least of the last minutes */
};

/* What is known of a connection's losses; zero at the beginning. */
struct steer_loss {
	uint64_t since_ns; /* of this time, when it had sent: */
	uint64_t sent;
	uint64_t resent;
	uint64_t last_resent; /* by the last look; looks of this time that found losses: */
	unsigned n_losing;
	unsigned n_queued; /* and those of them that found a queue */
	unsigned times;    /* in a row */
	bool lossy;
};

struct steer_action {
	unsigned n_open;
	/* Which links each new one should use, where a port can choose; 0: any. */
	uint32_t want[STEER_FLOWS_MAX][COVER_ENDS];
	unsigned n_close;
	uint16_t close[STEER_FLOWS_MAX]; /* ports */
	/* What was closed did harm: open again what the plan has, */
	bool restore;
	unsigned most; /* with this many connections in all */
};

/* Is much being sent in that direction? bytes: of the stream, by now; rested: it had nothing to
 * move at some moment lately. */
bool steer_is_busy(struct steer_use *use, uint64_t bytes, bool rested, uint64_t now_ns);

/* Is much of what a connection sends being lost, for other reasons than a full queue? */
bool steer_is_lossy(struct steer_loss *loss, const struct steer_sent *now, uint64_t now_ns);

/* Call every 50 ms or so while subflows are being tried, more rarely when nothing happens. Returns
 * 0 or -ENOMEM. */
int steer_step(struct steer *s, const struct steer_view *view, struct steer_action *out);
