/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What doctor knows about, as data; the worst first. The tests have a machine for each condition,
 * and want none to be found in bonds that work.
 *
 * Severities: an error loses packets, or leaves a link idle that is meant to work. A warning is a
 * set-up that does what it was asked to, which is not to give one peer all links. A note is about
 * what may be meant so, what is over, or what cannot be known.
 *
 * Left out, as a user of one machine cannot see it:
 * - by which hash the switch shares out what it sends here. The counters show at last that it does
 *   not share (receive-uneven); flows to a peer show it (switch-here, switch-there).
 * - a static group on the switch for a bond without LACP, or none.
 * What needs a peer that answers is looked for with a port only: its bond (peer-...), what its
 * switch and ours do (switch-...), and what single lanes carry (lane-...).
 * - failures, churn or fragments that are going on: these need two looks, and status --since has
 *   the first of them.
 * - the peer's bond, and a group over two switches that do not know of each other: needs a peer.
 * - which fields a team hashes by, and LACP on its links: teamd tells root only.
 * - ports that a card bonds in hardware (mlx5), but where a virtual function hints at it: debugfs,
 *   for root only.
 * - bonds of Open vSwitch: ovs-appctl, for root only.
 */
#include "cmd/doctor/doctor_bond_rules.h"
#include "cmd/doctor/doctor_machine_rules.h"
#include "cmd/doctor/doctor_peer_rules.h"
#include "cmd/doctor/doctor_share_rules.h"

/* What goes with a bond that is set down, even for a moment, and does not come back. */
#define INTERRUPTS                                                                            \
	"in the network's configuration, or from a console, as it interrupts all traffic of " \
	"{bond} and takes its routes and IPv6 addresses away:\n"

#define TO_LACP                                                                               \
	"first, on the switch: one group with LACP, and a hash over ports; then, " INTERRUPTS \
	"$ ip link set dev {bond} down\n"                                                     \
	"$ ip link set dev {port} nomaster\n"                                                 \
	"$ ip link set dev {bond} type bond mode 802.3ad miimon 100\n"                        \
	"$ ip link set dev {bond} type bond xmit_hash_policy layer3+4\n"                      \
	"$ ip link set dev {port} master {bond}\n"                                            \
	"$ ip link set dev {bond} up"

#define TO_PORTS "$ ip link set dev {bond} type bond xmit_hash_policy layer3+4"

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

