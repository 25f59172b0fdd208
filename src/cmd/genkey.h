/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * genkey.h - the verb "genkey": makes a key for --key
 */
#pragma once

/* argv[0] is the verb. Returns the exit status. */
int genkey_main(int argc, char *argv[]);
