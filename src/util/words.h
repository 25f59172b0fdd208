/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * words.h - a command line in one string, as ncat's --exec takes it
 */
#pragma once

/* Splits at blanks; a backslash takes away the meaning of what follows it. Returns the words, then
 * NULL, in one piece of memory for free(); NULL if there is no memory. Without any word the first
 * one is NULL. */
char **words_split(const char *line);
