/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * words.h - a command line in one string, as ncat's --exec takes it
 */
#pragma once

/* Splits at blanks; a backslash takes away the meaning of what follows it. Returns the words with
 * NULL behind them, in one piece of memory for free(), and NULL if there is none to have. Without
 * any word the first one is NULL. */
char **words_split(const char *line);
