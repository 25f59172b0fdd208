/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tls/channel.h"

#include <errno.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

/* A message's vector is not const, though recvmsg and sendmsg do not write to it. */
static struct msghdr message(const struct iovec *iov, int n)
{
	return (struct msghdr){ .msg_iov = (struct iovec *)(uintptr_t)iov,
				.msg_iovlen = (size_t)n };
}

ssize_t channel_recv(struct channel ch, const struct iovec *iov, int n)
{
	struct msghdr msg = message(iov, n);
	ssize_t r;

	if (ch.tls)
		return tls_recv(ch.tls, iov, n);
	r = recvmsg(ch.fd, &msg, 0);
	return r < 0 ? -errno : r;
}

ssize_t channel_send(struct channel ch, const struct iovec *iov, int n)
{
	struct msghdr msg = message(iov, n);
	ssize_t r;

	if (ch.tls)
		return tls_send(ch.tls, iov, n);
	r = sendmsg(ch.fd, &msg, MSG_NOSIGNAL);
	return r < 0 ? -errno : r;
}

int channel_flush(struct channel ch)
{
	return ch.tls ? tls_flush(ch.tls) : 0;
}

bool channel_send_all(struct channel ch, const void *bytes, size_t n)
{
	const struct iovec iov = { .iov_base = (void *)(uintptr_t)bytes, .iov_len = n };

	return channel_send(ch, &iov, 1) == (ssize_t)n && !channel_flush(ch);
}

int channel_shutdown(struct channel ch)
{
	if (ch.tls)
		tls_shutdown(ch.tls);
	return shutdown(ch.fd, SHUT_WR) < 0 ? -errno : 0;
}

void channel_close(struct channel ch)
{
	/* Before the end of the connection comes its orderly one, as far as there is room. */
	if (ch.tls)
		tls_shutdown(ch.tls);
	tls_free(ch.tls);
	close(ch.fd);
}

const char *channel_text(struct channel ch)
{
	return ch.tls ? tls_text(ch.tls) : NULL;
}
