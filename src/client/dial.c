/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections that are being made, each in one of these states:
 *
 *   DIAL_CONNECTING ---> DIAL_SHAKING ---> done: the owner has the channel
 *          |    |    TLS       |             ^
 *          |    +-------> DIAL_PROVING ------+
 *          |      a session    |             ^
 *          `---------------------------------+  neither
 *
 * From each it may fail instead: an error of the socket or of TLS, or its time is over. One that is
 * connecting may be late before: late_ns after it began its owner hears so, once, and decides
 * whether it goes on until limit_ns.
 *
 *   What always holds: a dial is in its owner's list until exactly one of `done` and `failed` is
 *   called, and freed before; n and n_late count the list. The owner may clear the list in `done`
 *   and `failed`, so nothing is touched after them.
 */
#include "client/dial.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/prove.h"
#include "io/sock.h"
#include "util/text.h"

int dial_from(const struct addr_pair *pair, uint16_t port, const struct sock_options *options)
{
	union sock_addr source = pair->local;
	bool bound = source.sa.sa_family != AF_UNSPEC;
	int fd;

	/* All zero is any address. */
	source.sa.sa_family = pair->remote.sa.sa_family;
	sock_addr_set_port(&source, port);
	fd = sock_connect(&pair->remote, bound || port ? &source : NULL, options);
	if (fd == -EADDRNOTAVAIL && bound && port && !sock_is_ours(&source))
		return -ENXIO;
	return fd;
}

bool dial_taken(int error)
{
	return error == -EADDRINUSE || error == -EADDRNOTAVAIL;
}

/* Returns the connection, which is open. */
static struct channel dial_free(struct dial *d)
{
	struct dials *ds = d->dials;
	struct channel ch = { .fd = d->io.fd, .tls = d->tls };
	struct dial **p = &ds->first;

	while (*p != d)
		p = &(*p)->next;
	*p = d->next;
	assert(ds->n && ds->n_late >= d->late);
	ds->n--;
	ds->n_late -= d->late;
	loop_remove(ds->loop, &d->io);
	loop_set_timer(ds->loop, &d->timer, LOOP_NEVER);
	prove_free(d->prove);
	free(d);
	return ch;
}

static void dial_failed(struct dial *d, int error, const char *text)
{
	struct dials *ds = d->dials;
	unsigned pair = d->pair;
	struct channel ch = dial_free(d);
	char why[TLS_TEXT_LEN];

	if (channel_text(ch))
		text = channel_text(ch);
	text_printf(why, sizeof(why), "%s", text ? text : strerror(error));
	channel_close(ch);
	ds->events.failed(ds->events.arg, pair, ch.tls, error, why);
}

static void dial_done(struct dial *d)
{
	struct dials *ds = d->dials;
	unsigned pair = d->pair;

	ds->events.done(ds->events.arg, pair, dial_free(d));
}

static void dial_shake(struct dial *d)
{
	int r = tls_handshake(d->tls);

	if (r == -EAGAIN)
		loop_change(d->dials->loop, &d->io,
			    tls_flushed(d->tls) ? EPOLLIN : EPOLLIN | EPOLLOUT);
	else if (r)
		dial_failed(d, -r, NULL);
	else
		dial_done(d);
}

static void dial_prove(struct dial *d)
{
	char why[PROVE_TEXT_LEN];
	int r = prove_read(d->prove, d->io.fd, why);

	if (!r)
		dial_done(d);
	else if (r != -EAGAIN)
		dial_failed(d, -r, why[0] ? why : NULL);
}

/* It stands; there is more to say before it is of use. Returns 0 or -errno. */
static int dial_begin(struct dial *d)
{
	struct dials *ds = d->dials;
	int r = ds->tls ? tls_new(&d->tls, ds->tls, d->io.fd)
			: prove_ask(&d->prove, d->io.fd, d->session);

	if (r)
		return r;
	loop_set_timer(ds->loop, &d->timer, loop_now(ds->loop) + DIAL_SHAKE_NS);
	d->state = d->tls ? DIAL_SHAKING : DIAL_PROVING;
	if (d->state == DIAL_SHAKING)
		dial_shake(d);
	else
		loop_change(ds->loop, &d->io, EPOLLIN);
	return 0;
}

static void dial_connected(struct dial *d)
{
	struct dials *ds = d->dials;
	int r = sock_connected(d->io.fd);

	ds->events.connected(ds->events.arg, loop_now(ds->loop) - d->began_ns);
	if (!r && !ds->tls && !d->session) {
		dial_done(d);
		return;
	}
	if (!r)
		r = dial_begin(d);
	if (r)
		dial_failed(d, -r, NULL);
}

static void dial_event(struct loop_io *io, uint32_t events)
{
	static void (*const act[])(struct dial *) = { [DIAL_CONNECTING] = dial_connected,
						      [DIAL_SHAKING] = dial_shake,
						      [DIAL_PROVING] = dial_prove };
	struct dial *d = io->arg;

	act[d->state](d);
}

static uint64_t end_of(const struct dial *d)
{
	return d->limit_ns == LOOP_NEVER ? LOOP_NEVER : d->began_ns + d->limit_ns;
}

static void dial_fired(struct loop_timer *timer)
{
	struct dial *d = timer->arg;
	struct dials *ds = d->dials;

	if (d->state != DIAL_CONNECTING) {
		dial_failed(d, ETIMEDOUT, "it accepts connections but says nothing: is it mpnc?");
	} else if (loop_now(ds->loop) >= end_of(d)) {
		dial_failed(d, ETIMEDOUT, NULL);
	} else {
		assert(!d->late);
		d->late = true;
		ds->n_late++;
		loop_set_timer(ds->loop, timer, end_of(d));
		if (!ds->events.late(ds->events.arg))
			dial_failed(d, ETIMEDOUT, NULL);
	}
}

int dials_add(struct dials *ds, int fd, const struct dial_wish *wish)
{
	uint64_t now_ns = loop_now(ds->loop), first_ns = wish->limit_ns;
	struct dial *d = calloc(1, sizeof(*d));

	if (!d) {
		close(fd);
		return -ENOMEM;
	}
	d->dials = ds;
	d->pair = wish->pair;
	d->port = wish->port;
	d->began_ns = now_ns;
	d->limit_ns = wish->limit_ns;
	d->session = wish->session;
	d->io = (struct loop_io){ .fd = fd, .fn = dial_event, .arg = d };
	d->timer = (struct loop_timer){ .fn = dial_fired, .arg = d, .due_ns = LOOP_NEVER };
	d->next = ds->first;
	ds->first = d;
	ds->n++;
	if (loop_add(ds->loop, &d->io, EPOLLOUT)) {
		channel_close(dial_free(d));
		return -ENOMEM;
	}
	if (wish->late_ns < first_ns)
		first_ns = wish->late_ns;
	if (first_ns != LOOP_NEVER)
		loop_set_timer(ds->loop, &d->timer, now_ns + first_ns);
	return 0;
}

void dials_clear(struct dials *ds)
{
	while (ds->first)
		channel_close(dial_free(ds->first));
}
