/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * doctor.h - mpnc doctor: what keeps a bond of this machine from being used, and what to change
 *
 * doctor_load looks at the machine, or at files of another; from there on everything is pure. The
 * conditions are tables (doctor_errors.c, doctor_warnings.c, doctor_notes.c) of a predicate each
 * (doctor_rules.h) and texts. A finding is a condition that holds, with the links that it holds for
 * and the values that were seen. The tests have a machine for each condition, and want none to be
 * found in bonds that work.
 *
 * Left out, as a user of one machine cannot see it:
 * - by which hash the switch shares out what it sends here. The counters show at last that it does
 *   not share (receive-uneven); flows to a peer show it (switch-here, switch-there).
 * - a static group on the switch for a bond without LACP, or none.
 * - failures, churn or fragments that are going on: these need two looks, and status --since has
 *   the first of them.
 * - the peer's bond, and a group over two switches that do not know of each other: needs a peer.
 *   With a port these are looked for (peer-..., switch-..., lane-...).
 * - which fields a team hashes by, and LACP on its links: teamd tells root only.
 * - ports that a card bonds in hardware (mlx5), but where a virtual function hints at it: debugfs,
 *   for root only.
 * - bonds of Open vSwitch: ovs-appctl, for root only.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "cmd/doctor/doctor_probe.h"
#include "topo/devs.h"
#include "topo/machine.h"
#include "topo/path.h"
#include "topo/saved.h"

/* "schema" of the JSON: raised when a field changes its meaning or goes away. */
#define DOCTOR_SCHEMA 1

/* Values of up to 32 links. */
#define DOCTOR_DETAIL_LEN 1024

/* Devices that have an address in the peer's subnet; any one of them is enough for a finding. */
#define DOCTOR_SUBNETS_MAX 16

#define DOCTOR_ADDR_LEN 64

enum doctor_exit {
	DOCTOR_FINE = 0,
	DOCTOR_FINDINGS = 1, /* errors or warnings */
	DOCTOR_USAGE = 2,    /* or something could not be read or written */
};

enum doctor_severity {
	DOCTOR_ERROR,   /* packets are lost, or a link is idle that is meant to work */
	DOCTOR_WARNING, /* does what it was asked to, which is not to give one peer all links */
	DOCTOR_NOTE,    /* may be meant so, is over, or cannot be known; no other exit status */
	DOCTOR_N_SEVERITIES
};

/* What the predicates look at. Everything is borrowed. */
struct doctor_view {
	const struct topo_bond *bond; /* the one in question; NULL: the machine as a whole */
	const struct topo_bond *bonds;
	size_t n_bonds;
	const char *release; /* uname's; "" if not known */

	const struct devs *devs;       /* all devices, without files */
	const struct topo_card *cards; /* as many, in the same order; NULL: not known */

	uint64_t tcp_reordering; /* sysctl; 0: not known */
	uint64_t fragments_sent; /* IPv4, since the start */
	uint64_t fragments_received;

	const char *peer;                     /* the address asked for, "10.0.0.2"; NULL: none */
	const char *source;                   /* the local one, -s; NULL: the kernel's choice */
	const struct topo_path *path;         /* to peer; NULL as of peer */
	uint32_t subnets[DOCTOR_SUBNETS_MAX]; /* devices whose subnet has the peer */
	size_t n_subnets;
	unsigned n_next_hops; /* of the route to peer; 0: not known */
	bool hops_by_address; /* and one of them for all connections to peer */

	const struct doctor_probes *probes; /* of the way to a waiting mpnc; NULL: not asked for */

	bool saved; /* of files: no machine is there to look at, only bonds */
};

struct doctor_condition;

struct doctor_finding {
	const struct doctor_condition *condition;
	const struct topo_bond *bond;   /* borrowed from the view; NULL: the machine */
	uint32_t links;                 /* bit i: bond->links[i] */
	char detail[DOCTOR_DETAIL_LEN]; /* values for the message; "": none */
	char dev[TOPO_NAME_LEN];        /* the device that a command is about, if no link; "" */
	const char *remedy;             /* in place of the condition's; NULL: that one */
};