const struct doctor_condition doctor_conditions[] = {
	/* Errors */
	{
		.id = "bond-set-down",
		.severity = DOCTOR_ERROR,
		.holds = rules_set_down,
		.message = "{bond} is administratively down.",
		.one_stream = "nothing goes over {bond}",
		.several_streams = "the same",
		.remedy = "$ ip link set dev {bond} up",
	},
	{
		.id = "bond-no-carrier",
		.severity = DOCTOR_ERROR,
		.holds = rules_no_carrier,
		.message = "{bond} has no carrier.",
		.one_stream = "nothing goes over {bond}",
		.several_streams = "the same",
		.remedy = "see the other findings for {bond}",
	},
	{
		.id = "no-links",
		.severity = DOCTOR_ERROR,
		.holds = rules_no_links,
		.message = "{bond} has no links.",
		.one_stream = "nothing goes over {bond}",
		.several_streams = "the same",
		.remedy = "of each device that is to be one (ETH):\n"
			  "$ ip link set dev ETH down\n"
			  "$ ip link set dev ETH master {bond}",
	},
	{
		.id = "link-set-down",
		.severity = DOCTOR_ERROR,
		.holds = rules_link_set_down,
		.message = "links of {bond} are administratively down: {links}.",
		.one_stream = "{one}, as long as a link is left",
		.several_streams = "{all}, over {usable} of {n} links",
		.remedy = "$ ip link set dev {link} up",
	},
	{
		.id = "link-no-carrier",
		.severity = DOCTOR_ERROR,
		.holds = rules_link_no_carrier,
		.message = "links of {bond} have no carrier: {links}.",
		.one_stream = "{one}, as long as a link is left",
		.several_streams = "{all}, over {usable} of {n} links",
		.remedy = "check cable, optic, and whether the port is enabled on the switch",
	},
	{
		.id = "link-held-down",
		.severity = DOCTOR_ERROR,
		.holds = rules_link_held_down,
		.message = "links of {bond} have carrier, but its link monitoring counts them as "
			   "down: {links}.",
		.one_stream = "{one}, as long as a link is left",
		.several_streams = "{all}, over {usable} of {n} links",
		.remedy = "see whether an ARP target answers on them, or the updelay is long:\n"
			  "$ ip -d link show dev {bond}",
	},
	{
		.id = "team-port-disabled",
		.severity = DOCTOR_ERROR,
		.holds = rules_port_disabled,
		.message = "links of the team {bond} are disabled: {links}.",
		.one_stream = "{one}",
		.several_streams = "{all}",
		.remedy = "see what teamd waits for (a link watch, LACP):\n"
			  "$ teamdctl {bond} state",
	},
	{
		.id = "lacp-no-aggregator",
		.severity = DOCTOR_ERROR,
		.holds = rules_no_aggregator,
		.message = "LACP has no group in use on {bond}: it cannot send at all.",
		.one_stream = "nothing goes over {bond}",
		.several_streams = "the same",
		.remedy = "on the switch: put the ports of all links into one group with LACP "
			  "(active)",
	},
	{
		.id = "lacp-no-partner",
		.severity = DOCTOR_ERROR,
		.holds = rules_no_partner,
		.message = "the switch does not answer LACP: {bond} works as if it had one link "
			   "of {n}.",
		.one_stream = "{one}",
		.several_streams = "{one} for all together",
		.remedy = "on the switch: put the ports of all links into one group with LACP "
			  "(active), not a static one (\"mode on\")",
	},
	{
		.id = "lacp-silent-link",
		.severity = DOCTOR_ERROR,
		.holds = rules_silent,
		.message = "the switch answers LACP on other links of {bond}, but not on {links}, "
			   "which stays idle.",
		.one_stream = "{one}",
		.several_streams = "{all}, over {usable} of {n} links",
		.remedy = "on the switch: put the port at the other end of {links} into the group "
			  "of the others, with LACP (active)",
	},
	{
		.id = "lacp-other-group",
		.severity = DOCTOR_ERROR,
		.holds = rules_other_group,
		.message = "links of {bond} are idle, as LACP has put them into other aggregators "
			   "than the one in use ({aggregator}): {detail}.",
		.one_stream = "{one}",
		.several_streams = "{all}, over {usable} of {n} links",
		.remedy = "on the switch: the same speed and duplex, and the same group, for all "
			  "ports; over two switches these have to be one LACP system (MLAG, stack)",
	},
	{
		.id = "lacp-expired",
		.severity = DOCTOR_ERROR,
		.holds = rules_expired,
		.message = "LACP messages have stopped on links of {bond}: {detail}.",
		.one_stream = "stalls on such a link, until LACP takes it away",
		.several_streams = "those on such a link stall, the others work",
		.remedy = "look for a fibre that works one way only, or a busy switch; what "
			  "comes in here:\n"
			  "$ tcpdump -ni {link} ether proto 0x8809",
	},
	{
		.id = "lacp-out-of-sync",
		.severity = DOCTOR_ERROR,
		.holds = rules_out_of_sync,
		.message = "LACP keeps links of {bond} from working: {detail}. This is normal for "
			   "some seconds after a change.",
		.one_stream = "{one}; on such a link it may stall",
		.several_streams = "{all}, over {usable} of {n} links",
		.remedy = "on the switch: see why it has suspended the port (no member of the "
			  "group, a limit of the group, speed or duplex)",
	},
	{
		.id = "lacp-min-links",
		.severity = DOCTOR_ERROR,
		.holds = rules_min_links,
		.message = "{bond} wants at least {min_links} usable links and has {usable}, so it "
			   "has taken its own carrier away.",
		.one_stream = "nothing goes over {bond}",
		.several_streams = "the same",
		.remedy = "repair the links, or want fewer:\n"
			  "$ ip link set dev {bond} type bond min_links {usable}",
	},
	{
		.id = "mtu-differs",
		.severity = DOCTOR_ERROR,
		.holds = rules_mtu_links,
		.message = "{bond} has MTU {mtu}, but {detail}. A link with a smaller one may drop "
			   "full packets, as a rule those that it receives.",
		.one_stream = "{one}, but may stall on such a link",
		.several_streams = "those on such a link may stall, the others work",
		.remedy = "$ ip link set dev {link} mtu {mtu}\n"
			  "on the switch: at least this MTU on the ports of all links",
	},
	{
		.id = "no-route",
		.severity = DOCTOR_ERROR,
		.of_machine = true,
		.holds = rules_no_route,
		.message = "{detail}.",
		.one_stream = "cannot connect",
		.several_streams = "the same",
		.remedy = "$ ip route get {peer}",
	},
	{
		.id = "peer-links-unusable",
		.severity = DOCTOR_ERROR,
		.of_machine = true,
		.holds = rules_peer_links,
		.message =
			"the peer's {dev} does not send over all of its links; without: {detail}.",
		.one_stream = "the rate of one link",
		.several_streams = "the rate of its other links",
		.remedy = "at the peer, to see why:\n"
			  "$ mpnc doctor",
	},
	{
		.id = "lane-mtu",
		.severity = DOCTOR_ERROR,
		.of_machine = true,
		.holds = rules_lane_mtu,
		.message = "large packets are lost on some lanes, without any error message: "
			   "{detail}. What "
			   "takes such a lane connects, and then stands still.",
		.one_stream = "stands still if it takes such a lane",
		.several_streams = "those on such a lane stand still; mpnc goes on over the others",
		.remedy = "on the switches: the same MTU on the ports of all links of a group. "
			  "Cisco: system mtu or mtu of the interface; Juniper: set interfaces IFD "
			  "mtu; "
			  "Arista: mtu; HP, Aruba: jumbo. On this machine:\n"
			  "$ ip -d link show",
	},
	{
		.id = "lane-dead",
		.severity = DOCTOR_ERROR,
		.of_machine = true,
		.holds = rules_lane_dead,
		.message = "nothing gets through on some lanes: {detail}.",
		.one_stream = "cannot connect, or stands still, if it takes such a lane",
		.several_streams = "those on such a lane are lost; mpnc goes on over the others",
		.remedy =
			"on the switches: is every port of the group a member of it at both ends? "
			"Here and at the peer, which links count errors:\n"
			"$ ip -s link show",
	},
	/* Warnings */
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
		.id = "balance-rr",
		.severity = DOCTOR_WARNING,
		.holds = rules_balance_rr,
		.message = "{bond} deals out the packets of each connection to all links "
			   "(balance-rr), so they overtake each other. At first TCP takes a "
			   "packet for lost that is {reordering} places late.",
		.one_stream = "more than one link, less than {all}",
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
	/* Notes */
	{
		.id = "policy-random",
		.severity = DOCTOR_NOTE,
		.holds = rules_policy_random,
		.message = "{bond} chooses the link by a random number of each connection "
			   "({policy}): links cannot be chosen, only watched.",
		.one_stream = "{one}; may change links after a loss",
		.several_streams = "up to {all}, by chance: take three times as many as links",
		.remedy = TO_PORTS,
	},
	{
		.id = "one-link",
		.severity = DOCTOR_NOTE,
		.holds = rules_one_link,
		.message = "{bond} has one link only.",
		.one_stream = "{one}",
		.several_streams = "the same for all together",
		.remedy = "",
	},
	{
		.id = "link-flapped",
		.severity = DOCTOR_NOTE,
		.holds = rules_flapped,
		.message = "links of {bond} have failed and come back since they were added "
			   "({detail}).",
		.one_stream = "lost packets then, if it was on that link",
		.several_streams = "most changed links, and back",
		.remedy = "if it goes on, check cable, optic and the switch's port; to hear of "
			  "more:\n"
			  "$ mpnc status --json --check --since FILE",
	},
	{
		.id = "lacp-slow",
		.severity = DOCTOR_NOTE,
		.holds = rules_slow_rate,
		.message = "{bond} asks for LACP messages every 30 s (lacp_rate slow): a link that "
			   "fails without losing its signal is used for up to 90 s.",
		.one_stream = "may stall for so long",
		.several_streams = "those on that link may; mpnc goes on over the others",
		.remedy =
			"here and on the switch; here " INTERRUPTS "$ ip link set dev {bond} down\n"
			"$ ip link set dev {bond} type bond lacp_rate fast\n"
			"$ ip link set dev {bond} up",
	},
	{
		.id = "lacp-passive",
		.severity = DOCTOR_NOTE,
		.holds = rules_passive,
		.message = "{bond} only answers LACP (lacp_active off): it works as long as the "
			   "switch asks.",
		.one_stream = "{one}",
		.several_streams = "{all}",
		.remedy = INTERRUPTS "$ ip link set dev {bond} down\n"
				     "$ ip link set dev {bond} type bond lacp_active on\n"
				     "$ ip link set dev {bond} up",
	},
	{
		.id = "lacp-churned",
		.severity = DOCTOR_NOTE,
		.holds = rules_churned,
		.message =
			"LACP on links of {bond} took more than a minute to get into step, or an "
			"old kernel says so wrongly; they work now: {links}.",
		.one_stream = "{one}",
		.several_streams = "{all}",
		.remedy = "",
	},
	{
		.id = "uneven-number",
		.severity = DOCTOR_NOTE,
		.holds = rules_uneven_number,
		.message = "{usable} usable links are no power of two: both directions of a "
			   "connection take different links, and many switches share out 3 : 3 : 2 "
			   "or the like.",
		.one_stream = "{one}",
		.several_streams = "{all} with a multiple of {usable}, evenly spread",
		.remedy = "",
	},
	{
		.id = "receive-uneven",
		.severity = DOCTOR_NOTE,
		.holds = rules_uneven_receipt,
		.message =
			"{detail} of all that {bond} has received came by {links}, while it sent "
			"by several: the switch may choose by addresses alone.",
		.one_stream = "{one}",
		.several_streams = "{all} sent, {one} received",
		.remedy = "on the switch: a hash over addresses and ports (Catalyst: port-channel "
			  "load-balance src-dst-mixed-ip-port; Junos MX: hash-key family inet "
			  "layer-4)",
	},
	{
		.id = "fragments",
		.severity = DOCTOR_NOTE,
		.holds = rules_fragments,
		.message = "IPv4 fragments ({detail} since the start): they have no ports, so "
			   "{bond} may send them by other links than whole packets of the same "
			   "flow.",
		.one_stream = "TCP is not concerned; large UDP datagrams overtake each other",
		.several_streams = "the same",
		.remedy = "datagrams no larger than the path's MTU",
	},
	{
		.id = "hash-unknown",
		.severity = DOCTOR_NOTE,
		.holds = rules_unknown_rule,
		.message = "the version of kernel {detail} does not say which hash it has: links "
			   "cannot be chosen in advance, only watched.",
		.one_stream = "{one}",
		.several_streams = "up to {all}, by chance at first",
		.remedy = "",
	},
	{
		.id = "order-unknown",
		.severity = DOCTOR_NOTE,
		.holds = rules_unknown_order,
		.message = "the order in which {bond} counts its links is not known ({detail}): "
			   "connections can be spread, but not put on a certain link.",
		.one_stream = "{one}",
		.several_streams = "{all}",
		.remedy = "",
	},
	{
		.id = "team-hidden",
		.severity = DOCTOR_NOTE,
		.holds = rules_team_hidden,
		.message = "{bond} is a team, whose mode and hash the kernel shows to root only.",
		.one_stream = "{one}",
		.several_streams = "up to {all}, if teamd's tx_hash has \"l4\"",
		.remedy = "as root:\n"
			  "$ teamdctl {bond} config dump",
	},
	{
		.id = "team-hash",
		.severity = DOCTOR_NOTE,
		.holds = rules_team_hash,
		.message = "the team {bond} hashes by what teamd's tx_hash names. Without \"l4\", "
			   "the default, ports have no effect; for IPv6 the source port has none "
			   "even then.",
		.one_stream = "{one}",
		.several_streams = "up to {all} with \"l4\", else {one} to one peer",
		.remedy = "in teamd's configuration, \"tx_hash\": [\"ipv4\", \"ipv6\", \"l4\"]; "
			  "see:\n"
			  "$ teamdctl {bond} config dump",
	},
	{
		.id = "no-bond",
		.severity = DOCTOR_NOTE,
		.of_machine = true,
		.holds = rules_no_bond,
		.message = "no bond or team is in use here. One at the other end, or one of the "
			   "host that this virtual machine or container runs on, cannot be seen "
			   "from here.",
		.one_stream = "the rate of the one link",
		.several_streams = "no more, unless there is such a bond",
		.remedy = "",
	},
	{
		.id = "namespace",
		.severity = DOCTOR_NOTE,
		.of_machine = true,
		.holds = rules_namespace,
		.message = "all devices here belong to another network namespace's ({detail}), as "
			   "in a container: a bond there decides, and cannot be seen.",
		.one_stream = "the rate of one of its links",
		.several_streams = "what its hash makes of them",
		.remedy = "run mpnc doctor on the host",
	},
	{
		.id = "hidden-lag",
		.severity = DOCTOR_NOTE,
		.of_machine = true,
		.holds = rules_virtual_function,
		.message = "{detail}: a virtual function of a Mellanox card, which may bond its "
			   "ports in hardware, unseen and by a hash of its own.",
		.one_stream = "the rate of one port",
		.several_streams = "what that hash makes of them",
		.remedy = "ask whoever runs the host",
	},
	{
		.id = "route-hidden",
		.severity = DOCTOR_NOTE,
		.of_machine = true,
		.holds = rules_route_hidden,
		.message = "the way to {peer} cannot be followed to its links: {detail}.",
		.one_stream = "not known",
		.several_streams = "not known",
		.remedy = "",
	},
	{
		.id = "route-no-bond",
		.severity = DOCTOR_NOTE,
		.of_machine = true,
		.holds = rules_route_plain,
		.message = "no bond is on the way to {peer}: {detail}.",
		.one_stream = "the rate of that device",
		.several_streams = "no more, unless the peer's end is the narrow one",
		.remedy = "",
	},
};

const size_t doctor_n_conditions = sizeof(doctor_conditions) / sizeof(doctor_conditions[0]);
