/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * machine.h - what bounds a bond from outside of it: the cards behind its links, the kernel's
 * settings and its counts of packets
 *
 * What cannot be read, or is not understood, is not known; nothing here fails.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "topo/topo.h"

/* The card behind a device; all zero: it has none, or sysfs does not show it. */
struct topo_card {
	char driver[32];       /* DRIVER of device/uevent */
	char slot[32];         /* PCI_SLOT_NAME without the function: "0000:3b:00" */
	uint32_t slot_mbits;   /* what the slot carries each way, Mbit/s; 0: not known */
	bool virtual_function; /* device/physfn: a part of a card that somebody else has */
	bool wireless;         /* DEVTYPE of uevent is wlan */
};

/* Looks only at a device that sysfs shows (files_in_sysfs). */
void machine_card(const struct topo_source *source, const struct topo_link *link,
		  struct topo_card *out);

/* The number in a file such as "net/ipv4/tcp_reordering" of /proc/sys; 0: not known. */
uint64_t machine_sysctl(const struct topo_source *source, const char *name);

/* A counter of /proc/net/snmp, "Ip" "FragCreates"; 0: not known. */
uint64_t machine_snmp(const struct topo_source *source, const char *group, const char *name);
