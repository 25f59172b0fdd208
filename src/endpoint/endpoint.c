/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "endpoint/endpoint.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "endpoint/input.h"
#include "endpoint/local_socket.h"
#include "endpoint/output.h"
#include "io/wake.h"
#include "util/text.h"

struct endpoint {
	struct loop *loop;
	struct session *session;
	struct endpoint_config config;
	void (*news)(void *arg);
	void *arg;

	bool started;
	struct local_socket *socket; /* NULL: not yet, or not any more, or the end is descriptors */

	struct wake wake; /* from input and output */
	struct loop_io wake_io;
	struct input *input;    /* NULL: there is none */
	bool input_stopped;     /* asked to end before its end of file */
	bool held;              /* a command has not told yet whether the streams are good */
	struct output *output;  /* NULL: there is none */
	bool gone;              /* the consumer, early and well */
	struct digest *nothing; /* of an empty stream */
};

static void fail(struct endpoint *st, enum wire_reason reason, uint64_t offset, int error)
{
	char text[SESSION_TEXT_LEN];

	text_printf(text, sizeof(text), "%s failed: %s",
		    reason == WIRE_R_INPUT ? "reading the input" : "writing the output",
		    strerror(error));
	session_abort(st->session, reason, offset, text);
}

/* Input ---------------------------------------------------------------------------------------- */

static void end_input(struct endpoint *st, uint64_t now_ns)
{
	uint8_t digest[DIGEST_LEN];

	if (st->socket) {
		local_socket_end_input(st->socket, now_ns);
	} else if (st->input) {
		if (st->config.command)
			input_drain(st->input);
		else
			input_stop(st->input);
		st->input_stopped = true;
	} else {
		digest_stream_value(st->nothing, digest);
		session_input_end(st->session, digest, now_ns);
	}
}

/* Is there something to read at this moment? Only asked when the answer matters. */
static bool is_readable(const struct endpoint *st)
{
	if (st->socket)
		return local_socket_readable(st->socket);
	return st->input && !st->config.endless && !session_input_should_end(st->session, true) &&
	       input_readable(st->config.in_fd);
}

/* The rules of the end of a stream. */
static void consider_input_end(struct endpoint *st, uint64_t now_ns)
{
	struct session *s = st->session;

	if (!session_input_should_end(s, false))
		return;
	if (session_input_should_end(s, is_readable(st)))
		end_input(st, now_ns);
	else if (session_peer_stopped(s))
		session_abort(s, WIRE_R_STOPPED, session_output_end(s),
			      wire_reason_text(WIRE_R_STOPPED));
}

static bool input_over(const struct endpoint *st)
{
	struct session_stats stats;

	session_stats(st->session, &stats);
	return stats.tx_ended;
}

/* Takes what was read; returns false when there will be no more. */
static bool take_read(struct endpoint *st, uint64_t now_ns)
{
	struct input_status status;

	input_get(st->input, &status);
	session_input_advance(st->session, status.read, now_ns);
	if (status.state == INPUT_FAILED)
		fail(st, WIRE_R_INPUT, status.read, status.error);
	else if (status.state == INPUT_ENDED)
		session_input_end(st->session, status.digest, now_ns);
	return status.state == INPUT_READING;
}

/* Room comes last: what a peer does not want must not even be taken from the input. */
static void take_from_thread(struct endpoint *st, uint64_t now_ns)
{
	uint64_t room;

	if (input_over(st) || (st->input && !take_read(st, now_ns)) || st->input_stopped)
		return;
	consider_input_end(st, now_ns);
	if (st->input && !st->input_stopped && session_input_room(st->session, &room) == 0)
		input_set_room(st->input, room);
}

static bool take_from_socket(struct endpoint *st, uint64_t now_ns)
{
	if (!st->socket || !local_socket_sound(st->socket) || !st->started || input_over(st))
		return false;
	consider_input_end(st, now_ns);
	return local_socket_read(st->socket, now_ns);
}

bool endpoint_take_input(struct endpoint *st, uint64_t now_ns)
{
	if (st->config.is_socket)
		return take_from_socket(st, now_ns);
	take_from_thread(st, now_ns);
	return false;
}

void endpoint_end_input(struct endpoint *st, uint64_t now_ns)
{
	if (!st->input_stopped && !input_over(st))
		end_input(st, now_ns);
}

/* Output --------------------------------------------------------------------------------------- */

static void finish_nothing(struct endpoint *st, uint64_t now_ns)
{
	uint8_t digest[DIGEST_LEN];

	digest_stream_value(st->nothing, digest);
	if (session_output_complete(st->session) && !st->held)
		session_output_finish(st->session, digest, now_ns);
}

