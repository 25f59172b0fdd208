/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tcpinfo.h - what the kernel's TCP has counted of a connection
 *
 * By itself because <linux/tcp.h>, which has these fields, and <netinet/tcp.h> exclude each other.
 */
#pragma once

#include <stdint.h>

/* Payload that TCP has sent, again and again where it had to (tcpi_bytes_sent, Linux 4.19), and
 * that it has received in order (tcpi_bytes_received, 4.1): unlike what the socket took or gave,
 * that is what the links have carried by now. Returns 0, -errno, or -ENODATA: the kernel is too old
 * to tell. */
int tcpinfo_bytes(int fd, uint64_t *sent, uint64_t *received);
