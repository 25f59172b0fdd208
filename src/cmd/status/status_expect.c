/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "cmd/cli/bond_words.h"
#include "cmd/status/status.h"
#include "hash/xmit_hash.h"
#include "util/parse.h"

/* The next part up to a colon, or to the end if it is the last. Returns 0, or -EINVAL if it does
 * not fit, or is empty. */
static int take_part(const char **rest, bool last, char *out, size_t size)
{
	size_t len = last ? strlen(*rest) : strcspn(*rest, ":");

	if (!len || len >= size)
		return -EINVAL;
	memcpy(out, *rest, len);
	out[len] = '\0';
	*rest += len;
	if (**rest == ':')
		(*rest)++;
	else if (!last)
		*rest = NULL;
	return 0;
}

int status_expect_parse(const char *text, struct status_expect *out)
{
	char number[16];
	enum hash_policy policy;
	uint64_t n;

	memset(out, 0, sizeof(*out));
	if (take_part(&text, false, out->name, sizeof(out->name)) < 0)
		return -EINVAL;
	if (!text)
		return 0;
	if (take_part(&text, false, number, sizeof(number)) < 0 ||
	    parse_u64(number, 1, TOPO_LINKS_MAX, &n) < 0)
		return -EINVAL;
	out->n_links = (unsigned)n;
	if (!text)
		return 0;
	if (take_part(&text, true, out->policy, sizeof(out->policy)) < 0)
		return -EINVAL;
	return hash_policy_parse(out->policy, &policy);
}

const struct topo_bond *status_expect_find(const struct status_expect *e,
					   const struct topo_bond *bonds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(bonds[i].name, e->name) == 0)
			return &bonds[i];
	return NULL;
}

bool status_expect_policy(const struct status_expect *e, const struct topo_bond *b)
{
	const char *policy = bond_words_policy_name(b);

	return !e->policy[0] || (policy && strcmp(policy, e->policy) == 0);
}
