/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counted as malloc rounds it. mallinfo2 counts what is kept for reuse as in use. */
#include "heap.h"

#include <malloc.h>
#include <stdlib.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void __real_free(void *p);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
void __wrap_free(void *p);

static int64_t used;

int64_t heap_bytes(void)
{
	return used;
}

static void *count(void *p)
{
	used += (int64_t)malloc_usable_size(p);
	return p;
}

void *__wrap_malloc(size_t size)
{
	return count(__real_malloc(size));
}

void *__wrap_calloc(size_t n, size_t size)
{
	return count(__real_calloc(n, size));
}

void *__wrap_realloc(void *p, size_t size)
{
	int64_t before = (int64_t)malloc_usable_size(p);
	void *q = __real_realloc(p, size);

	if (!q)
		return NULL;
	used -= before;
	return count(q);
}

void __wrap_free(void *p)
{
	used -= (int64_t)malloc_usable_size(p);
	__real_free(p);
}
