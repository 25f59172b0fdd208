/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What topo says about the machines of a simulated network, in place of the real one (--wrap). */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "topo/path.h"
#include "topo/topo.h"
#include "util/text.h"
#include "world.h"

int __wrap_topo_path(struct topo_source *source, const struct topo_flow *flow,
		     struct topo_path *out);
int __wrap_topo_counters(struct topo_source *source, const struct topo_link *links, size_t n,
			 struct topo_counters *out);
int __wrap_topo_kernel(struct topo_source *source, char out[TOPO_RELEASE_LEN]);
int __wrap_topo_has_napi(struct topo_source *source, uint32_t ifindex, uint32_t id);
int __wrap_topo_hold(struct topo_source *source);

#define IFINDEX_FIRST 10

static uint32_t ifindex_of(unsigned side, unsigned link)
{
	return IFINDEX_FIRST + side * 100 + link;
}

static void fill_link(unsigned side, unsigned i, struct topo_link *out)
{
	const struct device *d = &world->device[side][i];

	*out = (struct topo_link){ .ifindex = ifindex_of(side, i),
				   .speed = world->net->machine[side].link[i].speed,
				   .duplex = TOPO_DUPLEX_FULL,
				   .mtu = 1500,
				   .up = true,
				   .carrier = d->carrier,
				   .mii = d->carrier ? TOPO_MII_UP : TOPO_MII_DOWN,
				   .aggregator = 1 };
	text_printf(out->name, sizeof(out->name), "eth%u", i);
	__wrap_topo_counters(NULL, out, 1, &out->counters);
}

static void fill_bond(unsigned side, struct topo_bond *out)
{
	const struct machine_config *m = &world->net->machine[side];

	*out = (struct topo_bond){ .kind = TOPO_KIND_BOND,
				   .name = "bond0",
				   .ifindex = ifindex_of(side, 50),
				   .mtu = 1500,
				   .up = true,
				   .carrier = true,
				   .mode = TOPO_MODE_8023AD,
				   .policy = (uint8_t)m->policy,
				   .has_aggregator = true,
				   .aggregator = 1,
				   .order_known = true,
				   .n_ports = m->n_links,
				   .n_links = m->n_links };
	for (unsigned i = 0; i < m->n_links; i++)
		fill_link(side, i, &out->links[i]);
	topo_judge(out);
}

int __wrap_topo_path(struct topo_source *source, const struct topo_flow *flow,
		     struct topo_path *out)
{
	unsigned side = flow->src[3] == 2;
	uint8_t addr[4];

	*out = (struct topo_path){ .end = TOPO_END_UNREACHABLE, .mtu = 1500 };
	if (world->hidden)
		return 0;
	out->end = TOPO_END_BOND;
	out->has_src = out->has_smac = out->has_dmac = true;
	memcpy(out->src, flow->src, 4);
	world_addresses(side, addr, out->smac);
	world_addresses(!side, addr, out->dmac);
	fill_bond(side, &out->bond);
	return 0;
}

int __wrap_topo_counters(struct topo_source *source, const struct topo_link *links, size_t n,
			 struct topo_counters *out)
{
	bool renewed = world->net->renewed_ns || world->net->late_ns;

	for (size_t i = 0; i < n; i++) {
		uint32_t number = links[i].ifindex - IFINDEX_FIRST;
		struct device *d = &world->device[number / 100][number % 100];

		out[i] = (struct topo_counters){
			.tx_bytes = renewed ? d->out_shown : hop_bytes(&d->out),
			.rx_bytes = renewed ? d->in_shown : hop_bytes(&d->in),
		};
	}
	return 0;
}

int __wrap_topo_kernel(struct topo_source *source, char out[TOPO_RELEASE_LEN])
{
	text_printf(out, TOPO_RELEASE_LEN, "6.6.30");
	return 0;
}

int __wrap_topo_has_napi(struct topo_source *source, uint32_t ifindex, uint32_t id)
{
	return -ENOENT;
}

int __wrap_topo_hold(struct topo_source *source)
{
	return 0;
}
