/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * doctor_view.c - the machine as the rules see it: gathered once, then constant
 *
 * doctor_load() asks the kernel and its files, doctor_load_saved() copies of another machine's
 * files. Both fill one struct doctor_view, whose pointers are to lists that the machine owns.
 *
 * What always holds:
 * - After loading nothing changes, so all rules judge the same moment.
 * - Bonds and devices have to be read; settings that cannot be read are not known (0, "" or NULL).
 * - The view of saved files has bonds alone: no devices, routes or settings, and saved is set.
 */
#include "cmd/doctor/doctor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "topo/route.h"
#include "util/text.h"

struct doctor_machine {
	struct doctor_view view;
	struct topo_bond *bonds;
	struct devs devs;
	struct topo_card *cards;
	struct topo_path *path;
	char release[TOPO_RELEASE_LEN];
	char peer[DOCTOR_ADDR_LEN], ours[DOCTOR_ADDR_LEN];
};

static int load_bonds(struct topo_source *source, struct doctor_machine *m)
{
	int r = topo_bonds(source, &m->bonds, &m->view.n_bonds);

	if (!r)
		r = devs_load(source, &m->devs);
	m->view.bonds = m->bonds;
	m->view.devs = &m->devs;
	return r;
}

static int load_cards(struct topo_source *source, struct doctor_machine *m)
{
	m->cards = calloc(m->devs.n ? m->devs.n : 1, sizeof(*m->cards));
	if (!m->cards)
		return -ENOMEM;
	for (size_t i = 0; i < m->devs.n; i++)
		if (m->devs.list[i].kind == TOPO_KIND_PLAIN)
			machine_card(source, &m->devs.list[i].link, &m->cards[i]);
	m->view.cards = m->cards;
	return 0;
}

/* What of this cannot be read is not known. */
static void load_settings(struct topo_source *source, struct doctor_machine *m)
{
	if (topo_kernel(source, m->release) < 0)
		m->release[0] = '\0';
	m->view.release = m->release;
	m->view.tcp_reordering = machine_sysctl(source, "net/ipv4/tcp_reordering");
	m->view.fragments_sent = machine_snmp(source, "Ip", "FragCreates");
	m->view.fragments_received = machine_snmp(source, "Ip", "ReasmReqds");
}

/* Every device has the subnet of link-local addresses. */
static bool is_link_local(const struct topo_flow *flow)
{
	return flow->family == AF_INET6 && flow->dst[0] == 0xfe && (flow->dst[1] & 0xc0) == 0x80;
}

/* net.ipv4.fib_multipath_hash_policy: 0 and 2 are addresses; 3 the fields of a mask, by default
 * without ports; 1 has ports. IPv6 has a flow label even in 0, which is each connection's own. */
#define POLICY_FIELDS 3
#define FIELD_SPORT   0x10
#define FIELD_DPORT   0x20

static bool chooses_by_address(struct topo_source *source, int family)
{
	uint64_t policy = machine_sysctl(source, "net/ipv4/fib_multipath_hash_policy");

	if (family != AF_INET)
		return false;
	if (policy == POLICY_FIELDS)
		return !(machine_sysctl(source, "net/ipv4/fib_multipath_hash_fields") &
			 (FIELD_SPORT | FIELD_DPORT));
	return policy != 1;
}

static void load_next_hops(struct topo_source *source, const struct topo_flow *flow,
			   struct doctor_machine *m)
{
	int n = route_next_hops(source, flow);

	m->view.n_next_hops = n > 0 ? (unsigned)n : 0;
	m->view.hops_by_address = n > 1 && chooses_by_address(source, flow->family);
}

static int load_path(struct topo_source *source, const struct topo_flow *flow,
		     struct doctor_machine *m)
{
	int r;

	m->path = calloc(1, sizeof(*m->path));
	if (!m->path)
		return -ENOMEM;
	r = topo_path(source, flow, m->path);
	if (r)
		return r;
	route_addr_text(m->peer, sizeof(m->peer), flow->family, flow->dst);
	m->view.peer = m->peer;
	m->view.path = m->path;
	load_next_hops(source, flow, m);
	if (flow->has_src) {
		route_addr_text(m->ours, sizeof(m->ours), flow->family, flow->src);
		m->view.source = m->ours;
	}
	if (is_link_local(flow))
		return 0;
	r = route_subnets(source, flow->family, flow->dst, m->view.subnets, DOCTOR_SUBNETS_MAX);
	m->view.n_subnets = r > 0 ? (size_t)r : 0;
	return 0;
}

int doctor_load(struct topo_source *source, const struct topo_flow *flow,
		struct doctor_machine **out)
{
	struct doctor_machine *m = calloc(1, sizeof(*m));
	int r;

	*out = NULL;
	if (!m)
		return -ENOMEM;
	r = load_bonds(source, m);
	if (!r)
		r = load_cards(source, m);
	if (!r)
		load_settings(source, m);
	if (!r && flow)
		r = load_path(source, flow, m);
	if (r)
		doctor_free(m);
	else
		*out = m;
	return r;
}

int doctor_load_saved(const char *path, struct doctor_machine **out, char why[SAVED_WHY_LEN])
{
	struct doctor_machine *m = calloc(1, sizeof(*m));
	struct saved saved;
	int r = m ? saved_read(path, &saved, why) : -ENOMEM;

	*out = NULL;
	if (r) {
		if (!m)
			text_printf(why, SAVED_WHY_LEN, "%s", strerror(-r));
		free(m);
		return r;
	}
	m->bonds = saved.bonds;
	memcpy(m->release, saved.release, sizeof(m->release));
	m->view = (struct doctor_view){ .bonds = saved.bonds,
					.n_bonds = saved.n,
					.release = m->release,
					.devs = &m->devs,
					.saved = true };
	*out = m;
	return 0;
}

struct doctor_machine *doctor_free(struct doctor_machine *m)
{
	if (m) {
		free(m->bonds);
		devs_clear(&m->devs);
		free(m->cards);
		free(m->path);
	}
	free(m);
	return NULL;
}

const struct doctor_view *doctor_view(const struct doctor_machine *m)
{
	return &m->view;
}
