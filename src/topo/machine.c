/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "topo/machine.h"

#include <string.h>

#include "topo/files.h"
#include "util/parse.h"
#include "util/text.h"

/* Of device/uevent: a few lines, some with the names of modules. */
#define UEVENT_LEN 1024

/* The kernel's protocols have some 100 counters of up to 20 digits in all. */
#define SNMP_LEN 6144

#define SHORT_LEN 32

/* What one lane carries each way once the line code is taken off: 8b/10b up to 5 GT/s, then
 * 128b/130b, and the FLITs of 64 GT/s with their checks. Headers of packets take some more. */
static const struct {
	const char *speed; /* current_link_speed up to its fraction or blank */
	uint32_t mbits;
} lanes[] = {
	{ "2", 2000 },   { "5", 4000 },   { "8", 7877 },
	{ "16", 15754 }, { "32", 31508 }, { "64", 60500 },
};

static uint32_t lane_mbits(char *speed)
{
	speed[strcspn(speed, ". ")] = '\0';
	for (size_t i = 0; i < sizeof(lanes) / sizeof(lanes[0]); i++)
		if (strcmp(lanes[i].speed, speed) == 0)
			return lanes[i].mbits;
	return 0;
}

static uint32_t slot_mbits(const struct topo_source *source, const char *name)
{
	char speed[SHORT_LEN], width[SHORT_LEN];
	uint64_t n_lanes;

	if (files_read(source, speed, sizeof(speed), "/sys/class/net/%s/device/current_link_speed",
		       name) < 0 ||
	    files_read(source, width, sizeof(width), "/sys/class/net/%s/device/current_link_width",
		       name) < 0 ||
	    parse_u64(width, 1, 64, &n_lanes))
		return 0;
	return (uint32_t)n_lanes * lane_mbits(speed);
}

static void uevent_line(const char *line, struct topo_card *out)
{
	static const char driver[] = "DRIVER=", slot[] = "PCI_SLOT_NAME=";

	if (strncmp(line, driver, strlen(driver)) == 0)
		text_printf(out->driver, sizeof(out->driver), "%s", line + strlen(driver));
	if (strncmp(line, slot, strlen(slot)) != 0)
		return;
	text_printf(out->slot, sizeof(out->slot), "%s", line + strlen(slot));
	out->slot[strcspn(out->slot, ".")] = '\0';
}

static bool is_wireless(const struct topo_source *source, const char *name)
{
	char text[UEVENT_LEN];

	return files_read(source, text, sizeof(text), "/sys/class/net/%s/uevent", name) >= 0 &&
	       strstr(text, "DEVTYPE=wlan");
}

void machine_card(const struct topo_source *source, const struct topo_link *link,
		  struct topo_card *out)
{
	char text[UEVENT_LEN], *save;

	memset(out, 0, sizeof(*out));
	if (!files_in_sysfs(source, link->name, link->ifindex, link->mac) ||
	    files_read(source, text, sizeof(text), "/sys/class/net/%s/device/uevent", link->name) <
		    0)
		return;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		uevent_line(line, out);
	out->wireless = is_wireless(source, link->name);
	out->slot_mbits = slot_mbits(source, link->name);
	out->virtual_function =
		files_read(source, text, sizeof(text), "/sys/class/net/%s/device/physfn/uevent",
			   link->name) >= 0;
}

uint64_t machine_sysctl(const struct topo_source *source, const char *name)
{
	char text[SHORT_LEN];
	uint64_t value;

	if (files_read(source, text, sizeof(text), "/proc/sys/%s", name) < 0 ||
	    parse_u64(text, 0, UINT64_MAX, &value))
		return 0;
	return value;
}

/* The text after "GROUP: ", or NULL if the line is of another group. */
static char *of_group(char *line, const char *group)
{
	size_t len = strlen(group);

	return line && strncmp(line, group, len) == 0 && line[len] == ':' ? line + len + 1 : NULL;
}

/* Which word of the line name is; the value is the same word of the line below. */
static uint64_t pick(char *names, char *values, const char *name)
{
	char *save_name, *save_value;
	char *value = strtok_r(values, " ", &save_value);
	uint64_t number;

	for (char *word = strtok_r(names, " ", &save_name); word && value;
	     word = strtok_r(NULL, " ", &save_name)) {
		if (strcmp(word, name) == 0)
			return parse_u64(value, 0, UINT64_MAX, &number) ? 0 : number;
		value = strtok_r(NULL, " ", &save_value);
	}
	return 0;
}

uint64_t machine_snmp(const struct topo_source *source, const char *group, const char *name)
{
	char text[SNMP_LEN], *save;

	if (files_read(source, text, sizeof(text), "/proc/net/snmp") < 0)
		return 0;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *names = of_group(line, group);
		char *values = names ? of_group(strtok_r(NULL, "\n", &save), group) : NULL;

		if (values)
			return pick(names, values, name);
	}
	return 0;
}
