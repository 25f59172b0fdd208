/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/proof.h"

#include <openssl/sha.h>
#include <string.h>

#include "util/text.h"

/* So that no other use of SHA-256 in here, now or later, gives the same. */
#define NAME_LABEL     "mpnc session name 1"
#define NAME_LABEL_LEN (sizeof(NAME_LABEL) - 1)

void proof_name(char out[PROOF_NAME_LEN], const uint8_t id[WIRE_SESSION_ID_LEN])
{
	uint8_t text[NAME_LABEL_LEN + WIRE_SESSION_ID_LEN], digest[SHA256_DIGEST_LENGTH];

	memcpy(text, NAME_LABEL, NAME_LABEL_LEN);
	memcpy(text + NAME_LABEL_LEN, id, WIRE_SESSION_ID_LEN);
	SHA256(text, sizeof(text), digest);
	for (size_t i = 0; i < (PROOF_NAME_LEN - 1) / 2; i++)
		text_printf(out + 2 * i, 3, "%02x", digest[i]);
}