static void give_to_thread(struct endpoint *st, uint64_t now_ns)
{
	struct session *s = st->session;
	struct output_status status;

	output_get(st->output, &status);
	session_output_taken(s, status.taken, now_ns);
	st->gone = status.lost && !st->held;
	if (status.state == OUTPUT_FAILED) {
		fail(st, WIRE_R_OUTPUT, status.taken, status.error);
		return;
	}
	output_set_end(st->output, session_output_end(s));
	if (!session_output_complete(s))
		return;
	if (status.state == OUTPUT_FINISHED)
		session_output_finish(s, status.digest, now_ns);
	else
		output_finish(st->output);
}

bool endpoint_give_output(struct endpoint *st, uint64_t now_ns)
{
	if (st->config.is_socket)
		return st->socket && local_socket_write(st->socket, now_ns);
	if (st->output)
		give_to_thread(st, now_ns);
	else
		finish_nothing(st, now_ns);
	return false;
}

bool endpoint_consumer_gone(const struct endpoint *st)
{
	return st->gone;
}

/* Life ----------------------------------------------------------------------------------------- */

static void wake_event(struct loop_io *io, uint32_t events)
{
	struct endpoint *st = io->arg;

	wake_clear(&st->wake);
	st->news(st->arg);
}

enum session_input endpoint_input_kind(const struct endpoint_config *config)
{
	if (config->is_socket)
		return SESSION_INPUT_STREAM;
	return config->no_input ? SESSION_INPUT_NONE : input_kind(config->in_fd);
}

/* What two descriptors need, and a socket does not. */
static int prepare_threads(struct endpoint *st)
{
	int r = wake_open(&st->wake);

	if (r)
		return r;
	st->wake_io = (struct loop_io){ .fd = st->wake.fd, .fn = wake_event, .arg = st };
	r = loop_add(st->loop, &st->wake_io, EPOLLIN);
	if (r)
		goto close_wake;
	r = digest_new(&st->nothing);
	if (r)
		goto remove_wake;
	return 0;
remove_wake:
	loop_remove(st->loop, &st->wake_io);
close_wake:
	wake_close(&st->wake);
	return r;
}

int endpoint_new(struct endpoint **out, struct loop *loop, struct session *session,
		 const struct endpoint_config *config, void (*news)(void *arg), void *arg)
{
	struct endpoint *st = calloc(1, sizeof(*st));
	int r;

	if (!st)
		return -ENOMEM;
	st->loop = loop;
	st->session = session;
	st->config = *config;
	st->config.no_input = endpoint_input_kind(config) == SESSION_INPUT_NONE;
	st->held = config->command;
	st->news = news;
	st->arg = arg;
	r = config->is_socket ? 0 : prepare_threads(st);
	if (r) {
		free(st);
		return r;
	}
	*out = st;
	return 0;
}

static bool free_threads(struct endpoint *st)
{
	/* The loop hears no more of a thread that stays. */
	if (st->wake_io.fd >= 0)
		loop_remove(st->loop, &st->wake_io);
	st->wake_io.fd = -1;
	if (input_free(st->input))
		st->input = NULL;
	if (output_free(st->output))
		st->output = NULL;
	if (st->input || st->output)
		return false;
	wake_close(&st->wake);
	digest_free(st->nothing);
	return true;
}

bool endpoint_free(struct endpoint *st)
{
	if (!st)
		return true;
	if (!st->config.is_socket && !free_threads(st))
		return false;
	local_socket_free(st->socket, true);
	free(st);
	return true;
}

static void start_threads(struct endpoint *st)
{
	const struct endpoint_config *c = &st->config;
	int r;

	if (!c->no_input) {
		r = input_new(&st->input, c->in_fd, c->in_start, st->held,
			      session_tx_buf(st->session), &st->wake);
		if (r)
			fail(st, WIRE_R_INPUT, 0, -r);
	}
	if (!c->no_output) {
		r = output_new(&st->output, c->out_fd, !c->keep_output, st->held,
			       session_rx_buf(st->session), &st->wake);
		if (r)
			fail(st, WIRE_R_OUTPUT, 0, -r);
	}
}

void endpoint_start(struct endpoint *st)
{
	st->started = true;
	if (!st->config.is_socket)
		start_threads(st);
}

int endpoint_set_socket(struct endpoint *st, int fd)
{
	return local_socket_new(&st->socket, st->loop, st->session, fd, st->news, st->arg);
}

void endpoint_close_socket(struct endpoint *st, bool reset)
{
	st->socket = local_socket_free(st->socket, reset);
}

void endpoint_release(struct endpoint *st)
{
	st->held = false;
	if (st->input)
		input_release(st->input);
	if (st->output)
		output_release(st->output);
}
