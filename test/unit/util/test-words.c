/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "seed.h"

static const struct {
	const char *line, *words; /* the words with a | behind each */
} cases[] = {
	{ "", "" },
	{ " \t\n ", "" },
	{ "cat", "cat|" },
	{ "  tar  -x\t-C dir\n", "tar|-x|-C|dir|" },
	{ "printf a\\ b c", "printf|a b|c|" },
	{ "a\\\\b", "a\\b|" },
	{ "a\\", "a\\|" },
	{ "\\ ", " |" },
	{ "'a b' \"c\"", "'a|b'|\"c\"|" },
	{ "a b c d e f g h", "a|b|c|d|e|f|g|h|" },
};

static void test_split(void **state)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char **words = words_split(cases[i].line), text[100] = "";

		assert_non_null(words);
		for (size_t k = 0; words[k]; k++) {
			strcat(text, words[k]);
			strcat(text, "|");
		}
		assert_string_equal(text, cases[i].words);
		free(words);
	}
}

/* Words of any letters come back, however they are quoted and spaced. */
static void test_random(void **state)
{
	struct rng rng = rng_start();

	for (int round = 0; round < 20000; round++) {
		char line[400], wanted[8][17] = { 0 }, **words;
		size_t n = rng_below(&rng, 8), at = 0;

		for (size_t k = 0; k < n; k++) {
			size_t len = 1 + rng_below(&rng, 16);

			line[at++] = " \t\n"[rng_below(&rng, 3)];
			for (size_t i = 0; i < len; i++) {
				wanted[k][i] = "ab\\ \t\n'"[rng_below(&rng, 7)];
				if (strchr("\\ \t\n", wanted[k][i]) || rng_below(&rng, 4) == 0)
					line[at++] = '\\';
				line[at++] = wanted[k][i];
			}
		}
		line[at] = '\0';
		words = words_split(line);
		for (size_t k = 0; k < n; k++)
			assert_string_equal(words[k], wanted[k]);
		assert_null(words[n]);
		free(words);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
