/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a session's two streams are joined to, and the rules by which they end.
 *
 *                  one socket (is_socket)             two descriptors
 *    our stream    local_socket, in the loop          input, a thread
 *    the peer's    local_socket, in the loop          output, a thread
 *
 * The engine asks in each round of its pump: endpoint_take_input takes what was read, and
 * endpoint_give_output offers what came. Threads wake the engine when they have moved bytes.
 *
 * Our stream ends at the source's end of file; or before it, when the session's rules say so
 * (session_input_should_end: the peer has ended its own stream and wants no more), when the peer
 * asks for it (STOP), or when the caller does. A source that is asked to end (input_stopped) says
 * at which offset it did. The peer's stream ends when its END has come, all before it was taken,
 * and the destination has it for good; only then the session confirms it.
 *
 * With a command, both ends count when its exit status is known (endpoint_command_ended). Where
 * there is no input, or no output, the stream is empty, and has the digest of nothing.
 *
 * Only the loop's thread is in here; mover.h says what it shares with the others.
 */
#include "endpoint/endpoint.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "endpoint/input.h"
#include "endpoint/local_socket.h"
#include "endpoint/output.h"
#include "io/wake.h"
#include "session/session_stream.h"
#include "util/text.h"

struct endpoint {
	struct loop *loop;
	struct session *session;
	struct endpoint_config config;
	void (*news)(void *arg);
	void *arg;
	bool started;

	/* One socket. */
	struct local_socket *socket; /* NULL: not yet, or not any more */

	/* Two descriptors. */
	struct wake wake; /* from input and output */
	struct loop_io wake_io;
	struct input *input;   /* NULL: our stream is empty */
	struct output *output; /* NULL: the peer's stream must be empty */
	bool input_stopped;    /* asked to end before its end of file */
	bool command_runs;     /* nobody knows yet whether the streams are good */
	bool consumer_left;    /* a command: early, and well */
	struct digest *empty;  /* of an empty stream */
};

static void fail(struct endpoint *ep, enum wire_reason reason, uint64_t offset, int error)
{
	char text[SESSION_TEXT_LEN];

	text_printf(text, sizeof(text), "%s failed: %s",
		    reason == WIRE_R_INPUT ? "reading the input" : "writing the output",
		    strerror(error));
	session_abort(ep->session, reason, offset, text);
}

/* Input ---------------------------------------------------------------------------------------- */

static void end_input(struct endpoint *ep, uint64_t now_ns)
{
	uint8_t digest[DIGEST_LEN];

	if (ep->socket) {
		local_socket_end_input(ep->socket, now_ns);
	} else if (ep->input) {
		if (ep->config.command)
			input_drain(ep->input);
		else
			input_stop(ep->input);
		ep->input_stopped = true;
	} else {
		digest_stream_value(ep->empty, digest);
		session_input_end(ep->session, digest, now_ns);
	}
}

/* Is there something to read at this moment? Only asked when the answer matters. */
static bool is_readable(const struct endpoint *ep)
{
	if (ep->socket)
		return local_socket_readable(ep->socket);
	return ep->input && !ep->config.endless && !session_input_should_end(ep->session, true) &&
	       input_readable(ep->config.in_fd);
}

/* By the session's rules, or because the peer wants no more of it. */
static void consider_input_end(struct endpoint *ep, uint64_t now_ns)
{
	struct session *s = ep->session;

	if (!session_input_should_end(s, false))
		return;
	if (session_input_should_end(s, is_readable(ep)))
		end_input(ep, now_ns);
	else if (session_peer_stopped(s))
		session_abort(s, WIRE_R_STOPPED, session_output_end(s),
			      wire_reason_text(WIRE_R_STOPPED));
}

static bool input_over(const struct endpoint *ep)
{
	struct session_stats stats;

	session_stats(ep->session, &stats);
	return stats.tx_ended;
}

