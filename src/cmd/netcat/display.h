/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * display.h - what the user sees of a session: the progress line, the JSON lines, the last lines
 *
 * One display lasts as long as the program, and shows one session after the other.
 */
#pragma once

#include "cmd/cli/config.h"
#include "engine/engine.h"
#include "io/loop.h"
#include "ui/report.h"

struct display;

/* config is borrowed. Says what went wrong. Returns 0 or -errno. */
int display_new(struct display **out, struct loop *loop, const struct config *config);
struct display *display_free(struct display *d);

/* A session begins. engine is borrowed until display_end(); session: its name, copied. */
void display_begin(struct display *d, struct engine *engine, const char *session);

/* The session is over. quiet: its failure is nothing to bother the user with, and is said with -v
 * alone. */
void display_end(struct display *d, const struct report_end *end, bool quiet);

/* The output is about to get its first byte. */
void display_output(struct display *d);

/* The session may have moved. */
void display_pumped(struct display *d);

/* Wipes the progress line, for a message that is about to come. d may be NULL. */
void display_wipe(struct display *d);

/* One line about how far the session is, as SIGUSR1 asks for it. */
void display_say(struct display *d);
