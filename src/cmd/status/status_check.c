/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * status_check.c - what is wrong with bonds: by themselves, since an earlier status, and as
 * expected
 *
 * Each finding is one line, "BOND: what is wrong". begin() counts it and remembers the worst, so
 * the verdict cannot differ from what was written.
 *
 * What always holds:
 * - One cause makes one line: a link that is down is not also said to be out of the aggregator, and
 *   a partner that answers nowhere is said of the bond and not of each link.
 * - An earlier status is a file, so its shape is checked once, when it is read (is_status); after
 *   that every bond and link in it has a name.
 * - Counters that went down have begun anew, and all that they count is new.
 */
#include "cmd/status/status.h"

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cli/bond_words.h"
#include "util/text.h"

/* An earlier status --------------------------------------------------------------------------- */

struct status_past {
	json_t *bonds; /* an array of objects, each with a "name", and "links" of the same kind */
};

static bool all_named(const json_t *array)
{
	json_t *element;
	size_t i;

	json_array_foreach(array, i, element) if (!json_is_string(json_object_get(
							  element, "name"))) return false;
	return json_is_array(array);
}

static bool is_status(const json_t *root)
{
	const json_t *bonds = json_object_get(root, "bonds");
	json_t *bond;
	size_t i;

	if (json_integer_value(json_object_get(root, "schema")) != STATUS_SCHEMA)
		return false;
	json_array_foreach(bonds, i,
			   bond) if (!all_named(json_object_get(bond, "links"))) return false;
	return all_named(bonds);
}

static bool more_to_come(FILE *in)
{
	int c;

	do {
		c = getc(in);
	} while (c == ' ' || c == '\t' || c == '\r' || c == '\n');
	return c != EOF && ungetc(c, in) != EOF;
}

int status_past_read(FILE *in, struct status_past **out, char message[STATUS_MESSAGE_LEN])
{
	struct status_past *past = calloc(1, sizeof(*past));
	json_error_t error;
	json_t *root;

	*out = NULL;
	if (!past)
		return -ENOMEM;
	past->bonds = json_array();
	while (more_to_come(in)) {
		root = json_loadf(in, JSON_DISABLE_EOF_CHECK, &error);
		if (!root || !is_status(root)) {
			text_printf(message, STATUS_MESSAGE_LEN,
				    "this is not what mpnc status --json of this version writes");
			json_decref(root);
			status_past_free(past);
			return -EINVAL;
		}
		json_decref(past->bonds);
		past->bonds = json_incref(json_object_get(root, "bonds"));
		json_decref(root);
	}
	if (ferror(in)) {
		text_printf(message, STATUS_MESSAGE_LEN, "%s", strerror(errno));
		status_past_free(past);
		return -EINVAL;
	}
	*out = past;
	return 0;
}

struct status_past *status_past_free(struct status_past *past)
{
	if (past)
		json_decref(past->bonds);
	free(past);
	return NULL;
}

/* NULL: none of that name. */
static const json_t *find_named(const json_t *array, const char *name)
{
	struct bond_words_text wanted = bond_words_utf8(name);
	json_t *element;
	size_t i;

	json_array_foreach(array, i,
			   element) if (strcmp(json_string_value(json_object_get(element, "name")),
					       wanted.text) == 0) return element;
	return NULL;
}

static const char *past_name(const json_t *object)
{
	return json_string_value(json_object_get(object, "name"));
}

/* Findings ------------------------------------------------------------------------------------- */

struct findings {
	FILE *out;
	struct status_verdict verdict;
};

/* The first words of a finding; the caller ends the line. */
static FILE *begin(struct findings *f, enum status_severity severity, const char *bond)
{
	f->verdict.n++;
	if (severity > f->verdict.worst)
		f->verdict.worst = severity;
	fprintf(f->out, "%s: ", bond_words_name(bond).text);
	return f->out;
}

static void put_finding(struct findings *f, enum status_severity severity, const char *bond,
			const char *fmt, va_list ap) __attribute__((format(printf, 4, 0)));

static void put_finding(struct findings *f, enum status_severity severity, const char *bond,
			const char *fmt, va_list ap)
{
	begin(f, severity, bond);
	vfprintf(f->out, fmt, ap);
	fputc('\n', f->out);
}

__attribute__((format(printf, 3, 4))) static void found(struct findings *f, const char *bond,
							const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put_finding(f, STATUS_WARNING, bond, fmt, ap);
	va_end(ap);
}

/* Nothing goes over the bond. */
__attribute__((format(printf, 3, 4))) static void broken(struct findings *f, const char *bond,
							 const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put_finding(f, STATUS_CRITICAL, bond, fmt, ap);
	va_end(ap);
}

static void check_link(struct findings *f, const struct topo_bond *b, const struct topo_link *l)
{
	struct bond_words_text name = bond_words_name(l->name);

	if (bond_words_is_down(l)) {
		found(f, b->name, "%s is down (%s)", name.text, topo_unusable_text(l->unusable));
		return;
	}
	if (bond_words_is_disabled(b, l))
		found(f, b->name, "%s is disabled in the team", name.text);
	if (l->unusable == TOPO_UNUSABLE_AGGREGATOR)
		found(f, b->name, "%s is in aggregator %u, but %u is the active one", name.text,
		      l->aggregator, b->aggregator);
	if (bond_words_is_lacp(b) && l->unusable == TOPO_UNUSABLE_BACKUP)
		found(f, b->name, "%s carries nothing (%s)", name.text,
		      l->partner_state & TOPO_LACP_DEFAULTED
			      ? "the LACP partner hears nothing from here"
			      : "LACP has not enabled it");
	/* Said once of the bond if it has none at all. */
	if (bond_words_partner(b) && !bond_words_is_zero(bond_words_partner(b)) &&
	    bond_words_is_silent(b, l))
		found(f, b->name, "%s has no LACP partner (nobody answers)", name.text);
}

