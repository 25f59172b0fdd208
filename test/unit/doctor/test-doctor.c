/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine that nothing is wrong with, with one thing changed for each condition; and the recorded
 * machines of test/fixtures/topo.
 */
#include "cmd/doctor/doctor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "capture.h"
#include "doctor-probes.h"
#include "test-topo-fixture.h"
#include "util/text.h"

#define LEN(array) (sizeof(array) / sizeof((array)[0]))

#define DEVS_MAX 12
#define IDS_LEN  512

/* The made-up machine ------------------------------------------------------------------------- */

static struct machine {
	struct topo_bond bond;
	struct topo_bond bonds[2]; /* with two_bonds these, the first as bond is */
	bool two_bonds;
	struct dev list[DEVS_MAX];
	struct topo_card cards[DEVS_MAX];
	struct devs devs;
	struct topo_path path;
	struct doctor_view view;
	struct doctor_probes *probes; /* the view's */
} machine;

static struct dev *add_dev(struct machine *m, const char *name, enum topo_kind kind, uint32_t lower)
{
	struct dev *dev = &m->list[m->devs.n++];

	*dev = (struct dev){
		.link = { .ifindex = (uint32_t)m->devs.n + 1, .mtu = 1500, .up = true },
		.kind = kind,
		.lower = lower,
	};
	text_printf(dev->link.name, sizeof(dev->link.name), "%s", name);
	return dev;
}

/* A bond0 over eth0 to eth3, and eth9, which no bond has. */
static void make_machine(struct machine *m)
{
	memset(m, 0, sizeof(*m));
	fixture_bond(&m->bond);
	for (size_t i = 0; i < m->bond.n_links; i++) {
		add_dev(m, m->bond.links[i].name, TOPO_KIND_PLAIN, 0)->master = m->bond.ifindex;
		text_printf(m->cards[i].driver, sizeof(m->cards[i].driver), "ixgbe");
		text_printf(m->cards[i].slot, sizeof(m->cards[i].slot), "0000:0%zu:00", i / 2);
		m->cards[i].slot_mbits = 31508;
	}
	add_dev(m, "eth9", TOPO_KIND_PLAIN, 0);
	add_dev(m, "bond0", TOPO_KIND_BOND, 0)->link.ifindex = m->bond.ifindex;
	m->devs.list = m->list;
	m->view = (struct doctor_view){ .bonds = &m->bond,
					.n_bonds = 1,
					.release = "6.1.0",
					.devs = &m->devs,
					.cards = m->cards,
					.tcp_reordering = 3 };
}

/* The peer is behind eth9. */
static void set_route(struct machine *m, enum topo_end end, const char *reason)
{
	m->path.end = end;
	text_printf(m->path.reason, sizeof(m->path.reason), "%s", reason);
	if (end != TOPO_END_LOCAL && end != TOPO_END_UNREACHABLE) {
		m->path.n_hops = 1;
		text_printf(m->path.hops[0].name, TOPO_NAME_LEN, "eth9");
	}
	m->view.peer = "10.0.0.2";
	m->view.path = &m->path;
}

/* "id id"; what was found is judged anew. */
static const char *find(struct machine *m)
{
	static char ids[IDS_LEN];
	struct doctor_finding *findings;
	size_t n, len = 0;

	topo_judge(&m->bond);
	if (m->two_bonds) {
		m->bonds[0] = m->bond;
		m->view.bonds = m->bonds;
		m->view.n_bonds = 2;
	}
	assert_int_equal(doctor_examine(&m->view, &findings, &n), 0);
	ids[0] = '\0';
	for (size_t i = 0; i < n; i++)
		len += text_printf(ids + len, sizeof(ids) - len, "%s%s", i ? " " : "",
				   findings[i].condition->id);
	free(findings);
	return ids;
}

/* What goes wrong ------------------------------------------------------------------------------ */

static void set_mode(struct machine *m, uint8_t mode)
{
	m->bond.mode = mode;
	m->bond.has_aggregator = false;
	m->bond.active = 3;
}

static void set_bond_down(struct machine *m)
{
	m->bond.up = m->bond.carrier = false;
}

static void lose_carrier(struct machine *m)
{
	m->bond.carrier = false;
}

static void lose_links(struct machine *m)
{
	m->bond.n_links = m->bond.n_ports = 0;
	m->bond.mode = TOPO_MODE_BALANCE_XOR;
}

static void set_link_down(struct machine *m)
{
	m->bond.links[1].up = false;
	m->bond.links[2].carrier = false;
}

static void hold_down(struct machine *m)
{
	m->bond.links[1].mii = TOPO_MII_DOWN;
}

static void make_team(struct machine *m, const char *mode)
{
	m->bond.kind = TOPO_KIND_TEAM;
	m->bond.mode = TOPO_MODE_UNKNOWN;
	m->bond.policy = TOPO_POLICY_UNKNOWN;
	text_printf(m->bond.team_mode, sizeof(m->bond.team_mode), "%s", mode);
}

static void disable_port(struct machine *m)
{
	make_team(m, "loadbalance");
	m->bond.links[1].backup = true;
}

static void lose_aggregator(struct machine *m)
{
	m->bond.has_aggregator = false;
}

/* Each link is a group of its own, as the driver has it. */
static void lose_partner(struct machine *m)
{
	memset(m->bond.partner_mac, 0, TOPO_MAC_LEN);
	for (size_t i = 0; i < m->bond.n_links; i++) {
		memset(m->bond.links[i].partner_mac, 0, TOPO_MAC_LEN);
		m->bond.links[i].actor_state = 0x47;
		m->bond.links[i].partner_state = 0;
		m->bond.links[i].aggregator = (uint16_t)(i + 1);
		m->bond.links[i].churned = true;
	}
}

static void lose_one_partner(struct machine *m)
{
	m->bond.links[3].has_partner = false;
	m->bond.links[3].actor_state = 0x47;
	m->bond.links[3].aggregator = 4;
	m->bond.links[3].churned = true;
}

static void split(struct machine *m)
{
	m->bond.links[2].aggregator = 3;
}

static void expire(struct machine *m)
{
	m->bond.links[2].actor_state = 0xbf;
}

static void expire_far(struct machine *m)
{
	m->bond.links[2].partner_state = 0xbf;
}

static void lose_sync(struct machine *m)
{
	m->bond.links[2].partner_state = 0x07;
	m->bond.links[2].backup = true;
}

static void want_links(struct machine *m)
{
	m->bond.min_links = 5;
	m->bond.carrier = false;
}

static void shrink(struct machine *m)
{
	m->bond.links[0].mtu = 1400;
}

static void hash_macs(struct machine *m)
{
	m->bond.policy = TOPO_POLICY_LAYER2;
}

static void hash_source(struct machine *m)
{
	m->bond.policy = TOPO_POLICY_VLAN_SRCMAC;
}

static void hash_addresses(struct machine *m)
{
	m->bond.policy = TOPO_POLICY_LAYER23;
}

static void hash_inner_addresses(struct machine *m)
{
	m->bond.policy = TOPO_POLICY_ENCAP23;
}

static void hash_random(struct machine *m)
{
	m->bond.policy = TOPO_POLICY_ENCAP34;
}

