/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "topo/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "util/parse.h"
#include "util/text.h"

#define PATH_LEN   1024
#define NUMBER_LEN 32

static ssize_t read_all(int fd, char *buf, size_t size)
{
	size_t len = 0;
	ssize_t r;

	do {
		r = read(fd, buf + len, size - len);
		if (r > 0)
			len += (size_t)r;
	} while ((r > 0 && len < size) || (r < 0 && errno == EINTR));
	return r < 0 ? -errno : (ssize_t)len;
}

ssize_t files_read(const struct topo_source *source, char *buf, size_t size, const char *fmt, ...)
{
	char path[PATH_LEN];
	size_t begin = text_printf(path, sizeof(path), "%s", source->root);
	va_list ap;
	ssize_t len;
	int fd;

	va_start(ap, fmt);
	text_vprintf(path + begin, sizeof(path) - begin, fmt, ap);
	va_end(ap);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	len = read_all(fd, buf, size - 1);
	close(fd);
	if (len < 0)
		return len;
	if (len && buf[len - 1] == '\n')
		len--;
	buf[len] = '\0';
	return len;
}

static int read_number(const struct topo_source *source, const char *name, const char *file,
		       uint64_t max, uint64_t *out)
{
	char text[NUMBER_LEN];
	ssize_t r = files_read(source, text, sizeof(text), "/sys/class/net/%s/%s", name, file);

	return r < 0 ? (int)r : parse_u64(text, 0, max, out);
}

bool files_in_sysfs(const struct topo_source *source, const char *name, uint32_t ifindex,
		    const uint8_t mac[TOPO_MAC_LEN])
{
	char text[NUMBER_LEN];
	uint8_t found[TOPO_MAC_LEN] = { 0 };
	uint64_t index;

	if (read_number(source, name, "ifindex", UINT32_MAX, &index) || index != ifindex)
		return false;
	if (files_read(source, text, sizeof(text), "/sys/class/net/%s/address", name) < 0)
		return false;
	/* Stays zero for addresses of another length, as it does with netlink. */
	parse_mac(text, found);
	return memcmp(found, mac, sizeof(found)) == 0;
}

enum topo_duplex files_duplex(const char *text)
{
	if (strcmp(text, "full") == 0)
		return TOPO_DUPLEX_FULL;
	return strcmp(text, "half") == 0 ? TOPO_DUPLEX_HALF : TOPO_DUPLEX_UNKNOWN;
}

void files_speed(const struct topo_source *source, struct topo_link *link)
{
	enum topo_duplex duplex = TOPO_DUPLEX_UNKNOWN;
	char text[NUMBER_LEN];
	uint64_t speed;

	/* Not known is -1, as a large unsigned number on old kernels; reading fails while down. */
	if (!read_number(source, link->name, "speed", INT32_MAX, &speed) && speed)
		link->speed = (uint32_t)speed;
	if (files_read(source, text, sizeof(text), "/sys/class/net/%s/duplex", link->name) >= 0)
		duplex = files_duplex(text);
	if (duplex)
		link->duplex = duplex;
}

int files_counters(const struct topo_source *source, const char *name, struct topo_counters *out)
{
	struct topo_counters found;
	const struct {
		const char *file;
		uint64_t *value;
	} list[] = {
		{ "statistics/rx_bytes", &found.rx_bytes },
		{ "statistics/tx_bytes", &found.tx_bytes },
		{ "statistics/rx_packets", &found.rx_packets },
		{ "statistics/tx_packets", &found.tx_packets },
	};

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		int r = read_number(source, name, list[i].file, UINT64_MAX, list[i].value);

		if (r)
			return r;
	}
	*out = found;
	return 0;
}
