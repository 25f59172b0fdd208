/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A connection whose payload the workers of a pool move: they receive it to its place in the
 * window, send it from there, compute its checks, and do all that TLS does to it.
 *
 * The connection has one job, which goes round as worker_pool.h draws. pooled_write hands the job
 * over with a frame to send, with a chunk to receive, or with both; pooled_read takes it back and
 * tells the session. While the job is given, nobody else touches the channel, the job, or the
 * memory that it points to (session_loan.h). In between the loop's thread itself sends and receives
 * what is small: control frames, headers after them, chunks below SESSION_LOAN_MIN.
 */
#include <errno.h>

#include "engine/conn_internal.h"
#include "session/session_loan.h"
#include "util/iov.h"

static enum conn_result take_received(struct conn *c, struct session *s, uint64_t now_ns)
{
	struct worker_job *job = c->job;
	enum conn_result r = conn_was_read(c, job->received, iov_len(job->rx, job->n_rx));

	session_rx_return(s, c->slot, job->verdict);
	if (job->received > 0 && session_rx(s, c->slot, (size_t)job->received, now_ns))
		return CONN_CLOSED;
	if (!c->readable)
		conn_sleep_until_whole(c, s);
	return r;
}

static enum conn_result pooled_read(struct conn *c, struct session *s, uint64_t now_ns)
{
	struct worker_job *job = c->job;
	enum conn_result sent = CONN_IDLE, received = CONN_IDLE;

	if (job->state == WORKER_JOB_IDLE)
		return session_rx_lends(s, c->slot) ? CONN_IDLE : conn_read_here(c, s, now_ns);
	if (!worker_pool_take_back(job))
		return CONN_IDLE;
	if (job->send)
		sent = conn_was_written(c, s, job->sent, iov_len(job->tx, job->n_tx), now_ns);
	if (job->receive)
		received = take_received(c, s, now_ns);
	return received == CONN_IDLE ? sent : received;
}

/* Puts what can be received into the job. Returns CONN_MOVED if the loop's thread is to read. */
static enum conn_result plan_receive(struct conn *c, struct session *s)
{
	struct worker_job *job = c->job;

	job->receive = false;
	if (!c->readable || !session_rx_lends(s, c->slot))
		return CONN_IDLE;
	job->n_rx = session_rx_space(s, c->slot, job->rx);
	if (!job->n_rx)
		return CONN_IDLE;
	job->receive = session_rx_loan(s, c->slot, &job->chunk);
	if (!job->receive)
		return CONN_MOVED;
	c->readable = false;
	return CONN_IDLE;
}

/* Puts the next frame into the job, or sends it if it is small. */
static enum conn_result plan_send(struct conn *c, struct session *s, uint64_t now_ns)
{
	struct worker_job *job = c->job;
	bool sealed_before = c->tls && !tls_flushed(c->tls);

	job->send = false;
	job->n_tx = 0;
	if (!c->writable || c->state == CONN_SHUT)
		return CONN_IDLE;
	job->n_tx = session_tx(s, c->slot, now_ns, job->tx);
	job->header = session_tx_loan(s, c->slot);
	if (!job->n_tx && !sealed_before)
		return CONN_IDLE;
	c->writable = false;
	if (sealed_before || iov_len(job->tx, job->n_tx) >= SESSION_LOAN_MIN) {
		job->send = true;
		return CONN_IDLE;
	}
	return conn_was_written(c, s, channel_send(conn_channel(c), job->tx, job->n_tx),
				iov_len(job->tx, job->n_tx), now_ns);
}

static enum conn_result pooled_write(struct conn *c, struct session *s, uint64_t now_ns)
{
	struct worker_job *job = c->job;
	enum conn_result sent, received;

	if (job->state != WORKER_JOB_IDLE)
		return CONN_IDLE;
	sent = plan_send(c, s, now_ns);
	received = plan_receive(c, s);
	if (job->send || job->receive)
		worker_pool_give(c->pool, job);
	return sent == CONN_IDLE ? received : sent;
}

static bool pooled_settle(struct conn *c, bool wait)
{
	if (wait)
		worker_pool_wait(c->pool, c->job);
	return c->job->state != WORKER_JOB_GIVEN;
}

int conn_use_pool(struct conn *c, struct worker_pool *pool, void (*news)(void *arg), void *arg)
{
	static const struct conn_ops pooled = { pooled_read, pooled_write, pooled_settle };

	c->job = worker_job_new(conn_channel(c), news, arg);
	if (!c->job)
		return -ENOMEM;
	c->pool = pool;
	c->ops = &pooled;
	return 0;
}