static void be_active_backup(struct machine *m)
{
	set_mode(m, TOPO_MODE_ACTIVE_BACKUP);
}

static void lose_active(struct machine *m)
{
	be_active_backup(m);
	m->bond.active = 0;
}

/* What the driver makes of a partner that never answers, min_links being 0. */
static void lose_all_sync(struct machine *m)
{
	for (size_t i = 0; i < m->bond.n_links; i++) {
		m->bond.links[i].backup = true;
		m->bond.links[i].actor_state = 0x07;
	}
}

/* The switch answers, but by its own default. */
static void be_unheard(struct machine *m)
{
	m->bond.links[2].partner_state = 0x47;
	m->bond.links[2].backup = true;
}

static void set_stale_key(struct machine *m)
{
	m->bond.links[0].has_actor_key = m->bond.links[2].has_actor_key = true;
	m->bond.links[0].actor_key = 15;
	m->bond.links[2].aggregator = 3;
}

static void loop_back(struct machine *m)
{
	memcpy(m->bond.mac, m->bond.partner_mac, TOPO_MAC_LEN);
}

static void be_individual(struct machine *m)
{
	m->bond.links[2].partner_state = 0x3b;
}

static void lose_partner_of_one(struct machine *m)
{
	lose_partner(m);
	m->bond.n_links = m->bond.n_ports = 1;
}

static void use_slow_link(struct machine *m)
{
	be_active_backup(m);
	m->bond.links[1].speed = 1000;
}

static void flap_by_arp(struct machine *m)
{
	be_active_backup(m);
	m->bond.miimon_ms = 0;
	m->bond.arp_interval_ms = 1000;
	m->bond.links[1].failures = 92000;
}

static void spread_arp(struct machine *m)
{
	set_mode(m, TOPO_MODE_BALANCE_XOR);
	m->bond.miimon_ms = 0;
	m->bond.arp_interval_ms = 1000;
}

static void slow_rate_there(struct machine *m)
{
	m->bond.links[1].partner_state = 0x3d;
}

/* Two bonds in one group of the switch, which uses the ports of one. */
static void share_group(struct machine *m)
{
	m->bonds[1] = m->bond;
	m->bonds[1].ifindex = 11;
	memcpy(m->bonds[1].name, "bond1", sizeof("bond1"));
	m->bonds[1].up = false; /* asked for its own findings otherwise */
	m->bonds[1].links[0].unusable = TOPO_UNUSABLE_BACKUP;
	m->two_bonds = true;
}

static void be_broadcast(struct machine *m)
{
	set_mode(m, TOPO_MODE_BROADCAST);
}

static void be_rr(struct machine *m)
{
	set_mode(m, TOPO_MODE_BALANCE_RR);
}

static void be_tlb(struct machine *m)
{
	set_mode(m, TOPO_MODE_BALANCE_TLB);
}

static void be_alb(struct machine *m)
{
	set_mode(m, TOPO_MODE_BALANCE_ALB);
}

static void be_static_alb(struct machine *m)
{
	set_mode(m, TOPO_MODE_BALANCE_ALB);
	m->bond.tlb_dynamic_lb = false;
}

static void be_team_active_backup(struct machine *m)
{
	make_team(m, "activebackup");
}

static void be_team(struct machine *m)
{
	make_team(m, "loadbalance");
}

static void be_hidden_team(struct machine *m)
{
	make_team(m, "");
}

static void stop_monitoring(struct machine *m)
{
	set_mode(m, TOPO_MODE_BALANCE_XOR);
	m->bond.miimon_ms = 0;
}

static void mix_speeds(struct machine *m)
{
	set_mode(m, TOPO_MODE_BALANCE_XOR);
	m->bond.links[3].speed = 1000;
}

static void halve(struct machine *m)
{
	set_mode(m, TOPO_MODE_BALANCE_XOR);
	m->bond.links[3].duplex = TOPO_DUPLEX_HALF;
}

static void lose_speed(struct machine *m)
{
	m->bond.links[3].speed = 0;
}

static void widen_vlan(struct machine *m)
{
	add_dev(m, "bond0.7", TOPO_KIND_VLAN, m->bond.ifindex)->link.mtu = 9000;
}

static void widen_bridge(struct machine *m)
{
	struct dev *vlan = add_dev(m, "bond0.7", TOPO_KIND_VLAN, m->bond.ifindex);
	struct dev *bridge = add_dev(m, "br0", TOPO_KIND_BRIDGE, 0);

	vlan->master = bridge->link.ifindex;
	bridge->link.mtu = 9000;
}

static void narrow_slot(struct machine *m)
{
	m->cards[0].slot_mbits = m->cards[1].slot_mbits = 16000;
}

static void stack_vlans(struct machine *m)
{
	struct dev *outer = add_dev(m, "bond0.7", TOPO_KIND_VLAN, m->bond.ifindex);

	add_dev(m, "inner", TOPO_KIND_VLAN, outer->link.ifindex);
}

static void lose_route(struct machine *m)
{
	set_route(m, TOPO_END_UNREACHABLE, "10.0.0.2 has no route");
}

static void go_elsewhere(struct machine *m)
{
	set_route(m, TOPO_END_PLAIN, "eth9 is a single link, not a bond");
	m->view.subnets[m->view.n_subnets++] = m->bond.ifindex;
}

static void go_elsewhere_from_vlan(struct machine *m)
{
	set_route(m, TOPO_END_TUNNEL, "eth9 (wireguard) carries packets inside others");
	m->view.subnets[m->view.n_subnets++] = 6;
	m->view.subnets[m->view.n_subnets++] =
		add_dev(m, "bond0.7", TOPO_KIND_VLAN, m->bond.ifindex)->link.ifindex;
}

static void go_by_card(struct machine *m)
{
	set_route(m, TOPO_END_PLAIN, "eth9 is a single link, not a bond");
	m->view.subnets[m->view.n_subnets++] = 6;
}

static void stay_here(struct machine *m)
{
	set_route(m, TOPO_END_LOCAL, "10.0.0.2 is an address of this machine");
	m->view.subnets[m->view.n_subnets++] = m->bond.ifindex;
}

static void go_into_tunnel(struct machine *m)
{
	set_route(m, TOPO_END_TUNNEL, "eth9 (wireguard) carries packets inside others");
}

static void go_by(struct machine *m, const char *kind)
{
	struct dev *dev = add_dev(m, "x0", TOPO_KIND_TUNNEL, 0);

	text_printf(dev->kind_name, sizeof(dev->kind_name), "%s", kind);
	set_route(m, TOPO_END_TUNNEL, "x0 carries packets inside others");
	memcpy(m->path.hops[0].name, dev->link.name, TOPO_NAME_LEN);
	m->path.hops[0].ifindex = dev->link.ifindex;
}

static void go_by_wireguard(struct machine *m)
{
	go_by(m, "wireguard");
}

static void go_by_macsec(struct machine *m)
{
	go_by(m, "macsec");
}

static void go_by_vxlan(struct machine *m)
{
	go_by(m, "vxlan");
}

static void go_by_something_new(struct machine *m)
{
	go_by(m, "new");
	m->path.end = TOPO_END_UNKNOWN;
}

static void have_next_hops(struct machine *m)
{
	go_by_card(m);
	m->view.n_next_hops = 2;
	m->view.hops_by_address = true;
}

