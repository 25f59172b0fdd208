/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "server/hello.h"

#include "server/prove_reply.h"
#include "session/handshake.h"

void hello_refuse(const struct hello_peer *peer, enum wire_reason reason, const char *why)
{
	uint8_t buf[HANDSHAKE_ANSWER_LEN];
	size_t n = handshake_refuse(buf, sizeof(buf), reason, why ? why : "");
	size_t skip = peer->greeted ? WIRE_PREFACE_LEN : 0;

	listener_answer(peer->listener, peer->channel, buf + skip, n - skip);
}

static void prove(const struct hello_table *table, void *arg, const struct hello_peer *peer)
{
	const uint8_t *id = table->named(arg, peer->hello);

	if (id)
		prove_answer(peer->listener, peer->channel, peer->hello, id);
	else
		table->refuse(arg, peer, WIRE_R_NO_SESSION, NULL);
}

void hello_dispatch(const struct hello_table *table, void *arg, const struct hello_peer *peer)
{
	unsigned kind = peer->hello->kind;

	if (!handshake_version(peer->hello))
		table->refuse(arg, peer, WIRE_R_VERSION, NULL);
	else if (kind == WIRE_HELLO_PROVE)
		prove(table, arg, peer);
	else if (kind != WIRE_HELLO_QUERY && kind != WIRE_HELLO_WARM &&
		 table->runs(arg, peer->hello))
		table->take[WIRE_HELLO_JOIN](arg, peer);
	else if (table->take[kind])
		table->take[kind](arg, peer);
	else
		table->refuse(arg, peer, WIRE_R_PURPOSE, table->refusal[kind]);
}
