/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * between.h - mpnc as a pipe between two programs, such as ssh's ProxyCommand
 *
 * Such a program has the terminal for itself: nothing may be drawn over it. And when it has all
 * that it wants, it ends its pipe by a signal, which is no failure.
 *
 * ssh makes two pipes, starts its ProxyCommand in its own process group with ssh's own standard
 * error, and sends SIGHUP when it has ended. Others use a pair of sockets, and SIGTERM.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "engine/engine.h"

/* Is standard input or output a socket, or are both pipes of a program that started us within its
 * own job? In a pipeline that a shell has started as a job of its own, none is. */
bool between_in_job(void);

/* Is it the signal by which the program that started us ends its pipe? Then the session may end in
 * silence. starter: our parent when we began; after its end we have another one. */
bool between_is_dismissed(int number, pid_t sender, pid_t starter);

/* Is anything under way in a session of standard input and output? Bytes that our input has or gave
 * and the peer's output has not taken, or that came and our output has not taken. */
bool between_is_outstanding(struct engine *e);
