/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * world.h - two machines with bonds, a switch between them, and what the program sees of that
 *
 * The program is the real one: engine, client, listener, path manager, observer and steering. What
 * it asks of the kernel (sockets, epoll, the clock, TCP_INFO, and topo's questions about devices
 * and their counters) is answered here instead, by symbols that the linker puts in the place of the
 * kernel's (--wrap). So what is simulated is the network, TCP, and nothing of the program.
 *
 * There is one world at a time. Side 0 is the client's machine, 1 the server's.
 */
#pragma once

#include <stdio.h>

#include "hash/xmit_hash.h"
#include "tcp.h"

#define WORLD_LINKS  16
#define WORLD_OTHERS 24
#define WORLD_PORT   5000

/* How the switch chooses among its links to a machine. */
enum switch_hash {
	SWITCH_SAME,    /* as the plan assumes: layer3+4 in the order of the machine's links */
	SWITCH_FOREIGN, /* by all ports and addresses, in a way of its own */
	SWITCH_LAYER2,  /* all on one link */
};

struct link_config {
	struct hop_config out; /* what the machine sends */
	struct hop_config in;  /* what the switch sends to it */
	uint64_t delay_ns;     /* on the way to the machine, beside the network's */
	uint32_t speed;        /* Mbit/s, as the machine knows it; 0: it does not */
};

struct machine_config {
	unsigned n_links;
	struct link_config link[WORLD_LINKS];
	enum hash_policy policy; /* of its bond */
	enum switch_hash towards;
};

/* Traffic that is not the program's, over one link of a machine. */
struct other {
	unsigned side, link; /* of the machine that it goes to */
	double rate;         /* bytes per second, always; 0: TCP takes what it gets */
	uint64_t from_ns, to_ns;
};

struct failure {
	unsigned side, link;
	bool carrier;            /* the machine and the switch see it, and do without the link */
	uint64_t at_ns, back_ns; /* at 0: nothing fails */
};

struct network {
	char name[40];
	struct machine_config machine[2];
	uint64_t delay_ns; /* one way */
	enum tcp_kind tcp;
	bool gso;            /* as in tcp_init */
	uint64_t renewed_ns; /* counters are renewed this often; 0: always */
	uint64_t late_ns;    /* and show what was so long ago */
	struct other other[WORLD_OTHERS];
	unsigned n_others;
	struct failure failure;
	unsigned sender; /* the side that sends the stream */
	uint64_t bytes;  /* of it */
};

struct device {
	struct hop out, in;
	bool carrier;
	uint64_t out_shown, in_shown; /* by counters that are renewed */
};

/* What a SYN meets. */
enum connect_fate {
	CONNECT_STANDS,
	CONNECT_REFUSED,
	CONNECT_SILENT,      /* nothing answers */
	CONNECT_UNREACHABLE, /* this machine knows no way: connect fails at once */
};

/* What can go wrong with connections, for a program that asks for it. With this the kernel also has
 * resets, its own limits of time (SYN, user timeout), and bytes of the stream that are checked. */
struct faults {
	/* Asked for each SYN, by the third byte of the address that is connected to. */
	enum connect_fate (*fate)(void *arg, unsigned net);
	void *arg;
	bool no_sockets, no_accept; /* EMFILE */
	bool stop;                  /* epoll_wait returns at once */
	bool busy;                  /* the loop went round BUSY_TURNS times in one moment */
	unsigned turns, most_turns; /* in this moment, and in any */
	uint64_t n_waits;           /* calls of epoll_wait */
	bool wrong_byte;            /* the stream came out other than it went in */
};

struct connection {
	struct connection *next;
	unsigned net;               /* third byte of the address that was connected to */
	int error;                  /* it broke before it was accepted */
	uint64_t una[2], una_ns[2]; /* acknowledged so far, by sender, and since when no more */
	struct tcp tcp;
	int fd[2];           /* -1: not there */
	struct other *other; /* NULL: it is the program's */
	struct hop *way[4];  /* of a handshake: there and back */
	unsigned step, tries;
	int8_t out[2],
		in[2]; /* links of the one who sends, and of the one who receives, by sender */
};

struct sock;

struct world {
	struct clock clock;
	const struct network *net;
	bool hidden; /* the program sees nothing of the bonds */
	struct device device[2][WORLD_LINKS];
	struct connection *connections;
	unsigned n_connections;
	struct sock *sock; /* by descriptor */
	unsigned n_socks;
	struct connection *accept[64];
	unsigned n_accept;
	int listening;                  /* descriptor; -1: none */
	unsigned char ports[8192];      /* that were used */
	uint64_t given, taken, done_ns; /* of the stream; when all was taken */
	struct failure failure;
	struct faults *faults; /* NULL: none; borrowed */
};

/* The world that calls of the program are answered by. */
extern struct world *world;

void world_begin(struct world *w, const struct network *net, uint64_t seed);
void world_end(struct world *w);

/* An end of the stream: the sender's gives net->bytes, the other takes them. */
int world_plug(unsigned side);

/* For world.c and kernel.c */
void world_route(struct connection *c);
void world_shake(struct connection *c);
/* This side's socket has failed; the peer learns nothing of it. */
void kernel_break(struct connection *c, unsigned side, int error);
/* A RST leaves from this side, and may be lost. */
void kernel_reset(struct connection *c, unsigned from);
void kernel_stands(struct connection *c, unsigned side);
void kernel_end(struct world *w);
/* Descriptors that were not closed. */
unsigned kernel_n_open(const struct world *w);
void kernel_changed(void);

/* What the plan takes a switch in front of a machine for. */
struct hash_bond world_bond(unsigned side);
void world_addresses(unsigned side, uint8_t addr[4], uint8_t mac[6]);
