/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/doctor/doctor_rules.h"

#include <stdarg.h>
#include <string.h>

#include "util/text.h"

uint32_t rules_links(const struct doctor_view *v, rules_link_fn fn)
{
	uint32_t links = 0;

	for (size_t i = 0; i < v->bond->n_links; i++)
		if (fn(v, &v->bond->links[i]))
			links |= 1u << i;
	return links;
}

bool rules_has(const struct doctor_finding *f, size_t i)
{
	return f->links >> i & 1;
}

void rules_add(struct doctor_finding *f, const char *fmt, ...)
{
	size_t len = strlen(f->detail);
	va_list ap;

	if (len)
		len += text_printf(f->detail + len, sizeof(f->detail) - len, ", ");
	va_start(ap, fmt);
	text_vprintf(f->detail + len, sizeof(f->detail) - len, fmt, ap);
	va_end(ap);
}

void rules_add_quoted(struct doctor_finding *f, const char *text)
{
	char quoted[2 * TOPO_REASON_LEN];

	text_quote(quoted, sizeof(quoted), text, strlen(text));
	rules_add(f, "%s", quoted);
}

bool doctor_in_use(const struct topo_bond *b)
{
	return b->up || b->n_links;
}

int rules_tags_upon(const struct doctor_view *v, const struct dev *dev, uint32_t bond)
{
	int n_tags = 0;

	for (unsigned i = 0; dev && i < TOPO_HOPS_MAX; i++) {
		if (dev->link.ifindex == bond)
			return n_tags;
		if (dev->elsewhere ||
		    (dev->kind != TOPO_KIND_VLAN && dev->kind != TOPO_KIND_MACVLAN &&
		     dev->kind != TOPO_KIND_IPVLAN))
			return -1;
		n_tags += dev->kind == TOPO_KIND_VLAN;
		dev = devs_find(v->devs, dev->lower);
	}
	return -1;
}

bool rules_is_upon(const struct doctor_view *v, const struct dev *dev, uint32_t bond)
{
	if (dev->kind != TOPO_KIND_BRIDGE)
		return rules_tags_upon(v, dev, bond) >= 0;
	for (size_t i = 0; i < v->devs->n; i++)
		if (v->devs->list[i].master == dev->link.ifindex &&
		    rules_tags_upon(v, &v->devs->list[i], bond) >= 0)
			return true;
	return false;
}
