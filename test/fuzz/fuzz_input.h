/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_input.h - the fuzzer's input as a row of numbers, and what must be true whatever it is
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define must(ok) fuzz_must((ok), #ok, __LINE__)

static inline void fuzz_must(bool ok, const char *what, int line)
{
	if (ok)
		return;
	fprintf(stderr, "line %d: not true: %s\n", line, what);
	abort();
}

struct fuzz_input {
	const uint8_t *p; /* the rest of it */
	size_t left;
};

/* The next n bytes as a number; beyond the end they are 0. */
static inline uint64_t take(struct fuzz_input *in, size_t n)
{
	uint64_t v = 0;

	for (; n; n--) {
		v = v << 8 | (in->left ? *in->p : 0);
		if (in->left) {
			in->p++;
			in->left--;
		}
	}
	return v;
}
