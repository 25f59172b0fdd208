/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "transfer.h"

#include <stdlib.h>
#include <string.h>

#include "client/client.h"
#include "engine/engine.h"
#include "networks.h"
#include "server/listener.h"
#include "util/text.h"

/* Who needs longer than at 1/50 of what the links can carry is stopped. */
#define SLOWEST 50

struct run {
	struct world world;
	enum variant variant;
	bool trace;
	struct loop *loop;
	struct listener *listener;
	struct engine *engine[2];
	struct client *client;
	struct engine_events events[2];
	unsigned n_ended;
	uint64_t taken;
	struct transfer *out;
};

const char *variant_name(enum variant v)
{
	static const char *const names[N_VARIANTS] = { "one", "plan", "8 blind", "16 blind",
						       "program" };

	return names[v];
}

static double now_s(const struct run *r)
{
	return (double)(r->world.clock.now_ns - CLOCK_SECOND) / 1e9;
}

/* Has a connection of the program's carried much to this link of the receiver? */
static bool was_used(const struct run *r, unsigned link)
{
	unsigned sender = r->world.net->sender;

	for (const struct connection *c = r->world.connections; c; c = c->next)
		if (!c->other && c->in[sender] == (int)link &&
		    c->tcp.half[sender].arrived > 256 << 10)
			return true;
	return false;
}

/* "eth1, eth3 at the peer stay idle: ..." */
static bool says_idle(const char *text, unsigned link)
{
	char name[8];
	const char *end = strstr(text, " at the peer") ?: strstr(text, " here"), *at;

	text_printf(name, sizeof(name), "eth%u", link);
	for (at = strstr(text, name); at && end && at < end; at = strstr(at + 1, name))
		if (at[strlen(name)] == ',' || at[strlen(name)] == ' ')
			return true;
	return false;
}

/* Is what the program says of the links true? */
static bool is_true(const struct run *r, const char *text)
{
	const struct network *net = r->world.net;
	const struct machine_config *from = &net->machine[net->sender];
	const struct machine_config *to = &net->machine[!net->sender];

	if (strstr(text, "everything arrives on"))
		return to->towards == SWITCH_LAYER2 || from->policy == HASH_LAYER2;
	if (strstr(text, "everything leaves by"))
		return from->policy == HASH_LAYER2;
	for (unsigned i = 0; i < to->n_links && strstr(text, "idle: of all ports"); i++)
		if (says_idle(text, i) && was_used(r, i))
			return false;
	return true;
}

static void judge_verdict(struct run *r, const char *text)
{
	text_printf(r->out->verdict, sizeof(r->out->verdict), "%s", text);
	if (!is_true(r, text))
		text_printf(r->out->lie, sizeof(r->out->lie), "%s", text);
}

static void note_client(void *arg, int level, const char *text)
{
	struct run *r = arg;

	if (r->trace)
		printf("%9.3f %s\n", now_s(r), text);
	if (strstr(text, "everything ") || strstr(text, "idle: of all ports") ||
	    strstr(text, "no choice of ports") || strstr(text, "all links that can be used"))
		judge_verdict(r, text);
}

static void note_server(void *arg, int level, const char *text)
{
	struct run *r = arg;

	if (r->trace)
		printf("%9.3f server: %s\n", now_s(r), text);
}

static void client_moved(void *arg)
{
	struct run *r = arg;

	client_pumped(r->client);
}

static void client_links(void *arg)
{
	struct run *r = arg;

	client_replan(r->client);
}

static void nothing(void *arg)
{
}

static void one_ended(void *arg)
{
	struct run *r = arg;

	if (++r->n_ended == 2)
		loop_stop(r->loop);
}

/* Has no files, so that the ranges of ports are the kernel's defaults. */
static struct topo_source no_source = { .root = "/nonexistent" };

static struct engine_config config_of(struct run *r, unsigned side)
{
	struct engine_config c = {
		.session = { .role = side ? SESSION_SERVER : SESSION_CLIENT,
			     .window = 64u << 20,
			     .n_subflows = SUBFLOWS_MAX,
			     .reconnect_ns = 60 * CLOCK_SECOND },
		.endpoint = { .is_socket = true },
		.paths = { .client = side == 0, .source = &no_source },
		.idle_ns = LOOP_NEVER,
		.quit_ns = LOOP_NEVER,
	};

	if (!side && r->variant == VARIANT_ONE)
		c.session.n_subflows = 1;
	return c;
}

/* Two sessions' paths in one process ask in turn; their addresses say whose they are. */
static int new_engine(struct run *r, unsigned side, const uint8_t id[WIRE_SESSION_ID_LEN])
{
	struct engine_config c = config_of(r, side);

	memcpy(c.session.id, id, WIRE_SESSION_ID_LEN);
	r->events[side] = (struct engine_events){ .note = side ? note_server : note_client,
						  .pumped = side ? nothing : client_moved,
						  .replan = side ? NULL : client_links,
						  .ended = one_ended,
						  .arg = r };
	if (engine_new(&r->engine[side], r->loop, &c, &r->events[side]))
		return -1;
	return engine_set_socket(r->engine[side], world_plug(side));
}

static void on_hello(void *arg, struct channel ch, const union sock_addr *peer,
		     const struct wire_hello *hello)
{
	struct run *r = arg;

	if (!r->engine[1] && new_engine(r, 1, hello->session))
		return;
	if (engine_attach(r->engine[1], &(struct engine_arrival){ .channel = ch, .hello = hello }))
		listener_refuse(r->listener, ch, WIRE_R_LIMIT, NULL);
}

