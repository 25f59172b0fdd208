/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/words.h"

#include <stdlib.h>
#include <string.h>

char **words_split(const char *line)
{
	size_t len = strlen(line), n = 0;
	/* Every second byte a word at most, the NULL, and a copy of all. */
	char **words = malloc((len / 2 + 2) * sizeof(*words) + len + 1);
	char *to;

	if (!words)
		return NULL;
	to = (char *)(words + len / 2 + 2);
	for (;;) {
		line += strspn(line, " \t\n");
		if (!*line)
			break;
		words[n++] = to;
		for (; *line && !strchr(" \t\n", *line); line++) {
			if (*line == '\\' && line[1])
				line++;
			*to++ = *line;
		}
		*to++ = '\0';
	}
	words[n] = NULL;
	return words;
}
