/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What people and their files say: numbers, sizes, times, addresses, key files, flows, and the
 * whole command line, one word a line. The first byte says which. What is taken has to be taken
 * again, with the same meaning, in the form that we would write.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cli/opts.h"
#include "cmd/explain/explain.h"
#include "fuzz_input.h"
#include "tls/keyring.h"
#include "util/cidr.h"
#include "util/parse.h"
#include "util/text.h"
#include "util/words.h"

#define WORDS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void numbers(const char *s, size_t len)
{
	uint64_t v, again;
	char text[32];

	if (!parse_u64(s, 0, UINT64_MAX, &v)) {
		snprintf(text, sizeof(text), "%llu", (unsigned long long)v);
		must(!parse_u64(text, v, v, &again) && again == v);
		must(!v || parse_u64(s, 0, v - 1, &again));
	}
	if (!parse_size(s, 5, 1u << 30, &v)) {
		must(v >= 5 && v <= 1u << 30);
		snprintf(text, sizeof(text), "%llu", (unsigned long long)v);
		must(!parse_size(text, 5, 1u << 30, &again) && again == v);
	}
	if (!parse_duration(s, 0, UINT64_MAX / 2, &v))
		must(v <= UINT64_MAX / 2);
}

static void addresses(const char *s, size_t len)
{
	struct cidr block;
	uint8_t mac[6], tos;

	parse_mac(s, mac);
	parse_tos(s, &tos);
	if (cidr_parse(s, len, &block))
		return;
	must(block.bits <= 128 && (!block.ipv4 || block.bits >= 96));
	must(cidr_contains(&block, block.addr));
}

static void keys(const char *s, size_t len)
{
	uint8_t key[KEY_LEN], again[KEY_LEN];
	char text[KEY_TEXT_LEN];

	if (key_decode(s, len, key))
		return;
	key_encode(key, text);
	must(strlen(text) == KEY_TEXT_LEN - 1 && memmem(s, len, text, KEY_TEXT_LEN - 1));
	must(!key_decode(text, strlen(text), again) && !memcmp(key, again, KEY_LEN));
}

/* Cuts s into lines, in place. */
static int split(char *s, char *words[WORDS_MAX + 1], int n)
{
	char *line;

	while (n < WORDS_MAX && (line = strsep(&s, "\n")))
		words[n++] = line;
	words[n] = NULL;
	return n;
}

static void flows(char *s, size_t len)
{
	char message[EXPLAIN_MESSAGE_LEN] = "";
	struct explain_bond bond = { 0 };
	struct explain_flow flow;
	char *words[WORDS_MAX + 1];
	int n = split(s, words, 0);

	if (n >= 2 && explain_parse_flow(words[0], words[1], &flow, message))
		must(message[0] && memchr(message, '\0', sizeof(message)));
	if (n < 3 || explain_parse_links(words[2], &bond))
		return;
	must(bond.hash.n_links >= 1 && bond.hash.n_links <= HASH_LINKS_MAX);
	if (n >= 4 && !explain_parse_active(words[3], &bond))
		must(bond.hash.active < (int)bond.hash.n_links);
	if (n >= 5)
		explain_parse_tx_hash(words[4], &bond);
}

static void command_line(char *s, size_t len)
{
	char name[] = "mpnc", message[OPTS_MESSAGE_LEN] = "";
	char *words[WORDS_MAX + 1] = { name };
	struct config config;
	int n = split(s, words, 1);

	if (opts_parse(n, words, &config, message) == OPTS_USAGE) {
		must(message[0] && memchr(message, '\0', sizeof(message)));
		must(!strchr(message, '\n'));
	}
}

static void words(const char *s, size_t len)
{
	char **list = words_split(s);

	must(list != NULL);
	for (char **word = list; *word; word++)
		must(strlen(*word) <= len);
	free(list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *s;

	if (!size)
		return 0;
	/* It ends where its memory does. */
	s = malloc(size);
	must(s != NULL);
	memcpy(s, data + 1, size - 1);
	s[size - 1] = '\0';
	switch (data[0] % 6) {
	case 0:
		numbers(s, size - 1);
		break;
	case 1:
		addresses(s, size - 1);
		break;
	case 2:
		keys(s, size - 1);
		break;
	case 3:
		flows(s, size - 1);
		break;
	case 4:
		command_line(s, size - 1);
		break;
	default:
		words(s, size - 1);
		break;
	}
	free(s);
	return 0;
}
