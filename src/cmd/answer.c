/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/answer.h"

#include "session/handshake.h"
#include "ui/log.h"

void answer_query(struct listener *l, struct channel ch, const struct wire_hello *hello,
		  const struct engine_config *config, uint64_t now_ns)
{
	uint8_t buf[HANDSHAKE_ANSWER_LEN];
	struct wire_welcome m = { .version = handshake_version(hello),
				  .side = session_side(&config->session),
				  .n_subflows = (uint16_t)config->session.n_subflows };
	struct pathmgr *paths;
	uint32_t ifindex;

	if (pathmgr_new(&paths, &config->paths)) {
		listener_refuse(l, ch, WIRE_R_MEMORY);
		return;
	}
	pathmgr_learn(paths, ch.fd, now_ns);
	m.items.facts = *pathmgr_facts(paths);
	m.items.addrs = config->session.addrs;
	sock_wire_names(ch.fd, &m.items.names, &ifindex);
	listener_answer(l, ch, buf, handshake_welcome(buf, sizeof(buf), &m));
	pathmgr_free(paths);
	log_debug("told a peer what is here");
}
