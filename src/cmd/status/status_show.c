/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * status_show.c - bonds as a table, as JSON and as Prometheus's samples
 *
 * Three forms of the same values, with the words of bond_words.h. Pure: the stream's errors are the
 * caller's.
 *
 * What always holds:
 * - What is not known is "-" in the table, null in JSON, and no sample for Prometheus. It is never
 *   0, which would be a measurement.
 * - Names of devices are escaped for where they go: a terminal, JSON, or a label.
 * - Shares are parts of what all links listed have carried, and are not known if that is nothing.
 * - A metric of Prometheus has HELP and TYPE once, before all of its samples, as its format asks.
 */
#include "cmd/status/status.h"

#include <string.h>

#include "cmd/cli/bond_words.h"
#include "cmd/cli/json.h"
#include "util/text.h"

#define LEN(array) (sizeof(array) / sizeof((array)[0]))

#define BITS_PER_MBIT 1000000ull

/* Table ---------------------------------------------------------------------------------------- */

static int name_width(const struct topo_bond *bonds, size_t n)
{
	size_t width = strlen("LINK");

	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < bonds[i].n_links; j++) {
			size_t len = strlen(bond_words_name(bonds[i].links[j].name).text);

			width = len > width ? len : width;
		}
	}
	return (int)width;
}

void status_bond_line(FILE *out, const struct topo_bond *b, const char *release)
{
	const char *policy = bond_words_policy_name(b),
		   *variant = bond_words_variant_name(b, release);

	fprintf(out, "%s: %s%s", bond_words_name(b->name).text,
		b->kind == TOPO_KIND_TEAM ? "team " : "", bond_words_mode_name(b));
	if (policy)
		fprintf(out, " %s", policy);
	if (variant)
		fprintf(out, " (rule %s)", variant);
	if (b->miimon_ms)
		fprintf(out, ", MII %u ms", b->miimon_ms);
	else if (b->arp_interval_ms)
		fprintf(out, ", ARP %u ms", b->arp_interval_ms);
	else if (b->kind == TOPO_KIND_BOND)
		fputs(", MII off", out);
	if (b->mtu)
		fprintf(out, ", MTU %u", b->mtu);
	fprintf(out, ", %s, %zu of %zu links", bond_words_state(b), b->n_usable, b->n_ports);
	if (bond_words_is_lacp(b) && b->has_aggregator)
		fprintf(out, ", aggregator %u", b->aggregator);
	else if (bond_words_is_lacp(b))
		fputs(", no aggregator", out);
	if (b->n_ports > b->n_links)
		fprintf(out, ", %zu not listed", b->n_ports - b->n_links);
	fputc('\n', out);
}

struct cell {
	char text[24];
};

static struct cell cell(bool known, uint64_t value)
{
	struct cell c = { "-" };

	if (known)
		text_printf(c.text, sizeof(c.text), "%llu", (unsigned long long)value);
	return c;
}

/* " 1.50 GiB  25%" */
static void put_bytes(FILE *out, uint64_t bytes, uint64_t whole)
{
	double part = bond_words_share(bytes, whole);
	char size[24];

	text_size(size, sizeof(size), bytes);
	fprintf(out, "%9s", size);
	if (part < 0)
		fputs("    -", out);
	else
		fprintf(out, " %3.0f%%", 100 * part);
}

static void link_line(FILE *out, const struct topo_bond *b, const struct topo_link *l, int width)
{
	const uint8_t *mac = bond_words_link_partner(b, l);
	struct topo_counters sum = bond_words_sum(b);
	struct bond_words_mac_text partner = { "-" };

	if (mac && bond_words_is_zero(mac))
		partner = (struct bond_words_mac_text){ "none" };
	else if (mac)
		partner = bond_words_mac(mac);
	fprintf(out, "  %-*s %7s %6s %-11s %5s %4s %-17s", width, bond_words_name(l->name).text,
		cell(l->speed, l->speed).text, cell(l->mtu, l->mtu).text, bond_words_link_state(l),
		cell(b->kind == TOPO_KIND_BOND, l->failures).text,
		cell(bond_words_is_lacp(b), l->aggregator).text, partner.text);
	put_bytes(out, l->counters.rx_bytes, sum.rx_bytes);
	put_bytes(out, l->counters.tx_bytes, sum.tx_bytes);
	fputc('\n', out);
}

