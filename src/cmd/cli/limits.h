/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * limits.h - what the process may use (ulimit): raised where it can be, and found out at the start
 * where it is too little, not in the middle of a transfer
 */
#pragma once

#include <stdint.h>

/* Descriptors: a subflow is one, and so is every stranger. What is allowed is used. Commands
 * inherit the limit: whoever runs one leaves it alone, as posix_spawn cannot set it back for the
 * command, and to lower it for that moment would fail a thread that wants a descriptor just then.
 */
void limits_raise_descriptors(void);

/* Memory that the process may use, in bytes: of the machine, of the control groups that it is in
 * (versions 1 and 2, each with all above it), and of ulimit -v, the least. root: where /proc and
 * /sys are, "" but for tests. UINT64_MAX: nothing is known. */
uint64_t limits_memory(const char *root);

/* From now on memory that is freed in large pieces goes back to the system. Blocks of windows are
 * such pieces: glibc maps them at first, and no longer once it has seen one freed; what a thousand
 * sessions that once were busy had would stay in its heap. */
void limits_return_memory(void);

/* Address space for a window in each direction. Returns 0, or -ENOMEM and says what is missing. */
int limits_check_memory(uint64_t window);
