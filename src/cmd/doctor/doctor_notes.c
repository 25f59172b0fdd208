/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * doctor_notes.c - conditions that may be meant so, are over, or cannot be known
 *
 * A table for doctor_examine(), like doctor_errors.c. A note does not change the exit status: a
 * cron job would report it every day, and nobody would change anything.
 */
#include "cmd/doctor/doctor_bond_rules.h"
#include "cmd/doctor/doctor_lacp_rules.h"
#include "cmd/doctor/doctor_machine_rules.h"
#include "cmd/doctor/doctor_peer_rules.h"
#include "cmd/doctor/doctor_share_rules.h"
#include "cmd/doctor/doctor_texts.h"

static const struct doctor_condition conditions[] = {
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
		.id = "lacp-switch-slow",
		.severity = DOCTOR_NOTE,
		.holds = rules_switch_slow,
		.message = "the switch asks for LACP messages every 30 s on links of {bond}, while "
			   "this machine wants them every second: {links}. A link on which nothing "
			   "arrives there any more, though its signal stays, is used by the switch "
			   "for up to 90 s.",
		.one_stream = "may stall for so long",
		.several_streams = "what comes by that link may; mpnc goes on over the others",
		.remedy = "on the switch, for these ports: the fast rate (Cisco, Arista: lacp rate "
			  "fast; Juniper: periodic fast; HP, Aruba: lacp rate fast)",
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
		.message = "it is not known which hash rule the kernel has ({detail}): links "
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
		.id = "links-virtual",
		.severity = DOCTOR_NOTE,
		.holds = rules_functions,
		.message =
			"links of {bond} are virtual functions, parts of cards that the host has: "
			"{links}. They may share one port or be bonded below; they may keep their "
			"carrier when the port fails; and LACP does not pass them.",
		.one_stream = "{one}",
		.several_streams = "{all}, if each is of a port of its own",
		.remedy =
			"on the host, so that a port that fails is seen here, for the card PF and "
			"each function N:\n"
			"$ ip link set dev PF vf N state auto",
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
		.several_streams =
			"more if there is such a bond, or a limit on each connection: mpnc "
			"bench --sweep shows it",
		.remedy = "",
	},
	{
		.id = "ovs-bond",
		.severity = DOCTOR_NOTE,
		.of_machine = true,
		.holds = rules_ovs,
		.message =
			"{detail} are ports of Open vSwitch, which may bond them: mpnc cannot see "
			"that, as Open vSwitch shows it to root only.",
		.one_stream = "the rate of one link",
		.several_streams =
			"more than one link by balance-tcp alone: balance-slb looks at MAC "
			"addresses, active-backup uses one link",
		.remedy = "as root; BOND is what the first command names:\n"
			  "$ ovs-appctl bond/show\n"
			  "$ ovs-vsctl set port BOND lacp=active bond_mode=balance-tcp",
	},
	{
		.id = "cloud-card",
		.severity = DOCTOR_NOTE,
		.of_machine = true,
		.holds = rules_cloud,
		.message =
			"{detail}: the card of a cloud's machine. Clouds limit what one connection "
			"gets, below what the machine gets.",
		.one_stream = "no more than that limit",
		.several_streams = "more, up to the limit of the machine",
		.remedy = "to see from how many on there is no gain:\n"
			  "$ mpnc bench --sweep HOST PORT",
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
		.id = "ecmp",
		.severity = DOCTOR_NOTE,
		.of_machine = true,
		.holds = rules_hops,
		.message =
			"the route to {peer} has {detail} next hops, and each connection takes one "
			"by its ports. mpnc does not choose the ports for that: which next hops "
			"are "
			"in use is chance.",
		.one_stream = "the rate of one next hop",
		.several_streams = "up to that of all: take three times as many as next hops (-P)",
		.remedy = "",
	},
	{
		.id = "tunnel-one-flow",
		.severity = DOCTOR_NOTE,
		.of_machine = true,
		.holds = rules_one_tunnel,
		.message =
			"packets to {peer} leave inside others by {dev} ({detail}). A bond below "
			"sees neither their addresses nor their ports: all that {dev} carries is "
			"one "
			"flow, on one link.",
		.one_stream = "the rate of one link",
		.several_streams = "no more for all together",
		.remedy =
			"connect to an address of the peer outside of {dev}, and encrypt with "
			"--key; "
			"or have one tunnel for each link, and name the peer's addresses in all of "
			"them: mpnc HOST1,HOST2 PORT",
	},
	{
		.id = "tunnel-spread",
		.severity = DOCTOR_NOTE,
		.of_machine = true,
		.holds = rules_spread_tunnel,
		.message =
			"packets to {peer} leave inside others by {dev} ({detail}), whose outer "
			"source port is a hash of each connection: a bond below spreads them, but "
			"links cannot be chosen.",
		.one_stream = "the rate of one link",
		.several_streams =
			"up to that of all links, by chance: take three times as many as "
			"links (-P)",
		.remedy = "",
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
		.several_streams =
			"no more, unless something beyond it spreads connections or limits "
			"each: mpnc bench --sweep shows it",
		.remedy = "",
	},
};

const struct doctor_table doctor_notes = { conditions, sizeof(conditions) / sizeof(conditions[0]) };
