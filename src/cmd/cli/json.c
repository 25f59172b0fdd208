/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/cli/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/text.h"

/* Keeps 33.3 from becoming 33.299999999999997. */
#define REAL_DIGITS 12

json_t *json_make_object(const struct json_field *fields, size_t n)
{
	json_t *object = json_object();
	int r = 0;

	for (size_t i = 0; i < n; i++)
		r |= json_object_set_new(object, fields[i].name, fields[i].value);
	if (!r)
		return object;
	json_decref(object);
	return NULL;
}

json_t *json_add(json_t *array, json_t *value)
{
	if (json_array_append_new(array, value) == 0)
		return array;
	json_decref(array);
	return NULL;
}

json_t *json_number(uint64_t v)
{
	return json_integer(v < INT64_MAX ? (json_int_t)v : INT64_MAX);
}

json_t *json_number_if(bool known, uint64_t v)
{
	return known ? json_number(v) : json_null();
}

json_t *json_text(const char *s)
{
	json_t *json;
	size_t size;
	char *quoted;

	if (!s || !*s)
		return json_null();
	json = json_string(s);
	if (json)
		return json;
	size = 4 * strlen(s) + 1;
	quoted = malloc(size);
	if (!quoted)
		return NULL;
	text_quote(quoted, size, s, strlen(s));
	json = json_string(quoted);
	free(quoted);
	return json;
}

int json_print(FILE *out, json_t *object)
{
	char *line = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(REAL_DIGITS));

	json_decref(object);
	if (!line)
		return -ENOMEM;
	fprintf(out, "%s\n", line);
	free(line);
	return 0;
}
