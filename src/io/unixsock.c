/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unixsock.c - unix sockets: addresses, and the file that a listener leaves behind
 *
 * A path that begins with "@" is an abstract name: sun_path begins with NUL and has no file.
 *
 * What always holds: a file is removed only if it is known to be ours. A listener remembers device
 * and inode of what it has bound, as another program may have put its own there since. One that a
 * dead program has left is found by asking it: nobody answers (ECONNREFUSED).
 */
#include "io/unixsock.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/text.h"

/* As many connections may wait. */
#define BACKLOG 128

int unixsock_address(const char *path, struct sockaddr_un *out)
{
	size_t len = strlen(path);

	*out = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (len >= sizeof(out->sun_path))
		return -ENAMETOOLONG;
	memcpy(out->sun_path, path, len);
	if (path[0] == '@')
		out->sun_path[0] = '\0';
	else
		len++;
	return (int)(offsetof(struct sockaddr_un, sun_path) + len);
}

int unixsock_new(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return fd < 0 ? -errno : fd;
}

int unixsock_connect(int fd, const char *path)
{
	struct sockaddr_un addr;
	int len = unixsock_address(path, &addr);

	if (len < 0)
		return len;
	return connect(fd, (const struct sockaddr *)&addr, (socklen_t)len) < 0 ? -errno : 0;
}

/* Is this the file of a socket that no process has any more? A socket of another type asks: the
 * kernel refuses it before a listener could take it for a client. */
static bool left_over(const char *path, struct stat *st)
{
	int fd, r;

	if (lstat(path, st) < 0 || !S_ISSOCK(st->st_mode))
		return false;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	r = unixsock_connect(fd, path);
	close(fd);
	return r == -ECONNREFUSED;
}

int unixsock_bind(int fd, const struct sockaddr_un *addr, socklen_t len)
{
	const struct sockaddr *sa = (const struct sockaddr *)addr;
	struct stat asked, now;

	if (bind(fd, sa, len) == 0)
		return 0;
	if (errno != EADDRINUSE)
		return -errno;
	if (!addr->sun_path[0] || !left_over(addr->sun_path, &asked))
		return -EADDRINUSE;
	/* Another program that starts now may have replaced the file meanwhile. */
	if (lstat(addr->sun_path, &now) == 0 &&
	    (now.st_dev != asked.st_dev || now.st_ino != asked.st_ino))
		return -EADDRINUSE;
	unlink(addr->sun_path);
	return bind(fd, sa, len) < 0 ? -errno : 0;
}

int unixsock_listen(const char *path, struct unixsock_file *file_out)
{
	struct sockaddr_un addr;
	int len = unixsock_address(path, &addr), fd, r;

	if (len < 0)
		return len;
	fd = unixsock_new();
	if (fd < 0)
		return fd;
	r = unixsock_bind(fd, &addr, (socklen_t)len);
	if (!r)
		unixsock_find(path, file_out);
	if (!r && listen(fd, BACKLOG) < 0)
		r = -errno;
	if (!r)
		return fd;
	close(fd);
	return r;
}

void unixsock_find(const char *path, struct unixsock_file *out)
{
	struct stat st;

	*out = (struct unixsock_file){ 0 };
	if (path[0] == '@' || lstat(path, &st) < 0 || !S_ISSOCK(st.st_mode))
		return;
	text_printf(out->path, sizeof(out->path), "%s", path);
	out->dev = st.st_dev;
	out->ino = st.st_ino;
}

void unixsock_remove(struct unixsock_file *file)
{
	struct stat st;

	if (file->path[0] && lstat(file->path, &st) == 0 && st.st_dev == file->dev &&
	    st.st_ino == file->ino)
		unlink(file->path);
	*file = (struct unixsock_file){ 0 };
}
