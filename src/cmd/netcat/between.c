/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/netcat/between.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "endpoint/input.h"

static bool is_kind(int fd, mode_t kind)
{
	struct stat st;

	return fstat(fd, &st) == 0 && (st.st_mode & S_IFMT) == kind;
}

static bool is_between(int fd)
{
	return is_kind(fd, S_IFIFO) || is_kind(fd, S_IFSOCK);
}

bool between_in_job(void)
{
	if (is_kind(STDIN_FILENO, S_IFSOCK) || is_kind(STDOUT_FILENO, S_IFSOCK))
		return true;
	return is_between(STDIN_FILENO) && is_between(STDOUT_FILENO) &&
	       getpgid(getppid()) == getpgrp();
}

bool between_is_dismissed(int number, pid_t sender, pid_t starter)
{
	return (number == SIGHUP || number == SIGTERM) && sender == starter &&
	       is_between(STDIN_FILENO) && is_between(STDOUT_FILENO);
}

bool between_is_outstanding(struct engine *e)
{
	struct session_stats stats;

	engine_stats(e, &stats);
	return (!stats.tx_ended && input_readable(STDIN_FILENO)) ||
	       stats.tx_taken < stats.tx_read || stats.rx_taken < stats.rx_received;
}
