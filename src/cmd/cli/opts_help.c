/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/cli/opts_internal.h"

#include <stdarg.h>
#include <string.h>

#include "util/text.h"

/* Column at which an option is explained. */
#define HELP_COLUMN 27

struct text {
	char *buf;
	size_t size, len;
};

__attribute__((format(printf, 2, 3))) static void append(struct text *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	t->len += text_vprintf(t->buf + t->len, t->size - t->len, fmt, ap);
	va_end(ap);
}

/* "  -w, --wait TIME" */
static void describe_name(char *buf, size_t size, const struct option_def *o)
{
	size_t n;

	n = text_printf(buf, size, o->letter ? "  -%c" : "    ", o->letter);
	if (o->name)
		n += text_printf(buf + n, size - n, "%s --%s", o->letter ? "," : " ", o->name);
	if (o->arg)
		text_printf(buf + n, size - n, "%s%s", opts_optional_arg(o) ? "" : " ", o->arg);
}

static void describe(struct text *t, const struct option_def *o)
{
	char name[HELP_COLUMN + 1];
	const char *line = o->help;

	describe_name(name, sizeof(name), o);
	if (o->group)
		append(t, "\n%s:\n", o->group);
	append(t, "%-*s", HELP_COLUMN, name);
	for (;;) {
		int n = (int)strcspn(line, "\n");

		append(t, "%.*s\n", n, line);
		if (!line[n])
			return;
		line += n + 1;
		append(t, "%*s", HELP_COLUMN, "");
	}
}

static const char help_head[] =
	"Usage: mpnc [options] HOST PORT        stdin to the peer, the peer to stdout\n"
	"       mpnc [options] -l [ADDR] PORT   the same, waiting for the peer\n"
	"       mpnc send|recv ... -- COMMAND   one stream, from or to a command\n"
	"       mpnc relay ...                  for any TCP program: mpnc help relay\n"
	"       mpnc genkey [FILE]              a key for --key\n"
	"       mpnc bench HOST PORT | -l PORT  measure the rate and what limits it\n"
	"       mpnc doctor [HOST [PORT]]       what keeps links idle\n"
	"       mpnc status, mpnc explain       bonds and links: mpnc help status\n"
	"\n"
	"Carries one byte stream over several TCP connections, so that it can use all\n"
	"links of a bond, and exits 0 only if every byte has arrived.\n";

static const char help_tail[] =
	"\n"
	"Sizes: K, M, G and T are powers of 1024.\n"
	"\n"
	"Exit status:\n"
	"  0      both directions complete and confirmed\n"
	"  1      network: refused, unreachable, timed out, connection lost\n"
	"  2      usage or local set-up\n"
	"  3      the stream is incomplete or damaged\n"
	"  4      the peer reported a failure\n"
	"  128+n  ended by signal n\n"
	"\n"
	"Examples:\n"
	"  new$ mpnc -l 31337 > disk.img\n"
	"  old$ mpnc new 31337 < disk.img\n"
	"\n"
	"  new$ mpnc -l 31337 | tar -x\n"
	"  old$ tar -c directory | mpnc --retry 1m new 31337\n";

const char *opts_help(char *buf, size_t size)
{
	struct text t = { .buf = buf, .size = size };

	append(&t, "%s", help_head);
	for (size_t i = 0; i < N_OPTIONS; i++)
		describe(&t, &opts_table[i]);
	append(&t, "%s", help_tail);
	return buf;
}
