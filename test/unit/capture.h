/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * capture.h - what was written last to a stream, as text; include it after cmocka.h
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>

/* Valid once the stream is closed, until the next one is opened. */
static char *output;
static size_t output_len;

static FILE *open_output(void)
{
	FILE *out;

	free(output);
	output = NULL;
	out = open_memstream(&output, &output_len);
	assert_non_null(out);
	return out;
}

/* A teardown function. */
static int free_output(void **state)
{
	free(output);
	output = NULL;
	return 0;
}
