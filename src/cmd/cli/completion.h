/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * completion.h - mpnc help completion bash|zsh: what a shell completes on the command line
 *
 * The options are those of opts_table[]; those of the tools are asked of `mpnc help TOOL` when they
 * are needed, so that a tool need not be known here.
 */
#pragma once

#include <stddef.h>
#include <stdio.h>

/* Writes the script for a shell, "bash" or "zsh". tools: their names, n of them. Returns 0, or
 * -EINVAL if there is no such shell; whether out took it is for the caller to see. */
int completion_write(FILE *out, const char *shell, const char *const tools[], size_t n);
