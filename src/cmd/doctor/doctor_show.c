/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * doctor_show.c - findings for people, broken into lines, and as JSON
 *
 * A text of a condition is prose and commands. Prose is broken at WIDTH; a line that begins with "$
 * " is a command and stays whole, so that it can be copied.
 *
 * What always holds: text and JSON come from the same findings in the same order, with the names
 * filled in by doctor_text(); only the lines of text are broken.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cli/bond_words.h"
#include "cmd/cli/json.h"
#include "cmd/doctor/doctor.h"
#include "cmd/status/status.h"

#define LEN(array) (sizeof(array) / sizeof((array)[0]))

#define WIDTH   80
#define INDENT  2
#define COLUMN  19 /* where the texts behind the labels begin */
#define COMMAND "$ "

/* For people ----------------------------------------------------------------------------------- */

/* How much of text goes on a line with so much room, without the blank after it: all words that
 * fit, or one that does not. */
static size_t line_len(const char *text, size_t room)
{
	size_t all = strcspn(text, "\n"), len = strcspn(text, " \n"), more;

	while (len < all) {
		more = len + 1 + strcspn(text + len + 1, " \n");
		if (more > room)
			break;
		len = more;
	}
	return len;
}

static bool is_command(const char *line)
{
	return strncmp(line, COMMAND, strlen(COMMAND)) == 0;
}

/* Are there words between the commands? */
static bool has_prose(const char *text)
{
	while (text && is_command(text)) {
		text = strchr(text, '\n');
		text += text ? 1 : 0;
	}
	return text && *text;
}

/* Broken into lines that begin at column; the first one is there already. A line with a command is
 * left whole, so that it can be copied. */
static void put_paragraphs(FILE *out, const char *text, int column)
{
	int indent = has_prose(text) ? INDENT : 0;

	while (*text) {
		size_t len;

		if (is_command(text)) {
			text += strlen(COMMAND);
			len = strcspn(text, "\n");
			fprintf(out, "%*s", indent, "");
		} else {
			len = line_len(text, (size_t)(WIDTH - column));
		}
		fprintf(out, "%.*s\n", (int)len, text);
		text += len;
		if (*text)
			text++;
		if (*text)
			fprintf(out, "%*s", column, "");
	}
}

/* Returns 0 or -ENOMEM. */
static int put_text(FILE *out, const struct doctor_view *v, const struct doctor_finding *f,
		    const char *label, const char *text)
{
	int column = label ? COLUMN : INDENT;
	char *filled;

	if (!*text)
		return 0;
	filled = doctor_text(v, f, text, true);
	if (!filled)
		return -ENOMEM;
	fprintf(out, "%*s%-*s", INDENT, "", column - INDENT, label ? label : "");
	put_paragraphs(out, filled, column);
	free(filled);
	return 0;
}

static int put_finding(FILE *out, const struct doctor_view *v, const struct doctor_finding *f)
{
	const struct doctor_condition *c = f->condition;
	int r;

	fprintf(out, "\n%s: %s\n", doctor_severity_name(c->severity), c->id);
	r = put_text(out, v, f, NULL, c->message);
	if (!r)
		r = put_text(out, v, f, "one stream:", c->one_stream);
	if (!r)
		r = put_text(out, v, f, "several streams:", c->several_streams);
	if (!r)
		r = put_text(out, v, f, "change:", doctor_remedy(f));
	return r;
}

static void put_count(FILE *out, const char **separator, size_t n, const char *what)
{
	if (!n)
		return;
	fprintf(out, "%s%zu %s%s", *separator, n, what, n == 1 ? "" : "s");
	*separator = ", ";
}

static void put_sum(FILE *out, const struct doctor_finding *findings, size_t n)
{
	size_t count[DOCTOR_N_SEVERITIES] = { 0 };
	const char *separator = "";

	for (size_t i = 0; i < n; i++)
		count[findings[i].condition->severity]++;
	if (count[DOCTOR_NOTE] == n) {
		fputs("no problems found", out);
		separator = ", ";
	}
	for (size_t s = 0; s < DOCTOR_N_SEVERITIES; s++)
		put_count(out, &separator, count[s], doctor_severity_name((enum doctor_severity)s));
	fputc('\n', out);
}

