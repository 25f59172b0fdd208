/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * iov.h - pieces of memory
 */
#pragma once

#include <stddef.h>
#include <sys/uio.h>

/* Bytes of all of them together. */
static inline size_t iov_len(const struct iovec *iov, int n)
{
	size_t len = 0;

	for (int i = 0; i < n; i++)
		len += iov[i].iov_len;
	return len;
}