static void have_next_hops_by_port(struct machine *m)
{
	have_next_hops(m);
	m->view.hops_by_address = false;
}

static void be_in_ovs(struct machine *m)
{
	struct dev *ovs = add_dev(m, "ovs-system", TOPO_KIND_OVS, 0);

	m->view.n_bonds = 0;
	m->list[0].master = m->list[1].master = ovs->link.ifindex;
}

static void go_by_ovs(struct machine *m)
{
	be_in_ovs(m);
	set_route(m, TOPO_END_OVS, "br0 belongs to Open vSwitch, whose bonds only it shows");
}

static void be_in_cloud(struct machine *m)
{
	m->view.n_bonds = 0;
	strcpy(m->cards[0].driver, "ena");
}

static void have_functions(struct machine *m)
{
	m->cards[0].virtual_function = m->cards[1].virtual_function = true;
}

static struct dev *bridge_tlb(struct machine *m)
{
	struct dev *bridge = add_dev(m, "br0", TOPO_KIND_BRIDGE, 0);

	be_tlb(m);
	/* The bond itself, as the sixth device. */
	m->list[5].master = bridge->link.ifindex;
	return bridge;
}

static void be_bridged(struct machine *m)
{
	struct dev *bridge = bridge_tlb(m);

	add_dev(m, "tap0", TOPO_KIND_TUNNEL, 0)->master = bridge->link.ifindex;
}

static void be_virtual(struct machine *m)
{
	lose_partner(m);
	strcpy(m->cards[0].driver, "virtio_net");
}

static void keep_one_link(struct machine *m)
{
	m->bond.n_links = m->bond.n_ports = 1;
}

static void flap(struct machine *m)
{
	m->bond.links[2].failures = 3;
}

static void slow_rate(struct machine *m)
{
	m->bond.lacp_rate = 0;
}

static void be_passive(struct machine *m)
{
	m->bond.lacp_active = false;
}

static void churn(struct machine *m)
{
	m->bond.links[2].churned = true;
}

static void keep_three_links(struct machine *m)
{
	m->bond.n_links = m->bond.n_ports = 3;
}

static void receive_by_one(struct machine *m)
{
	for (size_t i = 0; i < m->bond.n_links; i++)
		m->bond.links[i].counters = (struct topo_counters){
			.rx_bytes = i == 2 ? 5ull << 30 : 1 << 20,
			.tx_bytes = 1ull << 30,
		};
}

static void send_fragments(struct machine *m)
{
	m->view.fragments_sent = 12;
}

static void be_red_hat(struct machine *m)
{
	m->view.release = "3.10.0-1160.el7.x86_64";
}

static void lose_order(struct machine *m)
{
	m->bond.order_known = false;
}

static void remove_bond(struct machine *m)
{
	m->view.n_bonds = 0;
}

static void leave_bond_unused(struct machine *m)
{
	lose_links(m);
	set_bond_down(m);
}

static void be_container(struct machine *m)
{
	struct dev *veth;

	m->view.n_bonds = 0;
	m->devs.n = 0;
	add_dev(m, "lo", TOPO_KIND_LOOPBACK, 0);
	veth = add_dev(m, "eth0", TOPO_KIND_VETH, 7);
	veth->elsewhere = true;
	strcpy(veth->kind_name, "veth");
}

static void be_guest(struct machine *m)
{
	m->view.n_bonds = 0;
	m->cards[0].virtual_function = true;
	strcpy(m->cards[0].driver, "mlx5_core");
}

/* A way to a peer that is sound, tried: of what can be wrong there, test-doctor-peer.c has more. */
static void reach_peer(struct machine *m)
{
	static struct doctor_probes probes;

	fixture_probes(&probes);
	m->view.probes = &probes;
	m->probes = &probes;
}

static void lose_links_there(struct machine *m)
{
	reach_peer(m);
	m->probes->peer_facts.usable = 1;
}

static void lose_large(struct machine *m)
{
	reach_peer(m);
	m->probes->flow[1].out = (struct doctor_way){ 1, 1, 0, true, 1360 };
}

static void lose_all(struct machine *m)
{
	reach_peer(m);
	m->probes->flow[1].back = (struct doctor_way){ 1, -1, 0, true, 0 };
}

static void share_nothing_there(struct machine *m)
{
	reach_peer(m);
	for (unsigned i = 0; i < m->probes->n_flows; i++)
		m->probes->flow[i].out.to = 3;
}

static void share_nothing_here(struct machine *m)
{
	reach_peer(m);
	for (unsigned i = 0; i < m->probes->n_flows; i++)
		m->probes->flow[i].back.to = 0;
}

static void slow_down(struct machine *m)
{
	reach_peer(m);
	for (unsigned i = 1; i < m->probes->n_flows; i += 4)
		m->probes->flow[i].out.rate = 4.8e6;
}

static void hash_macs_there(struct machine *m)
{
	reach_peer(m);
	m->probes->peer_facts.policy = TOPO_POLICY_LAYER2;
}

static void hash_addresses_there(struct machine *m)
{
	reach_peer(m);
	m->probes->peer_facts.policy = TOPO_POLICY_LAYER23;
}

static void be_active_backup_there(struct machine *m)
{
	reach_peer(m);
	m->probes->peer_facts.mode = TOPO_MODE_ACTIVE_BACKUP;
	m->probes->peer_facts.usable = 1;
}

