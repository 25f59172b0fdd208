/* SPDX-License-Identifier: GPL-2.0-or-later */
/* doctor_texts.h - texts that several conditions of doctor's tables share */
#pragma once

/* What goes with a bond that is set down, even for a moment, and does not come back. */
#define INTERRUPTS                                                                            \
	"in the network's configuration, or from a console, as it interrupts all traffic of " \
	"{bond} and takes its routes and IPv6 addresses away:\n"

#define TO_PORTS "$ ip link set dev {bond} type bond xmit_hash_policy layer3+4"
