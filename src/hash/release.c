/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * release.c - a table of kernel releases, and what vendors make of them
 *
 * history[] has a row for each release from which on another rule holds, mainline and stable lines
 * in one ascending order; a row ends where the next one begins. A row has all candidates and the
 * likeliest.
 *
 *   "5.10.0-18-amd64"  Debian: the stable release is hidden     -> all rows of 5.10.*
 *   "5.10.112"         mainline                                 -> the row that contains it
 *   "4.18.0-372.el8"   Red Hat: the build decides               -> the last row of el_builds[]
 *   "5.14.21-default"  SUSE, Oracle: parts of later versions    -> all of 5.14.*, and all since
 *
 * What always holds:
 * - history[] ascends from 0.0.0, so every release falls into a row.
 * - The likeliest variant is one of the candidates. Nobody computes with it unless all candidates
 *   agree (hash_variant_settled): a wrong link is worse than an unknown one.
 *
 * A new rule in the kernel gets a variant in xmit_hash.h, and rows here for mainline and for each
 * stable line that took the change.
 */
#include "hash/release.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

struct release {
	uint32_t major, minor, patch;
	const char *rest; /* "-18-amd64" */
};

#define VERSION(major, minor, patch) ((uint32_t)(major) << 24 | (uint32_t)(minor) << 16 | (patch))
#define PATCH_MAX                    0xffff

#define BIT(variant) (1u << (variant))
#define MAYBE_ELSE   BIT(HASH_VARIANT_UNKNOWN)

/*
 * From each version to the next: mainline, and the long-term releases that got a change later.
 * Ranges of releases in which the change came on a date that is known only roughly, and whole
 * long-term lines that may have it, have both candidates.
 */
static const struct {
	uint32_t version;
	struct hash_guess guess;
} history[] = {
	{ VERSION(0, 0, 0), { HASH_3_7, MAYBE_ELSE | BIT(HASH_3_7) } },
	{ VERSION(3, 7, 0), { HASH_3_7, BIT(HASH_3_7) } },
	{ VERSION(3, 13, 0), { HASH_3_13, BIT(HASH_3_13) } },
	{ VERSION(3, 15, 0), { HASH_3_13, BIT(HASH_3_13) | BIT(HASH_3_19) | BIT(HASH_4_15) } },
	{ VERSION(3, 19, 0), { HASH_3_19, BIT(HASH_3_13) | BIT(HASH_3_19) | BIT(HASH_4_15) } },
	{ VERSION(4, 4, 0), { HASH_3_19, BIT(HASH_3_19) } },
	{ VERSION(4, 4, 97), { HASH_3_19, BIT(HASH_3_19) | BIT(HASH_4_15) } },
	{ VERSION(4, 4, 105), { HASH_4_15, BIT(HASH_4_15) } },
	{ VERSION(4, 5, 0), { HASH_3_19, BIT(HASH_3_19) } },
	{ VERSION(4, 9, 61), { HASH_3_19, BIT(HASH_3_19) | BIT(HASH_4_15) } },
	{ VERSION(4, 9, 68), { HASH_4_15, BIT(HASH_4_15) } },
	{ VERSION(4, 9, 310), { HASH_4_15, BIT(HASH_4_15) | BIT(HASH_EL8) } },
	{ VERSION(4, 10, 0), { HASH_3_19, BIT(HASH_3_19) } },
	{ VERSION(4, 13, 13), { HASH_3_19, BIT(HASH_3_19) | BIT(HASH_4_15) } },
	{ VERSION(4, 14, 0), { HASH_3_19, BIT(HASH_3_19) } },
	{ VERSION(4, 14, 2), { HASH_4_15, BIT(HASH_4_15) } },
	{ VERSION(4, 14, 275), { HASH_4_15, BIT(HASH_4_15) | BIT(HASH_EL8) } },
	{ VERSION(4, 15, 0), { HASH_4_15, BIT(HASH_4_15) } },
	{ VERSION(4, 19, 238), { HASH_4_15, BIT(HASH_4_15) | BIT(HASH_EL8) } },
	{ VERSION(4, 20, 0), { HASH_4_15, BIT(HASH_4_15) } },
	{ VERSION(5, 4, 189), { HASH_4_15, BIT(HASH_4_15) | BIT(HASH_EL8) } },
	{ VERSION(5, 5, 0), { HASH_4_15, BIT(HASH_4_15) } },
	{ VERSION(5, 10, 110), { HASH_4_15, BIT(HASH_4_15) | BIT(HASH_EL8) } },
	{ VERSION(5, 11, 0), { HASH_4_15, BIT(HASH_4_15) } },
	{ VERSION(5, 15, 0), { HASH_5_15, BIT(HASH_5_15) } },
	{ VERSION(5, 15, 38), { HASH_5_18, BIT(HASH_5_18) } },
	{ VERSION(5, 16, 0), { HASH_5_15, BIT(HASH_5_15) } },
	{ VERSION(5, 17, 6), { HASH_5_18, BIT(HASH_5_18) } },
};

