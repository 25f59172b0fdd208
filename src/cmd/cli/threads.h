/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * threads.h - the option that says how many workers move payload: --threads
 */
#pragma once

#include "cmd/cli/config.h"
#include "engine/worker_pool.h"

/* Starts the workers that the option asks for; left alone, those that worker_pool_n_threads finds
 * good with a key (sealed), and none without. *out stays NULL when there are to be none. Says what
 * is wrong. Returns 0 or -errno. */
int threads_open(const struct config *config, struct loop *loop, bool sealed,
		 struct worker_pool **out);
