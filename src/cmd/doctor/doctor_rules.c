/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/doctor/doctor_rules.h"

#include <linux/if_arp.h>
#include <stdarg.h>
#include <string.h>

#include "cmd/cli/bond_words.h"
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

const struct topo_card *rules_card(const struct doctor_view *v, const struct topo_link *l)
{
	const struct dev *dev = v->cards ? devs_find(v->devs, l->ifindex) : NULL;

	return dev ? &v->cards[dev - v->devs->list] : NULL;
}

bool rules_is_virtual(const struct doctor_view *v, const struct topo_link *l)
{
	static const char *const drivers[] = { "virtio_net", "vmxnet3", "hv_netvsc", "vif",
					       "ena",        "gve",     "mana" };
	const struct topo_card *card = rules_card(v, l);

	for (size_t i = 0; card && i < sizeof(drivers) / sizeof(drivers[0]); i++)
		if (strcmp(card->driver, drivers[i]) == 0)
			return true;
	return false;
}

static bool is_infiniband(const struct doctor_view *v, const struct topo_link *l)
{
	return l->type == ARPHRD_INFINIBAND;
}

/* Without cards, as from a file, by the names that systemd and the kernel give. */
static bool is_wireless(const struct doctor_view *v, const struct topo_link *l)
{
	const struct topo_card *card = rules_card(v, l);

	return card ? card->wireless : strncmp(l->name, "wl", 2) == 0;
}

const char *rules_remedy_of_guest(const struct doctor_view *v)
{
	if (!rules_links(v, rules_is_virtual))
		return NULL;
	return "LACP cannot work here: these are virtual cards, and a virtual switch does not "
	       "answer. "
	       "Take one card for this guest, and let the host bond its own links "
	       "with LACP. Or, if a Linux bridge on the host joins each card to one physical link, "
	       "let the bridge pass LACP on; there, for each of its ports:\n"
	       "$ ip link set dev PORT type bridge_slave group_fwd_mask 4";
}

const char *rules_remedy_without_lacp(const struct doctor_view *v)
{
	if (rules_links(v, is_infiniband))
		return "none of the bond's: InfiniBand allows active-backup alone. For more than "
		       "one link give each an address of its own, without the bond, and name them "
		       "all: mpnc -s ADDRESS1 -s ADDRESS2 HOST1,HOST2 PORT";
	if (rules_links(v, is_wireless))
		return "none of the bond's: an access point answers no LACP. For both links at "
		       "once "
		       "give each an address of its own, without the bond, and name them all: mpnc "
		       "-s ADDRESS1 -s ADDRESS2 HOST1,HOST2 PORT";
	return rules_remedy_of_guest(v);
}