#define N_HISTORY (sizeof(history) / sizeof(history[0]))

/* Red Hat's and its rebuilds': the number behind the dash counts builds. */
static const struct {
	uint32_t version;
	uint32_t build;
	struct hash_guess guess;
} el_builds[] = {
	{ VERSION(2, 6, 32), 0, { HASH_3_7, MAYBE_ELSE | BIT(HASH_3_7) } },
	{ VERSION(3, 10, 0), 0, { HASH_3_13, BIT(HASH_3_7) | BIT(HASH_3_13) | BIT(HASH_3_19) } },
	{ VERSION(3, 10, 0), 327, { HASH_3_19, BIT(HASH_3_13) | BIT(HASH_3_19) | BIT(HASH_4_15) } },
	{ VERSION(4, 18, 0), 0, { HASH_4_15, BIT(HASH_4_15) } },
	{ VERSION(4, 18, 0), 372, { HASH_EL8, BIT(HASH_4_15) | BIT(HASH_EL8) } },
	{ VERSION(4, 18, 0), 477, { HASH_EL8, BIT(HASH_EL8) } },
	{ VERSION(5, 14, 0),
	  0,
	  { HASH_5_18, BIT(HASH_4_15) | BIT(HASH_5_15) | BIT(HASH_5_18) | BIT(HASH_EL8) } },
};

#define N_EL_BUILDS (sizeof(el_builds) / sizeof(el_builds[0]))

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Reads digits and moves on; a number that is too large becomes max. */
static uint32_t number(const char **p, uint32_t max)
{
	uint32_t v = 0;

	for (; is_digit(**p); ++*p)
		if (v <= max)
			v = v * 10 + (uint32_t)(**p - '0');
	return v < max ? v : max;
}

static int split(const char *text, struct release *r)
{
	*r = (struct release){ 0 };
	if (!is_digit(*text))
		return -EINVAL;
	r->major = number(&text, 0xff);
	if (text[0] != '.' || !is_digit(text[1]))
		return -EINVAL;
	text++;
	r->minor = number(&text, 0xff);
	if (text[0] == '.' && is_digit(text[1])) {
		text++;
		r->patch = number(&text, PATCH_MAX);
	}
	r->rest = text;
	return 0;
}

static bool el_guess(const struct release *r, struct hash_guess *out)
{
	uint32_t version = VERSION(r->major, r->minor, r->patch), build;
	const char *p = r->rest;
	bool found = false;

	if (*p != '-' || !strstr(p, ".el") || strstr(p, "uek"))
		return false;
	p++;
	build = number(&p, PATCH_MAX);
	for (size_t i = 0; i < N_EL_BUILDS; i++) {
		if (el_builds[i].version == version && el_builds[i].build <= build) {
			*out = el_builds[i].guess;
			found = true;
		}
	}
	return found;
}

/* Debian and Ubuntu have .0 and a number of their own in place of the stable release's. */
static bool hides_patch(const struct release *r)
{
	return r->patch == 0 && r->rest[0] == '-' && is_digit(r->rest[1]);
}

/* SUSE and Oracle: an old version with parts of later ones. */
static bool is_patchwork(const struct release *r)
{
	return strstr(r->rest, "-default") || strstr(r->rest, "uek") || strstr(r->rest, ".el");
}

int hash_variant_of(const char *release, struct hash_guess *out)
{
	struct release r;
	uint32_t first, last;
	int rc = split(release, &r);

	if (rc)
		return rc;
	if (el_guess(&r, out))
		return 0;

	first = last = VERSION(r.major, r.minor, r.patch);
	if (hides_patch(&r) || is_patchwork(&r)) {
		first = VERSION(r.major, r.minor, 0);
		last = VERSION(r.major, r.minor, PATCH_MAX);
	}
	*out = (struct hash_guess){ 0 };
	for (size_t i = 0; i < N_HISTORY; i++) {
		uint32_t end = i + 1 < N_HISTORY ? history[i + 1].version : UINT32_MAX;

		if (history[i].version > last || end <= first)
			continue;
		/* The latest release of a line is the likeliest. */
		out->likely = history[i].guess.likely;
		out->candidates |= history[i].guess.candidates;
	}
	if (is_patchwork(&r) && first >= VERSION(3, 13, 0) && first < VERSION(5, 18, 0))
		out->candidates |= BIT(HASH_4_15) | BIT(HASH_5_15) | BIT(HASH_5_18) | BIT(HASH_EL8);
	return 0;
}

enum hash_variant hash_variant_settled(const struct hash_guess *g, enum hash_mode mode,
				       enum hash_policy policy)
{
	for (unsigned v = 0; v < HASH_N_VARIANTS; v++)
		if (g->candidates & BIT(v) && !hash_variants_agree(v, g->likely, mode, policy))
			return HASH_VARIANT_UNKNOWN;
	return g->likely;
}
