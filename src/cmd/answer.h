/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * answer.h - what a listener says to somebody who only wants to know what is there
 */
#pragma once

#include "net/engine.h"
#include "net/listener.h"

/* Answers HELLO (query), which came on ch (consumed): no session comes of it. config: of the
 * sessions that the listener serves. */
void answer_query(struct listener *l, struct channel ch, const struct wire_hello *hello,
		  const struct engine_config *config, uint64_t now_ns);

/* Answers HELLO (warm) in the same way, and keeps ch for the HELLO of a session. */
void answer_warm(struct listener *l, struct channel ch, const struct wire_hello *hello,
		 const struct engine_config *config, uint64_t now_ns);