static const struct {
	void (*spoil)(struct machine *m);
	const char *ids;
} cases[] = {
	{ reach_peer, "" },
	{ lose_links_there, "peer-links-unusable" },
	{ lose_large, "lane-mtu" },
	{ lose_all, "lane-dead" },
	{ share_nothing_there, "switch-there" },
	{ share_nothing_here, "switch-here" },
	{ slow_down, "lane-slow" },
	{ hash_macs_there, "peer-policy-mac" },
	{ hash_addresses_there, "peer-policy-ip" },
	{ be_active_backup_there, "peer-active-backup" },
	{ set_bond_down, "bond-set-down" },
	{ lose_carrier, "bond-no-carrier" },
	{ lose_links, "no-links" },
	{ set_link_down, "link-set-down link-no-carrier" },
	{ hold_down, "link-held-down" },
	{ disable_port, "team-port-disabled team-hash" },
	{ lose_aggregator, "lacp-no-aggregator" },
	{ lose_partner, "lacp-no-partner" },
	{ lose_one_partner, "lacp-silent-link" },
	{ split, "lacp-other-group" },
	{ expire, "lacp-expired" },
	{ expire_far, "lacp-expired" },
	{ lose_sync, "lacp-out-of-sync" },
	{ lose_active, "active-backup-none active-backup" },
	{ lose_all_sync, "no-usable-link lacp-out-of-sync" },
	{ be_unheard, "lacp-unheard" },
	{ set_stale_key, "lacp-stale-key" },
	{ loop_back, "lacp-own-partner" },
	{ share_group, "lacp-shared-partner bond-set-down" },
	{ be_individual, "lacp-individual" },
	{ lose_partner_of_one, "lacp-lone one-link" },
	{ use_slow_link, "active-backup active-slow" },
	{ flap_by_arp, "active-backup arp-flapping" },
	{ spread_arp, "arp-spread" },
	{ slow_rate_there, "lacp-switch-slow" },
	{ want_links, "bond-no-carrier lacp-min-links" },
	{ shrink, "mtu-differs" },
	{ hash_macs, "policy-layer2" },
	{ hash_source, "policy-layer2" },
	{ hash_addresses, "policy-layer2+3" },
	{ hash_inner_addresses, "policy-layer2+3" },
	{ be_active_backup, "active-backup" },
	{ be_broadcast, "broadcast" },
	{ be_rr, "balance-rr" },
	{ be_tlb, "balance-tlb" },
	{ be_alb, "balance-alb" },
	{ be_static_alb, "sends-only" },
	{ be_team_active_backup, "team-active-backup" },
	{ stop_monitoring, "no-monitoring" },
	{ mix_speeds, "speeds-differ" },
	{ halve, "half-duplex" },
	{ lose_speed, "speed-unknown" },
	{ widen_vlan, "mtu-above" },
	{ widen_bridge, "mtu-above" },
	{ narrow_slot, "pci-slot" },
	{ stack_vlans, "double-tag" },
	{ lose_route, "no-route" },
	{ go_elsewhere, "route-elsewhere" },
	{ go_elsewhere_from_vlan, "route-elsewhere" },
	/* Notes */
	{ hash_random, "policy-random" },
	{ keep_one_link, "one-link" },
	{ flap, "link-flapped" },
	{ slow_rate, "lacp-slow" },
	{ be_passive, "lacp-passive" },
	{ churn, "lacp-churned" },
	{ keep_three_links, "uneven-number" },
	{ receive_by_one, "receive-uneven" },
	{ send_fragments, "fragments" },
	{ be_red_hat, "hash-unknown" },
	{ lose_order, "order-unknown" },
	{ be_hidden_team, "team-hidden" },
	{ be_team, "team-hash" },
	{ remove_bond, "no-bond" },
	{ leave_bond_unused, "no-bond" },
	{ be_container, "no-bond namespace" },
	{ be_guest, "no-bond hidden-lag" },
	{ go_into_tunnel, "route-hidden" },
	{ go_by_wireguard, "tunnel-one-flow" },
	{ go_by_macsec, "tunnel-one-flow" },
	{ go_by_vxlan, "tunnel-spread" },
	{ go_by_something_new, "route-hidden" },
	{ have_next_hops, "ecmp-addresses" },
	{ have_next_hops_by_port, "ecmp" },
	{ be_in_ovs, "no-bond ovs-bond" },
	{ go_by_ovs, "no-bond ovs-bond" },
	{ be_in_cloud, "no-bond cloud-card" },
	{ have_functions, "links-virtual" },
	{ be_bridged, "balance-tlb lb-under-bridge" },
	{ be_virtual, "lacp-no-partner" },
	{ go_by_card, "route-no-bond" },
	{ stay_here, "route-no-bond" },
};

static void test_conditions(void **state)
{
	for (size_t i = 0; i < LEN(cases); i++) {
		make_machine(&machine);
		assert_string_equal(find(&machine), "");
		cases[i].spoil(&machine);
		assert_string_equal(find(&machine), cases[i].ids);
	}
}

static bool has_word(const char *words, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = strstr(words, word); at; at = strstr(at + 1, word))
		if ((at == words || at[-1] == ' ') && (at[len] == '\0' || at[len] == ' '))
			return true;
	return false;
}

/* No condition is without a fixture, or comes before a worse one. */
static void test_table(void **state)
{
	for (size_t i = 0; doctor_condition(i); i++) {
		const struct doctor_condition *c = doctor_condition(i);
		bool found = false;

		for (size_t k = 0; k < LEN(cases); k++)
			found |= has_word(cases[k].ids, c->id);
		if (!found)
			fail_msg("%s has no fixture", c->id);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(doctor_condition(k)->id, c->id);
		if (i)
			assert_true(doctor_condition(i - 1)->severity <= c->severity);
	}
}

/* Nearly the same as something above, but as it should be. */
static void be_xor(struct machine *m)
{
	set_mode(m, TOPO_MODE_BALANCE_XOR);
}

static void watch_by_arp(struct machine *m)
{
	be_active_backup(m);
	m->bond.miimon_ms = 0;
	m->bond.arp_interval_ms = 1000;
	m->bond.links[1].failures = 0;
}

/* Its ports may well be used alone, and an old kernel says nothing. */
static void be_the_only_individual(struct machine *m)
{
	be_individual(m);
	m->bond.links[0] = m->bond.links[2];
	keep_one_link(m);
}

/* Each bond works: two groups of the switch that have one key. */
static void share_key(struct machine *m)
{
	share_group(m);
	m->bonds[1].links[0].unusable = TOPO_USABLE;
}

/* Another speed is why its key differs. */
static void split_by_speed_and_key(struct machine *m)
{
	set_stale_key(m);
	m->bond.links[2].speed = 1000;
}

static void slow_rate_everywhere(struct machine *m)
{
	slow_rate(m);
	slow_rate_there(m);
}

/* A link that is down keeps what it last said. */
static void keep_old_state(struct machine *m)
{
	set_link_down(m);
	lose_one_partner(m);
	m->bond.links[3].carrier = false;
	m->bond.links[1].actor_state = 0xbf;
	m->bond.links[1].duplex = TOPO_DUPLEX_HALF;
	m->bond.links[1].speed = 0;
	m->bond.links[2].partner_state = 0x07;
	m->bond.links[2].failures = 1;
}

/* 0 is what kernels say that do not tell. */
static void hide_states(struct machine *m)
{
	for (size_t i = 0; i < m->bond.n_links; i++) {
		m->bond.links[i].actor_state = m->bond.links[i].partner_state = 0;
		m->bond.links[i].has_partner = false;
	}
}

/* In a container that has the links but neither /sys nor /proc. */
static void hide_files(struct machine *m)
{
	m->bond.order_known = false;
	for (size_t i = 0; i < m->bond.n_links; i++) {
		m->bond.links[i].speed = 0;
		m->bond.links[i].duplex = TOPO_DUPLEX_UNKNOWN;
	}
	m->view.cards = NULL;
}

/* tlb gives links by their load, and active-backup only ever has one. */
static void mix_speeds_of_lb(struct machine *m)
{
	mix_speeds(m);
	m->bond.mode = TOPO_MODE_BALANCE_ALB;
}

static void mix_speeds_of_backup(struct machine *m)
{
	mix_speeds(m);
	m->bond.mode = TOPO_MODE_ACTIVE_BACKUP;
}

/* These are looked through by its dissector. */
static void stack_vlans_for_random(struct machine *m)
{
	stack_vlans(m);
	hash_random(m);
}

static void stand_beside(struct machine *m)
{
	struct dev *outer = add_dev(m, "eth9.7", TOPO_KIND_VLAN, 6);

	add_dev(m, "inner", TOPO_KIND_VLAN, outer->link.ifindex)->link.mtu = 9000;
	add_dev(m, "vlan", TOPO_KIND_VLAN, m->bond.ifindex);
	/* Counts in another namespace. */
	outer = add_dev(m, "mv0", TOPO_KIND_MACVLAN, m->bond.ifindex);
	outer->elsewhere = true;
	outer->link.mtu = 9000;
}

