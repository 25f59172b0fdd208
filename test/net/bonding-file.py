#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""
bonding-file.py MPNC FILE...: does mpnc read each FILE, a copy of /proc/net/bonding/NAME, as this does?

A reader of its own, made from the driver's format and not from the program. Prints each value that differs.
"""
import json
import re
import subprocess
import sys

MODES = {
    "load balancing (round-robin)": "balance-rr",
    "fault-tolerance (active-backup)": "active-backup",
    "load balancing (xor)": "balance-xor",
    "fault-tolerance (broadcast)": "broadcast",
    "IEEE 802.3ad Dynamic link aggregation": "802.3ad",
    "transmit load balancing": "balance-tlb",
    "adaptive load balancing": "balance-alb",
}
MAC = re.compile(r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\Z")
NOBODY = "00:00:00:00:00:00"


def first(text, key, pattern=".*"):
    """What follows the first "key: " in text, or None."""
    found = re.search(rf"^[ \t]*{re.escape(key)}: *({pattern})[ \t\r]*$", text, re.M)
    return found.group(1).strip() if found else None


def number(text, key):
    value = first(text, key, r"\d+")
    return None if value is None else int(value)


def mac(text, key):
    value = first(text, key)
    return value if value and MAC.match(value) else None


def parts(text):
    """The bond's lines, those of its aggregator, and of each port its own, its actor's and its partner's."""
    bond, *ports = re.split(r"^[ \t]*Slave Interface: ", text, flags=re.M)
    bond, _, group = bond.partition("Active Aggregator Info:")
    split = []
    for port in ports:
        own, _, lacp = port.partition("details actor lacp pdu:")
        actor, _, partner = lacp.partition("details partner lacp pdu:")
        split.append((own, actor, partner))
    return bond, group, split


def read_port(port, lacp, silent):
    own, actor, partner = port
    speed = first(own, "Speed", r"\d+ Mbps")
    duplex = first(own, "Duplex")
    link = {
        "name": own.split("\n")[0].strip(),
        "mii": first(own, "MII Status"),
        "speed": int(speed.split()[0]) if speed else None,
        "duplex": duplex if duplex in ("full", "half") else None,
        "failures": number(own, "Link Failure Count"),
        "queue_id": number(own, "Slave queue ID") or 0,
    }
    if not lacp:
        return link
    churn = {first(own, f"{side} Churn State") for side in ("Actor", "Partner")}
    link["churned"] = "churned" in churn
    link["aggregator"] = number(own, "Aggregator ID") or 0
    link["actor_key"] = number(actor, "port key")
    link["actor_state"] = number(actor, "port state")
    link["partner_state"] = number(partner, "port state")
    if mac(partner, "system mac address"):
        link["partner"] = mac(partner, "system mac address")
        link["partner_key"] = number(partner, "oper key")
    elif silent and silent[0] == link["aggregator"]:
        link["partner"] = NOBODY
    return link


def read(text):
    bond_text, group, ports = parts(text)
    described = first(bond_text, "Bonding Mode")
    mode = next(name for words, name in MODES.items() if described.startswith(words))
    policy = first(bond_text, "Transmit Hash Policy")
    active = first(bond_text, "Currently Active Slave")
    bond = {
        "mode": mode,
        "policy": policy.split()[0] if policy else None,
        "state": "up" if first(bond_text, "MII Status") == "up" else "no-carrier",
        "miimon_ms": number(bond_text, "MII Polling Interval (ms)"),
        "arp_interval_ms": number(bond_text, "ARP Polling Interval (ms)") or 0,
        "active": active if mode == "active-backup" and active != "None" else None,
        "n_links": len(ports),
        "mtu": None,
    }
    lacp = mode == "802.3ad"
    partner = mac(group, "Partner Mac Address")
    if lacp:
        bond["lacp_active"] = first(bond_text, "LACP active") != "off"
        bond["lacp_rate"] = first(bond_text, "LACP rate")
        bond["min_links"] = number(bond_text, "Min links") or 0
        bond["ad_select"] = first(bond_text, "Aggregator selection policy (ad_select)") or "stable"
        bond["partner"] = partner
        bond["partner_key"] = number(group, "Partner Key")
        bond["actor_key"] = number(group, "Actor Key")
        if group or "has no active aggregator" in bond_text:
            bond["aggregator"] = number(group, "Aggregator ID")
    silent = (bond["aggregator"],) if lacp and partner == NOBODY else None
    bond["links"] = [read_port(port, lacp, silent) for port in ports]
    return bond


def compare(ours, theirs, where):
    differ = False
    for key, value in ours.items():
        found = theirs.get(key)
        if key == "links":
            differ |= len(value) != len(found)
            for mine, other in zip(value, found):
                differ |= compare(mine, other, f"{where} {mine['name']}")
        elif found != value:
            print(f"{where}: {key} is {value!r}, but mpnc says {found!r}")
            differ = True
    return differ


def check(mpnc, path):
    with open(path, newline="", encoding="ascii") as file:
        text = file.read()
    output = subprocess.run([mpnc, "status", "--json", "--from", path], check=True, stdout=subprocess.PIPE).stdout
    bonds = json.loads(output)["bonds"]
    if len(bonds) != 1:
        sys.exit(f"{path}: mpnc finds {len(bonds)} bonds")
    return compare(read(text), bonds[0], path)


def main():
    differ = [path for path in sys.argv[2:] if check(sys.argv[1], path)]
    sys.exit(bool(differ))


main()
