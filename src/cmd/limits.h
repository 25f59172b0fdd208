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

/* Address space for a window in each direction. Returns 0, or -ENOMEM and says what is missing. */
int limits_check_memory(uint64_t window);
