/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * local.c - what a session is joined to: standard streams, a command or a unix socket
 *
 *   config                 child      socket     descriptors
 *   nothing                NULL       -1         0 and 1
 *   -e, -c, -- COMMAND     a child    -1         the child's pipes
 *   -U PATH                NULL       >= 0       the socket, both ways
 *
 * local_new() makes pipe or socket; local_start() runs or connects it, once the peer is known: a
 * command learns its addresses from the environment. Until then nothing has run, and nothing needs
 * to be undone if the peer is refused.
 *
 * What always holds: the peer reads that a command or socket failed and why, and never its name.
 * Where another mpnc runs this process as its command, that one's variables are replaced.
 */
#include "cmd/netcat/local.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "endpoint/input.h"
#include "io/child.h"
#include "io/sock.h"
#include "io/unixsock.h"
#include "util/text.h"
#include "util/words.h"

/* Variables that a command gets. */
#define N_VARIABLES  7
#define VARIABLE_LEN 128

struct local {
	const struct config *config;
	struct loop *loop;
	struct child *child; /* NULL: no command */
	char **words;        /* of -e, split */
	int socket;          /* -1: none */
};

bool local_is_stdio(const struct config *config)
{
	return !config->exec && !config->shell && !config->command && !config->unix_path;
}

uint64_t local_stream_size(const struct config *c)
{
	if (c->size || c->no_stdin || c->recv_only || !local_is_stdio(c))
		return c->size;
	return input_size(STDIN_FILENO);
}

static char *const *command_of(struct local *l)
{
	const struct config *c = l->config;

	if (c->command)
		return c->command;
	if (c->exec)
		return l->words = words_split(c->exec);
	l->words = calloc(4, sizeof(*l->words));
	if (l->words) {
		/* Not written to, but execve's parameters have no const. */
		l->words[0] = (char *)(uintptr_t) "/bin/sh";
		l->words[1] = (char *)(uintptr_t) "-c";
		l->words[2] = (char *)(uintptr_t)c->shell;
	}
	return l->words;
}

static int prepare_command(struct local *l, struct loop *loop, const struct local_events *events)
{
	struct child_config config = { .argv = command_of(l),
				       .feed = !l->config->send_only,
				       .drain = !l->config->recv_only,
				       .ended = events->ended,
				       .arg = events->arg };

	return config.argv ? child_new(&l->child, loop, &config) : -ENOMEM;
}

int local_new(struct local **out, struct loop *loop, const struct config *config,
	      const struct local_events *events)
{
	struct local *l = calloc(1, sizeof(*l));
	int r = 0;

	if (!l)
		return -ENOMEM;
	l->config = config;
	l->loop = loop;
	l->socket = -1;
	if (config->unix_path) {
		r = unixsock_new();
		if (r >= 0)
			l->socket = r;
	} else if (!local_is_stdio(config)) {
		r = prepare_command(l, loop, events);
	}
	if (r < 0) {
		local_free(l);
		return r;
	}
	*out = l;
	return 0;
}

int local_in_fd(const struct local *l)
{
	if (l->child)
		return child_out_fd(l->child);
	return l->socket >= 0 ? l->socket : STDIN_FILENO;
}

int local_out_fd(const struct local *l)
{
	if (l->child)
		return child_in_fd(l->child);
	return l->socket >= 0 ? l->socket : STDOUT_FILENO;
}

static size_t count(char *const *strings)
{
	size_t n = 0;

	while (strings[n])
		n++;
	return n;
}

/* Has an mpnc whose command we are set it too? */
static bool is_ours(const char *variable, char text[N_VARIABLES][VARIABLE_LEN])
{
	for (size_t i = 0; i < N_VARIABLES; i++)
		if (strncmp(variable, text[i], strcspn(text[i], "=") + 1) == 0)
			return true;
	return false;
}

static int start_command(struct local *l, struct channel ch, const char *session)
{
	char text[N_VARIABLES][VARIABLE_LEN];
	char **env = calloc(count(environ) + N_VARIABLES + 1, sizeof(*env));
	struct sock_names names;
	size_t n = 0;
	int r;

	if (!env)
		return -ENOMEM;
	sock_names(ch.fd, &names);
	text_printf(text[0], VARIABLE_LEN, "MPNC_REMOTE_ADDR=%s", names.peer);
	text_printf(text[1], VARIABLE_LEN, "MPNC_REMOTE_PORT=%u", names.peer_port);
	text_printf(text[2], VARIABLE_LEN, "MPNC_LOCAL_ADDR=%s", names.local);
	text_printf(text[3], VARIABLE_LEN, "MPNC_LOCAL_PORT=%u", names.local_port);
	text_printf(text[4], VARIABLE_LEN, "MPNC_SESSION=%s", session);
	text_printf(text[5], VARIABLE_LEN, "MPNC_SUBFLOWS=%u", l->config->n_subflows);
	text_printf(text[6], VARIABLE_LEN, "MPNC_PEER_NAME=%s",
		    ch.tls ? tls_peer_name(ch.tls) : "");
	for (size_t i = 0; environ[i]; i++)
		if (!is_ours(environ[i], text))
			env[n++] = environ[i];
	for (size_t i = 0; i < N_VARIABLES; i++)
		env[n++] = text[i];
	r = child_start(l->child, env);
	free(env);
	return r;
}

int local_start(struct local *l, struct channel ch, const char *session,
		struct local_failure *why_out)
{
	const char *verb = l->child ? "run" : "connect to";
	char quoted[100];
	const char *name = l->config->unix_path;
	int r = 0;

	if (l->child) {
		name = l->config->command ? l->config->command[0] : l->words[0];
		r = start_command(l, ch, session);
	} else if (name) {
		r = unixsock_connect(l->socket, name);
	}
	if (!r)
		return 0;
	text_quote(quoted, sizeof(quoted), name, strlen(name));
	text_printf(why_out->here, LOCAL_TEXT_LEN, "cannot %s %s: %s", verb, quoted, strerror(-r));
	text_printf(why_out->peer, LOCAL_TEXT_LEN, "cannot %s %s: %s", verb,
		    l->child ? "the command" : "the unix socket", strerror(-r));
	return -1;
}

void local_end(struct local *l, struct loop_task *gone)
{
	if (l->child)
		child_end(l->child, gone);
	else
		loop_queue(l->loop, gone);
}

void local_kill(struct local *l)
{
	if (l && l->child)
		child_kill(l->child);
}

struct local *local_free(struct local *l)
{
	if (!l)
		return NULL;
	child_free(l->child);
	if (l->socket >= 0)
		close(l->socket);
	free(l->words);
	free(l);
	return NULL;
}