static void receive_little(struct machine *m)
{
	receive_by_one(m);
	m->bond.links[2].counters.rx_bytes = 100 << 20;
}

/* One connection only: nothing can be known. */
static void send_by_one(struct machine *m)
{
	receive_by_one(m);
	m->bond.links[1].counters.tx_bytes = 100ull << 30;
}

static void be_host_of_containers(struct machine *m)
{
	struct dev *veth = add_dev(m, "veth1", TOPO_KIND_VETH, 7);

	veth->elsewhere = true;
	m->view.n_bonds = 0;
}

static void go_by_bond(struct machine *m)
{
	set_route(m, TOPO_END_BOND, "");
	m->view.subnets[m->view.n_subnets++] = m->bond.ifindex;
}

static void set_down_and_break(struct machine *m)
{
	hash_macs(m);
	set_link_down(m);
	shrink(m);
	set_bond_down(m);
}

static void lose_all_links(struct machine *m)
{
	lose_aggregator(m);
	lose_carrier(m);
	for (size_t i = 0; i < m->bond.n_links; i++)
		m->bond.links[i].carrier = false;
}

static void hash_macs_of_one(struct machine *m)
{
	hash_macs(m);
	keep_one_link(m);
}

/* The cards and the bridge of others. */
static void be_host_of_guests(struct machine *m)
{
	m->view.n_bonds = 0;
	m->cards[0].virtual_function = true;
	strcpy(m->cards[1].driver, "mlx5_core");
}

static void bridge_beside(struct machine *m)
{
	struct dev *bridge = add_dev(m, "br0", TOPO_KIND_BRIDGE, 0);

	add_dev(m, "bond0.7", TOPO_KIND_VLAN, m->bond.ifindex);
	m->list[4].master = bridge->link.ifindex;
	bridge->link.mtu = 9000;
}

static void fill_slot(struct machine *m)
{
	m->cards[0].slot_mbits = m->cards[1].slot_mbits = 20000;
}

static void hide_slots(struct machine *m)
{
	for (size_t i = 0; i < m->bond.n_links; i++)
		m->cards[i].slot[0] = '\0';
	m->cards[0].slot_mbits = 1000;
}

/* There it is the mode's way. */
static void receive_by_one_of_alb(struct machine *m)
{
	receive_by_one(m);
	be_static_alb(m);
}

static void receive_by_one_of_rr(struct machine *m)
{
	receive_by_one(m);
	be_rr(m);
}

/* LACP has given up on it, and not yet moved it. */
static void lose_one_partner_just_now(struct machine *m)
{
	lose_one_partner(m);
	m->bond.links[3].aggregator = 1;
}

static void receive_by_the_only_one(struct machine *m)
{
	receive_by_one(m);
	for (size_t i = 0; i < m->bond.n_links; i++)
		m->bond.links[i].carrier = i == 2;
}

static void have_tunnel_elsewhere(struct machine *m)
{
	struct dev *tunnel = add_dev(m, "wg0", TOPO_KIND_TUNNEL, 7);

	tunnel->elsewhere = true;
	m->view.n_bonds = 0;
	m->list[4].kind = TOPO_KIND_VETH;
	for (size_t i = 0; i < m->bond.n_links; i++)
		m->list[i].kind = TOPO_KIND_LOOPBACK;
}

/* As of a machine without guests. */
static void be_bridged_alone(struct machine *m)
{
	bridge_tlb(m);
}

static void be_in_ovs_with_one(struct machine *m)
{
	be_in_ovs(m);
	m->list[1].master = 0;
}

static void test_near_misses(void **state)
{
	static const struct {
		void (*spoil)(struct machine *m);
		const char *ids;
	} near[] = {
		{ be_xor, "" },
		{ be_bridged_alone, "balance-tlb" },
		{ be_in_ovs_with_one, "no-bond" },
		{ watch_by_arp, "active-backup" },
		{ be_the_only_individual, "one-link" },
		{ share_key, "bond-set-down" },
		{ split_by_speed_and_key, "lacp-other-group" },
		{ slow_rate_everywhere, "lacp-slow" },
		{ keep_old_state, "link-set-down link-no-carrier" },
		{ hide_states, "" },
		{ hide_files, "order-unknown" },
		{ mix_speeds_of_lb, "balance-alb" },
		{ mix_speeds_of_backup, "active-backup" },
		{ stack_vlans_for_random, "policy-random" },
		{ stand_beside, "" },
		{ receive_little, "" },
		{ send_by_one, "" },
		{ be_host_of_containers, "no-bond" },
		{ go_by_bond, "" },
		{ set_down_and_break, "bond-set-down" },
		{ lose_all_links, "bond-no-carrier link-no-carrier" },
		{ hash_macs_of_one, "one-link" },
		{ be_host_of_guests, "no-bond" },
		{ bridge_beside, "" },
		{ fill_slot, "" },
		{ hide_slots, "" },
		{ receive_by_one_of_alb, "sends-only" },
		{ receive_by_one_of_rr, "balance-rr" },
		{ lose_one_partner_just_now, "lacp-silent-link" },
		{ receive_by_the_only_one, "link-no-carrier" },
		{ have_tunnel_elsewhere, "no-bond" },
	};

	for (size_t i = 0; i < LEN(near); i++) {
		make_machine(&machine);
		near[i].spoil(&machine);
		assert_string_equal(find(&machine), near[i].ids);
	}
}

/* Output --------------------------------------------------------------------------------------- */

static void show(struct machine *m, bool json)
{
	struct doctor_finding *findings;
	FILE *out = open_output();
	size_t n;

	topo_judge(&m->bond);
	assert_int_equal(doctor_examine(&m->view, &findings, &n), 0);
	assert_int_equal(json ? doctor_json(out, &m->view, findings, n)
			      : doctor_show(out, &m->view, findings, n),
			 0);
	fclose(out);
	free(findings);
}

static const char bond_line[] = "bond0: 802.3ad layer3+4 (rule 5.18), MII 100 ms, MTU 1500, up, "
				"4 of 4 links, aggregator 1\n";

static void test_text(void **state)
{
	char expected[2048];

	make_machine(&machine);
	show(&machine, false);
	snprintf(expected, sizeof(expected), "%sno problems found\n", bond_line);
	assert_string_equal(output, expected);

	shrink(&machine);
	machine.bond.links[2].mtu = 1400;
	be_passive(&machine);
	show(&machine, false);
	snprintf(
		expected, sizeof(expected),
		"%s"
		"\n"
		"error: mtu-differs\n"
		"  bond0 has MTU 1500, but eth0 has 1400, eth2 has 1400. A link with a smaller\n"
		"  one may drop full packets, as a rule those that it receives.\n"
		"  one stream:      10 Gbit/s, but may stall on such a link\n"
		"  several streams: those on such a link may stall, the others work\n"
		"  change:            ip link set dev eth0 mtu 1500\n"
		"                     ip link set dev eth2 mtu 1500\n"
		"                   on the switch: at least this MTU on the ports of all links\n"
		"\n"
		"note: lacp-passive\n"
		"  bond0 only answers LACP (lacp_active off): it works as long as the switch\n"
		"  asks.\n"
		"  one stream:      10 Gbit/s\n"
		"  several streams: 40 Gbit/s\n"
		"  change:          in the network's configuration, or from a console, as it\n"
		"                   interrupts all traffic of bond0 and takes its routes and IPv6\n"
		"                   addresses away:\n"
		"                     ip link set dev bond0 down\n"
		"                     ip link set dev bond0 type bond lacp_active on\n"
		"                     ip link set dev bond0 up\n"
		"\n"
		"Commands last until the next boot: change the network's configuration too.\n"
		"1 error, 1 note\n",
		bond_line);
	assert_string_equal(output, expected);

	make_machine(&machine);
	keep_three_links(&machine);
	show(&machine, false);
	assert_non_null(strstr(output, "\nno problems found, 1 note\n"));
}

