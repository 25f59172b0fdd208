/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/cli/signals.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* What was ignored when we were started stays so: a signalfd would get it all the same. */
static bool is_ignored(int number)
{
	struct sigaction old;

	return sigaction(number, NULL, &old) == 0 && old.sa_handler == SIG_IGN;
}

int signals_watch(struct loop *loop, struct loop_io *io)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP, SIGUSR1 };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (!is_ignored(numbers[i]))
			sigaddset(&set, numbers[i]);
	signal(SIGPIPE, SIG_IGN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	io->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return io->fd < 0 ? -errno : loop_add(loop, io, EPOLLIN);
}

int signals_read(const struct loop_io *io, pid_t *sender_out)
{
	struct signalfd_siginfo info;

	if (read(io->fd, &info, sizeof(info)) != sizeof(info))
		return 0;
	if (sender_out)
		*sender_out = (pid_t)info.ssi_pid;
	return (int)info.ssi_signo;
}