/*
 * Texts have names in braces: {bond}, {mode}, {policy}, {links} (the finding's), {usable} and {n}
 * (how many), {one} and {all} (what one link and all usable ones carry), {aggregator}, {mtu},
 * {min_links}, {detail}, {dev}, {peer}, {reordering}.
 *
 * A line that begins with "$ " is a command: it is shown as it is, its names quoted for a shell. If
 * it has {link} or {port} it is repeated for each link of the finding, or of the bond.
 */
struct doctor_condition {
	const char *id; /* stable: programs know it */
	enum doctor_severity severity;
	bool of_machine; /* looked for once, not in every bond */
	/* Does it hold? Then sets links, detail, dev and remedy of the finding, which is zero
	 * before. */
	bool (*holds)(const struct doctor_view *v, struct doctor_finding *f);
	const char *message;
	const char *one_stream;
	const char *several_streams;
	const char *remedy; /* "": none is needed, or possible */
};

struct doctor_table {
	const struct doctor_condition *list;
	size_t n;
};

/* All of one severity, the worst first. */
extern const struct doctor_table doctor_errors, doctor_warnings, doctor_notes;

/* The i-th of them all; NULL: there are no more. */
const struct doctor_condition *doctor_condition(size_t i);

const char *doctor_remedy(const struct doctor_finding *finding);

/* "error" */
const char *doctor_severity_name(enum doctor_severity severity);

/* All conditions that hold, bond by bond, the worst first, those of the machine last. view->bond is
 * not looked at. The caller frees *out. Returns 0 or -ENOMEM. */
int doctor_examine(const struct doctor_view *view, struct doctor_finding **out, size_t *n_out);

/* A bond that is set down and has no links is one that nobody uses. */
bool doctor_in_use(const struct topo_bond *b);

/* A text of the finding's condition with all names filled in; the caller frees it. NULL: out of
 * memory. commands: keep the "$ ". */
char *doctor_text(const struct doctor_view *v, const struct doctor_finding *f, const char *text,
		  bool commands);

/* For people. Returns 0 or -ENOMEM. */
int doctor_show(FILE *out, const struct doctor_view *v, const struct doctor_finding *findings,
		size_t n);

/* One line of JSON. Returns 0 or -ENOMEM. */
int doctor_json(FILE *out, const struct doctor_view *v, const struct doctor_finding *findings,
		size_t n);

/* The peer and the lanes to it: part of doctor_show. */
void doctor_show_probes(FILE *out, const struct doctor_probes *p);

/* The same of doctor_json; p NULL: null. */
json_t *doctor_json_probes(const struct doctor_probes *p);

/* Writes text with every address, of IP and Ethernet, replaced: each one by the same name wherever
 * it stands. Returns 0 or -ENOMEM. */
int doctor_mask(FILE *out, const char *text);

/* What a machine looks like; owns what its view borrows. */
struct doctor_machine;

/* flow: a way to look at too; NULL: none. Returns 0 or -errno. */
int doctor_load(struct topo_source *source, const struct topo_flow *flow,
		struct doctor_machine **out);

/* The bonds of a file or directory (topo/saved.h) in place of this machine. Returns 0, or -errno
 * with a clause in why. */
int doctor_load_saved(const char *path, struct doctor_machine **out, char why[SAVED_WHY_LEN]);

struct doctor_machine *doctor_free(struct doctor_machine *machine);
const struct doctor_view *doctor_view(const struct doctor_machine *machine);

/* What the verb is asked for. */
struct doctor_request {
	const char *from;             /* a file to read in place of this machine; NULL: none */
	const struct topo_flow *flow; /* a way to look at; NULL: none */
	const struct doctor_probes *probes; /* what was found there; NULL: nothing */
	bool json;
	bool report; /* without addresses */
};

/* The verb behind its options; source is not looked at with from. Prints to out, failures to the
 * log. Returns the exit status. */
int doctor_run(struct topo_source *source, const struct doctor_request *request, FILE *out);

/* The verb. argv[0] is "doctor". Returns the exit status. Uses getopt's global state. */
int doctor_main(int argc, char *argv[]);
