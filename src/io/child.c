/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * child.c - one process, from the pipes to its end
 *
 *               child_start                    the pidfd is readable
 *   PREPARED ---------------> RUNNING ------------------------------------> ENDED, config.ended
 *                               |
 *                               | child_end: SIGTERM, and after CHILD_TERM_MS SIGKILL
 *                               v
 *                             ENDING -------------------------------------> ENDED, *gone queued
 *
 * io.fd, a pidfd, is open while the process runs, and closed in the other states. gone is set from
 * child_end on.
 *
 * What always holds:
 * - reap() waits for the process exactly once, and no signal goes to it after that: its number may
 *   be another process's by then.
 * - Signals go to the process group: a shell's pipeline ends as a whole.
 * - SIGTERM is followed by SIGCONT, as a stopped process takes SIGTERM only when it goes on.
 * - After child_end only *gone is queued at the end, and ended is not called.
 */
#include "io/child.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/text.h"

struct child {
	struct loop_io io; /* a pidfd; -1: it does not run */
	struct loop *loop;
	struct child_config config;
	pid_t pid;
	int to[2], from[2];           /* pipes: its input, its output; -1: none, or closed */
	struct loop_timer kill_timer; /* it was sent SIGTERM */
	struct loop_task *gone;       /* of child_end; NULL: it may run */
};

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void describe(const siginfo_t *info, char text[CHILD_TEXT_LEN])
{
	if (info->si_code == CLD_EXITED)
		text_printf(text, CHILD_TEXT_LEN, "the command exited with status %d",
			    info->si_status);
	else
		text_printf(text, CHILD_TEXT_LEN, "the command was ended by signal %d (%s)",
			    info->si_status, strsignal(info->si_status));
}

/* It has ended or will soon: waits for it. */
static void reap(struct child *c, siginfo_t *info)
{
	assert(c->io.fd >= 0);
	while (waitid(P_PID, (id_t)c->pid, info, WEXITED) < 0 && errno == EINTR)
		;
	loop_remove(c->loop, &c->io);
	loop_set_timer(c->loop, &c->kill_timer, LOOP_NEVER);
	close(c->io.fd);
	c->io.fd = -1;
}

static void pid_event(struct loop_io *io, uint32_t events)
{
	struct child *c = io->arg;
	char text[CHILD_TEXT_LEN];
	siginfo_t info = { 0 };
	bool good;

	reap(c, &info);
	if (c->gone) {
		loop_queue(c->loop, c->gone);
		return;
	}
	describe(&info, text);
	good = info.si_code == CLD_EXITED && info.si_status == 0;
	c->config.ended(c->config.arg, good ? NULL : text);
}

static void kill_fired(struct loop_timer *timer)
{
	struct child *c = timer->arg;

	kill(-c->pid, SIGKILL);
}

int child_new(struct child **out, struct loop *loop, const struct child_config *config)
{
	struct child *c = malloc(sizeof(*c));
	int r = 0;

	if (!c)
		return -ENOMEM;
	*c = (struct child){ .loop = loop, .config = *config };
	c->io = (struct loop_io){ .fd = -1, .fn = pid_event, .arg = c };
	c->kill_timer = (struct loop_timer){ .fn = kill_fired, .arg = c, .due_ns = LOOP_NEVER };
	c->to[0] = c->to[1] = c->from[0] = c->from[1] = -1;
	if (config->feed && pipe2(c->to, O_CLOEXEC) < 0)
		r = -errno;
	if (!r && config->drain && pipe2(c->from, O_CLOEXEC) < 0)
		r = -errno;
	if (r) {
		child_free(c);
		return r;
	}
	*out = c;
	return 0;
}

int child_out_fd(const struct child *c)
{
	return c->from[0];
}

int child_in_fd(const struct child *c)
{
	return c->to[1];
}

/* Returns 0 or a positive errno, as all of posix_spawn's. */
static int spawn(struct child *c, const posix_spawn_file_actions_t *actions,
		 posix_spawnattr_t *attr, char *const env[])
{
	sigset_t none, pipe_signal;

	sigemptyset(&none);
	sigemptyset(&pipe_signal);
	sigaddset(&pipe_signal, SIGPIPE);
	posix_spawnattr_setsigmask(attr, &none);
	posix_spawnattr_setsigdefault(attr, &pipe_signal);
	posix_spawnattr_setpgroup(attr, 0);
	posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
					       POSIX_SPAWN_SETPGROUP);
	return posix_spawnp(&c->pid, c->config.argv[0], actions, attr, c->config.argv, env);
}

static int spawn_with_pipes(struct child *c, char *const env[])
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	int r;

	r = posix_spawn_file_actions_init(&actions);
	if (r)
		return r;
	if (c->to[0] >= 0)
		r = posix_spawn_file_actions_adddup2(&actions, c->to[0], STDIN_FILENO);
	if (!r && c->from[1] >= 0)
		r = posix_spawn_file_actions_adddup2(&actions, c->from[1], STDOUT_FILENO);
	/* Ours are closed by exec, but not what was left open by who started us. */
	if (!r)
		r = posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
	if (!r)
		r = posix_spawnattr_init(&attr);
	if (!r) {
		r = spawn(c, &actions, &attr, env);
		posix_spawnattr_destroy(&attr);
	}
	posix_spawn_file_actions_destroy(&actions);
	return r;
}

int child_start(struct child *c, char *const env[])
{
	int r;

	assert(c->io.fd < 0);
	r = spawn_with_pipes(c, env);
	if (r)
		return -r;
	close_fd(&c->to[0]);
	close_fd(&c->from[1]);
	c->io.fd = pidfd_open(c->pid, 0);
	if (c->io.fd < 0)
		r = -errno;
	if (!r)
		r = loop_add(c->loop, &c->io, EPOLLIN);
	if (!r)
		return 0;
	kill(-c->pid, SIGKILL);
	waitpid(c->pid, NULL, 0);
	close_fd(&c->io.fd);
	return r;
}

void child_end(struct child *c, struct loop_task *gone)
{
	assert(gone);
	c->gone = gone;
	if (c->io.fd < 0) {
		loop_queue(c->loop, gone);
		return;
	}
	kill(-c->pid, SIGTERM);
	kill(-c->pid, SIGCONT);
	loop_set_timer(c->loop, &c->kill_timer,
		       loop_now(c->loop) + (uint64_t)CHILD_TERM_MS * 1000000);
}

void child_kill(struct child *c)
{
	siginfo_t info;

	if (c->io.fd < 0)
		return;
	kill(-c->pid, SIGKILL);
	reap(c, &info);
}

struct child *child_free(struct child *c)
{
	if (!c)
		return NULL;
	child_kill(c);
	for (int i = 0; i < 2; i++) {
		close_fd(&c->to[i]);
		close_fd(&c->from[i]);
	}
	free(c);
	return NULL;
}
