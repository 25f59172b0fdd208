/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "server/prove_reply.h"

#include <string.h>

#include "path/sock_wire.h"

bool prove_fits(const struct wire_hello *hello, const uint8_t id[WIRE_SESSION_ID_LEN])
{
	uint8_t name[WIRE_PROOF_LEN];

	proof_name(name, id);
	return hello->kind == WIRE_HELLO_PROVE && hello->items.has_proof &&
	       memcmp(name, hello->items.proof, WIRE_PROOF_LEN) == 0;
}

void prove_answer(struct listener *l, struct channel ch, const struct wire_hello *hello,
		  const uint8_t id[WIRE_SESSION_ID_LEN])
{
	struct wire_welcome m = { .version = handshake_version(hello), .items.has_proof = true };
	uint8_t buf[HANDSHAKE_ANSWER_LEN];
	uint32_t ifindex;

	/* Else the peer has gone, and nobody reads the answer. */
	if (sock_wire_names(ch.fd, &m.items.names, &ifindex) == 0)
		proof_make(m.items.proof, id, hello->session, &m.items.names.local);
	listener_expect_join(l, ch, buf, handshake_welcome(buf, sizeof(buf), &m));
}