static void split_by_speed(struct machine *m)
{
	split(m);
	m->bond.links[2].speed = 1000;
}

static void split_by_duplex(struct machine *m)
{
	split(m);
	m->bond.links[2].duplex = TOPO_DUPLEX_HALF;
}

static void split_by_partner(struct machine *m)
{
	split(m);
	m->bond.links[2].partner_mac[5] = 9;
}

static void split_by_key(struct machine *m)
{
	split(m);
	m->bond.links[2].partner_key = 9;
}

/* A user is not shown the partners; the first link is no measure, as it is in no group either. */
static void split_unseen(struct machine *m)
{
	split(m);
	m->bond.links[0].aggregator = 2;
	m->bond.links[0].speed = m->bond.links[2].speed = 1000;
	m->bond.links[2].has_partner = false;
	m->bond.links[2].partner_key = 0;
	memset(m->bond.links[2].partner_mac, 0, TOPO_MAC_LEN);
}

static void split_unknown_speed(struct machine *m)
{
	split_unseen(m);
	m->bond.links[2].speed = 0;
}

static void refuse_to_aggregate(struct machine *m)
{
	m->bond.links[0].actor_state = 0x03;
	m->bond.links[1].actor_state = 0x07;
	m->bond.links[2].actor_state = 0x0f;
	m->bond.links[3].actor_state = 0x1f;
}

static void forget_active(struct machine *m)
{
	be_active_backup(m);
	m->bond.active = 0;
}

static void widen_macvlan(struct machine *m)
{
	add_dev(m, "mv0", TOPO_KIND_MACVLAN, m->bond.ifindex)->link.mtu = 9000;
}

static void widen_ipvlan(struct machine *m)
{
	add_dev(m, "iv0", TOPO_KIND_IPVLAN, m->bond.ifindex)->link.mtu = 9000;
}

static void be_rr_of_two_speeds(struct machine *m)
{
	be_rr(m);
	m->bond.links[3].speed = 2500;
	m->bond.links[2].speed = 100;
}

/* Where they break depends on the words. */
static void join_lines(char *text)
{
	char *to = text;

	while (*text) {
		bool broken = *text == '\n';

		*to++ = broken ? ' ' : *text;
		text += 1 + (broken ? strspn(text + 1, " ") : 0);
	}
	*to = '\0';
}

/* What the findings name. */
static void test_values(void **state)
{
	static const struct {
		void (*spoil)(struct machine *m);
		const char *text;
	} values[] = {
		{ split_by_speed, "(1): eth2 in 3: 1000 instead of 10000 Mbit/s." },
		{ split_by_duplex, "(1): eth2 in 3: half duplex." },
		{ split_by_partner, "(1): eth2 in 3: its partner is 02:00:00:00:00:09, the others' "
				    "is 02:00:00:00:00:01." },
		{ split_by_key, "(1): eth2 in 3: the partner's key is 9, the others' is 15." },
		{ split_unseen, "(1): eth0 in 2: 1000 instead of 10000 Mbit/s, eth2 in 3: 1000 "
				"instead of 10000 Mbit/s." },
		{ split_unknown_speed, " Mbit/s, eth2 in 3." },
		{ expire, "eth2 (nothing is heard here any" },
		{ expire_far, "eth2 (the switch hears nothing any" },
		{ refuse_to_aggregate, "eth0 is refusing to aggregate here (0x03), ready at" },
		{ refuse_to_aggregate, "eth1 is not in sync here (0x07)," },
		{ refuse_to_aggregate, "eth2 is not receiving here (0x0f)," },
		{ refuse_to_aggregate, "eth3 is not sending here (0x1f)," },
		{ be_active_backup, "(active-backup; now: eth1)" },
		{ forget_active, "(active-backup; now: none)" },
		{ widen_macvlan, "upon it mv0 has 9000" },
		{ widen_ipvlan, "upon it iv0 has 9000" },
		{ widen_bridge, "upon it br0 has 9000" },
		{ widen_bridge, "ip link set dev br0 mtu 1500" },
		{ narrow_slot, "eth0, eth1; PCI slot 0000:00:00 carries 16000 of 20000 Mbit/s." },
		{ receive_by_one, "100% of all that bond0 has received came by eth2" },
		{ be_rr, "that is 3 places late" },
		{ be_rr_of_two_speeds, "eth2 100, eth3 2500 Mbit/s" },
		{ be_rr_of_two_speeds, "up to 22.6 Gbit/s, as a rule much less" },
		{ mix_speeds, "eth2 10000, eth3 1000 Mbit/s" },
		{ be_red_hat, "which hash rule the kernel has (3.10.0-1160.el7.x86_64)" },
		{ want_links, "wants at least 5 usable links and has 4" },
		{ go_elsewhere_from_vlan, "10.0.0.2 is in the subnet of bond0.7, but packets leave "
					  "by eth9 instead of bond0." },
		{ be_container, "(eth0 (veth))" },
		{ be_in_ovs, "eth0, eth1 are ports of Open vSwitch" },
		{ be_in_cloud, "eth0 (ena): the card of a cloud's machine" },
		{ be_bridged, "is a port of the bridge br0" },
		{ be_virtual, "bridge_slave group_fwd_mask 4" },
		{ go_by_wireguard, "by x0 (wireguard)" },
		{ have_next_hops, "has 2 next hops" },
	};

	for (size_t i = 0; i < LEN(values); i++) {
		make_machine(&machine);
		values[i].spoil(&machine);
		show(&machine, false);
		join_lines(output);
		if (!strstr(output, values[i].text))
			fail_msg("not \"%s\", but:\n%s", values[i].text, output);
	}
}

/* Every text: no name is left in braces, and no line is wider than a terminal, but the bond's. */
static void test_texts(void **state)
{
	for (size_t i = 0; i < LEN(cases); i++) {
		const char *line;
		size_t width;

		make_machine(&machine);
		cases[i].spoil(&machine);
		show(&machine, false);
		if (getenv("SHOW"))
			fputs(output, stdout);
		assert_null(strstr(output, "$ "));
		for (line = output; *line; line += width + (line[width] != '\0')) {
			width = strcspn(line, "\n");
			if (line[0] == ' ')
				assert_in_range(width, 1, 80);
			for (const char *brace = strchr(line, '{'); brace && brace < line + width;
			     brace = strchr(brace + 1, '{'))
				assert_int_equal(brace[1], '"');
		}
	}
}

