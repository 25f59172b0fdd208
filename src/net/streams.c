/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/streams.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "net/input.h"
#include "net/output.h"
#include "net/wake.h"
#include "util/text.h"

struct streams {
	struct loop *loop;
	struct session *session;
	struct streams_config config;
	void (*news)(void *arg);
	void *arg;

	struct wake wake; /* from input and output */
	struct loop_io wake_io;
	struct input *input;    /* NULL: there is none */
	bool input_stopped;     /* asked to end before its end of file */
	bool held;              /* a command has not told yet whether the streams are good */
	struct output *output;  /* NULL: there is none */
	bool gone;              /* the consumer, early and well */
	struct digest *nothing; /* of an empty stream */
};

static void fail(struct streams *st, enum wire_reason reason, uint64_t offset, int error)
{
	char text[SESSION_TEXT_LEN];

	text_printf(text, sizeof(text), "%s failed: %s",
		    reason == WIRE_R_INPUT ? "reading the input" : "writing the output",
		    strerror(error));
	session_abort(st->session, reason, offset, text);
}

/* Input ---------------------------------------------------------------------------------------- */

static void end_input(struct streams *st, uint64_t now_ns)
{
	uint8_t digest[DIGEST_LEN];

	if (st->input) {
		if (st->config.command)
			input_drain(st->input);
		else
			input_stop(st->input);
		st->input_stopped = true;
		return;
	}
	digest_stream_value(st->nothing, digest);
	session_input_end(st->session, digest, now_ns);
}

/* The rules of the end of a stream; asks the descriptor only when the answer matters. */
static void consider_input_end(struct streams *st, uint64_t now_ns)
{
	struct session *s = st->session;
	bool readable;

	if (!session_input_should_end(s, false))
		return;
	readable = st->input && !st->config.endless && !session_input_should_end(s, true) &&
		   input_readable(st->config.in_fd);
	if (session_input_should_end(s, readable))
		end_input(st, now_ns);
	else if (session_peer_stopped(s))
		session_abort(s, WIRE_R_STOPPED, session_output_end(s),
			      wire_reason_text(WIRE_R_STOPPED));
}

static bool input_over(const struct streams *st)
{
	struct session_stats stats;

	session_stats(st->session, &stats);
	return stats.tx_ended;
}

/* Takes what was read; returns false when there will be no more. */
static bool take_read(struct streams *st, uint64_t now_ns)
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
void streams_take_input(struct streams *st, uint64_t now_ns)
{
	uint64_t room;

	if (input_over(st) || (st->input && !take_read(st, now_ns)) || st->input_stopped)
		return;
	consider_input_end(st, now_ns);
	if (st->input && !st->input_stopped && session_input_room(st->session, &room) == 0)
		input_set_room(st->input, room);
}

void streams_end_input(struct streams *st, uint64_t now_ns)
{
	if (!st->input_stopped && !input_over(st))
		end_input(st, now_ns);
}

/* Output --------------------------------------------------------------------------------------- */

void streams_give_output(struct streams *st, uint64_t now_ns)
{
	struct session *s = st->session;
	struct output_status status;
	uint8_t digest[DIGEST_LEN];

	if (!st->output) {
		digest_stream_value(st->nothing, digest);
		if (session_output_complete(s) && !st->held)
			session_output_finish(s, digest, now_ns);
		return;
	}
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

bool streams_consumer_gone(const struct streams *st)
{
	return st->gone;
}

/* Life ----------------------------------------------------------------------------------------- */

static void wake_event(struct loop_io *io, uint32_t events)
{
	struct streams *st = io->arg;

	wake_clear(&st->wake);
	st->news(st->arg);
}

enum session_input streams_input_kind(const struct streams_config *config)
{
	return config->no_input ? SESSION_INPUT_NONE : input_kind(config->in_fd);
}

int streams_new(struct streams **out, struct loop *loop, struct session *session,
		const struct streams_config *config, void (*news)(void *arg), void *arg)
{
	struct streams *st = calloc(1, sizeof(*st));
	int r;

	if (!st)
		return -ENOMEM;
	st->loop = loop;
	st->session = session;
	st->config = *config;
	st->config.no_input = streams_input_kind(config) == SESSION_INPUT_NONE;
	st->held = config->command;
	st->news = news;
	st->arg = arg;
	r = digest_new(&st->nothing);
	if (r)
		goto free_streams;
	r = wake_open(&st->wake);
	if (r)
		goto free_digest;
	st->wake_io = (struct loop_io){ .fd = st->wake.fd, .fn = wake_event, .arg = st };
	r = loop_add(loop, &st->wake_io, EPOLLIN);
	if (r)
		goto close_wake;
	*out = st;
	return 0;
close_wake:
	wake_close(&st->wake);
free_digest:
	digest_free(st->nothing);
free_streams:
	free(st);
	return r;
}

bool streams_free(struct streams *st)
{
	if (!st)
		return true;
	if (input_free(st->input))
		st->input = NULL;
	if (output_free(st->output))
		st->output = NULL;
	if (st->input || st->output)
		return false;
	loop_remove(st->loop, &st->wake_io);
	wake_close(&st->wake);
	digest_free(st->nothing);
	free(st);
	return true;
}

void streams_start(struct streams *st)
{
	const struct streams_config *c = &st->config;
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

void streams_release(struct streams *st)
{
	st->held = false;
	if (st->input)
		input_release(st->input);
	if (st->output)
		output_release(st->output);
}
