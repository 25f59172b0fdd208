/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * watch.h - a descriptor that becomes readable when a device of this network namespace changes
 *
 * RTNLGRP_LINK; no privilege is needed. The bonding driver tells of ports that come, go, fail and
 * recover, of LACP's decisions, and of changed settings. It may do so before it acts on them.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Returns a non-blocking descriptor that the caller owns, to be watched for EPOLLIN, or -errno. */
int topo_watch_open(void);

/* Reads all that has come. Returns 1 if it is about one of these devices, about a port of one of
 * them, or if events were lost; 0 if it is not; or -errno. Counters that grow are no event. */
int topo_watch_drain(int fd, const uint32_t *ifindexes, size_t n);
