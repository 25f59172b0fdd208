/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/explain/explain.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

#include "cmd/cli/json.h"
#include "util/text.h"

#define LEN(array) (sizeof(array) / sizeof((array)[0]))

static void end_text(char buf[EXPLAIN_END_LEN], const struct explain_flow *f, bool dst)
{
	const uint8_t *bytes = dst ? f->flow.dst : f->flow.src;
	unsigned port = dst ? f->flow.dport : f->flow.sport;
	bool v6 = f->flow.family == FLOW_IPV6, zoned = dst && v6 && f->zone[0];
	char addr[INET6_ADDRSTRLEN];

	inet_ntop(v6 ? AF_INET6 : AF_INET, bytes, addr, sizeof(addr));
	text_printf(buf, EXPLAIN_END_LEN, v6 ? "[%s%s%s]:%u" : "%s%s%s:%u", addr, zoned ? "%" : "",
		    zoned ? f->zone : "", port);
}

/* "eth2, link 2 of bond0: why" */
static size_t way_text(char *buf, size_t size, const struct explain_way *way, const char *dev)
{
	size_t n = 0;

	if (!way->predictable)
		return text_printf(buf, size, "not predictable: %s\n", way->reason);
	if (way->link[0])
		n += text_printf(buf, size, way->index < 0 ? "%s" : "%s, ", way->link);
	if (way->index >= 0)
		n += text_printf(buf + n, size - n, "link %d", way->index);
	if (way->index >= 0 && dev[0])
		n += text_printf(buf + n, size - n, " of %s", dev);
	return n + text_printf(buf + n, size - n, ": %s\n", way->reason);
}

size_t explain_text(const struct explanation *e, char *buf, size_t size)
{
	char src[EXPLAIN_END_LEN], dst[EXPLAIN_END_LEN];
	size_t n;

	end_text(src, &e->flow, false);
	end_text(dst, &e->flow, true);
	n = text_printf(buf, size, "%s -> %s\n", src, dst);
	if (e->no_route)
		return n + text_printf(buf + n, size - n, "  no route: %s\n", e->tx.reason);
	n += text_printf(buf + n, size - n, "  sent:    ");
	n += way_text(buf + n, size - n, &e->tx, e->dev);
	n += text_printf(buf + n, size - n, "  reverse: ");
	n += way_text(buf + n, size - n, &e->reverse, e->given ? "the peer's bond" : "");
	if (e->note[0])
		n += text_printf(buf + n, size - n, "  note:    %s\n", e->note);
	return n;
}

static json_t *index_or_null(const struct explain_way *way)
{
	return way->index < 0 ? json_null() : json_integer(way->index);
}

char *explain_json(const struct explanation *e)
{
	char src[EXPLAIN_END_LEN], dst[EXPLAIN_END_LEN], *line;
	json_t *object;

	end_text(src, &e->flow, false);
	end_text(dst, &e->flow, true);
	const struct json_field fields[] = {
		{ "src", json_string(src) },
		{ "dst", json_string(dst) },
		{ "dev", json_text(e->dev) },
		{ "mode", json_text(e->mode) },
		{ "policy", json_text(e->policy) },
		{ "variant", json_text(e->variant) },
		{ "route", json_boolean(!e->no_route) },
		{ "predictable", json_boolean(e->tx.predictable) },
		{ "reason", json_text(e->tx.reason) },
		{ "tx_index", index_or_null(&e->tx) },
		{ "tx_link", json_text(e->tx.link) },
		{ "reverse_predictable", json_boolean(e->reverse.predictable) },
		{ "reverse_reason", json_text(e->reverse.reason) },
		{ "reverse_index", index_or_null(&e->reverse) },
		{ "reverse_link", json_text(e->reverse.link) },
		{ "note", json_text(e->note) },
	};
	object = json_make_object(fields, LEN(fields));
	line = json_dumps(object, JSON_COMPACT);
	json_decref(object);
	return line;
}
