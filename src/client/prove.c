/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "client/prove.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "path/sock_wire.h"
#include "tls/channel.h"
#include "util/text.h"

struct prove {
	uint8_t wanted[WIRE_PROOF_LEN];
	size_t have;
	uint8_t in[HANDSHAKE_ANSWER_LEN];
};

int prove_ask(struct prove **out, int fd, const uint8_t id[WIRE_SESSION_ID_LEN])
{
	struct wire_hello hello = { .kind = WIRE_HELLO_PROVE, .items.has_proof = true };
	uint8_t buf[HANDSHAKE_ASK_LEN];
	struct wire_names names;
	struct prove *p;
	uint32_t ifindex;
	size_t n;

	if (getrandom(hello.session, sizeof(hello.session), 0) != sizeof(hello.session))
		return -EIO;
	proof_name(hello.items.proof, id);
	n = handshake_ask_with(buf, sizeof(buf), &hello);
	if (sock_wire_names(fd, &names, &ifindex) ||
	    !channel_send_all((struct channel){ .fd = fd }, buf, n))
		return -ECONNRESET;
	p = malloc(sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->have = 0;
	proof_make(p->wanted, id, hello.session, &names.remote);
	*out = p;
	return 0;
}

struct prove *prove_free(struct prove *p)
{
	free(p);
	return NULL;
}

static int take_answer(struct prove *p, char why[PROVE_TEXT_LEN])
{
	char quoted[HANDSHAKE_TEXT_LEN];
	struct wire_welcome welcome;
	struct wire_notice refusal;

	switch (handshake_answer(p->in, p->have, &welcome, &refusal, quoted)) {
	case HANDSHAKE_ANSWER_MORE:
		return p->have < sizeof(p->in) ? -EAGAIN : -EPROTO;
	case HANDSHAKE_ANSWER_WELCOME:
		if (welcome.items.has_proof &&
		    memcmp(welcome.items.proof, p->wanted, WIRE_PROOF_LEN) == 0)
			return 0;
		break;
	case HANDSHAKE_ANSWER_REFUSED:
		text_printf(why, PROVE_TEXT_LEN, "it refused: %s",
			    refusal.text[0] ? refusal.text : wire_reason_text(refusal.reason));
		return -EPROTO;
	case HANDSHAKE_ANSWER_STRANGER:
		break;
	}
	text_printf(why, PROVE_TEXT_LEN, "it did not prove that it has our session");
	return -EPROTO;
}

int prove_read(struct prove *p, int fd, char why[PROVE_TEXT_LEN])
{
	struct iovec iov = { .iov_base = p->in + p->have, .iov_len = sizeof(p->in) - p->have };
	ssize_t n = channel_recv((struct channel){ .fd = fd }, &iov, 1);

	why[0] = '\0';
	if (n == -EINTR)
		return -EAGAIN;
	if (n <= 0)
		return n ? (int)n : -ECONNRESET;
	p->have += (size_t)n;
	return take_answer(p, why);
}
