/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The real source: one netlink socket per family, opened when it is first needed.
 *
 * Each request has its own sequence number, and what does not carry it is passed over. So a query
 * that was ended early leaves nothing that could be taken for an answer to the next one.
 */
#include "netlink/source.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "netlink/attr.h"

/* The kernel fills up to 32 KiB per read of a dump, and one device with many virtual functions may
 * take more than half of that. */
#define BUFFER_LEN (64u << 10)

/* The kernel answers before send returns; only a bug could make us wait. */
#define TIMEOUT_S 5

#define N_FAMILIES 2

struct machine {
	struct topo_source source;
	struct mnl_socket *sockets[N_FAMILIES]; /* NETLINK_ROUTE, NETLINK_GENERIC */
	uint32_t seq;
	char buffer[BUFFER_LEN];
};

static int open_socket(struct mnl_socket **slot, int family)
{
	struct timeval timeout = { .tv_sec = TIMEOUT_S };
	struct mnl_socket *sock;
	int r;

	if (*slot)
		return 0;
	sock = mnl_socket_open2(family, SOCK_CLOEXEC);
	if (!sock)
		return -errno;
	if (mnl_socket_bind(sock, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    setsockopt(mnl_socket_get_fd(sock), SOL_SOCKET, SO_RCVTIMEO, &timeout,
		       sizeof(timeout)) < 0) {
		r = -errno;
		mnl_socket_close(sock);
		return r;
	}
	*slot = sock;
	return 0;
}

/* One query under way. */
struct exchange {
	uint32_t seq;
	uint32_t port;
	bool dump;
	bool changed; /* NLM_F_DUMP_INTR */
	bool done;
	topo_reply_fn fn;
	void *arg;
};

/* The error that an end mark carries; none in that of an old kernel's dump. */
static int mark_error(const struct nlmsghdr *message)
{
	int32_t error = 0;

	if (mnl_nlmsg_get_payload_len(message) >= sizeof(error))
		memcpy(&error, mnl_nlmsg_get_payload(message), sizeof(error));
	return error < 0 ? error : 0;
}

static int take_message(struct exchange *x, const struct nlmsghdr *message)
{
	if (message->nlmsg_seq != x->seq || message->nlmsg_pid != x->port)
		return 0;
	if (message->nlmsg_flags & NLM_F_DUMP_INTR)
		x->changed = true;
	if (message->nlmsg_type == NLMSG_ERROR || message->nlmsg_type == NLMSG_DONE) {
		/* A request that is no dump ends with its acknowledgement, even if its answer
		 * came in several parts. */
		x->done = x->dump || message->nlmsg_type == NLMSG_ERROR;
		return mark_error(message);
	}
	return message->nlmsg_type < NLMSG_MIN_TYPE ? 0 : x->fn(message, x->arg);
}

static int take_all(struct exchange *x, const char *buffer, size_t len)
{
	const struct nlmsghdr *message = NULL;
	int r = 0;

	while (!r && !x->done && (message = attr_message(buffer, len, message)))
		r = take_message(x, message);
	return r;
}

static int receive(struct machine *m, struct mnl_socket *sock, struct exchange *x)
{
	int r = 0;

	while (!r && !x->done) {
		ssize_t len = mnl_socket_recvfrom(sock, m->buffer, sizeof(m->buffer));

		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		r = take_all(x, m->buffer, (size_t)len);
	}
	if (!r && x->changed)
		return -EINTR;
	return r;
}

/* The caller's request is const, as it may be sent again. */
static int send_request(struct machine *m, struct mnl_socket *sock, const struct nlmsghdr *request,
			struct exchange *x)
{
	struct nlmsghdr *copy = (void *)m->buffer;

	if (request->nlmsg_len > sizeof(m->buffer))
		return -EMSGSIZE;
	memcpy(copy, request, request->nlmsg_len);
	copy->nlmsg_flags |= NLM_F_REQUEST;
	if (!x->dump)
		copy->nlmsg_flags |= NLM_F_ACK;
	copy->nlmsg_seq = x->seq;
	copy->nlmsg_pid = 0;
	return mnl_socket_sendto(sock, copy, copy->nlmsg_len) < 0 ? -errno : 0;
}

static int machine_query(void *ctx, int family, const struct nlmsghdr *request, topo_reply_fn fn,
			 void *arg)
{
	struct machine *m = ctx;
	struct mnl_socket **slot = &m->sockets[family == NETLINK_GENERIC];
	struct exchange x = { .fn = fn, .arg = arg };
	int r = open_socket(slot, family);

	if (r)
		return r;
	x.seq = ++m->seq;
	x.port = mnl_socket_get_portid(*slot);
	x.dump = (request->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
	r = send_request(m, *slot, request, &x);
	return r ? r : receive(m, *slot, &x);
}

static const struct topo_source_ops machine_ops = { .query = machine_query };

int topo_source_new(struct topo_source **out)
{
	struct machine *m = calloc(1, sizeof(*m));
	int r;

	if (!m)
		return -ENOMEM;
	m->source.ops = &machine_ops;
	m->source.ctx = m;
	m->source.root = "";
	/* Now, so that the namespace is that of the caller. */
	r = open_socket(&m->sockets[0], NETLINK_ROUTE);
	if (r) {
		free(m);
		return r;
	}
	*out = &m->source;
	return 0;
}

struct topo_source *topo_source_free(struct topo_source *source)
{
	struct machine *m = source ? source->ctx : NULL;

	if (source && source->held)
		source->drop_held(source);
	for (unsigned i = 0; m && i < N_FAMILIES; i++)
		if (m->sockets[i])
			mnl_socket_close(m->sockets[i]);
	free(m);
	return NULL;
}