/* Takes what was read; returns false when there will be no more. */
static bool take_read(struct endpoint *ep, uint64_t now_ns)
{
	struct mover_status status;

	mover_get(input_mover(ep->input), &status);
	session_input_advance(ep->session, status.offset, now_ns);
	if (status.state == MOVER_FAILED)
		fail(ep, WIRE_R_INPUT, status.offset, status.error);
	else if (status.state == MOVER_ENDED)
		session_input_end(ep->session, status.digest, now_ns);
	return status.state == MOVER_RUNS;
}

/* Room comes last: what a peer does not want must not even be taken from the descriptor. */
static void take_from_thread(struct endpoint *ep, uint64_t now_ns)
{
	uint64_t room;

	if (input_over(ep) || (ep->input && !take_read(ep, now_ns)) || ep->input_stopped)
		return;
	consider_input_end(ep, now_ns);
	if (ep->input && !ep->input_stopped && session_input_room(ep->session, &room) == 0)
		mover_set_limit(input_mover(ep->input), room);
}

static bool take_from_socket(struct endpoint *ep, uint64_t now_ns)
{
	if (!ep->socket || !local_socket_sound(ep->socket) || !ep->started || input_over(ep))
		return false;
	consider_input_end(ep, now_ns);
	return local_socket_read(ep->socket, now_ns);
}

bool endpoint_take_input(struct endpoint *ep, uint64_t now_ns)
{
	if (ep->config.is_socket)
		return take_from_socket(ep, now_ns);
	take_from_thread(ep, now_ns);
	return false;
}

void endpoint_end_input(struct endpoint *ep, uint64_t now_ns)
{
	if (!ep->input_stopped && !input_over(ep))
		end_input(ep, now_ns);
}

/* Output --------------------------------------------------------------------------------------- */

static void finish_empty(struct endpoint *ep, uint64_t now_ns)
{
	uint8_t digest[DIGEST_LEN];

	digest_stream_value(ep->empty, digest);
	if (session_output_complete(ep->session) && !ep->command_runs)
		session_output_finish(ep->session, digest, now_ns);
}

static void give_to_thread(struct endpoint *ep, uint64_t now_ns)
{
	struct mover *m = output_mover(ep->output);
	struct session *s = ep->session;
	struct mover_status status;

	mover_get(m, &status);
	session_output_taken(s, status.offset, now_ns);
	ep->consumer_left = output_consumer_left(ep->output) && !ep->command_runs;
	if (status.state == MOVER_FAILED) {
		fail(ep, WIRE_R_OUTPUT, status.offset, status.error);
		return;
	}
	mover_set_limit(m, session_output_end(s));
	if (!session_output_complete(s))
		return;
	if (status.state == MOVER_ENDED)
		session_output_finish(s, status.digest, now_ns);
	else
		output_finish(ep->output);
}

bool endpoint_give_output(struct endpoint *ep, uint64_t now_ns)
{
	if (ep->config.is_socket)
		return ep->socket && local_socket_write(ep->socket, now_ns);
	if (ep->output)
		give_to_thread(ep, now_ns);
	else
		finish_empty(ep, now_ns);
	return false;
}

bool endpoint_consumer_gone(const struct endpoint *ep)
{
	return ep->consumer_left;
}

/* Cost ----------------------------------------------------------------------------------------- */

static void add_cost(const struct mover *m, enum wire_stage stage, uint64_t elapsed_ns,
		     struct wire_cost *out)
{
	struct mover_time t;

	mover_time(m, &t);
	wire_cost_add(out, stage, t.ran_ns, t.busy_ns, elapsed_ns);
}

void endpoint_add_cost(const struct endpoint *ep, uint64_t elapsed_ns, struct wire_cost *out)
{
	if (ep->input)
		add_cost(input_mover(ep->input), WIRE_STAGE_INPUT, elapsed_ns, out);
	if (ep->output)
		add_cost(output_mover(ep->output), WIRE_STAGE_OUTPUT, elapsed_ns, out);
}

/* Life ----------------------------------------------------------------------------------------- */

