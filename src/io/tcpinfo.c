/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "io/tcpinfo.h"

#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>

/* Most are full in a stream of bulk; what is missing to that has not come in order yet. Small
 * messages are not, and where a virtual card hands over many segments as one, that counts as one.
 */
static uint32_t seg_len(const struct tcp_info *info)
{
	uint64_t mean = 0;

	if (info->tcpi_data_segs_in)
		mean = info->tcpi_bytes_received / info->tcpi_data_segs_in;
	if (mean <= info->tcpi_rcv_mss && 5 * mean >= 4 * (uint64_t)info->tcpi_rcv_mss)
		return info->tcpi_rcv_mss;
	return mean < UINT32_MAX ? (uint32_t)mean : UINT32_MAX;
}

int tcpinfo_get(int fd, struct tcpinfo *out)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
		return -errno;
	if (len < offsetof(struct tcp_info, tcpi_bytes_retrans) + sizeof(info.tcpi_bytes_retrans))
		return -ENODATA;
	*out = (struct tcpinfo){
		.sent = info.tcpi_bytes_sent,
		.resent = info.tcpi_bytes_retrans,
		.segs_in = info.tcpi_data_segs_in,
		.seg_len = seg_len(&info),
		.rtt_us = info.tcpi_rtt,
		.min_rtt_us = info.tcpi_min_rtt,
	};
	return 0;
}
