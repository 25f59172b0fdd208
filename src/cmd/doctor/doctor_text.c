/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The names in the texts of doctor's table, and the search that the table is for.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cli/bond_words.h"
#include "cmd/doctor/doctor_bond_rules.h"
#include "util/text.h"

#define COMMAND "$ "

/* What net.ipv4.tcp_reordering is unless it was set. */
#define TCP_REORDERING 3

/* An expansion under way. */
struct writer {
	FILE *out;
	const struct doctor_view *view;
	const struct doctor_finding *finding;
	const struct topo_link *link; /* that a repeated line is about; NULL: none */
	bool for_shell;
};

/* Within a command any name has to be one word, and nothing else: names of devices may be "a;b". */
static void put_name(const struct writer *w, const char *name)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_.:@+-";
	struct bond_words_text quoted = bond_words_name(name);

	if (!w->for_shell || name[strspn(name, plain)] == '\0') {
		fputs(quoted.text, w->out);
		return;
	}
	fputs("$'", w->out);
	for (const char *s = quoted.text; *s; s++)
		fprintf(w->out, *s == '\'' ? "\\%c" : "%c", *s);
	fputc('\'', w->out);
}

static void put_links(const struct writer *w)
{
	const struct topo_bond *b = w->finding->bond;
	const char *separator = "";

	for (size_t i = 0; b && i < b->n_links; i++) {
		if (!(w->finding->links >> i & 1))
			continue;
		fputs(separator, w->out);
		put_name(w, b->links[i].name);
		separator = ", ";
	}
}

static void put_rate(const struct writer *w, uint64_t mbits, const char *otherwise)
{
	if (!mbits)
		fputs(otherwise, w->out);
	else if (mbits < 1000)
		fprintf(w->out, "%u Mbit/s", (unsigned)mbits);
	else
		fprintf(w->out, "%g Gbit/s", (double)mbits / 1000);
}

/* Of the links that are usable. */
static void put_rates(const struct writer *w, bool all)
{
	const struct topo_bond *b = w->finding->bond;
	uint64_t sum = 0, largest = 0;
	bool known = true;

	for (size_t i = 0; i < b->n_links; i++) {
		const struct topo_link *l = &b->links[i];

		if (l->unusable)
			continue;
		known &= l->speed != 0;
		sum += l->speed;
		largest = l->speed > largest ? l->speed : largest;
	}
	if (!b->n_usable)
		fputs("nothing", w->out);
	else if (all)
		put_rate(w, known ? sum : 0, "the rate of all links");
	else
		put_rate(w, largest, "the rate of one link");
}

static void put_number(const struct writer *w, uint64_t number)
{
	fprintf(w->out, "%llu", (unsigned long long)number);
}

static void put_bond_value(const struct writer *w, const struct topo_bond *b, const char *name)
{
	if (strcmp(name, "bond") == 0)
		put_name(w, b->name);
	else if (strcmp(name, "mode") == 0)
		fputs(bond_words_mode_name(b), w->out);
	else if (strcmp(name, "policy") == 0)
		fputs(topo_policy_name(b->policy), w->out);
	else if (strcmp(name, "usable") == 0)
		put_number(w, b->n_usable);
	else if (strcmp(name, "n") == 0)
		put_number(w, b->n_ports);
	else if (strcmp(name, "aggregator") == 0)
		put_number(w, b->aggregator);
	else if (strcmp(name, "mtu") == 0)
		put_number(w, b->mtu);
	else if (strcmp(name, "min_links") == 0)
		put_number(w, b->min_links);
	else if (strcmp(name, "one") == 0 || strcmp(name, "all") == 0)
		put_rates(w, name[0] == 'a');
}

static void put_value(const struct writer *w, const char *name)
{
	const struct doctor_finding *f = w->finding;

	if (strcmp(name, "link") == 0 || strcmp(name, "port") == 0)
		put_name(w, w->link->name);
	else if (strcmp(name, "links") == 0)
		put_links(w);
	else if (strcmp(name, "detail") == 0)
		fputs(f->detail, w->out);
	else if (strcmp(name, "dev") == 0)
		put_name(w, f->dev);
	else if (strcmp(name, "peer") == 0)
		fputs(w->view->peer, w->out);
	else if (strcmp(name, "reordering") == 0)
		put_number(w, w->view->tcp_reordering ? w->view->tcp_reordering : TCP_REORDERING);
	else if (f->bond)
		put_bond_value(w, f->bond, name);
}

