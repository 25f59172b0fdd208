/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bonding_file.h - what the text of /proc/net/bonding/NAME says of a bond
 *
 * The file lists the ports in the driver's order, which netlink does not. Kernels before 3.13 say
 * nothing else of a bond than this file, and people copy it into bug reports. The format is that of
 * the driver's bond_info_show_master and bond_info_show_slave (drivers/net/bonding/bond_procfs.c),
 * from driver 2.6 (2005) on. Who the LACP partner is, modern kernels write for root only.
 */
#pragma once

#include "topo/topo.h"

struct bonding_file {
	/* Without ifindexes and counters, and with MTU 0. Ports have no up and no carrier of their
	 * own: the file has the result of the bond's monitoring instead, mii. */
	struct topo_bond bond;
	char active[TOPO_NAME_LEN];     /* the active port; "": none */
	char release[TOPO_RELEASE_LEN]; /* of the kernel; "": the driver has a version of its own */
};

/* Reads such a text, which it changes. Lines may be indented and end in CR LF, as they do in
 * reports; a line that cannot be understood counts as not there. Returns 0; -EINVAL if the text is
 * of no bond; -E2BIG if it is of several. */
int bonding_file_parse(char *text, struct bonding_file *out);

/* Makes a bond of the file that stands for itself, and judges it. It gets the name; ifindexes are
 * made up; a bond that hides its active LACP aggregator gets the one with most links. A port that
 * is down has carrier if its speed is known: the driver forgets it with the carrier. */
void bonding_file_complete(struct bonding_file *file, const char *name);

/* What /proc/net/bonding/NAME of the bond says; without that file, its ports' names from sysfs
 * bonding/slaves if in_sysfs. Returns 0 or -errno if neither can be read. */
int bonding_file_load(const struct topo_source *source, const struct topo_bond *bond,
		      struct bonding_file *out);
