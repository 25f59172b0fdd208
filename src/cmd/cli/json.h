/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * json.h - pieces of JSON for the tools that look at bonds
 *
 * NULL stands for "out of memory", which jansson's *_new() functions pass on. So values can be put
 * together without looking, and only the whole has to be checked.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct json_field {
	const char *name;
	json_t *value;
};

/* Takes all values over, even if it fails. */
json_t *json_make_object(const struct json_field *fields, size_t n);

/* Takes value over; returns array, or NULL after freeing it. array NULL: only frees. */
json_t *json_add(json_t *array, json_t *value);

json_t *json_number(uint64_t v);
json_t *json_number_if(bool known, uint64_t v);

/* null for NULL and ""; what is not UTF-8 is escaped, as names of devices may be any bytes. */
json_t *json_text(const char *s);

/* Writes object in one line, and frees it. Returns 0 or -ENOMEM. */
int json_print(FILE *out, json_t *object);
