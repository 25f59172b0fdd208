/* SPDX-License-Identifier: GPL-2.0-or-later */
/* heap.h - how much memory of malloc the process has: the linker puts heap.c before it (--wrap) */
#pragma once

#include <stdint.h>

int64_t heap_bytes(void);
