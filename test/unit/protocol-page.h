/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * protocol-page.h - for tests that read doc/PROTOCOL.md: its tables and its vectors
 *
 * A vector stands in a code block: a line that begins in the first column is its title, the
 * indented lines below hold its bytes. Such a line has hex digits in groups, each group after one
 * space; two spaces end the hex, and words follow. A function whose input is not what it expects
 * fails the test.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PAGE_NAME_LEN  64
#define PAGE_BYTES_MAX 1024

/* One row of a table, or one constant of an enum. */
struct page_entry {
	char name[PAGE_NAME_LEN];
	unsigned long long number;
};

#define PAGE_ENTRIES_MAX 32

struct page_entries {
	size_t n;
	struct page_entry entry[PAGE_ENTRIES_MAX];
};

struct page_vector {
	char title[PAGE_NAME_LEN];
	uint8_t bytes[PAGE_BYTES_MAX];
	size_t len;
};

/* The whole file, NUL-terminated. path: below the source's root. The caller frees it. */
static inline char *page_load(const char *path)
{
	char name[512], *text;
	FILE *f;
	long size;

	snprintf(name, sizeof(name), "%s/%s", SOURCE_ROOT, path);
	f = fopen(name, "r");
	if (!f)
		fail_msg("cannot read %s", name);
	fseek(f, 0, SEEK_END);
	size = ftell(f);
	rewind(f);
	text = calloc(1, (size_t)size + 1);
	assert_non_null(text);
	assert_int_equal(fread(text, 1, (size_t)size, f), size);
	fclose(f);
	return text;
}

static inline const char *page_next_line(const char *line)
{
	const char *end = strchr(line, '\n');

	return end ? end + 1 : line + strlen(line);
}

/* The line after the one that begins so, which has to be there. */
static inline const char *page_after(const char *text, const char *start)
{
	size_t n = strlen(start);

	for (const char *line = text; *line; line = page_next_line(line))
		if (strncmp(line, start, n) == 0)
			return page_next_line(line);
	fail_msg("no line begins with \"%s\"", start);
	return "";
}

static inline void page_add(struct page_entries *out, const char *name, size_t len,
			    unsigned long long number)
{
	struct page_entry *e = &out->entry[out->n];

	assert_true(out->n < PAGE_ENTRIES_MAX && len < PAGE_NAME_LEN);
	out->n++;
	memcpy(e->name, name, len);
	e->name[len] = '\0';
	e->number = number;
}

/* The table whose head begins so: "| type | name |". Its first column holds the numbers, the second
 * the names. */
static inline void page_table(const char *text, const char *head, struct page_entries *out)
{
	const char *line = page_next_line(page_after(text, head));

	out->n = 0;
	for (; strncmp(line, "| ", 2) == 0; line = page_next_line(line)) {
		char *end;
		unsigned long long number = strtoull(line + 2, &end, 10);
		size_t len = strcspn(end + 3, "|\n");

		assert_true(end > line + 2 && strncmp(end, " | ", 3) == 0);
		page_add(out, end + 3, len - 1, number);
	}
	assert_true(out->n > 0);
}

/* The table whose head begins so: names in the first column, numbers in the second. */
static inline void page_limits(const char *text, const char *head, struct page_entries *out)
{
	const char *line = page_next_line(page_after(text, head));

	out->n = 0;
	for (; strncmp(line, "| ", 2) == 0; line = page_next_line(line)) {
		size_t len = strcspn(line + 2, "|\n");
		const char *number = line + 2 + len + 2;

		page_add(out, line + 2, len - 1,
			 strtoull(number + strcspn(number, "0123456789|\n"), NULL, 10));
	}
	assert_true(out->n > 0);
}

/* The constants of one enum in a header's text, without their prefix. */
static inline void page_enum(const char *text, const char *name, const char *prefix,
			     struct page_entries *out)
{
	char start[PAGE_NAME_LEN];
	unsigned long long next = 0;

	snprintf(start, sizeof(start), "enum %s {", name);
	out->n = 0;
	for (const char *line = page_after(text, start); *line && *line != '}';
	     line = page_next_line(line)) {
		const char *p = line + strspn(line, " \t"), *after;
		size_t len;

		if (strncmp(p, prefix, strlen(prefix)))
			continue;
		p += strlen(prefix);
		len = strspn(p, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");
		after = p + len + strspn(p + len, " ");
		if (*after == '=')
			next = strtoull(after + 1, NULL, 0);
		page_add(out, p, len, next++);
	}
	assert_true(out->n > 0);
}

static inline bool page_hex_digit(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

static inline uint8_t page_hex_value(char c)
{
	return (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10);
}

/* Adds the bytes of one indented line. */
static inline void page_line_bytes(const char *line, struct page_vector *v)
{
	const char *p = line + 2;

	while (page_hex_digit(*p)) {
		assert_true(page_hex_digit(p[1]) && v->len < PAGE_BYTES_MAX);
		v->bytes[v->len++] = (uint8_t)(page_hex_value(p[0]) << 4 | page_hex_value(p[1]));
		p += 2;
		if (*p == ' ')
			p++;
	}
	/* Anything else would be a digit that nobody reads. */
	if (*p != ' ' && *p != '\n')
		fail_msg("no hex digits: %.60s", line);
}

/* Walks over the vectors of a section. */
struct page_reader {
	const char *line;
	const char *end;
	bool code; /* within a code block */
};

/* From the line on that begins so up to the one that begins so: heads of sections. */
static inline struct page_reader page_read(const char *text, const char *start, const char *end)
{
	return (struct page_reader){ .line = page_after(text, start), .end = end };
}

/* The next vector of the section. False: the section has no more of them. */
static inline bool page_vector(struct page_reader *r, struct page_vector *out)
{
	*out = (struct page_vector){ 0 };
	for (; *r->line && strncmp(r->line, r->end, strlen(r->end));
	     r->line = page_next_line(r->line)) {
		if (strncmp(r->line, "```", 3) == 0)
			r->code = !r->code;
		else if (r->code && strncmp(r->line, "  ", 2) == 0)
			page_line_bytes(r->line, out);
		else if (r->code && *r->line != '\n' && !out->len)
			snprintf(out->title, sizeof(out->title), "%.*s",
				 (int)strcspn(r->line, "\n"), r->line);
		else if (out->len)
			break;
	}
	return out->len > 0;
}

/* Says where two runs of bytes part, and shows the right one, before the test fails. */
static inline void page_same_bytes(const char *title, const uint8_t *page, size_t page_len,
				   const uint8_t *program, size_t program_len)
{
	size_t at = 0;

	while (at < page_len && at < program_len && page[at] == program[at])
		at++;
	if (at == page_len && at == program_len)
		return;
	print_error("%s: the page has %zu bytes, the program %zu; they part at byte %zu\n", title,
		    page_len, program_len, at);
	for (size_t i = 0; i < program_len; i++)
		print_error("%02x%s", program[i], i % 16 == 15 || i + 1 == program_len ? "\n" : "");
	fail_msg("%s: doc/PROTOCOL.md differs from the program", title);
}
