/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * log.h - messages to people, on stderr, one line each, "mpnc: " before them
 *
 * The one mutable state of the program that is global: the verbosity, set once at the start, and
 * what to wipe before a message. While a progress line is drawn, a message first wipes it (see
 * progress.h).
 */
#pragma once

#include <stddef.h>

/* level: 0 errors and warnings, 1 (-v) one line per event of note, 2 (-vv) one per subflow event.
 */
void log_set_level(int level);
int log_level(void);

/* The one line that names the cause of a failure, or a warning that must be seen. */
void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Printed from -v on. */
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Printed from -vv on. */
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* A message is cut to LOG_LINE_LEN with its prefix and newline, goes out in one write, and control
 * characters in it become '?'. errno survives. */
#define LOG_LINE_LEN 1024

/* Called before each message, so that progress.c can wipe its line; NULL: none. */
void log_set_hook(void (*wipe)(void *arg), void *arg);

/* Calls the hook: for what goes to stderr without being a message (the JSON lines). */
void log_wipe(void);

/* Writes all of it to fd, waiting when fd is non-blocking and full. Returns 0 or -errno. */
int log_write(int fd, const void *bytes, size_t len);

/* The note of net's events, whose levels are these: prints text. arg is not used. */
void log_note(void *arg, int level, const char *text);
