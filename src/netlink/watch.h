/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * watch.h - a descriptor that becomes readable when a device of this network namespace changes
 *
 * RTNLGRP_LINK; no privilege is needed. The bonding driver reports ports that come, go, fail and
 * recover, LACP's decisions, and changed settings. It may do so before it acts on them.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Returns a non-blocking descriptor that the caller owns, to be watched for EPOLLIN, or -errno. */
int topo_watch_open(void);

/* Messages that are read at once: under a storm of them others have their turn, too. */
#define TOPO_WATCH_BATCH 64

/* Reads what has come, TOPO_WATCH_BATCH messages at most. Returns 1 if any of it is about one of
 * these devices, about a port of one of them, or if events were lost; 0 if it is not; or -errno.
 * Counters that grow are no event. */
int topo_watch_drain(int fd, const uint32_t *ifindexes, size_t n);
