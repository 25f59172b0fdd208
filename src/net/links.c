/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/links.h"

#include <errno.h>
#include <stdlib.h>

#include "util/text.h"

struct links {
	struct loop *loop;
	struct session *session;
	struct pathmgr *paths;
	bool client;
	void (*told)(void *arg);
	void *arg;
	struct loop_timer count_timer;
};

/* Counting ------------------------------------------------------------------------------------- */

void links_count(struct links *l)
{
	struct wire_links counted;

	if (pathmgr_count(l->paths, loop_now(l->loop), &counted))
		session_links(l->session, &counted);
}

static void count_fired(struct loop_timer *timer)
{
	struct links *l = timer->arg;

	links_count(l);
	loop_set_timer(l->loop, timer, loop_now(l->loop) + LINKS_COUNT_NS);
	l->told(l->arg);
}

/* Connections ---------------------------------------------------------------------------------- */

static const char *link_name(const struct wire_facts *f, int8_t link)
{
	return link >= 0 && link < f->n_links ? f->link[link].name : "?";
}

bool links_of_conn(struct links *l, struct conn *c, char text[LINKS_TEXT_LEN])
{
	const struct wire_facts *here = pathmgr_facts(l->paths);
	const struct wire_facts *peer = session_peer_facts(l->session);
	struct subflow_stats *s = &c->stats;
	bool translated = pathmgr_peer(l->paths, c->io.fd, peer,
				       session_subflow_peer_names(l->session, c->slot));
	size_t used;

	pathmgr_lanes(l->paths, l->client ? s->local_port : s->peer_port, s);
	used = text_printf(text, LINKS_TEXT_LEN, "subflow %u: %s port %u to %s port %u", s->id,
			   s->local, s->local_port, s->peer, s->peer_port);
	if (here->n_links || peer->n_links)
		text_printf(text + used, LINKS_TEXT_LEN - used, ", out %s -> %s, in %s <- %s",
			    link_name(here, s->tx_link), link_name(peer, s->peer_rx_link),
			    link_name(here, s->rx_link), link_name(peer, s->peer_tx_link));
	return translated;
}

void links_learn(struct links *l, int fd)
{
	pathmgr_learn(l->paths, fd, loop_now(l->loop));
	session_set_facts(l->session, pathmgr_facts(l->paths));
	links_count(l);
	loop_set_timer(l->loop, &l->count_timer, loop_now(l->loop) + LINKS_COUNT_NS);
}

struct pathmgr *links_paths(struct links *l)
{
	return l->paths;
}

/* Life ----------------------------------------------------------------------------------------- */

int links_new(struct links **out, struct loop *loop, struct session *session,
	      const struct pathmgr_config *config, void (*told)(void *arg), void *arg)
{
	struct links *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return -ENOMEM;
	r = pathmgr_new(&l->paths, config);
	if (r) {
		free(l);
		return r;
	}
	l->loop = loop;
	l->session = session;
	l->client = config->client;
	l->told = told;
	l->arg = arg;
	l->count_timer = (struct loop_timer){ .fn = count_fired, .arg = l, .due_ns = LOOP_NEVER };
	*out = l;
	return 0;
}

void links_stop(struct links *l)
{
	loop_set_timer(l->loop, &l->count_timer, LOOP_NEVER);
}

struct links *links_free(struct links *l)
{
	if (!l)
		return NULL;
	links_stop(l);
	pathmgr_free(l->paths);
	free(l);
	return NULL;
}