void status_table(FILE *out, const struct topo_bond *bonds, size_t n, const char *release)
{
	int width = name_width(bonds, n);

	if (!n) {
		fputs("no bond or team here\n", out);
		return;
	}
	fprintf(out, "  %-*s %7s %6s %-11s %5s %4s %-17s%14s%14s\n", width, "LINK", "MBIT/S", "MTU",
		"STATE", "FAILS", "AGGR", "PARTNER", "RX SHARE", "TX SHARE");
	for (size_t i = 0; i < n; i++) {
		status_bond_line(out, &bonds[i], release);
		for (size_t j = 0; j < bonds[i].n_links; j++)
			link_line(out, &bonds[i], &bonds[i].links[j], width);
	}
}

/* JSON ----------------------------------------------------------------------------------------- */

static json_t *mac_text(const uint8_t *mac)
{
	return mac ? json_string(bond_words_mac(mac).text) : json_null();
}

/* With one decimal. */
static json_t *percent(uint64_t part, uint64_t whole)
{
	double p = bond_words_share(part, whole);

	return p < 0 ? json_null() : json_real((double)(unsigned)(1000 * p + 0.5) / 10);
}

static json_t *link_object(const struct topo_bond *b, const struct topo_link *l)
{
	bool of_bond = b->kind == TOPO_KIND_BOND, lacp = bond_words_is_lacp(b);
	struct topo_counters sum = bond_words_sum(b);
	const struct json_field fields[] = {
		{ "name", json_text(l->name) },
		{ "state", json_text(bond_words_link_state(l)) },
		{ "usable", json_boolean(!l->unusable) },
		{ "speed", json_number_if(l->speed, l->speed) },
		{ "duplex", json_text(bond_words_duplex_name(l)) },
		{ "mtu", json_number_if(l->mtu, l->mtu) },
		{ "mii", of_bond ? json_text(bond_words_mii_name(l)) : json_null() },
		{ "failures", json_number_if(of_bond, l->failures) },
		{ "carrier_changes", json_number(l->carrier_changes) },
		{ "queue_id", json_number_if(of_bond, l->queue_id) },
		{ "aggregator", json_number_if(lacp, l->aggregator) },
		{ "actor_state", json_number_if(lacp && l->actor_state, l->actor_state) },
		{ "actor_key", json_number_if(l->has_actor_key, l->actor_key) },
		{ "partner", mac_text(bond_words_link_partner(b, l)) },
		{ "partner_state", json_number_if(lacp && l->actor_state, l->partner_state) },
		{ "partner_key", json_number_if(l->has_partner, l->partner_key) },
		{ "churned", lacp ? json_boolean(l->churned) : json_null() },
		{ "rx_bytes", json_number(l->counters.rx_bytes) },
		{ "tx_bytes", json_number(l->counters.tx_bytes) },
		{ "rx_percent", percent(l->counters.rx_bytes, sum.rx_bytes) },
		{ "tx_percent", percent(l->counters.tx_bytes, sum.tx_bytes) },
	};

	return json_make_object(fields, LEN(fields));
}

static json_t *link_array(const struct topo_bond *b)
{
	json_t *array = json_array();

	for (size_t i = 0; i < b->n_links; i++)
		array = json_add(array, link_object(b, &b->links[i]));
	return array;
}

static json_t *bond_object(const struct topo_bond *b, const char *release)
{
	bool of_bond = b->kind == TOPO_KIND_BOND, lacp = bond_words_is_lacp(b);
	const struct topo_link *active = bond_words_active(b);
	const struct json_field fields[] = {
		{ "name", json_text(b->name) },
		{ "kind", json_text(bond_words_kind_name(b)) },
		{ "mode", json_text(bond_words_mode_name(b)) },
		{ "policy", json_text(bond_words_policy_name(b)) },
		{ "hash_variant", json_text(bond_words_variant_name(b, release)) },
		{ "state", json_text(bond_words_state(b)) },
		{ "mtu", json_number_if(b->mtu, b->mtu) },
		{ "miimon_ms", json_number_if(of_bond, b->miimon_ms) },
		{ "arp_interval_ms", json_number_if(of_bond, b->arp_interval_ms) },
		{ "active", active ? json_text(active->name) : json_null() },
		{ "lacp_active", lacp ? json_boolean(b->lacp_active) : json_null() },
		{ "lacp_rate", lacp ? json_text(b->lacp_rate ? "fast" : "slow") : json_null() },
		{ "ad_select", lacp ? json_text(bond_words_ad_select_name(b)) : json_null() },
		{ "min_links", json_number_if(lacp, b->min_links) },
		{ "aggregator", json_number_if(lacp && b->has_aggregator, b->aggregator) },
		{ "actor_key", json_number_if(bond_words_partner(b), b->actor_key) },
		{ "partner", mac_text(bond_words_partner(b)) },
		{ "partner_key", json_number_if(bond_words_partner(b), b->partner_key) },
		{ "n_links", json_number(b->n_ports) },
		{ "n_usable", json_number(b->n_usable) },
		{ "note", json_text(b->reason) },
		{ "links", link_array(b) },
	};

	return json_make_object(fields, LEN(fields));
}

