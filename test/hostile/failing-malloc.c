/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A library for LD_PRELOAD: the program's memory fails at random, one in ONE_IN requests, from the
 * first that comes after AFTER others. MPNC_FAIL_MALLOC="SEED
 * ONE_IN AFTER" in the environment. Not for a program with sanitizers, whose allocator is another.
 * Programs that the program starts are spared.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

/* glibc's own names. */
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *old, size_t n);

static uint64_t seed, one_in, after; /* one_in 0: nothing fails */
static atomic_uint_fast64_t n_requests;

__attribute__((constructor)) static void set_up(void)
{
	const char *wish = getenv("MPNC_FAIL_MALLOC");
	char *at;

	if (wish) {
		seed = strtoull(wish, &at, 10);
		one_in = strtoull(at, &at, 10);
		after = strtoull(at, &at, 10);
	}
	unsetenv("LD_PRELOAD");
}

/* splitmix64 */
static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
	return x ^ (x >> 31);
}

static bool strikes(void)
{
	uint64_t i = atomic_fetch_add(&n_requests, 1);

	if (!one_in || i < after || mix(seed + i) % one_in)
		return false;
	errno = ENOMEM;
	return true;
}

void *malloc(size_t n)
{
	return strikes() ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
	return strikes() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *old, size_t n)
{
	return strikes() ? NULL : __libc_realloc(old, n);
}