static void address_of(unsigned side, uint16_t port, union sock_addr *out)
{
	uint8_t addr[4], mac[6];

	*out = (union sock_addr){ .in = { .sin_family = AF_INET } };
	world_addresses(side, addr, mac);
	memcpy(&out->in.sin_addr, addr, sizeof(addr));
	sock_addr_set_port(out, port);
}

static int begin(struct run *r)
{
	static const struct sock_options plain = { .tos = -1 };
	const struct listener_events events = { .note = note_server, .hello = on_hello, .arg = r };
	union sock_addr server;
	const struct listener_where where = { &server, 1, &plain };
	struct client_config c = { .host = "server",
				   .port = "5000",
				   .addrs = &server,
				   .n_addrs = 1,
				   .all_pairs = true,
				   .steer = r->variant == VARIANT_PROGRAM,
				   .follow_plan = true,
				   .n_flows = 8,
				   .connect_ns = LOOP_NEVER,
				   .socket = plain };
	uint8_t id[WIRE_SESSION_ID_LEN] = { 1 };

	if (r->variant == VARIANT_BLIND_16 || r->variant == VARIANT_ONE) {
		c.follow_plan = false;
		c.n_flows = r->variant == VARIANT_ONE ? 1 : 16;
	}
	address_of(1, WORLD_PORT, &server);
	if (loop_new(&r->loop) || listener_new(&r->listener, r->loop, &where, NULL, &events))
		return -1;
	if (new_engine(r, 0, id))
		return -1;
	return client_new(&r->client, r->loop, r->engine[0], &c, &r->events[0]);
}

static void sample(void *arg)
{
	struct run *r = arg;
	struct transfer *t = r->out;
	unsigned n = engine_n_live(r->engine[0]);
	double part = (double)r->world.taken / (double)r->world.net->bytes;

	if (r->world.done_ns)
		return;
	if (n > t->most)
		t->most = n;
	for (unsigned i = 0; i < 4; i++)
		if (part <= 0.25 * (i + 1))
			t->quarter[i] = n;
	clock_add(&r->world.clock, r->world.clock.now_ns + 100 * CLOCK_MS, sample, r);
}

static void each_second(void *arg)
{
	struct run *r = arg;

	printf("%9.3f == %u connections, %.1f Mbit/s\n", now_s(r), engine_n_live(r->engine[0]),
	       (double)(r->world.taken - r->taken) * 8 / 1e6);
	r->taken = r->world.taken;
	if (!r->world.done_ns)
		clock_add(&r->world.clock, r->world.clock.now_ns + CLOCK_SECOND, each_second, r);
}

static void over(void *arg)
{
	struct run *r = arg;

	loop_stop(r->loop);
}

static void finish(struct run *r, struct transfer *out)
{
	const struct outcome *end[2] = { NULL, NULL };
	unsigned sender = r->world.net->sender;
	double sent = 0, again = 0;
	uint64_t done_ns = r->world.done_ns ? r->world.done_ns : r->world.clock.now_ns;

	for (unsigned i = 0; i < 2; i++)
		end[i] = r->engine[i] ? engine_outcome(r->engine[i]) : NULL;
	out->seconds = (double)(done_ns - CLOCK_SECOND) / 1e9;
	out->ok = r->n_ended == 2 && !end[0]->exit && !end[1]->exit && r->world.done_ns;
	if (r->n_ended == 2)
		text_printf(out->wrong, sizeof(out->wrong), "%s; server: %s", end[0]->reason,
			    end[1]->reason);
	else
		text_printf(out->wrong, sizeof(out->wrong), "stopped at %llu of %llu bytes",
			    (unsigned long long)r->world.taken,
			    (unsigned long long)r->world.net->bytes);
	out->slow = r->n_ended < 2;
	for (const struct connection *c = r->world.connections; c; c = c->next) {
		sent += c->other ? 0 : (double)c->tcp.half[sender].order;
		again += c->other ? 0 : (double)c->tcp.half[sender].n_resent;
	}
	out->again = again / (sent + 1);
	out->opened = r->world.n_connections;
	out->events = (double)r->world.clock.n_done;
}

void transfer_run(const struct network *net, enum variant v, uint64_t seed, bool trace,
		  struct transfer *out)
{
	struct run *r = clock_alloc(sizeof(*r));

	*out = (struct transfer){ .ok = false };
	r->variant = v;
	r->trace = trace;
	r->out = out;
	world_begin(&r->world, net, seed);
	r->world.hidden = v == VARIANT_BLIND_8 || v == VARIANT_BLIND_16;
	if (begin(r)) {
		text_printf(out->wrong, sizeof(out->wrong), "it does not begin");
	} else {
		double limit_s = SLOWEST * (double)net->bytes / network_rate(net) + 60;

		if (trace)
			clock_add(&r->world.clock, 2 * CLOCK_SECOND, each_second, r);
		clock_add(&r->world.clock, CLOCK_SECOND, sample, r);
		clock_add(&r->world.clock, CLOCK_SECOND + (uint64_t)(limit_s * 1e9), over, r);
		loop_run(r->loop);
		finish(r, out);
	}
	client_free(r->client);
	engine_free(r->engine[0]);
	engine_free(r->engine[1]);
	listener_free(r->listener);
	loop_free(r->loop);
	world_end(&r->world);
	free(r);
}
