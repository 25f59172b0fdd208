/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unixsock.h - stream sockets of the unix family
 *
 * A path that begins with "@" is a name in the abstract namespace, as in ss and systemd.
 * Descriptors that are returned are non-blocking, close-on-exec and owned by the caller.
 */
#pragma once

#include <sys/socket.h>
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

/* Connects it. Returns 0 or -errno; -EAGAIN: too many clients wait there. */
int unixsock_connect(int fd, const char *path);

/* Binds fd to an address of unixsock_address and replaces a file that a dead listener left there. A
 * listener that lives does not notice the question. Returns 0 or -errno; -EADDRINUSE: a program
 * listens there, or the file is not a socket. */
int unixsock_bind(int fd, const struct sockaddr_un *addr, socklen_t len);

/* A new one that listens at path. Returns the descriptor, or -errno as unixsock_bind. */
int unixsock_listen(const char *path, struct unixsock_file *file_out);

/* The file of a socket that was just bound to this path; none for an abstract name. */
void unixsock_find(const char *path, struct unixsock_file *out);

/* Removes the file, if its name still is this file's, and forgets it. */
void unixsock_remove(struct unixsock_file *file);
