/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * signals.h - signals as events of a loop
 */
#pragma once

#include <sys/types.h>

#include "io/loop.h"

/* SIGINT, SIGTERM, SIGHUP and SIGUSR1 come to io from here on, and SIGPIPE to nobody. io->fn and
 * arg are set by the caller. What was ignored when we were started stays so (nohup). Call it after
 * all files are open: until the loop runs, nothing reads a signal. Returns 0 or -errno. */
int signals_watch(struct loop *loop, struct loop_io *io);

/* The number of the one that came; 0: none. sender_out: the process that sent it, 0: the kernel;
 * may be NULL. */
int signals_read(const struct loop_io *io, pid_t *sender_out);
