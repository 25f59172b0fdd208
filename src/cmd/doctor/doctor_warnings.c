/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * doctor_warnings.c - conditions that do what they were asked to, which cannot give one peer all
 * links
 *
 * A table for doctor_examine(), like doctor_errors.c. Each message says what the set-up does with
 * the connections to one peer; the remedy is what to change here, and on the switch where it takes
 * both.
 */
#include "cmd/doctor/doctor_bond_rules.h"
#include "cmd/doctor/doctor_lacp_rules.h"
#include "cmd/doctor/doctor_machine_rules.h"
#include "cmd/doctor/doctor_peer_rules.h"
#include "cmd/doctor/doctor_share_rules.h"
#include "cmd/doctor/doctor_texts.h"

#define TO_LACP                                                                               \
	"first, on the switch: one group with LACP, and a hash over ports; then, " INTERRUPTS \
	"$ ip link set dev {bond} down\n"                                                     \
	"$ ip link set dev {port} nomaster\n"                                                 \
	"$ ip link set dev {bond} type bond mode 802.3ad miimon 100\n"                        \
	"$ ip link set dev {bond} type bond xmit_hash_policy layer3+4\n"                      \
	"$ ip link set dev {port} master {bond}\n"                                            \
	"$ ip link set dev {bond} up"

#define TO_LACP_OR_STATIC                                                          \
	TO_LACP "\n"                                                               \
		"or, to spread at least what is sent, with the switch as it is:\n" \
		"$ ip link set dev {bond} down\n"                                  \
		"$ ip link set dev {bond} type bond tlb_dynamic_lb 0\n"            \
		"$ ip link set dev {bond} type bond xmit_hash_policy layer3+4\n"   \
		"$ ip link set dev {bond} up"

/* Configured on each switch, and hidden from hosts. */
#define TO_PORT_HASH                                                                           \
	"on the switch, for the group of ports towards that end, a hash over addresses and "   \
	"ports:\n"                                                                             \
	"Cisco Catalyst: port-channel load-balance src-dst-mixed-ip-port\n"                    \
	"(see: show etherchannel load-balance)\n"                                              \
	"Cisco Nexus: port-channel load-balance src-dst ip-l4port\n"                           \
	"(see: show port-channel load-balance)\n"                                              \
	"Juniper MX: set forwarding-options hash-key family inet layer-3\n"                    \
	"and: set forwarding-options hash-key family inet layer-4\n"                           \
	"Juniper EX, QFX: set forwarding-options enhanced-hash-key hash-mode layer2-payload\n" \
	"Arista: a load-balance profile with the fields of IP and of layer 4\n"                \
	"(see: show load-balance profile, show port-channel load-balance)\n"                   \
	"HP, Aruba: trunk-load-balance L4-based\n"                                             \
	"Linux: ip link set dev BOND type bond xmit_hash_policy layer3+4"