static void put_route(FILE *out, const struct doctor_view *v)
{
	fprintf(out, "%s: ", v->peer);
	for (size_t i = 0; i < v->path->n_hops; i++)
		fprintf(out, "%s%s", i ? " > " : "by ",
			bond_words_name(v->path->hops[i].name).text);
	fputc('\n', out);
}

static bool has_command(const struct doctor_finding *findings, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strstr(doctor_remedy(&findings[i]), COMMAND "ip link"))
			return true;
	return false;
}

int doctor_show(FILE *out, const struct doctor_view *v, const struct doctor_finding *findings,
		size_t n)
{
	int r = 0;

	for (size_t i = 0; i < v->n_bonds; i++)
		if (doctor_in_use(&v->bonds[i]))
			status_bond_line(out, &v->bonds[i], v->release);
	if (v->path && v->path->n_hops)
		put_route(out, v);
	if (v->probes)
		doctor_show_probes(out, v->probes);
	for (size_t i = 0; !r && i < n; i++)
		r = put_finding(out, v, &findings[i]);
	if (r)
		return r;
	if (n)
		fputc('\n', out);
	if (has_command(findings, n))
		fputs("Commands last until the next boot: change the network's configuration "
		      "too.\n",
		      out);
	put_sum(out, findings, n);
	return 0;
}

/* For programs --------------------------------------------------------------------------------- */

static json_t *filled_text(const struct doctor_view *v, const struct doctor_finding *f,
			   const char *text)
{
	char *filled = doctor_text(v, f, text, false);
	json_t *json = filled ? json_text(filled) : NULL;

	free(filled);
	return json;
}

static json_t *link_names(const struct doctor_finding *f)
{
	json_t *array = json_array();

	for (size_t i = 0; f->bond && i < f->bond->n_links; i++)
		if (f->links >> i & 1)
			array = json_add(array, json_text(f->bond->links[i].name));
	return array;
}

static json_t *finding_object(const struct doctor_view *v, const struct doctor_finding *f)
{
	const struct doctor_condition *c = f->condition;
	const struct json_field fields[] = {
		{ "id", json_text(c->id) },
		{ "severity", json_text(doctor_severity_name(c->severity)) },
		{ "bond", json_text(f->bond ? f->bond->name : NULL) },
		{ "links", link_names(f) },
		{ "message", filled_text(v, f, c->message) },
		{ "one_stream", filled_text(v, f, c->one_stream) },
		{ "several_streams", filled_text(v, f, c->several_streams) },
		{ "remedy", filled_text(v, f, doctor_remedy(f)) },
	};

	return json_make_object(fields, LEN(fields));
}

static json_t *hop_names(const struct topo_path *path)
{
	json_t *array = json_array();

	for (size_t i = 0; i < path->n_hops; i++)
		array = json_add(array, json_text(path->hops[i].name));
	return array;
}

static json_t *route_object(const struct doctor_view *v)
{
	if (!v->path)
		return json_null();

	const struct json_field fields[] = {
		{ "source", json_text(v->source) },
		{ "peer", json_text(v->peer) },
		{ "devices", hop_names(v->path) },
		{ "bond",
		  v->path->end == TOPO_END_BOND ? json_text(v->path->bond.name) : json_null() },
		{ "reason", json_text(v->path->reason) },
	};

	return json_make_object(fields, LEN(fields));
}

int doctor_json(FILE *out, const struct doctor_view *v, const struct doctor_finding *findings,
		size_t n)
{
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++)
		array = json_add(array, finding_object(v, &findings[i]));

	const struct json_field fields[] = {
		{ "schema", json_number(DOCTOR_SCHEMA) },
		{ "kernel", json_text(v->release) },
		{ "route", route_object(v) },
		{ "bonds", status_json_bonds(v->bonds, v->n_bonds, v->release) },
		{ "peer", doctor_json_probes(v->probes) },
		{ "findings", array },
	};

	return json_print(out, json_make_object(fields, LEN(fields)));
}
