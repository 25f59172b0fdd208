/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Model: lines "key: value" in parts. What a key means depends on the part that it stands in, so
 * the table of keys has both. Some lines begin another part:
 *
 *   BOND --"Active Aggregator Info:"--> GROUP --.
 *     `----------"Slave Interface: NAME"--------+--> PORT --"details actor"--> ACTOR
 *                                               |      `----"details partner"--> PARTNER
 *                                               `------ from any of these, for the next port
 */
#include "topo/bonding_file.h"

#include <errno.h>
#include <linux/if_arp.h>
#include <stdlib.h>
#include <string.h>

#include "topo/files.h"
#include "util/parse.h"
#include "util/text.h"

#define LEN(array) (sizeof(array) / sizeof((array)[0]))

/* A port takes some 1 KiB, and at most 2 KiB. */
#define FILE_LEN (64u << 10)

/* "80:00:00:48:fe:80:...": an address of InfiniBand, of 20 bytes. */
#define INFINIBAND_LEN (3 * 20 - 1)

#define BLANKS " \t\r"

enum part { PART_BOND, PART_GROUP, PART_PORT, PART_ACTOR, PART_PARTNER };

struct reader {
	struct bonding_file *file;
	enum part part;
	struct topo_link *port;    /* of PORT, ACTOR and PARTNER; NULL before the first */
	struct topo_link unlisted; /* in place of those beyond TOPO_LINKS_MAX */
	unsigned n_bonds;
	bool no_group; /* "bond NAME has no active aggregator" */
};

static struct topo_bond *bond_of(struct reader *r)
{
	return &r->file->bond;
}

/* Leaves *out alone if value is no number. */
static bool read_number(const char *value, uint64_t max, uint64_t *out)
{
	return parse_u64(value, 0, max, out) == 0;
}

static void read_u32(const char *value, uint32_t *out)
{
	uint64_t number;

	if (read_number(value, UINT32_MAX, &number))
		*out = (uint32_t)number;
}

/* Returns false and leaves *out alone if value is no number: "N/A". */
static bool read_u16(const char *value, uint16_t *out)
{
	uint64_t number;

	if (!read_number(value, UINT16_MAX, &number))
		return false;
	*out = (uint16_t)number;
	return true;
}

/* A state of a port, 0x3d; the kernel writes the partner's with 16 bits. */
static void read_state(const char *value, uint8_t *out)
{
	uint16_t state;

	if (read_u16(value, &state))
		*out = (uint8_t)state;
}

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

/* The bond ------------------------------------------------------------------------------------- */

/* More may follow: "(fail_over_mac active)". */
static void take_mode(struct reader *r, char *value)
{
	static const char *const modes[] = {
		[TOPO_MODE_BALANCE_RR] = "load balancing (round-robin)",
		[TOPO_MODE_ACTIVE_BACKUP] = "fault-tolerance (active-backup)",
		[TOPO_MODE_BALANCE_XOR] = "load balancing (xor)",
		[TOPO_MODE_BROADCAST] = "fault-tolerance (broadcast)",
		[TOPO_MODE_8023AD] = "IEEE 802.3ad Dynamic link aggregation",
		[TOPO_MODE_BALANCE_TLB] = "transmit load balancing",
		[TOPO_MODE_BALANCE_ALB] = "adaptive load balancing",
	};

	r->n_bonds++;
	for (size_t i = 0; i < LEN(modes); i++)
		if (begins(value, modes[i]))
			bond_of(r)->mode = (uint8_t)i;
}

/* "layer3+4 (1)". Of modes 5 and 6 the driver writes the line if they hash. */
static void take_policy(struct reader *r, char *value)
{
	value[strcspn(value, " ")] = '\0';
	for (uint8_t i = TOPO_POLICY_LAYER2; i <= TOPO_POLICY_VLAN_SRCMAC; i++)
		if (strcmp(value, topo_policy_name(i)) == 0)
			bond_of(r)->policy = i;
	bond_of(r)->tlb_dynamic_lb = false;
}

static void take_active(struct reader *r, char *value)
{
	if (strcmp(value, "None") != 0)
		text_printf(r->file->active, sizeof(r->file->active), "%s", value);
}

/* netif_carrier_ok of the bond. */
static void take_carrier(struct reader *r, char *value)
{
	bond_of(r)->carrier = strcmp(value, "up") == 0;
}

static void take_miimon(struct reader *r, char *value)
{
	read_u32(value, &bond_of(r)->miimon_ms);
}

static void take_arp_interval(struct reader *r, char *value)
{
	read_u32(value, &bond_of(r)->arp_interval_ms);
}

static void take_lacp_active(struct reader *r, char *value)
{
	bond_of(r)->lacp_active = strcmp(value, "off") != 0;
}

static void take_lacp_rate(struct reader *r, char *value)
{
	bond_of(r)->lacp_rate = strcmp(value, "fast") == 0;
}

static void take_min_links(struct reader *r, char *value)
{
	read_u32(value, &bond_of(r)->min_links);
}

static void take_ad_select(struct reader *r, char *value)
{
	static const char *const names[] = { "stable", "bandwidth", "count", "actor_port_prio" };

	for (size_t i = 0; i < LEN(names); i++)
		if (strcmp(value, names[i]) == 0)
			bond_of(r)->ad_select = (uint8_t)i;
}

/* The active aggregator ------------------------------------------------------------------------ */

static void take_group(struct reader *r, char *value)
{
	if (read_u16(value, &bond_of(r)->aggregator))
		bond_of(r)->has_aggregator = true;
}

static void take_n_ports(struct reader *r, char *value)
{
	read_u16(value, &bond_of(r)->n_aggregated);
}

static void take_actor_key(struct reader *r, char *value)
{
	read_u16(value, &bond_of(r)->actor_key);
}

static void take_partner_key(struct reader *r, char *value)
{
	read_u16(value, &bond_of(r)->partner_key);
}

static void take_partner_mac(struct reader *r, char *value)
{
	/* Masked by whoever showed it to others: there is one, and nobody knows which. */
	if (parse_mac(value, bond_of(r)->partner_mac) < 0)
		bond_of(r)->partner_hidden = true;
}

/* A port --------------------------------------------------------------------------------------- */

static void take_mii(struct reader *r, char *value)
{
	static const char *const names[] = {
		[TOPO_MII_UP] = "up",
		[TOPO_MII_GOING_DOWN] = "going down",
		[TOPO_MII_DOWN] = "down",
		[TOPO_MII_GOING_BACK] = "going back",
	};

	for (size_t i = 0; i < LEN(names); i++)
		if (strcmp(value, names[i]) == 0)
			r->port->mii = (uint8_t)i;
}

/* "1000 Mbps", "Unknown" */
static void take_speed(struct reader *r, char *value)
{
	char *unit = strstr(value, " Mbps");
	uint64_t speed;

	bond_of(r)->speeds_hidden = false;
	if (!unit)
		return;
	*unit = '\0';
	if (read_number(value, INT32_MAX, &speed))
		r->port->speed = (uint32_t)speed;
}

static void take_duplex(struct reader *r, char *value)
{
	r->port->duplex = files_duplex(value);
}

static void take_failures(struct reader *r, char *value)
{
	read_u32(value, &r->port->failures);
}

/* An address of InfiniBand has a queue number in 4 bytes before its GID, which begins with fe80; of
 * it old kernels write the first 6 bytes, as of any other. */
static void take_perm_mac(struct reader *r, char *value)
{
	struct topo_link *port = r->port;
	bool whole = strlen(value) == INFINIBAND_LEN;

	if (!whole && parse_mac(value, port->perm_mac) < 0)
		return;
	if (whole || (port->perm_mac[4] == 0xfe && port->perm_mac[5] == 0x80)) {
		port->type = ARPHRD_INFINIBAND;
		memset(port->perm_mac, 0, sizeof(port->perm_mac));
	}
}

static void take_queue(struct reader *r, char *value)
{
	read_u16(value, &r->port->queue_id);
}

static void take_aggregator(struct reader *r, char *value)
{
	read_u16(value, &r->port->aggregator);
}

static void take_churn(struct reader *r, char *value)
{
	r->port->churned |= strcmp(value, "churned") == 0;
}

/* What its LACP says --------------------------------------------------------------------------- */

static void take_port_key(struct reader *r, char *value)
{
	r->port->has_actor_key = read_u16(value, &r->port->actor_key);
}

static void take_actor_state(struct reader *r, char *value)
{
	read_state(value, &r->port->actor_state);
}

static void take_port_partner_mac(struct reader *r, char *value)
{
	r->port->has_partner = parse_mac(value, r->port->partner_mac) == 0;
}

static void take_port_partner_key(struct reader *r, char *value)
{
	read_u16(value, &r->port->partner_key);
}

static void take_partner_state(struct reader *r, char *value)
{
	read_state(value, &r->port->partner_state);
}

/* Lines ---------------------------------------------------------------------------------------- */

static const struct {
	enum part part;
	const char *key;
	void (*take)(struct reader *r, char *value);
} keys[] = {
	{ PART_BOND, "Bonding Mode", take_mode },
	{ PART_BOND, "Transmit Hash Policy", take_policy },
	{ PART_BOND, "Currently Active Slave", take_active },
	{ PART_BOND, "MII Status", take_carrier },
	{ PART_BOND, "MII Polling Interval (ms)", take_miimon },
	{ PART_BOND, "ARP Polling Interval (ms)", take_arp_interval },
	{ PART_BOND, "LACP active", take_lacp_active },
	{ PART_BOND, "LACP rate", take_lacp_rate },
	{ PART_BOND, "Min links", take_min_links },
	{ PART_BOND, "Aggregator selection policy (ad_select)", take_ad_select },
	{ PART_GROUP, "Aggregator ID", take_group },
	{ PART_GROUP, "Number of ports", take_n_ports },
	{ PART_GROUP, "Actor Key", take_actor_key },
	{ PART_GROUP, "Partner Key", take_partner_key },
	{ PART_GROUP, "Partner Mac Address", take_partner_mac },
	{ PART_PORT, "MII Status", take_mii },
	{ PART_PORT, "Speed", take_speed },
	{ PART_PORT, "Duplex", take_duplex },
	{ PART_PORT, "Link Failure Count", take_failures },
	{ PART_PORT, "Permanent HW addr", take_perm_mac },
	{ PART_PORT, "Slave queue ID", take_queue },
	{ PART_PORT, "Aggregator ID", take_aggregator },
	{ PART_PORT, "Actor Churn State", take_churn },
	{ PART_PORT, "Partner Churn State", take_churn },
	{ PART_ACTOR, "port key", take_port_key },
	{ PART_ACTOR, "port state", take_actor_state },
	{ PART_PARTNER, "system mac address", take_port_partner_mac },
	{ PART_PARTNER, "oper key", take_port_partner_key },
	{ PART_PARTNER, "port state", take_partner_state },
};

/* Modern kernels write their own version, "v6.1.0-18-amd64"; before, the driver had one, with its
 * date: "v3.7.1 (April 27, 2011)". */
static void begin_bond(struct reader *r, const char *version)
{
	r->part = PART_BOND;
	if (*version == 'v' && !strchr(version, '('))
		text_printf(r->file->release, sizeof(r->file->release), "%s", version + 1);
}

static void begin_port(struct reader *r, const char *name)
{
	struct topo_bond *bond = bond_of(r);

	r->part = PART_PORT;
	r->port = bond->n_links < TOPO_LINKS_MAX ? &bond->links[bond->n_links++] : &r->unlisted;
	bond->n_ports++;
	text_printf(r->port->name, sizeof(r->port->name), "%s", name);
}

static void take_line(struct reader *r, char *line)
{
	char *value;

	line += strspn(line, BLANKS);
	for (size_t len = strlen(line); len && strchr(BLANKS, line[len - 1]); len--)
		line[len - 1] = '\0';
	value = strchr(line, ':');
	if (begins(line, "bond ") && strstr(line, " has no active aggregator"))
		r->no_group = true;
	if (!value)
		return;
	*value++ = '\0';
	value += strspn(value, BLANKS);
	if (strcmp(line, "Ethernet Channel Bonding Driver") == 0)
		begin_bond(r, value);
	else if (strcmp(line, "Active Aggregator Info") == 0)
		r->part = PART_GROUP;
	else if (strcmp(line, "Slave Interface") == 0)
		begin_port(r, value);
	else if (strcmp(line, "details actor lacp pdu") == 0 && r->port)
		r->part = PART_ACTOR;
	else if (strcmp(line, "details partner lacp pdu") == 0 && r->port)
		r->part = PART_PARTNER;
	for (size_t i = 0; i < LEN(keys); i++)
		if (keys[i].part == r->part && strcmp(keys[i].key, line) == 0)
			keys[i].take(r, value);
}

/* What holds as long as no line says otherwise. */
static void clear(struct bonding_file *file)
{
	memset(file, 0, sizeof(*file));
	file->bond.kind = TOPO_KIND_BOND;
	file->bond.mode = TOPO_MODE_UNKNOWN;
	file->bond.policy = TOPO_POLICY_UNKNOWN;
	file->bond.lacp_active = true;
	file->bond.tlb_dynamic_lb = true;
	file->bond.packets_per_slave = 1;
	file->bond.order_known = true;
	file->bond.speeds_hidden = true;
}

int bonding_file_parse(char *text, struct bonding_file *out)
{
	struct reader r = { .file = out };
	char *save;

	clear(out);
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		take_line(&r, line);
	out->bond.partner_hidden |=
		out->bond.mode == TOPO_MODE_8023AD && !out->bond.has_aggregator && !r.no_group;
	return r.n_bonds == 1 ? 0 : r.n_bonds ? -E2BIG : -EINVAL;
}

/* A bond alone -----------------------------------------------------------------------------------
 */

static size_t group_size(const struct topo_bond *bond, uint16_t aggregator)
{
	size_t n = 0;

	for (size_t i = 0; i < bond->n_links; i++)
		n += bond->links[i].mii == TOPO_MII_UP && bond->links[i].aggregator == aggregator;
	return n;
}

/* The driver prefers the aggregator with most links, other things being equal. */
static void guess_group(struct topo_bond *bond)
{
	for (size_t i = 0; i < bond->n_links; i++) {
		uint16_t aggregator = bond->links[i].aggregator;

		if (!aggregator || group_size(bond, aggregator) <= bond->n_aggregated)
			continue;
		bond->has_aggregator = true;
		bond->aggregator = aggregator;
		bond->n_aggregated = (uint16_t)group_size(bond, aggregator);
	}
}

/* A port that LACP does not let send is a backup to the driver. Without a partner it lets a group
 * work whatever the ports' states are. */
static bool is_backup(const struct topo_bond *bond, const struct topo_link *port)
{
	static const uint8_t none[TOPO_MAC_LEN];
	bool answered = bond->partner_hidden || memcmp(bond->partner_mac, none, sizeof(none)) != 0;

	return bond->mode == TOPO_MODE_8023AD && answered && port->actor_state &&
	       !(port->actor_state & TOPO_LACP_DISTRIBUTING);
}

void bonding_file_complete(struct bonding_file *file, const char *name)
{
	struct topo_bond *bond = &file->bond;

	text_printf(bond->name, sizeof(bond->name), "%s", name);
	bond->up = true;
	if (bond->partner_hidden && !bond->has_aggregator)
		guess_group(bond);
	for (size_t i = 0; i < bond->n_links; i++) {
		struct topo_link *port = &bond->links[i];

		port->ifindex = (uint32_t)i + 1;
		port->up = true;
		port->carrier = port->mii != TOPO_MII_DOWN || port->speed;
		port->backup = is_backup(bond, port);
		if (strcmp(port->name, file->active) == 0)
			bond->active = port->ifindex;
	}
	bond->ifindex = (uint32_t)bond->n_links + 1;
	topo_judge(bond);
}

/* Of this machine ------------------------------------------------------------------------------ */

/* "eth0 eth1 ++more++ " */
static void take_names(char *text, struct topo_bond *bond)
{
	char *save;

	for (char *name = strtok_r(text, " \n", &save); name; name = strtok_r(NULL, " \n", &save)) {
		if (bond->n_links < TOPO_LINKS_MAX)
			text_printf(bond->links[bond->n_links++].name, TOPO_NAME_LEN, "%s", name);
		bond->n_ports++;
	}
}

static int read_names(const struct topo_source *source, const struct topo_bond *bond, char *text,
		      struct bonding_file *out)
{
	ssize_t r =
		files_read(source, text, FILE_LEN, "/sys/class/net/%s/bonding/slaves", bond->name);

	if (r < 0)
		return (int)r;
	clear(out);
	take_names(text, &out->bond);
	return 0;
}

int bonding_file_load(const struct topo_source *source, const struct topo_bond *bond,
		      struct bonding_file *out)
{
	char *text = malloc(FILE_LEN);
	ssize_t r;

	if (!text)
		return -ENOMEM;
	r = files_read(source, text, FILE_LEN, "/proc/net/bonding/%s", bond->name);
	/* It is what it is: the driver's file of this bond, however little can be understood. */
	if (r >= 0)
		bonding_file_parse(text, out);
	else if (bond->in_sysfs)
		r = read_names(source, bond, text, out);
	free(text);
	return r < 0 ? (int)r : 0;
}
