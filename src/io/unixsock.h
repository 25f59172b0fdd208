/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unixsock.h - stream sockets of the unix family
 *
 * A path that begins with "@" is a name in the abstract namespace, as in ss and systemd.
 * Descriptors that are returned are non-blocking, close-on-exec and owned by the caller.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>
#include <sys/un.h>

/* The file that a listener has made, so that the listener removes no other file of that name. Its
 * socket has to be open: then no other file can have the same number. */
struct unixsock_file {
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)]; /* "": none */
	dev_t dev;
	ino_t ino;
};

/* The address of a path. Returns its length, or -ENAMETOOLONG. */
int unixsock_address(const char *path, struct sockaddr_un *out);

/* A new one that is connected nowhere. Returns the descriptor or -errno. */
int unixsock_new(void);

/* Connects it. Returns 0 or -errno; -EAGAIN: who listens there has too many that wait. */
int unixsock_connect(int fd, const char *path);

/* One that listens at path. What a listener that has gone has left there is replaced. Returns the
 * descriptor or -errno; -EADDRINUSE: somebody listens there, or it is no socket. */
int unixsock_listen(const char *path, struct unixsock_file *file_out);

/* Is this the file of a socket that nobody has any more? Who listens there does not notice. */
bool unixsock_left_over(const char *path);

/* A socket has just been bound to this path: which file is that? Of an abstract name it is none. */
void unixsock_find(const char *path, struct unixsock_file *out);

/* Removes the file, if its name still is this file's, and forgets it. */
void unixsock_remove(struct unixsock_file *file);