static void check_speeds(struct findings *f, const struct topo_bond *b)
{
	const char *separator = "";

	if (!bond_words_speeds_differ(b))
		return;
	fputs("speeds differ: ", begin(f, STATUS_WARNING, b->name));
	for (size_t i = 0; i < b->n_links; i++) {
		if (!bond_words_has_speed(&b->links[i]))
			continue;
		fprintf(f->out, "%s%s %u", separator, bond_words_name(b->links[i].name).text,
			b->links[i].speed);
		separator = ", ";
	}
	fputs(" Mbit/s\n", f->out);
}

static void check_mtus(struct findings *f, const struct topo_bond *b)
{
	bool differ = false;

	for (size_t i = 0; i < b->n_links; i++)
		differ |= b->links[i].mtu != b->mtu;
	if (!differ)
		return;
	fprintf(begin(f, STATUS_WARNING, b->name), "MTUs differ: %s %u",
		bond_words_name(b->name).text, b->mtu);
	for (size_t i = 0; i < b->n_links; i++)
		if (b->links[i].mtu != b->mtu)
			fprintf(f->out, ", %s %u", bond_words_name(b->links[i].name).text,
				b->links[i].mtu);
	fputc('\n', f->out);
}

/* The driver of teams counts no failures, the kernel carrier changes of every link. */
static void check_failures(struct findings *f, const struct topo_bond *b, const struct topo_link *l,
			   const json_t *past)
{
	bool of_team = b->kind == TOPO_KIND_TEAM;
	const json_t *then = json_object_get(past, of_team ? "carrier_changes" : "failures");
	json_int_t now = of_team ? l->carrier_changes : l->failures;
	json_int_t before = json_integer_value(then), more = now < before ? now : now - before;

	if (json_is_integer(then) && more > 0)
		found(f, b->name, "%s: %lld new %s%s, %lld in all", bond_words_name(l->name).text,
		      (long long)more, of_team ? "carrier change" : "failure", more == 1 ? "" : "s",
		      (long long)now);
}

static bool has_link(const struct topo_bond *b, const char *name)
{
	for (size_t i = 0; i < b->n_links; i++)
		if (strcmp(bond_words_utf8(b->links[i].name).text, name) == 0)
			return true;
	return false;
}

static void check_past(struct findings *f, const struct topo_bond *b, const json_t *past)
{
	const json_t *links = json_object_get(past, "links");
	json_t *link;
	size_t i;

	for (i = 0; i < b->n_links; i++)
		check_failures(f, b, &b->links[i], find_named(links, b->links[i].name));
	/* With more ports than are listed, which ones are may change. */
	if (b->n_ports > b->n_links)
		return;
	json_array_foreach(links, i, link) if (!has_link(b, past_name(link)))
		found(f, b->name, "%s is no longer one of its links",
		      bond_words_name(past_name(link)).text);
}

static void check_bond(struct findings *f, const struct topo_bond *b)
{
	if (!b->up && !b->n_links)
		return;
	if (!b->up || !b->carrier)
		broken(f, b->name, "the %s is down (%s)", bond_words_kind_name(b),
		       b->up ? "no carrier" : "set down");
	if (!b->n_links)
		broken(f, b->name, "the %s has no links", bond_words_kind_name(b));
	if (bond_words_is_lacp(b) && b->n_links && !b->has_aggregator)
		broken(f, b->name, "no LACP aggregator is active");
	else if (b->up && b->carrier && b->n_links && !b->n_usable)
		broken(f, b->name, "no link can be used, although the %s has carrier",
		       bond_words_kind_name(b));
	if (bond_words_partner(b) && bond_words_is_zero(bond_words_partner(b)))
		found(f, b->name, "the LACP partner is zero (nobody answers)");
	for (size_t i = 0; i < b->n_links; i++)
		check_link(f, b, &b->links[i]);
	check_speeds(f, b);
	check_mtus(f, b);
}

static bool has_bond(const struct topo_bond *bonds, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(bond_words_utf8(bonds[i].name).text, name) == 0)
			return true;
	return false;
}

static void check_expected(struct findings *f, const struct status_expect *e,
			   const struct status_subject *s)
{
	const struct topo_bond *b = status_expect_find(e, s->bonds, s->n);
	const char *policy = b ? bond_words_policy_name(b) : NULL;

	if (!b) {
		broken(f, e->name, "not here, although it is expected");
		return;
	}
	if (!b->up && !b->n_links)
		broken(f, e->name, "set down and without links, although it is expected");
	if (b->n_usable < e->n_links)
		found(f, e->name, "%zu usable link%s, although %u are expected", b->n_usable,
		      b->n_usable == 1 ? "" : "s", e->n_links);
	if (!status_expect_policy(e, b))
		found(f, e->name, "transmit hash policy %s, although %s is expected",
		      policy ? policy : "none", e->policy);
}

struct status_verdict status_check(FILE *out, const struct status_subject *s)
{
	struct findings f = { .out = out };
	const json_t *past = s->past ? s->past->bonds : NULL;
	json_t *bond;
	size_t i;

	for (i = 0; i < s->n_expects; i++)
		check_expected(&f, &s->expects[i], s);
	for (i = 0; i < s->n; i++) {
		check_bond(&f, &s->bonds[i]);
		if (past)
			check_past(&f, &s->bonds[i], find_named(past, s->bonds[i].name));
	}
	json_array_foreach(past, i, bond) if (!has_bond(s->bonds, s->n, past_name(bond)))
		broken(&f, past_name(bond), "gone");
	return f.verdict;
}