static const struct doctor_condition conditions[] = {
	{
		.id = "policy-layer2",
		.severity = DOCTOR_WARNING,
		.holds = rules_policy_mac,
		.message =
			"{bond} chooses the link by MAC addresses ({policy}): all connections to "
			"one neighbour leave through one link, whatever their ports. Behind a "
			"router, that is everything.",
		.one_stream = "{one}",
		.several_streams = "{one} for all together",
		.remedy = TO_PORTS,
	},
	{
		.id = "policy-layer2+3",
		.severity = DOCTOR_WARNING,
		.holds = rules_policy_ip,
		.message = "{bond} chooses the link by IP addresses ({policy}): all connections to "
			   "one peer leave through one link, whatever their ports.",
		.one_stream = "{one}",
		.several_streams = "{one} for all together; only other peers use other links",
		.remedy = TO_PORTS,
	},
	{
		.id = "active-backup",
		.severity = DOCTOR_WARNING,
		.holds = rules_active_backup,
		.message = "{bond} keeps {n} links and uses one (active-backup; now: {detail}).",
		.one_stream = "{one}",
		.several_streams = "{one} for all together",
		.remedy = TO_LACP,
	},
	{
		.id = "broadcast",
		.severity = DOCTOR_WARNING,
		.holds = rules_broadcast,
		.message = "{bond} sends every packet over every link (broadcast).",
		.one_stream = "{one}",
		.several_streams = "{one} for all together",
		.remedy = TO_LACP,
	},
	{
		.id = "active-slow",
		.severity = DOCTOR_WARNING,
		.holds = rules_slow_active,
		.message = "{bond} uses a slower link than it has: {detail} waits.",
		.one_stream = "{one}",
		.several_streams = "{one} for all together",
		.remedy = "$ ip link set dev {bond} type bond primary {dev}\n"
			  "$ ip link set dev {bond} type bond primary_reselect better\n"
			  "or find out why the active one is slow: 100 instead of 1000 Mbit/s is "
			  "often a bad cable or plug",
	},
	{
		.id = "balance-rr",
		.severity = DOCTOR_WARNING,
		.holds = rules_balance_rr,
		.message = "{bond} deals out the packets of each connection to all links "
			   "(balance-rr), so they overtake each other. At first TCP takes a "
			   "packet for lost that is {reordering} places late.",
		.one_stream = "up to {all}, as a rule much less",
		.several_streams = "the same, each for itself; nothing is gained by several",
		.remedy = TO_LACP "\n"
				  "or make TCP more patient, at both ends:\n"
				  "$ sysctl -w net.ipv4.tcp_reordering=127",
	},
	{
		.id = "balance-tlb",
		.severity = DOCTOR_WARNING,
		.holds = rules_dynamic_tlb,
		.message = "{bond} spreads connections by load, anew every 10 s (balance-tlb), and "
			   "receives over one link only.",
		.one_stream = "{one}; may change links while it runs",
		.several_streams =
			"up to {all} sent, but all may begin on one link; {one} received",
		.remedy = TO_LACP_OR_STATIC,
	},
	{
		.id = "balance-alb",
		.severity = DOCTOR_WARNING,
		.holds = rules_dynamic_alb,
		.message = "{bond} gives each peer one link to send and one to receive "
			   "(balance-alb).",
		.one_stream = "{one}",
		.several_streams = "{one} for all to one peer together",
		.remedy = TO_LACP_OR_STATIC,
	},
	{
		.id = "lb-under-bridge",
		.severity = DOCTOR_WARNING,
		.holds = rules_bridged,
		.message =
			"{bond} ({mode}) is a port of the bridge {dev}, as are others, of guests "
			"perhaps: their frames leave by changing links, so the switch loses track "
			"of where they are, and some of what is sent to them is lost.",
		.one_stream = "of a guest may stall; of this machine {one}",
		.several_streams = "the same",
		.remedy = TO_LACP "\n"
				  "or, with the switch as it is, mode active-backup in place of "
				  "802.3ad",
	},
	{
		.id = "sends-only",
		.severity = DOCTOR_WARNING,
		.holds = rules_sends_only,
		.message = "{bond} spreads what it sends, but receives from one peer over one link "
			   "({mode}).",
		.one_stream = "{one}",
		.several_streams = "{all} sent at most, {one} received",
		.remedy = TO_LACP,
	},
	{
		.id = "team-active-backup",
		.severity = DOCTOR_WARNING,
		.holds = rules_team_active_backup,
		.message = "the team {bond} keeps {n} links and uses one (activebackup).",
		.one_stream = "{one}",
		.several_streams = "{one} for all together",
		.remedy = "a group with LACP on the switch, and in teamd's configuration:\n"
			  "\"runner\": {\"name\": \"lacp\", \"tx_hash\": [\"ipv4\", \"ipv6\", "
			  "\"l4\"]}",
	},
	{
		.id = "no-monitoring",
		.severity = DOCTOR_WARNING,
		.holds = rules_no_monitoring,
		.message = "{bond} does not watch its links (miimon 0, arp_interval 0): one that "
			   "dies goes on being used.",
		.one_stream = "is lost with its link",
		.several_streams = "those on a dead link are lost, and new ones go there too",
		.remedy = "$ ip link set dev {bond} type bond miimon 100",
	},
	{
		.id = "arp-flapping",
		.severity = DOCTOR_WARNING,
		.holds = rules_arp_flaps,
		.message = "the ARP monitoring of {bond} has taken links down again and again "
			   "({detail} times): its target does not answer in time, or answers by "
			   "another link.",
		.one_stream = "stalls each time that its link is taken",
		.several_streams = "the same",
		.remedy = "watch the signal instead, which turns ARP monitoring off:\n"
			  "$ ip link set dev {bond} type bond miimon 100\n"
			  "or a target that is always there, such as the router, and more time "
			  "(arp_interval)",
	},
	{
		.id = "arp-spread",
		.severity = DOCTOR_WARNING,
		.holds = rules_arp_spread,
		.message = "{bond} ({mode}) watches its links by ARP, and wants answers by each of "
			   "them. A switch that chooses the link by addresses sends all answers by "
			   "one, and the others are taken for dead.",
		.one_stream = "stalls when its link is taken",
		.several_streams = "the same",
		.remedy = "$ ip link set dev {bond} type bond miimon 100",
	},
	{
		.id = "lacp-individual",
		.severity = DOCTOR_WARNING,
		.holds = rules_individual,
		.message = "the switch takes ports of {bond} for single ones, to be used alone: "
			   "{links}. It may send by one of them only.",
		.one_stream = "{one}",
		.several_streams = "{all} sent, {one} received",
		.remedy = "on the switch: put these ports into one group with LACP (active)",
	},
	{
		.id = "lacp-lone",
		.severity = DOCTOR_WARNING,
		.holds = rules_lone,
		.message =
			"no switch answers LACP on {links}, the only link of {bond}, which works "
			"without.",
		.one_stream = "{one}",
		.several_streams = "{one} for all together",
		.remedy = "before another link joins {bond}, on the switch: put the ports of both "
			  "into one group with LACP (active)",
	},
	{
		.id = "lacp-shared-partner",
		.severity = DOCTOR_WARNING,
		.holds = rules_shared_partner,
		.message = "{bond} and {detail} have one LACP partner with one key, and links that "
			   "are idle: the switch has the ports of both in one group, and can use "
			   "those of one bond.",
		.one_stream = "{one}",
		.several_streams = "{all}, over {usable} of {n} links",
		.remedy = "on the switch: a group of its own for each bond",
	},
	{
		.id = "speeds-differ",
		.severity = DOCTOR_WARNING,
		.holds = rules_speeds,
		.message = "the links of {bond} get equal shares, but differ in speed ({detail} "
			   "Mbit/s).",
		.one_stream = "as fast as the link that it happens to take",
		.several_streams = "equal shares end when the slowest link is full; mpnc gives "
				   "faster links more",
		.remedy = "links of one speed; with mode 802.3ad only those of one speed are used",
	},
	{
		.id = "half-duplex",
		.severity = DOCTOR_WARNING,
		.holds = rules_half_duplex,
		.message =
			"links of {bond} have negotiated half duplex, which LACP does not use at "
			"all: {links}.",
		.one_stream = "far below {one} on such a link",
		.several_streams = "held up by such a link, or without it",
		.remedy =
			"on the switch: autonegotiation as here, or the same fixed setting at both "
			"ends\n"
			"$ ethtool -s {link} autoneg on",
	},
	{
		.id = "speed-unknown",
		.severity = DOCTOR_WARNING,
		.holds = rules_unknown_speed,
		.message = "LACP groups links by speed and duplex, and {bond} does not know those "
			   "of {links}.",
		.one_stream = "{one}",
		.several_streams = "{all}, over {usable} of {n} links",
		.remedy = "a virtual card's speed can be set:\n"
			  "$ ethtool -s {link} speed 10000 duplex full",
	},
	{
		.id = "mtu-above",
		.severity = DOCTOR_WARNING,
		.holds = rules_mtu_above,
		.message = "{bond} has MTU {mtu}, but upon it {detail}: larger packets may be "
			   "lost.",
		.one_stream = "may stall as soon as it sends full packets by that device",
		.several_streams = "the same",
		.remedy = "$ ip link set dev {dev} mtu {mtu}",
	},
	{
		.id = "pci-slot",
		.severity = DOCTOR_WARNING,
		.holds = rules_slot,
		.message = "links of {bond} are faster than the slot of their card: {links}; "
			   "{detail}.",
		.one_stream = "{one}, if the slot gives that much",
		.several_streams = "no more than the slot carries",
		.remedy = "another slot with more or faster lanes; see what card and slot can do:\n"
			  "$ lspci -vv",
	},
	{
		.id = "double-tag",
		.severity = DOCTOR_WARNING,
		.holds = rules_double_tag,
		.message = "{detail}: a VLAN upon a VLAN. {bond} does not see the IP header behind "
			   "two tags and chooses the link by MAC addresses alone.",
		.one_stream = "{one}",
		.several_streams = "{one} for all by this VLAN together",
		.remedy = "spreads them at random, by looking behind the tags:\n"
			  "$ ip link set dev {bond} type bond xmit_hash_policy encap3+4",
	},
	{
		.id = "route-elsewhere",
		.severity = DOCTOR_WARNING,
		.of_machine = true,
		.holds = rules_route_elsewhere,
		.message = "{peer} is in the subnet of {dev}, but packets leave by {detail} "
			   "instead of {bond}.",
		.one_stream = "gets what that other device has",
		.several_streams = "the same for all together",
		.remedy = "see which rule or route decides, then for instance:\n"
			  "$ ip route replace {peer} dev {dev}",
	},
	{
		.id = "ecmp-addresses",
		.severity = DOCTOR_WARNING,
		.of_machine = true,
		.holds = rules_hops_one,
		.message = "the route to {peer} has {detail} next hops, and the kernel takes one "
			   "by the addresses alone: all connections to that address leave by it.",
		.one_stream = "the rate of one next hop",
		.several_streams = "the rate of one next hop for all together",
		.remedy = "let it look at ports; the peer has to do so for its direction:\n"
			  "$ sysctl -w net.ipv4.fib_multipath_hash_policy=1",
	},
	{
		.id = "switch-there",
		.severity = DOCTOR_WARNING,
		.of_machine = true,
		.holds = rules_switch_there,
		.message =
			"{detail}, whatever their ports: the switch chooses the link towards the "
			"peer by MAC or IP addresses. No choice of ports can help.",
		.one_stream = "the rate of one link",
		.several_streams = "the rate of one link for all that is sent to it together",
		.remedy = TO_PORT_HASH,
	},
	{
		.id = "switch-here",
		.severity = DOCTOR_WARNING,
		.of_machine = true,
		.holds = rules_switch_here,
		.message =
			"{detail}, whatever their ports: the switch chooses the link towards this "
			"machine by MAC or IP addresses. No choice of ports can help.",
		.one_stream = "the rate of one link",
		.several_streams = "the rate of one link for all that comes from it together",
		.remedy = TO_PORT_HASH,
	},
	{
		.id = "lane-slow",
		.severity = DOCTOR_WARNING,
		.of_machine = true,
		.holds = rules_lane_slow,
		.message = "some lanes are much slower than the others: {detail}.",
		.one_stream = "is slow if it takes such a lane",
		.several_streams =
			"equal parts end when the slowest is done; mpnc gives fast lanes "
			"more",
		.remedy = "on the switches and at both ends: speed, duplex and errors of the links "
			  "of these lanes\n"
			  "$ ip -s link show",
	},
	{
		.id = "peer-policy-mac",
		.severity = DOCTOR_WARNING,
		.of_machine = true,
		.holds = rules_peer_policy_mac,
		.message = "the peer's {dev} chooses the link by MAC addresses ({detail}): all "
			   "that it "
			   "sends to here leaves by one link.",
		.one_stream = "the rate of one link",
		.several_streams = "the rate of one link for all that comes from it together",
		.remedy = "at the peer:\n"
			  "$ ip link set dev {dev} type bond xmit_hash_policy layer3+4",
	},
	{
		.id = "peer-policy-ip",
		.severity = DOCTOR_WARNING,
		.of_machine = true,
		.holds = rules_peer_policy_ip,
		.message =
			"the peer's {dev} chooses the link by IP addresses ({detail}): all that it "
			"sends to here leaves by one link.",
		.one_stream = "the rate of one link",
		.several_streams = "the rate of one link for all that comes from it together",
		.remedy = "at the peer:\n"
			  "$ ip link set dev {dev} type bond xmit_hash_policy layer3+4",
	},
	{
		.id = "peer-active-backup",
		.severity = DOCTOR_WARNING,
		.of_machine = true,
		.holds = rules_peer_active_backup,
		.message = "the peer's {dev} uses one of its links (active-backup).",
		.one_stream = "the rate of one link",
		.several_streams = "the rate of one link for all together",
		.remedy = "at the peer: what mpnc doctor says there",
	},
};

const struct doctor_table doctor_warnings = { conditions,
					      sizeof(conditions) / sizeof(conditions[0]) };
