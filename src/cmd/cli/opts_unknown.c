/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An option of another netcat is refused with advice, see hints[]; of any other word, a long option
 * that is spelled much like it is named.
 */
#include "cmd/cli/opts_internal.h"

#include <string.h>

#include "util/text.h"

/* Options that other netcats have: why not, and what to use. */
static const struct hint {
	char letter;
	const char *name; /* how its long names begin: "ssl" is for "ssl-cert" as well */
	const char *advice;
} hints[] = {
	{ 'u', "udp", "the stream needs TCP; for datagrams use nc -u" },
	{ 'Z', "sctp", "the stream needs TCP" },
	{ 'b', NULL, "there is no UDP, so nothing to broadcast; use nc -ub" },
	{ 't', "telnet", "it would change the data; use telnet or nc -t" },
	{ 'C', "crlf", "data passes unchanged; convert it with unix2dos before mpnc" },
	{ 'i', NULL, "for an idle time-out use --idle-timeout TIME, to go slower --rate SIZE" },
	{ 0, "delay", "to send more slowly use --rate SIZE" },
	{ 'x', "proxy", "a proxy hides the ports that choose the links; connect directly" },
	{ 0, "hex-dump", "to see the data put tee >(xxd >FILE) into the pipe" },
	{ 'g', NULL, "routers drop source-routed packets; set a route" },
	{ 'G', NULL, "routers drop source-routed packets; set a route" },
	{ 0, "vsock", "the stream needs TCP; use socat for VSOCK" },
	{ 'H', NULL, "for TLS use --key FILE, or --cert, --private-key, --ca and --name" },
	{ 'K', NULL, "for TLS use --key FILE, or --cert, --private-key, --ca and --name" },
	{ 'R', NULL, "for TLS use --key FILE, or --cert, --private-key, --ca and --name" },
	{ 'X', NULL, "a proxy hides the ports that choose the links; connect directly" },
	{ 'F', NULL, "a session is several sockets; use ProxyCommand without ProxyUseFdpass" },
	{ 'D', NULL, "to debug the sockets use ss -ti or tcpdump" },
	{ 'r', NULL, "ports decide which links are used: mpnc picks them, of --ports A-B" },
	{ 0, "lua-exec", "run the command with -e or -c" },
	{ 'S', NULL, "there are no TCP MD5 signatures; restrict access with a firewall" },
	{ 'V', NULL, "for the version use --version, for a routing table ip vrf exec" },
	{ 'W', NULL, "there are no packets to count; limit the data with head -c SIZE" },
	{ 'o', "output", "to keep a copy put tee FILE into the pipe" },
	{ 0, "append-output", "to keep a copy put tee -a FILE into the pipe" },
	{ 0, "broker", "a session has two ends; run one mpnc for each peer" },
	{ 0, "chat", "a session has two ends; run one mpnc for each peer" },
	{ 0, "no-shutdown", "the end of input is always passed on; keep it open instead" },
	{ 0, "ssl", "use --key FILE, or --cert, --private-key, --ca and --name" },
	{ 0, "psk", "use --key FILE, of mpnc genkey" },
	{ 0, "allowfile", "name the addresses with --allow" },
	{ 0, "deny", "name those who may with --allow, or restrict access with a firewall" },
	{ 0, "parallel", "the number of connections is -P N" },
	{ 0, "streams", "the number of connections is -P N" },
	{ 0, "bind", "the local address is -s ADDR" },
	{ 0, "port", "the local port is -p PORT, the peer's comes after its name" },
};

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* How many letters to insert, drop or replace to make b (of b_len) of a; NAME_MAX_LEN: many. */
#define NAME_MAX_LEN 24
static size_t edit_distance(const char *a, const char *b, size_t b_len)
{
	size_t row[NAME_MAX_LEN + 1], a_len = strlen(a);

	if (a_len > NAME_MAX_LEN || b_len > NAME_MAX_LEN)
		return NAME_MAX_LEN;
	for (size_t i = 0; i <= a_len; i++)
		row[i] = i;
	for (size_t j = 1; j <= b_len; j++) {
		size_t diagonal = row[0];

		row[0] = j;
		for (size_t i = 1; i <= a_len; i++) {
			size_t replaced = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[i];
			row[i] = smaller(replaced, smaller(row[i - 1], row[i]) + 1);
		}
	}
	return row[a_len];
}

/* A long name that the user may have meant; NULL if none is near. */
static const char *nearest_name(const char *word, size_t len)
{
	size_t best_distance = 3;
	const char *best = NULL;

	for (size_t i = 0; i < N_OPTIONS; i++) {
		const char *name = opts_table[i].name;
		size_t distance, name_len = name ? strlen(name) : 0;

		if (!name || len == 0)
			continue;
		if (strncmp(name, word, smaller(len, name_len)) == 0)
			distance = 0;
		else
			distance = edit_distance(name, word, len);
		if (distance < best_distance && distance < len) {
			best_distance = distance;
			best = name;
		}
	}
	return best;
}

enum opts_result opts_unknown_name(struct parser *p, const char *arg)
{
	const char *word = arg + 2, *nearest;
	size_t len = strcspn(word, "=");
	char quoted[QUOTED_LEN];

	text_quote(quoted, sizeof(quoted), word, len);
	for (size_t i = 0; i < LEN(hints); i++) {
		const char *name = hints[i].name;

		if (name && strncmp(word, name, strlen(name)) == 0)
			return opts_fail(p, "--%s is not supported: %s", quoted, hints[i].advice);
	}
	nearest = nearest_name(word, len);
	if (nearest)
		return opts_fail(p, "unknown option --%s; did you mean --%s?", quoted, nearest);
	return opts_fail(p, "unknown option --%s; see mpnc%s%s --help", quoted, p->verb ? " " : "",
			 p->verb ? p->verb->name : "");
}

enum opts_result opts_unknown_letter(struct parser *p, char letter)
{
	char quoted[QUOTED_LEN];

	for (size_t i = 0; i < LEN(hints); i++) {
		if (hints[i].letter == letter)
			return opts_fail(p, "-%c is not supported: %s", letter, hints[i].advice);
	}
	text_quote(quoted, sizeof(quoted), &letter, 1);
	return opts_fail(p, "unknown option -%s; see mpnc%s%s --help", quoted, p->verb ? " " : "",
			 p->verb ? p->verb->name : "");
}
