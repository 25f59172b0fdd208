/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unixsock.h - stream sockets of the unix family
 *
 * A path that begins with "@" is a name in the abstract namespace, as in ss and systemd.
 * Descriptors that are returned are non-blocking, close-on-exec and owned by the caller.
 */
#pragma once

#include <stdbool.h>
#include <sys/un.h>

/* The address of a path. Returns its length, or -ENAMETOOLONG. */
int unixsock_address(const char *path, struct sockaddr_un *out);

/* A new one that is connected nowhere. Returns the descriptor or -errno. */
int unixsock_new(void);

/* Connects it. Returns 0 or -errno; -EAGAIN: who listens there has too many that wait. */
int unixsock_connect(int fd, const char *path);

/* One that listens at path. What a listener that has gone has left there is replaced. Returns the
 * descriptor or -errno; -EADDRINUSE: somebody listens there, or it is no socket. */
int unixsock_listen(const char *path);

/* Is this the file of a socket that nobody has any more? Who listens there does not notice. */
bool unixsock_left_over(const char *path);

/* Removes the path of a listener of ours. */
void unixsock_unlink(const char *path);
