/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A connection whose records the threads of a TLS pool seal, open, send and receive.
 *
 * It has one job, which goes round as tls_pool.h draws: pooled_write hands it over with a frame to
 * send, with the wish to receive, or with both; pooled_read takes it back and gives the session the
 * results. While the job is given, nobody else touches the channel, the job, or the window's memory
 * that the frame lies in. The session stays in the loop's thread and knows nothing of this, so what
 * a job receives lies in the job's memory and is copied from there. If the session has no memory
 * for all of it, the rest waits (n_uncopied), and the job goes round with sending alone.
 */
#include <errno.h>
#include <string.h>

#include "engine/conn_internal.h"
#include "session/session_subflow.h"
#include "util/iov.h"

/* What the pool has received goes to the session, as far as there is memory for it now. */
static enum conn_result copy_in(struct conn *c, struct session *s, uint64_t now_ns)
{
	enum conn_result r = CONN_IDLE;

	while (c->n_uncopied) {
		const uint8_t *bytes = c->job->rx + c->job->received - c->n_uncopied;
		struct iovec iov[SESSION_IOV];
		int n_iov = session_rx_space(s, c->slot, iov);
		size_t len = 0;

		if (!n_iov)
			return r;
		for (int i = 0; i < n_iov; i++) {
			size_t left = c->n_uncopied - len;
			size_t part = iov[i].iov_len < left ? iov[i].iov_len : left;

			memcpy(iov[i].iov_base, bytes + len, part);
			len += part;
		}
		c->n_uncopied -= len;
		if (session_rx(s, c->slot, len, now_ns))
			return CONN_CLOSED;
		r = CONN_MOVED;
	}
	return r;
}

static enum conn_result pooled_read(struct conn *c, struct session *s, uint64_t now_ns)
{
	struct tls_pool_job *job = c->job;
	enum conn_result r = CONN_IDLE;

	if (!tls_pool_take_back(job))
		return copy_in(c, s, now_ns);
	if (job->send)
		r = conn_was_written(c, s, job->sent, iov_len(job->tx, job->n_tx), now_ns);
	if (!job->receive) {
		enum conn_result copied = copy_in(c, s, now_ns);

		return copied == CONN_IDLE ? r : copied;
	}
	if (job->received > 0) {
		conn_was_read(c, job->received, sizeof(job->rx));
		c->n_uncopied = (size_t)job->received;
		return copy_in(c, s, now_ns);
	}
	return conn_was_read(c, job->received, sizeof(job->rx)) == CONN_CLOSED ? CONN_CLOSED : r;
}

static enum conn_result pooled_write(struct conn *c, struct session *s, uint64_t now_ns)
{
	struct tls_pool_job *job = c->job;

	if (job->state != TLS_POOL_IDLE)
		return CONN_IDLE;
	job->n_tx = 0;
	if (c->writable && c->state != CONN_SHUT)
		job->n_tx = session_tx(s, c->slot, now_ns, job->tx);
	job->send = job->n_tx || (c->writable && c->state != CONN_SHUT && !tls_flushed(c->tls));
	/* Its memory is still in use for what could not be copied yet. */
	job->receive = c->readable && !c->n_uncopied;
	if (!job->send && !job->receive)
		return CONN_IDLE;
	if (job->send)
		c->writable = false;
	if (job->receive)
		c->readable = false;
	tls_pool_give(c->pool, job);
	return CONN_IDLE;
}

static bool pooled_settle(struct conn *c, bool wait)
{
	if (wait)
		tls_pool_wait(c->pool, c->job);
	return c->job->state != TLS_POOL_GIVEN;
}

int conn_use_tls_pool(struct conn *c, struct tls_pool *pool, void (*news)(void *arg), void *arg)
{
	static const struct conn_ops pooled = { pooled_read, pooled_write, pooled_settle };

	c->job = tls_pool_job_new(conn_channel(c), news, arg);
	if (!c->job)
		return -ENOMEM;
	c->pool = pool;
	c->ops = &pooled;
	return 0;
}
