/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The devices of the last look are held by a source of topo's that nothing else uses, as a session
 * must see what has just changed. Until due_ns, what is asked of this source costs a question for
 * the route and one for the neighbour.
 */
#include "cmd/cli/query_reply.h"

#include <errno.h>
#include <stdlib.h>

#include "path/sock_wire.h"
#include "session/handshake.h"
#include "topo/path.h"
#include "ui/log.h"

struct query_reply {
	struct listener *listener;
	bool multihome;
	struct session_config session;
	struct pathmgr_config paths; /* its source: NULL where netlink is forbidden */
	uint64_t due_ns;             /* the next look */
};

static void look(struct query_reply *a, uint64_t now_ns)
{
	if (now_ns < a->due_ns)
		return;
	a->due_ns = now_ns + QUERY_REPLY_KEEP_NS;
	/* If this fails, nothing is held, and each answer looks for itself. */
	if (a->paths.source)
		topo_hold(a->paths.source);
	a->session.addrs = (struct wire_addrs){ 0 };
	if (a->multihome)
		listener_addrs(a->listener, &a->session.addrs);
}

/* What is here, as a WELCOME. Returns its length; 0: no memory. */
static size_t make_answer(struct query_reply *a, uint8_t buf[HANDSHAKE_ANSWER_LEN], int fd,
			  const struct wire_hello *hello, uint64_t now_ns)
{
	struct wire_welcome m = { .version = handshake_version(hello),
				  .side = session_side(&a->session),
				  .n_subflows = (uint16_t)a->session.n_subflows };
	struct pathmgr *paths;
	uint32_t ifindex;

	look(a, now_ns);
	if (pathmgr_new(&paths, &a->paths))
		return 0;
	pathmgr_learn(paths, fd, now_ns);
	m.items.facts = *pathmgr_facts(paths);
	m.items.addrs = a->session.addrs;
	sock_wire_names(fd, &m.items.names, &ifindex);
	pathmgr_free(paths);
	return handshake_welcome(buf, HANDSHAKE_ANSWER_LEN, &m);
}

void query_reply_query(struct query_reply *a, struct channel ch, const struct wire_hello *hello,
		       uint64_t now_ns)
{
	uint8_t buf[HANDSHAKE_ANSWER_LEN];
	size_t n = make_answer(a, buf, ch.fd, hello, now_ns);

	if (!n) {
		listener_refuse(a->listener, ch, WIRE_R_MEMORY, NULL);
		return;
	}
	listener_answer(a->listener, ch, buf, n);
	log_debug("answered a query");
}

void query_reply_warm(struct query_reply *a, struct channel ch, const struct wire_hello *hello,
		      uint64_t now_ns)
{
	uint8_t buf[HANDSHAKE_ANSWER_LEN];
	size_t n = make_answer(a, buf, ch.fd, hello, now_ns);

	if (n)
		listener_keep(a->listener, ch, buf, n);
	else
		listener_refuse(a->listener, ch, WIRE_R_MEMORY, NULL);
}

int query_reply_new(struct query_reply **out, struct listener *l, const struct config *config,
		    const struct engine_config *engine)
{
	struct query_reply *a = calloc(1, sizeof(*a));

	if (!a)
		return -ENOMEM;
	a->listener = l;
	a->multihome = config->multihome;
	a->session = engine->session;
	a->paths = engine->paths;
	if (topo_source_new(&a->paths.source))
		a->paths.source = NULL;
	*out = a;
	return 0;
}

struct query_reply *query_reply_free(struct query_reply *a)
{
	if (a)
		topo_source_free(a->paths.source);
	free(a);
	return NULL;
}
