/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/cidr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "util/parse.h"
#include "util/text.h"

static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

/* The bits of addr[i] that belong to the prefix. */
static uint8_t mask_of(unsigned bits, unsigned i)
{
	if (bits >= 8 * (i + 1))
		return 0xff;
	return bits <= 8 * i ? 0 : (uint8_t)(0xff00 >> (bits - 8 * i));
}

int cidr_parse(const char *s, size_t len, struct cidr *out)
{
	char text[INET6_ADDRSTRLEN + 4], *slash;
	struct cidr c = { .bits = 128 };
	uint64_t bits, most;

	/* A NUL within s would end the text early. */
	if (text_printf(text, sizeof(text), "%.*s", (int)len, s) != len)
		return -EINVAL;
	slash = strchr(text, '/');
	if (slash)
		*slash++ = '\0';
	c.ipv4 = inet_pton(AF_INET, text, c.addr + sizeof(mapped)) == 1;
	if (c.ipv4)
		memcpy(c.addr, mapped, sizeof(mapped));
	else if (inet_pton(AF_INET6, text, c.addr) != 1)
		return -EINVAL;
	/* "::ffff:10.0.0.0/104" would be a third way to write what there are two for. */
	if (!c.ipv4 && memcmp(c.addr, mapped, sizeof(mapped)) == 0)
		return -EINVAL;
	most = c.ipv4 ? 32 : 128;
	if (slash && parse_u64(slash, 0, most, &bits) < 0)
		return -EINVAL;
	if (slash)
		c.bits = (uint8_t)(128 - most + bits);
	for (unsigned i = 0; i < sizeof(c.addr); i++)
		c.addr[i] &= mask_of(c.bits, i);
	*out = c;
	return 0;
}

bool cidr_contains(const struct cidr *block, const uint8_t addr[16])
{
	if (block->ipv4 != (memcmp(addr, mapped, sizeof(mapped)) == 0))
		return false;
	for (unsigned i = 0; i < 16; i++)
		if ((addr[i] & mask_of(block->bits, i)) != block->addr[i])
			return false;
	return true;
}
