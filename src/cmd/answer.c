/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/answer.h"

#include "session/handshake.h"
#include "ui/log.h"

/* What is here, as a WELCOME. Returns its length; 0: no memory. */
static size_t make_answer(uint8_t buf[HANDSHAKE_ANSWER_LEN], int fd, const struct wire_hello *hello,
			  const struct engine_config *config, uint64_t now_ns)
{
	struct wire_welcome m = { .version = handshake_version(hello),
				  .side = session_side(&config->session),
				  .n_subflows = (uint16_t)config->session.n_subflows };
	struct pathmgr *paths;
	uint32_t ifindex;

	if (pathmgr_new(&paths, &config->paths))
		return 0;
	pathmgr_learn(paths, fd, now_ns);
	m.items.facts = *pathmgr_facts(paths);
	m.items.addrs = config->session.addrs;
	sock_wire_names(fd, &m.items.names, &ifindex);
	pathmgr_free(paths);
	return handshake_welcome(buf, HANDSHAKE_ANSWER_LEN, &m);
}

void answer_query(struct listener *l, struct channel ch, const struct wire_hello *hello,
		  const struct engine_config *config, uint64_t now_ns)
{
	uint8_t buf[HANDSHAKE_ANSWER_LEN];
	size_t n = make_answer(buf, ch.fd, hello, config, now_ns);

	if (!n) {
		listener_refuse(l, ch, WIRE_R_MEMORY);
		return;
	}
	listener_answer(l, ch, buf, n);
	log_debug("told a peer what is here");
}

void answer_warm(struct listener *l, struct channel ch, const struct wire_hello *hello,
		 const struct engine_config *config, uint64_t now_ns)
{
	uint8_t buf[HANDSHAKE_ANSWER_LEN];
	size_t n = make_answer(buf, ch.fd, hello, config, now_ns);

	if (n)
		listener_keep(l, ch, buf, n);
	else
		listener_refuse(l, ch, WIRE_R_MEMORY);
}