json_t *status_json_bonds(const struct topo_bond *bonds, size_t n, const char *release)
{
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++)
		array = json_add(array, bond_object(&bonds[i], release));
	return array;
}

int status_json(FILE *out, const struct topo_bond *bonds, size_t n, const char *release)
{
	const struct json_field fields[] = {
		{ "schema", json_number(STATUS_SCHEMA) },
		{ "bonds", status_json_bonds(bonds, n, release) },
	};

	return json_print(out, json_make_object(fields, LEN(fields)));
}

/* Prometheus ----------------------------------------------------------------------------------- */

/* A sample that is negative is left out. 53 bits are exact, 9 PB. */
struct metric {
	const char *name, *type, *help;
	double (*of_bond)(const struct topo_bond *b);
	double (*of_link)(const struct topo_bond *b, const struct topo_link *l);
};

static double bond_up(const struct topo_bond *b)
{
	return b->up && b->carrier;
}

static double bond_mtu(const struct topo_bond *b)
{
	return b->mtu;
}

static double bond_links(const struct topo_bond *b)
{
	return (double)b->n_ports;
}

static double bond_usable(const struct topo_bond *b)
{
	return (double)b->n_usable;
}

static double bond_miimon(const struct topo_bond *b)
{
	return b->kind == TOPO_KIND_BOND ? b->miimon_ms / 1000.0 : -1;
}

static double bond_aggregator(const struct topo_bond *b)
{
	return bond_words_partner(b) ? b->aggregator : -1;
}

static double bond_answered(const struct topo_bond *b)
{
	if (!bond_words_is_lacp(b))
		return -1;
	return bond_words_partner(b) && !bond_words_is_zero(bond_words_partner(b));
}

static double link_up(const struct topo_bond *b, const struct topo_link *l)
{
	return !bond_words_is_down(l);
}

static double link_usable(const struct topo_bond *b, const struct topo_link *l)
{
	return !l->unusable;
}

static double link_speed(const struct topo_bond *b, const struct topo_link *l)
{
	return l->speed ? (double)(l->speed * BITS_PER_MBIT) : -1;
}

static double link_mtu(const struct topo_bond *b, const struct topo_link *l)
{
	return l->mtu;
}

static double link_failures(const struct topo_bond *b, const struct topo_link *l)
{
	return b->kind == TOPO_KIND_BOND ? (double)l->failures : -1;
}

static double link_carrier_changes(const struct topo_bond *b, const struct topo_link *l)
{
	return l->carrier_changes;
}

static double link_aggregator(const struct topo_bond *b, const struct topo_link *l)
{
	return bond_words_is_lacp(b) ? l->aggregator : -1;
}

static double link_answered(const struct topo_bond *b, const struct topo_link *l)
{
	const uint8_t *mac = bond_words_link_partner(b, l);

	return mac ? !bond_words_is_zero(mac) : -1;
}

static double link_rx(const struct topo_bond *b, const struct topo_link *l)
{
	return (double)l->counters.rx_bytes;
}

static double link_tx(const struct topo_bond *b, const struct topo_link *l)
{
	return (double)l->counters.tx_bytes;
}

static double link_rx_share(const struct topo_bond *b, const struct topo_link *l)
{
	return bond_words_share(l->counters.rx_bytes, bond_words_sum(b).rx_bytes);
}

static double link_tx_share(const struct topo_bond *b, const struct topo_link *l)
{
	return bond_words_share(l->counters.tx_bytes, bond_words_sum(b).tx_bytes);
}

