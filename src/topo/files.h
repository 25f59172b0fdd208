/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * files.h - the facts that are in /sys and /proc only
 *
 * What a file says that cannot be understood counts as not said.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "topo/topo.h"

/* Reads the file at the path that fmt makes ("/proc/..."), below the source's root: at most size -
 * 1 bytes, and a NUL; the last newline is left out. Returns the length or -errno. */
ssize_t files_read(const struct topo_source *source, char *buf, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Does /sys/class/net show the device of this name, ifindex and address? */
bool files_in_sysfs(const struct topo_source *source, const char *name, uint32_t ifindex,
		    const uint8_t mac[TOPO_MAC_LEN]);

/* speed and duplex of a device that is in sysfs; neither is touched if it is not known. */
void files_speed(const struct topo_source *source, struct topo_link *link);

/* "full", "half"; anything else is not known. */
enum topo_duplex files_duplex(const char *text);

/* statistics/ of a device that is in sysfs. Returns 0 or -errno. */
int files_counters(const struct topo_source *source, const char *name, struct topo_counters *out);
