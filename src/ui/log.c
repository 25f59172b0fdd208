/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * log.c - lines on standard error, from the main thread
 *
 * What always holds:
 * - A line is one write of less than PIPE_BUF bytes where the terminal has room, so lines of
 *   several processes do not mix. Control characters in it become "?": it may quote a peer.
 * - The network never waits for a reader of standard error for longer than WRITE_WAIT_MS, and after
 *   one line that nobody took (stuck) not at all until somebody reads again.
 * - errno is the same after a call as before, so that a message does not change what follows.
 */
#include "ui/log.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <unistd.h>

#include "util/text.h"

#define PREFIX "mpnc: "

/* How long a line waits for a terminal or pipe that takes nothing before it is given up. */
#define WRITE_WAIT_MS 200

static struct {
	int level;
	void (*wipe)(void *arg);
	void *wipe_arg;
	bool stuck; /* stderr took nothing last time: the next lines do not wait for it */
} state;

void log_set_level(int level)
{
	state.level = level;
}

int log_level(void)
{
	return state.level;
}

void log_set_hook(void (*wipe)(void *arg), void *arg)
{
	state.wipe = wipe;
	state.wipe_arg = arg;
}

void log_wipe(void)
{
	if (state.wipe)
		state.wipe(state.wipe_arg);
}

/* Nobody may be reading stderr, and the network must not wait for them. Once there is room,
 * PIPE_BUF bytes are written without waiting. */
static int wait_writable(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLOUT };
	int r;

	if (fd < 0)
		return -EBADF;
	do {
		r = poll(&pfd, 1, fd == STDERR_FILENO && state.stuck ? 0 : WRITE_WAIT_MS);
	} while (r < 0 && errno == EINTR);
	if (fd == STDERR_FILENO)
		state.stuck = r == 0;
	if (r < 0)
		return -errno;
	return r ? 0 : -EAGAIN;
}

int log_write(int fd, const void *bytes, size_t len)
{
	const char *p = bytes;
	int r = 0;

	while (len > 0 && r == 0) {
		ssize_t n;

		r = wait_writable(fd);
		if (r)
			break;
		n = write(fd, p, len < PIPE_BUF ? len : PIPE_BUF);
		if (n >= 0) {
			p += n;
			len -= (size_t)n;
		} else if (errno != EINTR && errno != EAGAIN) {
			r = -errno;
		}
	}
	return r;
}

__attribute__((format(printf, 1, 0))) static void put_line(const char *fmt, va_list ap)
{
	int saved = errno;
	char line[LOG_LINE_LEN];
	size_t prefix = sizeof(PREFIX) - 1, n;

	n = text_printf(line, sizeof(line), PREFIX);
	/* One byte is left for the newline, which takes the place of the NUL. */
	n += text_vprintf(line + n, sizeof(line) - n, fmt, ap);
	for (size_t i = prefix; i < n; i++) {
		unsigned char c = (unsigned char)line[i];

		if (c < ' ' || c == 0x7f)
			line[i] = '?';
	}
	line[n] = '\n';
	log_wipe();
	/* There is nowhere to report that stderr is gone. */
	(void)log_write(STDERR_FILENO, line, n + 1);
	errno = saved;
}

void log_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put_line(fmt, ap);
	va_end(ap);
}

void log_info(const char *fmt, ...)
{
	va_list ap;

	if (state.level < 1)
		return;
	va_start(ap, fmt);
	put_line(fmt, ap);
	va_end(ap);
}

void log_debug(const char *fmt, ...)
{
	va_list ap;

	if (state.level < 2)
		return;
	va_start(ap, fmt);
	put_line(fmt, ap);
	va_end(ap);
}

void log_note(void *arg, int level, const char *text)
{
	if (level == 0)
		log_error("%s", text);
	else if (level == 1)
		log_info("%s", text);
	else
		log_debug("%s", text);
}
