/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "io/unixsock.h"

#include <errno.h>
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

/* Asked by a socket of another type, which the kernel refuses before a listener could take it for a
 * client. */
bool unixsock_left_over(const char *path)
{
	struct stat st;
	int fd, r;

	if (path[0] == '@' || lstat(path, &st) < 0 || !S_ISSOCK(st.st_mode))
		return false;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	r = unixsock_connect(fd, path);
	close(fd);
	return r == -ECONNREFUSED;
}

static int bind_to(int fd, const char *path)
{
	struct sockaddr_un addr;
	int len = unixsock_address(path, &addr);

	if (len < 0)
		return len;
	if (bind(fd, (const struct sockaddr *)&addr, (socklen_t)len) == 0)
		return 0;
	if (errno != EADDRINUSE)
		return -errno;
	if (!unixsock_left_over(path))
		return -EADDRINUSE;
	unlink(path);
	return bind(fd, (const struct sockaddr *)&addr, (socklen_t)len) < 0 ? -errno : 0;
}

int unixsock_listen(const char *path, struct unixsock_file *file_out)
{
	int fd = unixsock_new(), r;

	if (fd < 0)
		return fd;
	r = bind_to(fd, path);
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
