/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * explain_parse.c - words of mpnc explain's command line into a flow and a bond
 *
 *   10.0.0.1:5201   [fd00::1]:5201   [fe80::1%eth0]:5201      address, zone, port
 *   4   eth0,eth1                                             links: a number, or names
 *   eth,ipv4,l4                                               tx_hash of a team
 *
 * What always holds:
 * - Each function takes the whole word or refuses it; a word that is refused has a form that the
 *   message shows.
 * - Addresses are numeric: a name could have several, and each would take another link.
 * - An IPv4-mapped IPv6 address is an IPv4 address, as its packets are.
 */
#include "cmd/explain/explain.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "util/parse.h"
#include "util/text.h"

#define QUOTED_LEN 64

static int parse_fail(char message[EXPLAIN_MESSAGE_LEN], const char *word, const char *wanted)
{
	char quoted[QUOTED_LEN];

	text_quote(quoted, sizeof(quoted), word, strlen(word));
	text_printf(message, EXPLAIN_MESSAGE_LEN, "\"%s\" is not %s", quoted, wanted);
	return -EINVAL;
}

struct end {
	enum flow_family family;
	uint8_t addr[16];
	uint16_t port;
	char zone[TOPO_NAME_LEN];
};

/* Cuts "%eth0" off. */
static int take_zone(char *addr, char zone[TOPO_NAME_LEN])
{
	char *percent = strchr(addr, '%');

	if (!percent)
		return 0;
	*percent++ = '\0';
	return *percent && text_printf(zone, TOPO_NAME_LEN, "%s", percent) == strlen(percent)
		       ? 0
		       : -EINVAL;
}

static int parse_addr(char *addr, bool v6, struct end *out)
{
	struct in6_addr in6;

	out->family = v6 ? FLOW_IPV6 : FLOW_IPV4;
	if (!v6)
		return inet_pton(AF_INET, addr, out->addr) == 1 ? 0 : -EINVAL;
	if (take_zone(addr, out->zone) < 0 || inet_pton(AF_INET6, addr, &in6) != 1)
		return -EINVAL;
	if (IN6_IS_ADDR_V4MAPPED(&in6)) {
		out->family = FLOW_IPV4;
		memcpy(out->addr, in6.s6_addr + 12, 4);
	} else {
		memcpy(out->addr, in6.s6_addr, 16);
	}
	return 0;
}

static int parse_end(const char *word, struct end *out)
{
	bool v6 = word[0] == '[';
	const char *addr = word + v6, *end = strchr(addr, v6 ? ']' : ':');
	char copy[INET6_ADDRSTRLEN + TOPO_NAME_LEN];
	uint64_t port;
	size_t len;

	*out = (struct end){ 0 };
	if (!end || (v6 && end[1] != ':'))
		return -EINVAL;
	len = (size_t)(end - addr);
	if (len >= sizeof(copy) || parse_u64(end + 1 + v6, 1, UINT16_MAX, &port) < 0)
		return -EINVAL;
	memcpy(copy, addr, len);
	copy[len] = '\0';
	out->port = (uint16_t)port;
	return parse_addr(copy, v6, out);
}

int explain_parse_flow(const char *src, const char *dst, struct explain_flow *out,
		       char message[EXPLAIN_MESSAGE_LEN])
{
	static const char wanted[] = "a numeric address and port (10.0.0.1:5201, [fd00::1]:5201)";
	struct end from, to;

	if (parse_end(src, &from) < 0)
		return parse_fail(message, src, wanted);
	if (parse_end(dst, &to) < 0)
		return parse_fail(message, dst, wanted);
	if (from.family != to.family)
		return parse_fail(message, dst, "of the same family as the address before it");
	*out = (struct explain_flow){
		.flow = { .family = from.family,
			  .sport = from.port,
			  .dport = to.port,
			  .protocol = FLOW_TCP },
	};
	memcpy(out->flow.src, from.addr, sizeof(from.addr));
	memcpy(out->flow.dst, to.addr, sizeof(to.addr));
	memcpy(out->zone, to.zone[0] ? to.zone : from.zone, sizeof(out->zone));
	return 0;
}

int explain_parse_links(const char *text, struct explain_bond *out)
{
	unsigned n = 0;
	uint64_t count;

	memset(out->links, 0, sizeof(out->links));
	if (text[strspn(text, "0123456789")] == '\0') {
		if (parse_u64(text, 1, HASH_LINKS_MAX, &count) < 0)
			return -EINVAL;
		n = (unsigned)count;
	} else {
		for (;; text++) {
			size_t len = strcspn(text, ",");

			if (len == 0 || len >= TOPO_NAME_LEN || n == HASH_LINKS_MAX)
				return -EINVAL;
			memcpy(out->links[n++], text, len);
			text += len;
			if (!*text)
				break;
		}
	}
	out->hash.n_links = n;
	out->hash.usable = UINT32_MAX >> (HASH_LINKS_MAX - n);
	return 0;
}

int explain_parse_active(const char *text, struct explain_bond *out)
{
	uint64_t index;

	/* A name may look like a number. */
	for (unsigned i = 0; i < out->hash.n_links; i++) {
		if (*text && strcmp(text, out->links[i]) == 0) {
			out->hash.active = (int)i;
			return 0;
		}
	}
	if (parse_u64(text, 0, out->hash.n_links - 1, &index) < 0)
		return -EINVAL;
	out->hash.active = (int)index;
	return 0;
}

int explain_parse_tx_hash(const char *text, struct explain_bond *out)
{
	static const struct {
		const char *name;
		uint8_t parts;
	} words[] = {
		{ "eth", HASH_TEAM_ETH },
		{ "vlan", HASH_TEAM_VLAN },
		{ "ipv4", HASH_TEAM_IPV4 },
		{ "ipv6", HASH_TEAM_IPV6 },
		{ "ip", HASH_TEAM_IPV4 | HASH_TEAM_IPV6 },
		{ "l3", HASH_TEAM_IPV4 | HASH_TEAM_IPV6 },
		{ "tcp", HASH_TEAM_L4 },
		{ "l4", HASH_TEAM_L4 },
	};

	while (*text) {
		size_t len = strcspn(text, ","), i = 0;

		while (i < sizeof(words) / sizeof(words[0]) &&
		       (strlen(words[i].name) != len || memcmp(words[i].name, text, len)))
			i++;
		if (i == sizeof(words) / sizeof(words[0]))
			return -EINVAL;
		out->hash.team_parts |= words[i].parts;
		text += len + (text[len] == ',');
	}
	return out->hash.team_parts ? 0 : -EINVAL;
}
