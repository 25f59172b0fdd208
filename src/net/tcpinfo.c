/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/tcpinfo.h"

#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>

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
		.seg_len = info.tcpi_rcv_mss,
	};
	return 0;
}
