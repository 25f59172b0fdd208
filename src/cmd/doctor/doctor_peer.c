/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What was found on the way to a peer, for people and as JSON, and reports that can be given away.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cli/json.h"
#include "cmd/doctor/doctor.h"
#include "cmd/measure/measure_limit.h"
#include "path/link_convert.h"
#include "util/text.h"

#define LEN(array) (sizeof(array) / sizeof((array)[0]))

/* For people ----------------------------------------------------------------------------------- */

static void put_rate(FILE *out, double bits)
{
	char text[24];

	bench_bits(text, sizeof(text), bits);
	fputs(bits > 0 ? text : "nothing", out);
}

static void put_rates(FILE *out, const char *what, double away, double back)
{
	fprintf(out, "  %-18s out ", what);
	put_rate(out, away);
	fputs(", back ", out);
	put_rate(out, back);
	fputc('\n', out);
}

static void put_name(FILE *out, const struct side_stats *side, int link)
{
	const char *name = side_link_name(side, link);
	char quoted[4 * STATS_NAME_LEN] = "?";

	if (name)
		text_quote(quoted, sizeof(quoted), name, strlen(name));
	fputs(quoted, out);
}

static void put_way(FILE *out, const struct doctor_way *w)
{
	if (!w->stuck)
		put_rate(out, w->rate);
	else if (w->passes)
		fprintf(out, "only small segments (%d)", w->passes);
	else
		fputs("nothing", out);
}

static void put_flow(FILE *out, const struct doctor_probes *p, const struct doctor_flow *f)
{
	fprintf(out, "  port %-5u  ", f->port);
	put_name(out, &p->here, f->out.from);
	fputs(" > ", out);
	put_name(out, &p->peer, f->out.to);
	fputs(" ", out);
	put_way(out, &f->out);
	fputs(", ", out);
	put_name(out, &p->here, f->back.to);
	fputs(" < ", out);
	put_name(out, &p->peer, f->back.from);
	fputs(" ", out);
	put_way(out, &f->back);
	fputc('\n', out);
}

void doctor_show_probes(FILE *out, const struct doctor_probes *p)
{
	char text[256], what[32];

	if (p->peer_facts.kind != WIRE_FACTS_NONE) {
		link_convert_text(&p->peer_facts, text, sizeof(text));
		fprintf(out, "peer: %s\n", text);
	}
	if (p->one_out > 0) {
		put_rates(out, "one connection:", p->one_out, p->one_back);
		text_printf(what, sizeof(what), "%u connections:", p->n_several);
		put_rates(out, what, p->several_out, p->several_back);
	}
	for (unsigned i = 0; i < p->n_flows; i++)
		put_flow(out, p, &p->flow[i]);
	if (p->lagging)
		fputs("  the links' counters contradict the bond's rule, as late ones do: lanes "
		      "are "
		      "not known\n",
		      out);
	if (p->why[0])
		fprintf(out, "the way there was not measured%s: %s\n",
			p->n_flows ? " to the end" : "", p->why);
}

/* For programs --------------------------------------------------------------------------------- */

static json_t *name_json(const struct side_stats *side, int link)
{
	return json_text(side_link_name(side, link));
}

static json_t *way_json(const struct doctor_way *w, const struct side_stats *from,
			const struct side_stats *to)
{
	const struct json_field fields[] = {
		{ "from", name_json(from, w->from) },
		{ "to", name_json(to, w->to) },
		{ "bits_per_second", w->rate > 0 ? json_real(w->rate) : json_null() },
		{ "stuck", json_boolean(w->stuck) },
		{ "passes", json_number_if(w->passes, (uint64_t)w->passes) },
	};

	return json_make_object(fields, LEN(fields));
}

static json_t *flows_json(const struct doctor_probes *p)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < p->n_flows; i++) {
		const struct doctor_flow *f = &p->flow[i];
		const struct json_field fields[] = {
			{ "port", json_number(f->port) },
			{ "out", way_json(&f->out, &p->here, &p->peer) },
			{ "back", way_json(&f->back, &p->peer, &p->here) },
		};

		array = json_add(array, json_make_object(fields, LEN(fields)));
	}
	return array;
}

