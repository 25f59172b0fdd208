/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * doctor_errors.c - conditions by which packets are lost, or a link that is meant to work is idle
 *
 * A table for doctor_examine(), the worst first; doctor.h has the fields and the names in braces.
 *
 * What always holds: an id never changes its meaning, as programs know it. The message says what is
 * so, one_stream and several_streams what it means for a transfer, and the remedy what to type or
 * to set on the switch.
 */
#include "cmd/doctor/doctor_bond_rules.h"
#include "cmd/doctor/doctor_lacp_rules.h"
#include "cmd/doctor/doctor_machine_rules.h"
#include "cmd/doctor/doctor_peer_rules.h"
#include "cmd/doctor/doctor_share_rules.h"

static const struct doctor_condition conditions[] = {
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
		.id = "no-usable-link",
		.severity = DOCTOR_ERROR,
		.holds = rules_no_usable,
		.message = "{bond} has carrier, but none of its {n} links can be used: whatever is "
			   "sent by it is lost, and routes to other devices are not taken.",
		.one_stream = "nothing goes over {bond}",
		.several_streams = "the same",
		.remedy = "see the other findings for {bond}; for LACP, so that the bond loses its "
			  "carrier with its last link:\n"
			  "$ ip link set dev {bond} type bond min_links 1",
	},
	{
		.id = "active-backup-none",
		.severity = DOCTOR_ERROR,
		.holds = rules_no_active,
		.message =
			"none of the links of {bond} is the active one (active-backup): whatever "
			"is sent by it is lost.",
		.one_stream = "nothing goes over {bond}",
		.several_streams = "the same",
		.remedy = "$ ip link set dev {bond} type bond active_slave {dev}",
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
			   "of {n}. This is normal for some seconds after a change.",
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
		.id = "lacp-own-partner",
		.severity = DOCTOR_ERROR,
		.holds = rules_own_partner,
		.message = "the LACP partner of {bond} is this machine itself ({detail}): a cable "
			   "joins two of its own ports.",
		.one_stream = "reaches nobody by such a link",
		.several_streams = "the same",
		.remedy = "follow the cables of {bond}: each link has to end at the switch",
	},
	{
		.id = "lacp-unheard",
		.severity = DOCTOR_ERROR,
		.holds = rules_unheard,
		.message = "the switch sends LACP on links of {bond}, but has heard nothing from "
			   "this machine there: {links}.",
		.one_stream = "{one}",
		.several_streams = "{all}, over {usable} of {n} links",
		.remedy =
			"find where what this machine sends is lost: a fibre that works one way, a "
			"filter of the switch, a card whose firmware takes LACP for itself, an "
			"address of the bond that was changed. Do messages leave here?\n"
			"$ tcpdump -nei {link} ether proto 0x8809",
	},
	{
		.id = "lacp-stale-key",
		.severity = DOCTOR_ERROR,
		.holds = rules_stale_key,
		.message =
			"links of {bond} are idle, although their speeds agree: their own LACP "
			"keys differ ({detail}). The key is made when a link joins the bond, and a "
			"link that had no speed then keeps a wrong one.",
		.one_stream = "{one}",
		.several_streams = "{all}, over {usable} of {n} links",
		.remedy =
			"take the link out and add it again; in the network's configuration let it "
			"have its speed before it joins:\n"
			"$ ip link set dev {link} nomaster\n"
			"$ ip link set dev {link} down\n"
			"$ ip link set dev {link} master {bond}\n"
			"$ ip link set dev {link} up",
	},
	{
		.id = "lacp-other-group",
		.severity = DOCTOR_ERROR,
		.holds = rules_other_group,
		.message = "links of {bond} are idle, as LACP has put them into other aggregators "
			   "than the one in use ({aggregator}): {detail}.",
		.one_stream = "{one}",
		.several_streams = "{all}, over {usable} of {n} links",
		.remedy =
			"on the switch: the same speed and duplex, and the same group, for all "
			"ports; over two switches these have to be one LACP system (MLAG, stack). "
			"A link at 100 instead of 1000 Mbit/s often has a bad cable or plug",
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
};

const struct doctor_table doctor_errors = { conditions,
					    sizeof(conditions) / sizeof(conditions[0]) };
