/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * networks.c - the program over simulated networks: see usage
 */
#include <stdlib.h>
#include <string.h>

#include "networks.h"
#include "transfer.h"
#include "util/parse.h"

int main(int argc, char **argv)
{
	static struct network net;
	static struct transfer t;
	const char *name = NULL;
	bool trace = false;
	uint64_t seed = 1;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--network") && i + 1 < argc)
			name = argv[++i];
		else if (!strcmp(argv[i], "--trace"))
			trace = true;
		else if (!strcmp(argv[i], "--seed") && i + 1 < argc)
			parse_u64(argv[++i], 0, UINT64_MAX, &seed);
	}
	if (!name || !network_named(name, &net)) {
		fputs("networks --network NAME [--seed N] [--trace]\n", stderr);
		return 2;
	}
	for (unsigned v = 0; v < N_VARIANTS; v++) {
		transfer_run(&net, (enum variant)v, seed, trace && v == VARIANT_PROGRAM, &t);
		printf("%-10s %7.2f s  %3u connections at most, %3u at the end, %3u in all; "
		       "%.2f%% sent again%s%s\n",
		       variant_name((enum variant)v), t.seconds, t.most, t.at_end, t.opened,
		       t.again * 100, t.ok ? "" : "  WRONG: ", t.ok ? "" : t.wrong);
	}
	return 0;
}
