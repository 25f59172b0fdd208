/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Only these functions of OpenSSL need no memory: EVP and SHA256() fetch an algorithm for each
 * hash, which can fail, and which crashes if the library's first allocations have failed. A name
 * has to be there in any case. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "session/proof.h"

#include <openssl/sha.h>
#include <string.h>

#include "util/text.h"
#include "wire/cursor.h"

_Static_assert(WIRE_PROOF_LEN <= SHA256_DIGEST_LENGTH, "a part of the hash");

/* So that no two uses of the hash can give the same. */
#define NAME_LABEL  "mpnc session name 1"
#define PROOF_LABEL "mpnc session proof 1"

#define INPUT_LEN 128

static void hash(uint8_t out[WIRE_PROOF_LEN], const uint8_t *input, const struct cursor_out *c)
{
	uint8_t digest[SHA256_DIGEST_LENGTH];
	SHA256_CTX ctx;

	SHA256_Init(&ctx);
	SHA256_Update(&ctx, input, (size_t)(c->p - input));
	SHA256_Final(digest, &ctx);
	memcpy(out, digest, WIRE_PROOF_LEN);
}

void proof_name(uint8_t out[WIRE_PROOF_LEN], const uint8_t id[WIRE_SESSION_ID_LEN])
{
	uint8_t input[INPUT_LEN];
	struct cursor_out c = { .p = input, .left = sizeof(input) };

	cursor_put_bytes(&c, NAME_LABEL, strlen(NAME_LABEL));
	cursor_put_bytes(&c, id, WIRE_SESSION_ID_LEN);
	hash(out, input, &c);
}

void proof_name_text(char out[PROOF_TEXT_LEN], const uint8_t id[WIRE_SESSION_ID_LEN])
{
	uint8_t name[WIRE_PROOF_LEN];

	proof_name(name, id);
	for (size_t i = 0; i < WIRE_PROOF_LEN; i++)
		text_printf(out + 2 * i, 3, "%02x", name[i]);
}

void proof_make(uint8_t out[WIRE_PROOF_LEN], const uint8_t id[WIRE_SESSION_ID_LEN],
		const uint8_t challenge[WIRE_SESSION_ID_LEN], const struct wire_addr *listener)
{
	uint8_t input[INPUT_LEN];
	struct cursor_out c = { .p = input, .left = sizeof(input) };

	cursor_put_bytes(&c, PROOF_LABEL, strlen(PROOF_LABEL));
	cursor_put_bytes(&c, id, WIRE_SESSION_ID_LEN);
	cursor_put_bytes(&c, challenge, WIRE_SESSION_ID_LEN);
	cursor_put_u8(&c, listener->family);
	cursor_put_u8(&c, 0);
	cursor_put_u16(&c, listener->port);
	cursor_put_bytes(&c, listener->addr, sizeof(listener->addr));
	hash(out, input, &c);
}