static const struct metric metrics[] = {
	{ "mpnc_bond_up", "gauge", "1: set up and with carrier.", bond_up },
	{ "mpnc_bond_mtu_bytes", "gauge", "MTU of the bond.", bond_mtu },
	{ "mpnc_bond_links", "gauge", "Links that the bond has.", bond_links },
	{ "mpnc_bond_links_usable", "gauge", "Links that may carry traffic now.", bond_usable },
	{ "mpnc_bond_miimon_seconds", "gauge", "Interval of MII monitoring; 0: off.", bond_miimon },
	{ "mpnc_bond_aggregator", "gauge", "Active LACP aggregator.", bond_aggregator },
	{ "mpnc_bond_lacp_partner", "gauge", "1: an LACP partner answers; 0: none.",
	  bond_answered },
	{ "mpnc_link_up", "gauge", "0: set down, without carrier, or held for down.", NULL,
	  link_up },
	{ "mpnc_link_usable", "gauge", "1: may carry traffic of the bond now.", NULL, link_usable },
	{ "mpnc_link_speed_bits_per_second", "gauge", "Speed, if it is known.", NULL, link_speed },
	{ "mpnc_link_mtu_bytes", "gauge", "MTU of the link.", NULL, link_mtu },
	{ "mpnc_link_failures_total", "counter", "Failures that the bond counted.", NULL,
	  link_failures },
	{ "mpnc_link_carrier_changes_total", "counter", "Carrier lost or back.", NULL,
	  link_carrier_changes },
	{ "mpnc_link_aggregator", "gauge", "LACP aggregator of the link.", NULL, link_aggregator },
	{ "mpnc_link_lacp_partner", "gauge", "1: an LACP partner answers; 0: none.", NULL,
	  link_answered },
	{ "mpnc_link_receive_bytes_total", "counter", "Bytes received.", NULL, link_rx },
	{ "mpnc_link_transmit_bytes_total", "counter", "Bytes sent.", NULL, link_tx },
	{ "mpnc_link_receive_share_ratio", "gauge", "Part of what the bond received.", NULL,
	  link_rx_share },
	{ "mpnc_link_transmit_share_ratio", "gauge", "Part of what the bond sent.", NULL,
	  link_tx_share },
};

static void put_label(FILE *out, const char *label, const char *raw)
{
	struct bond_words_text value = bond_words_utf8(raw);

	fprintf(out, "%s=\"", label);
	for (const char *s = value.text; *s; s++) {
		if (*s == '\n') {
			fputs("\\n", out);
			continue;
		}
		if (*s == '\\' || *s == '"')
			fputc('\\', out);
		fputc(*s, out);
	}
	fputc('"', out);
}

static void put_sample(FILE *out, const struct metric *m, const struct topo_bond *b,
		       const struct topo_link *l)
{
	double value = l ? m->of_link(b, l) : m->of_bond(b);

	if (value < 0)
		return;
	fprintf(out, "%s{", m->name);
	put_label(out, "bond", b->name);
	if (l) {
		fputc(',', out);
		put_label(out, "link", l->name);
	}
	fprintf(out, "} %.16g\n", value);
}

static void put_head(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* What is a word rather than a number, as labels. */
static void put_info(FILE *out, const struct topo_bond *b, const char *release)
{
	const char *policy = bond_words_policy_name(b),
		   *variant = bond_words_variant_name(b, release);

	fputs("mpnc_bond_info{", out);
	put_label(out, "bond", b->name);
	fputc(',', out);
	put_label(out, "kind", bond_words_kind_name(b));
	fputc(',', out);
	put_label(out, "mode", bond_words_mode_name(b));
	fputc(',', out);
	put_label(out, "policy", policy ? policy : "");
	fputc(',', out);
	put_label(out, "hash_variant", variant ? variant : "");
	fputc(',', out);
	put_label(out, "partner",
		  bond_words_partner(b) ? bond_words_mac(bond_words_partner(b)).text : "");
	fputs("} 1\n", out);
}

void status_prom(FILE *out, const struct topo_bond *bonds, size_t n, const char *release)
{
	put_head(out, "mpnc_bonds", "gauge", "Bonds and teams of this machine.");
	fprintf(out, "mpnc_bonds %zu\n", n);
	if (!n)
		return;
	put_head(out, "mpnc_bond_info", "gauge", "How the bond is set up.");
	for (size_t i = 0; i < n; i++)
		put_info(out, &bonds[i], release);
	for (size_t k = 0; k < LEN(metrics); k++) {
		const struct metric *m = &metrics[k];

		put_head(out, m->name, m->type, m->help);
		for (size_t i = 0; i < n; i++) {
			if (m->of_bond)
				put_sample(out, m, &bonds[i], NULL);
			for (size_t j = 0; m->of_link && j < bonds[i].n_links; j++)
				put_sample(out, m, &bonds[i], &bonds[i].links[j]);
		}
	}
}
