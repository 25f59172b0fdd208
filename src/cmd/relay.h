/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * relay.h - mpnc relay: any TCP program over the whole bond
 */
#pragma once

/* argv[0] is the verb. Returns the exit status. */
int relay_main(int argc, char *argv[]);