static const char *text_of(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static void test_json(void **state)
{
	json_t *root, *finding;

	make_machine(&machine);
	mix_speeds(&machine);
	go_by_card(&machine);
	show(&machine, true);
	assert_int_equal(strchr(output, '\n') - output, output_len - 1);
	root = json_loads(output, 0, NULL);
	assert_int_equal(json_integer_value(json_object_get(root, "schema")), DOCTOR_SCHEMA);
	assert_string_equal(text_of(root, "kernel"), "6.1.0");
	assert_string_equal(text_of(json_object_get(root, "route"), "peer"), "10.0.0.2");
	assert_string_equal(text_of(json_array_get(json_object_get(root, "bonds"), 0), "name"),
			    "bond0");
	assert_int_equal(json_array_size(json_object_get(root, "findings")), 2);
	finding = json_array_get(json_object_get(root, "findings"), 0);
	assert_string_equal(text_of(finding, "id"), "speeds-differ");
	assert_string_equal(text_of(finding, "severity"), "warning");
	assert_string_equal(text_of(finding, "bond"), "bond0");
	assert_int_equal(json_array_size(json_object_get(finding, "links")), 4);
	assert_string_equal(text_of(finding, "message"),
			    "the links of bond0 get equal shares, but differ in speed (eth0 10000, "
			    "eth1 10000, eth2 10000, eth3 1000 Mbit/s).");
	assert_non_null(text_of(finding, "one_stream"));
	assert_non_null(text_of(finding, "several_streams"));
	assert_non_null(text_of(finding, "remedy"));
	finding = json_array_get(json_object_get(root, "findings"), 1);
	assert_true(json_is_null(json_object_get(finding, "bond")));
	assert_true(json_is_null(json_object_get(finding, "remedy")));
	json_decref(root);

	make_machine(&machine);
	split(&machine);
	show(&machine, true);
	root = json_loads(output, 0, NULL);
	finding = json_array_get(json_object_get(root, "findings"), 0);
	assert_int_equal(json_array_size(json_object_get(finding, "links")), 1);
	assert_string_equal(json_string_value(json_array_get(json_object_get(finding, "links"), 0)),
			    "eth2");
	json_decref(root);

	make_machine(&machine);
	go_by_bond(&machine);
	strcpy(machine.path.bond.name, "bond0");
	show(&machine, true);
	root = json_loads(output, 0, NULL);
	assert_string_equal(text_of(json_object_get(root, "route"), "bond"), "bond0");
	json_decref(root);

	make_machine(&machine);
	show(&machine, true);
	root = json_loads(output, 0, NULL);
	assert_true(json_is_null(json_object_get(root, "route")));
	assert_int_equal(json_array_size(json_object_get(root, "findings")), 0);
	json_decref(root);
}

/* Whoever may name a device must not have a say in what root pastes into a shell. */
static void test_hostile_names(void **state)
{
	json_t *root;

	make_machine(&machine);
	strcpy(machine.bond.name, "$(reboot)");
	strcpy(machine.bond.links[1].name, "a;b'\\\033[1m\xff");
	set_link_down(&machine);
	hash_macs(&machine);
	show(&machine, false);
	assert_non_null(
		strstr(output, "  change:          ip link set dev $'$(reboot)' type bond"));
	assert_non_null(strstr(output, " ip link set dev $'a;b\\'\\\\\\x1b[1m\\xff' up\n"));
	for (size_t i = 0; i < output_len; i++)
		assert_true(output[i] == '\n' || (output[i] >= ' ' && output[i] <= '~'));
	show(&machine, true);
	root = json_loads(output, 0, NULL);
	assert_non_null(root);
	json_decref(root);
}

/* Remedies of 32 links are complete; their values are cut, but in order. */
static void test_many_links(void **state)
{
	make_machine(&machine);
	machine.bond.n_links = machine.bond.n_ports = TOPO_LINKS_MAX;
	for (size_t i = 0; i < TOPO_LINKS_MAX; i++) {
		machine.bond.links[i] = machine.bond.links[0];
		snprintf(machine.bond.links[i].name, TOPO_NAME_LEN, "a-long-name-%02zu", i);
		machine.bond.links[i].partner_state = 0x07;
	}
	show(&machine, false);
	assert_non_null(strstr(output, "error: lacp-out-of-sync"));
	be_active_backup(&machine);
	show(&machine, false);
	assert_non_null(strstr(output, "ip link set dev a-long-name-31 master bond0\n"));
}

/* Recorded machines ---------------------------------------------------------------------------- */

static int run(const char *name, const char *peer, bool json)
{
	char dir[FIXTURE_PATH_LEN];
	struct topo_flow flow = { .family = 2 /* AF_INET */ };
	struct fixture f;
	FILE *out;
	int result;

	snprintf(dir, sizeof(dir), "%s/%s", FIXTURES, name);
	fixture_open(&f, dir);
	if (peer)
		memcpy(flow.dst, peer, 4);
	out = open_output();
	result = doctor_run(&f.source,
			    &(struct doctor_request){ .flow = peer ? &flow : NULL, .json = json },
			    out);
	fclose(out);
	return result;
}

static void test_machines(void **state)
{
	static const struct {
		const char *name, *peer;
		int result;
		const char *ids;
	} machines[] = {
		{ "lacp", "\12\0\0\2", DOCTOR_FINE, "link-flapped " },
		{ "lacp", "\300\0\2\1", DOCTOR_FINDINGS, "link-flapped no-route " },
		{ "lacp", "\12\0\0\1", DOCTOR_FINE, "link-flapped route-no-bond " },
		{ "lacp-split", NULL, DOCTOR_FINDINGS,
		  "link-no-carrier lacp-silent-link link-flapped " },
		{ "lacp-alone", NULL, DOCTOR_FINDINGS,
		  "lacp-no-partner policy-layer2+3 lacp-slow " },
		{ "xor-down", NULL, DOCTOR_FINDINGS, "link-no-carrier link-flapped " },
		{ "vlan", "\12\0\0\2", DOCTOR_FINDINGS, "double-tag link-flapped " },
		{ "bridge", NULL, DOCTOR_FINDINGS, "active-backup " },
		{ "tlb", NULL, DOCTOR_FINDINGS, "link-set-down sends-only " },
		{ "team", NULL, DOCTOR_FINE, "team-hidden " },
		{ "team-root", NULL, DOCTOR_FINDINGS, "team-active-backup " },
		{ "none", NULL, DOCTOR_FINE, "no-bond namespace " },
		{ "none", "\12\2\0\2", DOCTOR_FINE, "no-bond namespace route-hidden " },
		{ "no-such-machine", NULL, DOCTOR_USAGE, "" },
	};

	for (size_t i = 0; i < LEN(machines); i++) {
		char ids[IDS_LEN] = "";
		json_t *root, *finding;
		size_t k, len = 0;

		assert_int_equal(run(machines[i].name, machines[i].peer, false),
				 machines[i].result);
		if (getenv("SHOW"))
			fputs(output, stdout);
		assert_int_equal(run(machines[i].name, machines[i].peer, true), machines[i].result);
		if (machines[i].result == DOCTOR_USAGE)
			continue;
		root = json_loads(output, 0, NULL);
		assert_non_null(root);
		json_array_foreach(json_object_get(root, "findings"), k, finding) len +=
			text_printf(ids + len, sizeof(ids) - len, "%s ", text_of(finding, "id"));
		assert_string_equal(ids, machines[i].ids);
		json_decref(root);
	}
	assert_int_equal(run("vlan", "\12\0\0\2", false), DOCTOR_FINDINGS);
	assert_non_null(strstr(output, "10.0.0.2: by bond0.100 > bond0\n"));
}

/* Copies of /proc/net/bonding -------------------------------------------------------------------
 */

static int examine(const char *file, bool json)
{
	char path[FIXTURE_PATH_LEN];
	FILE *out = open_output();
	int result;

	snprintf(path, sizeof(path), BONDING "/%s", file);
	result = doctor_run(NULL, &(struct doctor_request){ .from = path, .json = json }, out);
	fclose(out);
	return result;
}

/* What is found in each, and nothing else. */
static void test_files(void **state)
{
	static const struct {
		const char *name, *ids;
	} files[] = {
		{ "old-lacp-no-aggregator", "lacp-no-aggregator policy-layer2 link-flapped" },
		{ "old-lacp-no-partner", "lacp-no-partner policy-layer2 lacp-slow" },
		{ "old-round-robin", "balance-rr" },
		{ "old-active-backup-arp", "active-backup link-flapped" },
		{ "lacp-unheard-one", "lacp-unheard policy-layer2 link-flapped lacp-slow" },
		{ "lacp-unheard-all", "no-usable-link lacp-unheard" },
		{ "lacp-individual-one-link", "one-link" },
		{ "lacp-stale-key", "lacp-stale-key lacp-switch-slow" },
		{ "lacp-speed-unknown", "lacp-no-partner policy-layer2 speed-unknown" },
		{ "lacp-100-of-1000", "lacp-other-group hash-unknown" },
		{ "lacp-just-started", "lacp-no-partner hash-unknown" },
		{ "lacp-one-silent", "lacp-silent-link" },
		{ "lacp-no-partner", "lacp-no-partner policy-layer2 link-flapped lacp-slow" },
		{ "lacp-one-link-no-partner", "lacp-lone one-link" },
		{ "lacp-down-keeps-partner", "link-no-carrier policy-layer2 lacp-slow" },
		{ "lacp-mlag-churned-once", "lacp-churned" },
		{ "lacp-two-systems", "lacp-other-group" },
		{ "lacp-switch-slow", "lacp-switch-slow" },
		{ "lacp-seen-by-user", "" },
		{ "active-backup-none-active", "active-backup-none active-backup" },
		{ "active-backup-infiniband", "active-backup" },
		{ "active-backup-wifi", "active-backup" },
		{ "active-backup-slow-active", "active-backup active-slow link-flapped" },
		{ "active-backup-arp-flapping", "active-backup arp-flapping" },
		{ "round-robin-arp-ipv6", "link-held-down balance-rr arp-spread link-flapped" },
		{ "tlb-five-ten", "balance-tlb" },
		{ "alb-no-links", "no-links" },
		{ "broadcast-one-down", "link-no-carrier broadcast" },
		{ "pasted-and-masked", "lacp-no-partner policy-layer2 lacp-slow" },
	};

	for (size_t i = 0; i < LEN(files); i++) {
		char ids[IDS_LEN] = "";
		json_t *root, *finding;
		size_t k, len = 0;

		examine(files[i].name, false);
		if (getenv("SHOW"))
			fputs(output, stdout);
		examine(files[i].name, true);
		root = json_loads(output, 0, NULL);
		assert_non_null(root);
		json_array_foreach(json_object_get(root, "findings"), k, finding) len +=
			text_printf(ids + len, sizeof(ids) - len, "%s%s", k ? " " : "",
				    text_of(finding, "id"));
		if (strcmp(ids, files[i].ids) != 0)
			fail_msg("%s: \"%s\", not \"%s\"", files[i].name, ids, files[i].ids);
		json_decref(root);
	}
}

/* Impossible remedies were given for hardware that has no LACP. */
static void test_values_of_files(void **state)
{
	static const struct {
		const char *name, *has, *lacks;
	} files[] = {
		{ "active-backup-infiniband", "InfiniBand allows active-backup alone", "802.3ad" },
		{ "active-backup-wifi", "an access point answers no LACP", "802.3ad" },
		{ "active-backup-slow-active", "type bond primary eth0 ", "?" },
		{ "active-backup-none-active", "type bond active_slave eth0", "0 of 2 links," },
		{ "lacp-unheard-all", "several streams: nothing, over 0 of 2 links", "20 Gbit/s" },
		{ "lacp-unheard-all", "type bond min_links 1", "suspended" },
		{ "lacp-unheard-one", "has heard nothing from this machine there: eth0.",
		  "suspended" },
		{ "lacp-stale-key", "(eth1 has key 0, eth0 has 15)", "?" },
		{ "lacp-100-of-1000", "eth0 in 1: 100 instead of 1000 Mbit/s", "?" },
		{ "lacp-two-systems", "its partner is 02:00:00:00:a0:02", "?" },
		{ "lacp-one-link-no-partner", "on eth0, the only link of bond", "one link of" },
		{ "active-backup-arp-flapping", "(eth0 92000, eth1 71500 times)", "?" },
	};

	for (size_t i = 0; i < LEN(files); i++) {
		examine(files[i].name, false);
		join_lines(output);
		if (!strstr(output, files[i].has) || strstr(output, files[i].lacks))
			fail_msg("not \"%s\", or \"%s\":\n%s", files[i].has, files[i].lacks,
				 output);
	}
	assert_int_equal(examine("no-such-file", false), DOCTOR_USAGE);
}

static void test_unwritable(void **state)
{
	char dir[FIXTURE_PATH_LEN];
	struct fixture f;
	FILE *out = fopen("/dev/full", "w");

	if (!out)
		skip();
	snprintf(dir, sizeof(dir), "%s/lacp", FIXTURES);
	fixture_open(&f, dir);
	assert_int_equal(doctor_run(&f.source, &(struct doctor_request){ 0 }, out), DOCTOR_USAGE);
	fclose(out);
}

static void test_usage(void **state)
{
	static const char *const refused[][2] = {
		{ "--frob" }, { "-x" }, { "--json=1" }, { "--help=1" }, { "-l", "80" }, { "" },
	};

	for (size_t i = 0; i < LEN(refused); i++) {
		char *argv[4] = { strdup("doctor") };
		int argc = 1;

		for (size_t j = 0; j < LEN(refused[i]) && refused[i][j]; j++)
			argv[argc++] = strdup(refused[i][j]);
		assert_int_equal(doctor_main(argc, argv), DOCTOR_USAGE);
		for (size_t j = 0; j < LEN(argv); j++)
			free(argv[j]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conditions),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_near_misses),
		cmocka_unit_test_teardown(test_text, free_output),
		cmocka_unit_test_teardown(test_values, free_output),
		cmocka_unit_test_teardown(test_texts, free_output),
		cmocka_unit_test_teardown(test_json, free_output),
		cmocka_unit_test_teardown(test_hostile_names, free_output),
		cmocka_unit_test_teardown(test_many_links, free_output),
		cmocka_unit_test_teardown(test_machines, free_output),
		cmocka_unit_test_teardown(test_files, free_output),
		cmocka_unit_test_teardown(test_values_of_files, free_output),
		cmocka_unit_test(test_unwritable),
		cmocka_unit_test(test_usage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
