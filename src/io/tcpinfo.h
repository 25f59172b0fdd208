/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tcpinfo.h - what the kernel's TCP has counted of a connection
 *
 * By itself because <linux/tcp.h>, which has these fields, and <netinet/tcp.h> exclude each other.
 */
#pragma once

#include <stdint.h>

/* What the links have carried of a connection by now, unlike what its socket took or gave. */
struct tcpinfo {
	uint64_t sent;   /* payload, again and again where it had to be (tcpi_bytes_sent) */
	uint64_t resent; /* part of that (tcpi_bytes_retrans) */
	/* Segments with payload, also those that came out of order (tcpi_data_segs_in): bytes are
	 * counted by the kernel only when what was lost before them has come again. */
	uint32_t segs_in;
	uint32_t seg_len;    /* payload of one, about */
	uint32_t rtt_us;     /* smoothed (tcpi_rtt) */
	uint32_t min_rtt_us; /* the least of the last minutes (tcpi_min_rtt) */
};

/* Returns 0, -errno, or -ENODATA: the kernel is older than Linux 4.19, and does not tell. */
int tcpinfo_get(int fd, struct tcpinfo *out);