static void wake_event(struct loop_io *io, uint32_t events)
{
	struct endpoint *ep = io->arg;

	wake_clear(&ep->wake);
	ep->news(ep->arg);
}

enum session_input endpoint_input_kind(const struct endpoint_config *config)
{
	if (config->is_socket)
		return SESSION_INPUT_STREAM;
	return config->no_input ? SESSION_INPUT_NONE : input_kind(config->in_fd);
}

/* What two descriptors need, and a socket does not. */
static int prepare_threads(struct endpoint *ep)
{
	int r = wake_open(&ep->wake);

	if (r)
		return r;
	ep->wake_io = (struct loop_io){ .fd = ep->wake.fd, .fn = wake_event, .arg = ep };
	r = loop_add(ep->loop, &ep->wake_io, EPOLLIN);
	if (r)
		goto close_wake;
	r = digest_new(&ep->empty);
	if (r)
		goto remove_wake;
	return 0;
remove_wake:
	loop_remove(ep->loop, &ep->wake_io);
close_wake:
	wake_close(&ep->wake);
	return r;
}

int endpoint_new(struct endpoint **out, struct loop *loop, struct session *session,
		 const struct endpoint_config *config, void (*news)(void *arg), void *arg)
{
	struct endpoint *ep = calloc(1, sizeof(*ep));
	int r;

	if (!ep)
		return -ENOMEM;
	ep->loop = loop;
	ep->session = session;
	ep->config = *config;
	ep->config.no_input = endpoint_input_kind(config) == SESSION_INPUT_NONE;
	ep->command_runs = config->command;
	ep->news = news;
	ep->arg = arg;
	r = config->is_socket ? 0 : prepare_threads(ep);
	if (r) {
		free(ep);
		return r;
	}
	*out = ep;
	return 0;
}

static bool free_threads(struct endpoint *ep)
{
	/* A thread that stays does not wake the loop any more. */
	if (ep->wake_io.fd >= 0)
		loop_remove(ep->loop, &ep->wake_io);
	ep->wake_io.fd = -1;
	if (input_free(ep->input))
		ep->input = NULL;
	if (output_free(ep->output))
		ep->output = NULL;
	if (ep->input || ep->output)
		return false;
	wake_close(&ep->wake);
	digest_free(ep->empty);
	return true;
}

bool endpoint_free(struct endpoint *ep)
{
	if (!ep)
		return true;
	if (!ep->config.is_socket && !free_threads(ep))
		return false;
	local_socket_free(ep->socket, true);
	free(ep);
	return true;
}

static void start_threads(struct endpoint *ep)
{
	const struct endpoint_config *c = &ep->config;
	struct mover_config mover = { .news = &ep->wake, .command = ep->command_runs };
	int r;

	if (!c->no_input) {
		mover.buf = session_tx_buf(ep->session);
		r = input_new(&ep->input, c->in_fd, c->in_start, &mover);
		if (r)
			fail(ep, WIRE_R_INPUT, 0, -r);
	}
	if (!c->no_output) {
		mover.buf = session_rx_buf(ep->session);
		r = output_new(&ep->output, c->out_fd, !c->keep_output, &mover);
		if (r)
			fail(ep, WIRE_R_OUTPUT, 0, -r);
	}
}

void endpoint_start(struct endpoint *ep)
{
	ep->started = true;
	if (!ep->config.is_socket)
		start_threads(ep);
}

int endpoint_set_socket(struct endpoint *ep, int fd)
{
	return local_socket_new(&ep->socket, ep->loop, ep->session, fd, ep->news, ep->arg);
}

void endpoint_close_socket(struct endpoint *ep, bool reset)
{
	ep->socket = local_socket_free(ep->socket, reset);
}

void endpoint_command_ended(struct endpoint *ep)
{
	ep->command_runs = false;
	if (ep->input)
		mover_command_ended(input_mover(ep->input));
	if (ep->output)
		mover_command_ended(output_mover(ep->output));
}
