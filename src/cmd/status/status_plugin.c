/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One line for a monitoring system, by the guidelines for plugins that Nagios, Icinga and checkmk
 * share: "SERVICE STATE - text | performance data". The performance data are labels in quotes, each
 * with a value, its unit, the thresholds, and the least and largest value.
 */
#include <string.h>

#include "cmd/cli/bond_words.h"
#include "cmd/status/status.h"

static const char *state_name(enum status_severity severity)
{
	static const char *const names[] = {
		[STATUS_OK] = "OK",
		[STATUS_WARNING] = "WARNING",
		[STATUS_CRITICAL] = "CRITICAL",
		[STATUS_UNKNOWN] = "UNKNOWN",
	};

	return names[severity];
}

/* What would end the text, or the line. */
static void put_text(FILE *out, const char *text)
{
	for (; *text; text++)
		fputc(*text == '|' ? '!' : *text, out);
}

/* Lines, with a semicolon in place of each end of a line but the last. */
static void put_lines(FILE *out, const char *lines)
{
	size_t len = strcspn(lines, "\n");

	while (*lines) {
		for (size_t i = 0; i < len; i++)
			fputc(lines[i] == '|' ? '!' : lines[i], out);
		lines += len + (lines[len] != '\0');
		len = strcspn(lines, "\n");
		if (*lines)
			fputs("; ", out);
	}
}

/* "40 Gbit/s", of the links that can be used; nothing if a speed is not known. */
static void put_rate(FILE *out, const struct topo_bond *b)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < b->n_links; i++) {
		if (b->links[i].unusable)
			continue;
		if (!b->links[i].speed)
			return;
		sum += b->links[i].speed;
	}
	if (sum)
		fprintf(out, " %g Gbit/s", (double)sum / 1000);
}

static void put_summary(FILE *out, const struct status_subject *s)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct topo_bond *b = &s->bonds[i];

		fputs(i ? "; " : "", out);
		put_text(out, bond_words_name(b->name).text);
		fprintf(out, " %zu of %zu links", b->n_usable, b->n_ports);
		put_rate(out, b);
	}
}

/* A label may have neither quotes nor "=". */
static void put_label(FILE *out, const char *bond, const char *link, const char *what)
{
	const char *const parts[] = { bond, link, what };
	const char *separator = "";

	fputs(" '", out);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (!parts[i])
			continue;
		fputs(separator, out);
		for (const char *c = parts[i]; *c; c++)
			fputc(strchr("'=|", *c) ? '_' : *c, out);
		separator = ".";
	}
	fputc('\'', out);
}

static void put_counter(FILE *out, const char *bond, const char *link, const char *what,
			uint64_t value)
{
	put_label(out, bond, link, what);
	fprintf(out, "=%lluc", (unsigned long long)value);
}

/* Fewer links than there are is a warning, none is critical. A file has no MTU and no counters. */
static void put_data(FILE *out, const struct topo_bond *b)
{
	struct bond_words_text bond = bond_words_name(b->name);
	uint64_t failures = 0;

	put_label(out, bond.text, NULL, "usable");
	fprintf(out, "=%zu;%zu:;1:;0;%zu", b->n_usable, b->n_ports, b->n_ports);
	for (size_t i = 0; i < b->n_links; i++) {
		const struct topo_link *l = &b->links[i];
		struct bond_words_text link = bond_words_name(l->name);

		if (l->mtu) {
			put_counter(out, bond.text, link.text, "rx_bytes", l->counters.rx_bytes);
			put_counter(out, bond.text, link.text, "tx_bytes", l->counters.tx_bytes);
		}
		failures += b->kind == TOPO_KIND_TEAM ? l->carrier_changes : l->failures;
	}
	put_counter(out, bond.text, NULL, "failures", failures);
}

void status_plugin(FILE *out, const struct status_subject *s, enum status_severity worst,
		   const char *lines)
{
	fprintf(out, "BOND %s - ", state_name(worst));
	if (*lines)
		put_lines(out, lines);
	else
		put_summary(out, s);
	fputs(s->n ? " |" : "", out);
	for (size_t i = 0; i < s->n; i++)
		put_data(out, &s->bonds[i]);
	fputc('\n', out);
}