/* Braces that hold no name of lower-case letters are meant as they are. */
static size_t name_len(const char *text)
{
	size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz_");

	return text[len] == '}' ? len : 0;
}

static void put_line(const struct writer *w, const char *line, size_t len)
{
	char name[16];

	for (size_t i = 0; i < len; i++) {
		size_t n = line[i] == '{' ? name_len(line + i + 1) : 0;

		if (!n || n >= sizeof(name)) {
			fputc(line[i], w->out);
			continue;
		}
		memcpy(name, line + i + 1, n);
		name[n] = '\0';
		put_value(w, name);
		i += n + 1;
	}
}

static bool names(const char *line, size_t len, const char *word)
{
	return memmem(line, len, word, strlen(word));
}

static void put_command(struct writer *w, const char *line, size_t len)
{
	const struct topo_bond *b = w->finding->bond;
	bool each_link = names(line, len, "{link}"), each_port = names(line, len, "{port}");
	const char *separator = "";

	w->for_shell = true;
	if (!each_link && !each_port)
		put_line(w, line, len);
	for (size_t i = 0; b && (each_link || each_port) && i < b->n_links; i++) {
		if (!each_port && !(w->finding->links >> i & 1))
			continue;
		w->link = &b->links[i];
		fputs(separator, w->out);
		put_line(w, line, len);
		separator = "\n";
	}
	w->for_shell = false;
}

char *doctor_text(const struct doctor_view *v, const struct doctor_finding *f, const char *text,
		  bool commands)
{
	char *buffer = NULL;
	size_t size, skip = commands ? 0 : strlen(COMMAND);
	struct writer w = { .view = v, .finding = f };

	w.out = open_memstream(&buffer, &size);
	if (!w.out)
		return NULL;
	while (*text) {
		size_t len = strcspn(text, "\n");

		if (strncmp(text, COMMAND, strlen(COMMAND)) == 0)
			put_command(&w, text + skip, len - skip);
		else
			put_line(&w, text, len);
		text += len;
		if (*text)
			fputc(*text++, w.out);
	}
	if (fclose(w.out) == 0)
		return buffer;
	free(buffer);
	return NULL;
}

const char *doctor_severity_name(enum doctor_severity severity)
{
	static const char *const texts[] = {
		[DOCTOR_ERROR] = "error",
		[DOCTOR_WARNING] = "warning",
		[DOCTOR_NOTE] = "note",
	};

	return severity < DOCTOR_N_SEVERITIES ? texts[severity] : "unknown";
}

const struct doctor_condition *doctor_condition(size_t i)
{
	static const struct doctor_table *const tables[] = { &doctor_errors, &doctor_warnings,
							     &doctor_notes };

	for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++) {
		if (i < tables[t]->n)
			return &tables[t]->list[i];
		i -= tables[t]->n;
	}
	return NULL;
}

static size_t count(void)
{
	return doctor_errors.n + doctor_warnings.n + doctor_notes.n;
}

const char *doctor_remedy(const struct doctor_finding *f)
{
	return f->remedy ? f->remedy : f->condition->remedy;
}

/* What is set down is only that: the rest follows from it. */
static bool is_asked(const struct doctor_view *v, const struct doctor_condition *c)
{
	const struct topo_bond *b = v->bond;

	if (!b)
		return c->of_machine && !v->saved;
	return !c->of_machine && doctor_in_use(b) && (b->up || c->holds == rules_set_down);
}

int doctor_examine(const struct doctor_view *view, struct doctor_finding **out, size_t *n_out)
{
	struct doctor_finding *found = calloc((view->n_bonds + 1) * count(), sizeof(*found));
	const struct doctor_condition *c;
	struct doctor_view v = *view;
	size_t n = 0;

	if (!found)
		return -ENOMEM;
	for (size_t i = 0; i <= view->n_bonds; i++) {
		v.bond = i < view->n_bonds ? &view->bonds[i] : NULL;
		for (size_t k = 0; (c = doctor_condition(k)); k++) {
			if (!is_asked(&v, c))
				continue;
			found[n] = (struct doctor_finding){ .condition = c, .bond = v.bond };
			if (c->holds(&v, &found[n]))
				n++;
		}
	}
	*out = found;
	*n_out = n;
	return 0;
}
