/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * service.h - what a service manager and we tell each other, by the rules of sd_listen_fds(3) and
 * sd_notify(3)
 */
#pragma once

/* The first of the sockets that are passed. */
#define SERVICE_FIRST_FD 3

/* How many sockets were passed to this process: from SERVICE_FIRST_FD on, now close-on-exec and the
 * caller's. To be called once, as children must not take them for theirs. */
int service_sockets(void);

/* "READY=1", "STOPPING=1". Without a manager nothing happens. */
void service_notify(const char *state);
