/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config.h - what the command line asked for: filled once by opts.c, then passed as const
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "plan/plan.h"
#include "session/stats.h"
#include "util/cidr.h"

/* -P auto with -p, and where no bond can be seen. */
#define CONFIG_SUBFLOWS_AUTO PLAN_BLIND_FLOWS

#define CONFIG_WINDOW_DEFAULT (64ull << 20)
/* Below this a fast subflow could not have one chunk in flight while another is being written. */
#define CONFIG_WINDOW_MIN (1ull << 20)
#define CONFIG_WINDOW_MAX (16ull << 30)

/* Addresses given with -s: more than a machine has interfaces for. */
#define CONFIG_SOURCES_MAX 8

/* Ranges of --ports: more than one rule of a firewall takes. */
#define CONFIG_PORTS_MAX 16

/* Blocks of --allow: more than a rule that people write has. */
#define CONFIG_ALLOW_MAX 64

/* As many workers as pay (threads.h). */
#define CONFIG_THREADS_AUTO UINT_MAX

/* A duration that was not given. */
#define CONFIG_NEVER UINT64_MAX

/* Longer than a switch takes to restart a port, or a firewall its rules. */
#define CONFIG_RECONNECT_DEFAULT_NS 30000000000ull

enum config_progress { CONFIG_PROGRESS_AUTO, CONFIG_PROGRESS_ALWAYS, CONFIG_PROGRESS_NEVER };

struct config {
	bool listen;      /* -l */
	bool keep;        /* -k */
	int family;       /* AF_UNSPEC, AF_INET (-4), AF_INET6 (-6) */
	bool numeric;     /* -n */
	bool no_stdin;    /* -d */
	bool send_only;   /* --send-only */
	bool recv_only;   /* --recv-only */
	bool duplex;      /* --duplex */
	bool plain;       /* --plain, or -U alone */
	bool shutdown;    /* -N, which matters with --plain only */
	const char *host; /* borrowed from argv; NULL with -l: every address */
	const char *port; /* borrowed from argv; number or service name */
	const char *sources[CONFIG_SOURCES_MAX]; /* -s; with -l: addresses beside host */
	unsigned n_sources;                      /* 0: the kernel's choice */
	bool multihome;                          /* --multihome */
	uint16_t source_port;  /* -p without -l: first port of the block; 0: not given */
	unsigned n_subflows;   /* -P; CONFIG_SUBFLOWS_AUTO for auto */
	bool subflows_auto;    /* -P auto or no -P */
	uint64_t window;       /* --window, bytes per direction */
	uint64_t timeout_ns;   /* -w; CONFIG_NEVER */
	uint64_t idle_ns;      /* --idle-timeout, or as timeout_ns */
	bool idle_given;       /* the user has decided on it, with "never" too */
	uint64_t rate;         /* --rate; 0: no limit */
	uint64_t retry_ns;     /* --retry; 0 */
	uint64_t reconnect_ns; /* --reconnect; CONFIG_RECONNECT_DEFAULT_NS */
	uint64_t quit_ns;      /* -q; CONFIG_NEVER (also for -q -1) */
	int tos;               /* -T: 0..255; -1 not given */
	int ttl;               /* -M: 1..255; 0 not given */
	int min_ttl;           /* --minttl, the same */
	uint64_t sndbuf;       /* -O; 0: not given, autotuning stays on */
	uint64_t rcvbuf;       /* -I; 0 */
	const char *exec;      /* -e; NULL */
	const char *shell;     /* -c; NULL */
	char *const *command;  /* of send and recv; NULL */
	const char *target;    /* --target; NULL */
	const char *unix_path; /* -U; NULL. With plain it is in place of host and port */
	int verbose;           /* number of -v */
	enum config_progress progress;
	bool quiet;            /* --quiet */
	uint64_t size;         /* --size; 0: not given */
	bool json;             /* --json */
	const char *json_file; /* borrowed from argv; NULL: stderr */

	const char *key_file;    /* --key; these are borrowed from argv, NULL: not given */
	const char *key_dir;     /* --key-dir, only with -l */
	unsigned threads;        /* --threads; CONFIG_THREADS_AUTO */
	const char *cert;        /* --cert, and with it: */
	const char *private_key; /* --private-key */
	const char *ca;          /* --ca */
	const char *cert_name;   /* --name */

	/* With -l only. */
	struct cidr allow[CONFIG_ALLOW_MAX]; /* --allow */
	unsigned n_allow;                    /* 0: whoever */
	unsigned max_clients;                /* -m: served and waiting; UINT_MAX */
	uint64_t n_sessions;                 /* --sessions; 0: no limit */
	bool plain_ok;                       /* --plain-ok */

	/* Not with -l, and ports not with source_port. */
	struct plan_range ports[CONFIG_PORTS_MAX]; /* --ports; may overlap */
	unsigned n_ports;                          /* 0: not given */
	bool steer;                                /* --steer=auto, or no --steer */
	bool plan;                                 /* --plan: tell ports and links, then exit */
	bool probe;                                /* -z: is there an mpnc? */
};
