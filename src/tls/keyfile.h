/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * keyfile.h - who may know what a key file has, and who may have written it
 *
 * A key file belongs to us (the effective user) or to root, as either can read everything here
 * anyway. Bits of the mode say who else may read or write. The group's bits do not count where they
 * are the mask of an access list that gives nothing to a group and to no user but us: systemd gives
 * credentials to a service so. Nor do they count directly below $CREDENTIALS_DIRECTORY, which
 * systemd lets nobody else enter.
 *
 * A pipe without a name has whoever made it give it to us; nobody else can open it.
 */
#pragma once

#define KEYFILE_WHY_LEN 256

/* path: for messages, and to know credentials by. forbidden: bits of the mode that others must not
 * have: 077 or less. Returns 0, or -errno and in why a line for the user. */
int keyfile_check(int fd, const char *path, unsigned forbidden, char why[KEYFILE_WHY_LEN]);

/* A directory in which each file is a key: whoever can add one lets himself in. It belongs to us or
 * to root, and nobody else can write to it; nor, up to the root directory, can anybody else put
 * another one in its place. Returns as keyfile_check. */
int keyfile_check_dir(const char *path, char why[KEYFILE_WHY_LEN]);