static json_t *rate_json(double bits)
{
	return bits > 0 ? json_real(bits) : json_null();
}

json_t *doctor_json_probes(const struct doctor_probes *p)
{
	char text[256];

	if (!p)
		return json_null();
	link_convert_text(&p->peer_facts, text, sizeof(text));
	const struct json_field fields[] = {
		{ "links", json_text(text) },
		{ "one_out", rate_json(p->one_out) },
		{ "one_back", rate_json(p->one_back) },
		{ "connections", json_number(p->n_several) },
		{ "several_out", rate_json(p->several_out) },
		{ "several_back", rate_json(p->several_back) },
		{ "flows", flows_json(p) },
		{ "counters_lag", json_boolean(p->lagging) },
		{ "bytes", json_number(p->bytes) },
		{ "unmeasured", json_text(p->why) },
	};

	return json_make_object(fields, LEN(fields));
}

/* Reports -------------------------------------------------------------------------------------- */

#define WORD_MAX 64

/* Addresses by the order in which they came. */
struct masks {
	char (*word)[WORD_MAX];
	size_t n;
};

static bool is_address_char(char c)
{
	return isxdigit((unsigned char)c) || c == '.' || c == ':';
}

static bool is_mac(const char *w, size_t len)
{
	if (len != 17)
		return false;
	for (size_t i = 0; i < len; i++)
		if (i % 3 == 2 ? w[i] != ':' : !isxdigit((unsigned char)w[i]))
			return false;
	return true;
}

static size_t count(const char *w, size_t len, char c)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += w[i] == c;
	return n;
}

/* Rather a version of four numbers too much than an address too few. */
static bool is_ip(const char *w, size_t len)
{
	if (count(w, len, ':') >= 2)
		return len > 2;
	return count(w, len, '.') == 3 && !count(w, len, ':') && strspn(w, "0123456789.") >= len &&
	       isdigit((unsigned char)w[0]);
}

/* Its number, from 1; 0: out of memory. */
static size_t number_of(struct masks *m, const char *w, size_t len)
{
	char(*more)[WORD_MAX];

	for (size_t i = 0; i < m->n; i++)
		if (strlen(m->word[i]) == len && strncasecmp(m->word[i], w, len) == 0)
			return i + 1;
	more = realloc(m->word, (m->n + 1) * sizeof(*more));
	if (!more)
		return 0;
	m->word = more;
	text_printf(m->word[m->n], WORD_MAX, "%.*s", (int)len, w);
	return ++m->n;
}

static int put_word(FILE *out, struct masks *m, const char *w, size_t len)
{
	size_t dots = 0, number;

	/* A full stop or a colon of the sentence. */
	while (len && (w[len - 1] == '.' || (w[len - 1] == ':' && len > 1 && w[len - 2] != ':'))) {
		len--;
		dots++;
	}
	if (len >= WORD_MAX || (!is_mac(w, len) && !is_ip(w, len))) {
		fprintf(out, "%.*s", (int)(len + dots), w);
		return 0;
	}
	number = number_of(m, w, len);
	fprintf(out, "<%s-%zu>%.*s", is_mac(w, len) ? "mac" : "address", number, (int)dots,
		w + len);
	return number ? 0 : -ENOMEM;
}

int doctor_mask(FILE *out, const char *text)
{
	struct masks m = { 0 };
	int r = 0;

	while (*text && !r) {
		const char *w = text;

		/* Letters before it make it a name: eth0, bond0.100. */
		while (isalnum((unsigned char)*text) || *text == '_' || *text == '-' ||
		       is_address_char(*text))
			text++;
		if (text == w) {
			fputc(*text++, out);
			continue;
		}
		if (strspn(w, "0123456789abcdefABCDEF.:") >= (size_t)(text - w))
			r = put_word(out, &m, w, (size_t)(text - w));
		else
			fprintf(out, "%.*s", (int)(text - w), w);
	}
	free(m.word);
	return r;
}
