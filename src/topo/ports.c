/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "topo/ports.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "topo/files.h"

/* 256 ranges of "65535-65535,". */
#define RESERVED_LEN 4096

/* Takes a number and the one character after it. Returns 0 or -EINVAL. */
static int take_port(char **at, char *delimiter, uint16_t *out)
{
	char *end;
	unsigned long port = strtoul(*at, &end, 10);

	if (end == *at || port > UINT16_MAX)
		return -EINVAL;
	*out = (uint16_t)port;
	*delimiter = *end;
	*at = *end ? end + 1 : end;
	return 0;
}

struct topo_ports topo_local_ports(struct topo_source *source)
{
	const struct topo_ports usual = { 32768, 60999 };
	struct topo_ports ports;
	char text[64], delimiter, *at = text;

	if (files_read(source, text, sizeof(text), "/proc/sys/net/ipv4/ip_local_port_range") < 0 ||
	    take_port(&at, &delimiter, &ports.first) || take_port(&at, &delimiter, &ports.last) ||
	    !ports.first || ports.last < ports.first)
		return usual;
	return ports;
}

unsigned topo_reserved_ports(struct topo_source *source, struct topo_ports out[TOPO_RESERVED_MAX])
{
	char text[RESERVED_LEN], delimiter, *at = text;
	unsigned n = 0;

	if (files_read(source, text, sizeof(text), "/proc/sys/net/ipv4/ip_local_reserved_ports") <=
	    0)
		return 0;
	for (; *at && n < TOPO_RESERVED_MAX; n++) {
		if (take_port(&at, &delimiter, &out[n].first))
			break;
		out[n].last = out[n].first;
		if (delimiter == '-' && take_port(&at, &delimiter, &out[n].last))
			break;
	}
	return n;
}
