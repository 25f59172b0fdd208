/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A configuration is compared as text that names every field that differs from its default, so that
 * a field that changes by mistake is noticed as well as one that does not change.
 */
#include "cmd/cli/opts.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "seed.h"
#include "util/text.h"

#define LEN(array) (sizeof(array) / sizeof((array)[0]))

#define WORDS_MAX 16

/* The words of a command line, made from one string: separated by blanks, '' is an empty word. */
struct words {
	char copy[512];
	char *argv[WORDS_MAX + 1];
	int argc;
};

static void split(struct words *w, const char *line)
{
	char *save, *word;

	*w = (struct words){ 0 };
	text_printf(w->copy, sizeof(w->copy), "mpnc %s", line);
	for (word = strtok_r(w->copy, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		assert_true(w->argc < WORDS_MAX);
		if (strcmp(word, "''") == 0)
			*word = '\0';
		w->argv[w->argc++] = word;
	}
}

struct dump {
	char text[512];
	size_t len;
};

__attribute__((format(printf, 3, 4))) static void put(struct dump *d, bool differs, const char *fmt,
						      ...)
{
	va_list ap;

	if (!differs)
		return;
	if (d->len > 0)
		d->text[d->len++] = ' ';
	va_start(ap, fmt);
	d->len += text_vprintf(d->text + d->len, sizeof(d->text) - d->len - 1, fmt, ap);
	va_end(ap);
}

static unsigned long long ms(uint64_t ns)
{
	return ns / 1000000;
}

static void dump_flags(struct dump *d, const struct config *c)
{
	put(d, c->listen, "listen");
	put(d, c->keep, "keep");
	put(d, c->family == AF_INET, "ipv4");
	put(d, c->family == AF_INET6, "ipv6");
	put(d, c->numeric, "numeric");
	put(d, c->no_stdin, "no_stdin");
	put(d, c->send_only, "send_only");
	put(d, c->recv_only, "recv_only");
	put(d, c->duplex, "duplex");
	put(d, c->plain, "plain");
	put(d, c->plain_ok, "plain_ok");
	put(d, c->shutdown, "shutdown");
}

static void dump_config(struct dump *d, const struct config *c)
{
	*d = (struct dump){ 0 };
	dump_flags(d, c);
	put(d, c->threads != CONFIG_THREADS_AUTO, "threads=%u", c->threads);
	put(d, c->max_clients != UINT_MAX, "max_clients=%u", c->max_clients);
	put(d, c->n_sessions, "sessions=%llu", (unsigned long long)c->n_sessions);
	for (unsigned i = 0; i < c->n_allow; i++)
		put(d, true, "allow=%02x%02x...%02x/%u", c->allow[i].addr[0], c->allow[i].addr[12],
		    c->allow[i].addr[15], c->allow[i].bits);
	put(d, c->exec, "exec=%s", c->exec);
	put(d, c->shell, "shell=%s", c->shell);
	put(d, c->unix_path, "unix=%s", c->unix_path);
	put(d, c->host, "host=%s", c->host);
	put(d, c->port, "port=%s", c->port);
	for (unsigned i = 0; i < c->n_sources; i++)
		put(d, true, "source=%s", c->sources[i]);
	put(d, c->multihome, "multihome");
	put(d, c->source_port, "source_port=%u", c->source_port);
	put(d, !c->steer, "steer=off");
	for (unsigned i = 0; i < c->n_ports; i++)
		put(d, true, "ports=%u-%u", c->ports[i].first, c->ports[i].last);
	put(d, c->plan, "plan");
	put(d, c->probe, "probe");
	put(d, !c->subflows_auto, "subflows=%u", c->n_subflows);
	put(d, c->subflows_auto && c->n_subflows != CONFIG_SUBFLOWS_AUTO, "auto=%u", c->n_subflows);
	put(d, c->window != CONFIG_WINDOW_DEFAULT, "window=%llu", (unsigned long long)c->window);
	put(d, c->timeout_ns != CONFIG_NEVER, "timeout=%llu", ms(c->timeout_ns));
	put(d, c->idle_ns != c->timeout_ns, "idle=%llu",
	    c->idle_ns == CONFIG_NEVER ? 0 : ms(c->idle_ns));
	put(d, c->rate, "rate=%llu", (unsigned long long)c->rate);
	put(d, c->retry_ns, "retry=%llu", ms(c->retry_ns));
	put(d, c->reconnect_ns != CONFIG_RECONNECT_DEFAULT_NS, "reconnect=%llu",
	    ms(c->reconnect_ns));
	put(d, c->quit_ns != CONFIG_NEVER, "quit=%llu", ms(c->quit_ns));
	put(d, c->tos != -1, "tos=%d", c->tos);
	put(d, c->ttl, "ttl=%d", c->ttl);
	put(d, c->min_ttl, "min_ttl=%d", c->min_ttl);
	put(d, c->sndbuf, "sndbuf=%llu", (unsigned long long)c->sndbuf);
	put(d, c->rcvbuf, "rcvbuf=%llu", (unsigned long long)c->rcvbuf);
	put(d, c->verbose, "verbose=%d", c->verbose);
	put(d, c->progress != CONFIG_PROGRESS_AUTO, "progress=%d", (int)c->progress);
	put(d, c->quiet, "quiet");
	put(d, c->size, "size=%llu", (unsigned long long)c->size);
	put(d, c->target, "target=%s", c->target);
	put(d, c->key_file, "key=%s", c->key_file);
	put(d, c->key_dir, "keys=%s", c->key_dir);
	put(d, c->cert, "cert=%s,%s,%s", c->cert, c->private_key, c->ca);
	put(d, c->cert_name, "name=%s", c->cert_name);
	put(d, c->json, "json");
	put(d, c->json_file, "json_file=%s", c->json_file);
}

struct accepted {
	const char *line;
	const char *config;
};

static const struct accepted accepted[] = {
	{ "h 1", "host=h port=1" },
	{ "h 65535", "host=h port=65535" },
	{ "h http", "host=h port=http" },
	{ "h iso-tsap", "host=h port=iso-tsap" },
	{ "fe80::1%eth0 1", "host=fe80::1%eth0 port=1" },
	/* listening, in all of its forms */
	{ "-l 31337", "listen port=31337" },
	{ "--listen 31337", "listen port=31337" },
	{ "-l 0", "listen port=0" },
	{ "-l ::1 31337", "listen host=::1 port=31337" },
	{ "-l -p 31337", "listen port=31337" },
	{ "-l -p 0", "listen port=0" },
	{ "-p 31337 -l", "listen port=31337" },
	{ "-l -p 31337 ::1", "listen host=::1 port=31337" },
	{ "-lp 31337", "listen port=31337" },
	{ "-lp31337", "listen port=31337" },
	{ "-l -s ::1 31337", "listen host=::1 port=31337" },
	{ "-l -s ::1 -p 31337", "listen host=::1 port=31337" },
	{ "-lvk 31337", "listen keep port=31337 verbose=1" },
	{ "-l -p http", "listen port=http" },
	{ "31337 -l", "listen port=31337" },
	{ "-l -k 1", "listen keep port=1" },
	{ "-l --keep-open 1", "listen keep port=1" },
	{ "-l -m 3 1", "listen max_clients=3 port=1" },
	{ "-l -k --max-conns=4294967295 1", "listen keep port=1" },
	{ "-lkm1 1", "listen keep max_clients=1 port=1" },
	{ "-lk --sessions 5 1", "listen keep sessions=5 port=1" },
	{ "-l --allow 10.0.0.1 1", "listen allow=000a...01/128 port=1" },
	{ "-l --allow 10.0.0.7/8,2001:db8::/32 --allow ::1 1",
	  "listen allow=000a...00/104 allow=2000...00/32 allow=0000...01/128 port=1" },
	{ "-l -P 8 -p 65535", "listen port=65535 subflows=8" },
	/* options after and between operands, and the end of options */
	{ "h 1 -v", "host=h port=1 verbose=1" },
	{ "h -v 1", "host=h port=1 verbose=1" },
	{ "-v -- h 1", "host=h port=1 verbose=1" },
	{ "-- -h -l", "host=-h port=-l" },
	{ "h -- -v", "host=h port=-v" },
	{ "- 1", "host=- port=1" },
	/* each option */
	{ "-4 h 1", "ipv4 host=h port=1" },
	{ "-4 -4 h 1", "ipv4 host=h port=1" },
	{ "-6 h 1", "ipv6 host=h port=1" },
	{ "-d h 1", "no_stdin host=h port=1" },
	{ "-I 512K h 1", "host=h port=1 rcvbuf=524288" },
	{ "-I 2147483647 h 1", "host=h port=1 rcvbuf=2147483647" },
	{ "-N h 1", "shutdown host=h port=1" },
	{ "--plain h 1", "plain host=h port=1" },
	{ "--plain -z h 1", "plain host=h port=1 probe" },
	{ "-lk --plain-ok 1", "listen keep plain_ok port=1" },
	{ "-U /s h 1", "unix=/s host=h port=1" },
	{ "-l -U /s 1", "listen unix=/s port=1" },
	{ "-l -U /s -p 1", "listen unix=/s port=1" },
	{ "-NU /s", "plain shutdown unix=/s" },
	{ "-lU /s", "listen plain unix=/s" },
	{ "--plain -U /s", "plain unix=/s" },
	{ "-M 1 h 1", "host=h port=1 ttl=1" },
	{ "--ttl 255 --minttl=254 h 1", "host=h port=1 ttl=255 min_ttl=254" },
	{ "-n h 1", "numeric host=h port=1" },
	{ "--nodns h 1", "numeric host=h port=1" },
	{ "-O 1 h 1", "host=h port=1 sndbuf=1" },
	{ "-O 4M -I 1M h 1", "host=h port=1 sndbuf=4194304 rcvbuf=1048576" },
	{ "-p 40000 h 1", "host=h port=1 source_port=40000" },
	{ "--source-port 40000 h 1", "host=h port=1 source_port=40000" },
	{ "--source-port=40000 h 1", "host=h port=1 source_port=40000" },
	{ "-p 65528 h 1", "host=h port=1 source_port=65528" },
	{ "-p 65535 -P 1 h 1", "host=h port=1 source_port=65535 subflows=1" },
	{ "--ports 40000-40063 h 1", "host=h port=1 ports=40000-40063" },
	{ "--steer=off h 1", "host=h port=1 steer=off" },
	{ "--steer off --steer auto h 1", "host=h port=1" },
	{ "--ports=40000 h 1", "host=h port=1 ports=40000-40000" },
	{ "--ports 1-65535 h 1", "host=h port=1 ports=1-65535" },
	{ "--ports 7-7,9,1-2,2-3 h 1", "host=h port=1 ports=7-7 ports=9-9 ports=1-2 ports=2-3" },
	{ "--ports 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16-17 h 1",
	  "host=h port=1 ports=1-1 ports=2-2 ports=3-3 ports=4-4 ports=5-5 ports=6-6 ports=7-7 "
	  "ports=8-8 ports=9-9 ports=10-10 ports=11-11 ports=12-12 ports=13-13 ports=14-14 "
	  "ports=15-15 ports=16-17" },
	{ "--ports 1-2,3 --ports 4 h 1", "host=h port=1 ports=4-4" },
	{ "--plan h 1", "host=h port=1 plan" },
	{ "--plan --json --ports 1-9 -P 2 h 1", "host=h port=1 ports=1-9 plan subflows=2 json" },
	{ "--plan -p 40000 h 1", "host=h port=1 source_port=40000 plan" },
	{ "-z h 1", "host=h port=1 probe" },
	{ "-vz h 1", "host=h port=1 probe verbose=1" },
	{ "-P 1 h 1", "host=h port=1 subflows=1" },
	{ "-P256 h 1", "host=h port=1 subflows=256" },
	{ "-P auto h 1", "host=h port=1" },
	{ "-P 8 -P auto h 1", "host=h port=1" },
	{ "-P auto -P 4 h 1", "host=h port=1 subflows=4" },
	{ "--subflows 8 h 1", "host=h port=1 subflows=8" },
	{ "-q 0 h 1", "host=h port=1 quit=0" },
	{ "-q 2m h 1", "host=h port=1 quit=120000" },
	{ "-q -1 h 1", "host=h port=1" },
	{ "-q 5 -q -1 h 1", "host=h port=1" },
	{ "-q-1 h 1", "host=h port=1" },
	{ "-l -q 1 1", "listen port=1 quit=1000" },
	{ "-s 10.0.0.1 h 1", "host=h port=1 source=10.0.0.1" },
	{ "--source 10.0.0.1 h 1", "host=h port=1 source=10.0.0.1" },
	{ "--multihome h 1", "host=h port=1 multihome" },
	{ "-s 10.0.0.1 -s 10.0.1.1 a,b 1", "host=a,b port=1 source=10.0.0.1 source=10.0.1.1" },
	{ "-l -s 10.0.0.1 -s 10.0.1.1 1", "listen host=10.0.0.1 port=1 source=10.0.1.1" },
	{ "-T ef h 1", "host=h port=1 tos=184" },
	{ "-T 0 h 1", "host=h port=1 tos=0" },
	{ "-T 0x10 h 1", "host=h port=1 tos=16" },
	{ "-v h 1", "host=h port=1 verbose=1" },
	{ "--verbose h 1", "host=h port=1 verbose=1" },
	{ "-vvv h 1", "host=h port=1 verbose=3" },
	{ "-w 10 h 1", "host=h port=1 timeout=10000" },
	{ "-w 1ms h 1", "host=h port=1 timeout=1" },
	{ "--wait 1h h 1", "host=h port=1 timeout=3600000" },
	{ "-l -w 1.5s 1", "listen port=1 timeout=1500" },
	{ "--idle-timeout 2m h 1", "host=h port=1 idle=120000" },
	{ "--idle-timeout 2m -w 5 h 1", "host=h port=1 timeout=5000 idle=120000" },
	{ "-w 5 --idle-timeout never h 1", "host=h port=1 timeout=5000 idle=0" },
	{ "--rate 1.5M h 1", "host=h port=1 rate=1572864" },
	{ "-l --rate 1 1", "listen port=1 rate=1" },
	{ "-e cat h 1", "exec=cat host=h port=1" },
	{ "-l --exec=/bin/cat 1", "listen exec=/bin/cat port=1" },
	{ "-c date h 1", "shell=date host=h port=1" },
	{ "-lkc date 1", "listen keep shell=date port=1" },
	{ "--sh-exec date h 1", "shell=date host=h port=1" },
	{ "-U /run/s h 1", "unix=/run/s host=h port=1" },
	{ "-l --unixsock @s 1", "listen unix=@s port=1" },
	{ "--send-only h 1", "send_only host=h port=1" },
	{ "--recv-only h 1", "recv_only host=h port=1" },
	{ "--duplex h 1", "duplex host=h port=1" },
	{ "-d --recv-only h 1", "no_stdin recv_only host=h port=1" },
	{ "--retry 1m h 1", "host=h port=1 retry=60000" },
	{ "--retry 0 h 1", "host=h port=1" },
	{ "--reconnect 0 h 1", "host=h port=1 reconnect=0" },
	{ "--reconnect 2m -l 1", "listen port=1 reconnect=120000" },
	{ "--reconnect 30 h 1", "host=h port=1" },
	{ "--window 1M h 1", "host=h port=1 window=1048576" },
	{ "--window 16G h 1", "host=h port=1 window=17179869184" },
	{ "--window=1.5G h 1", "host=h port=1 window=1610612736" },
	{ "--progress h 1", "host=h port=1 progress=1" },
	{ "--progress=auto h 1", "host=h port=1" },
	{ "--progress=always h 1", "host=h port=1 progress=1" },
	{ "--progress=never h 1", "host=h port=1 progress=2" },
	{ "--quiet h 1", "host=h port=1 quiet" },
	{ "--size 1.5T h 1", "host=h port=1 size=1649267441664" },
	{ "--json h 1", "host=h port=1 json" },
	{ "--json=f.json h 1", "host=h port=1 json json_file=f.json" },
	{ "--json=f.json --json h 1", "host=h port=1 json" },
	{ "--target db-1 h 1", "host=h port=1 target=db-1" },
	{ "--key k h 1", "host=h port=1 key=k" },
	{ "-l --key=k 1", "listen port=1 key=k" },
	{ "-l --key-dir d 1", "listen port=1 keys=d" },
	{ "--cert c --private-key p --ca a h 1", "host=h port=1 cert=c,p,a" },
	{ "--cert c --private-key p --ca a --name n -l 1", "listen port=1 cert=c,p,a name=n" },
	{ "--key k --threads 0 h 1", "threads=0 host=h port=1 key=k" },
	{ "--key k --threads 16 h 1", "threads=16 host=h port=1 key=k" },
	{ "--key k --threads auto h 1", "host=h port=1 key=k" },
	/* names may be shortened */
	{ "--lis 1", "listen port=1" },
};

static void test_accepted(void **state)
{
	for (size_t i = 0; i < LEN(accepted); i++) {
		char message[OPTS_MESSAGE_LEN];
		struct config config;
		struct words w;
		struct dump d;
		enum opts_result r;

		split(&w, accepted[i].line);
		r = opts_parse(w.argc, w.argv, &config, message);
		if (r != OPTS_RUN)
			fail_msg("mpnc %s: %d %s", accepted[i].line, r, message);
		dump_config(&d, &config);
		if (strcmp(d.text, accepted[i].config) != 0)
			fail_msg("mpnc %s: is \"%s\", not \"%s\"", accepted[i].line, d.text,
				 accepted[i].config);
	}
}

struct refused {
	const char *line;
	const char *message;
};

static const struct refused operands[] = {
	{ "", "missing host and port: mpnc HOST PORT, or mpnc -l PORT to listen" },
	{ "-v", "missing host and port: mpnc HOST PORT, or mpnc -l PORT to listen" },
	{ "h", "missing port: mpnc HOST PORT, or mpnc -l PORT to listen" },
	{ "31337", "missing port: mpnc HOST PORT, or mpnc -l PORT to listen" },
	{ "h 1 2", "unexpected argument \"2\"; see mpnc --help" },
	{ "h 1 2 3", "unexpected argument \"2\"; see mpnc --help" },
	{ "-l", "missing port: mpnc -l PORT" },
	{ "-l -s a", "missing port: mpnc -l PORT" },
	{ "-l a 1 2", "unexpected argument \"2\"; see mpnc --help" },
	{ "-l -p 1 a 2",
	  "two ports: -p PORT is the one to listen on, so leave out the last argument" },
	{ "-l -s a b 1", "two addresses to listen on: give -s for each, without ADDR" },
	{ "-l -s a -p 1 b", "two addresses to listen on: give -s for each, without ADDR" },
	{ "'' 1", "the host or port is empty" },
	{ "h ''", "the host or port is empty" },
	{ "-l ''", "the host or port is empty" },
	{ "-l -p ''", "\"\" is not a port (0 to 65535, or the name of a service)" },
	{ "h 0", "\"0\" is not a port (1 to 65535, or the name of a service)" },
	{ "h 65536", "\"65536\" is not a port (1 to 65535, or the name of a service)" },
	{ "h 1-1024", "\"1-1024\" is not a port (1 to 65535, or the name of a service)" },
	{ "h -- -1", "\"-1\" is not a port (1 to 65535, or the name of a service)" },
	{ "-l 65536", "\"65536\" is not a port (0 to 65535, or the name of a service)" },
	{ "-l -p 65536", "\"65536\" is not a port (0 to 65535, or the name of a service)" },
};

#define NO_PORTS        "is not a port or a range of ports (1 to 65535, such as 40000-40063)"
#define BAD_PORTS(word) "--ports: \"" word "\" " NO_PORTS

#define BAD_ALLOW(word) \
	"--allow: \"" word "\" is not an address or a block of them (10.0.0.0/8, 2001:db8::/32)"

static const struct refused arguments[] = {
	{ "--key '' h 1", "--key: \"\" is not a name" },
	{ "--target '' h 1", "--target: \"\" is not the name of a relay's target" },
	{ "--target a/b h 1", "--target: \"a/b\" is not the name of a relay's target" },
	{ "-p", "-p needs an argument: PORT" },
	{ "h 1 --window", "--window needs an argument: SIZE" },
	{ "h 1 --wait", "-w needs an argument: TIME" },
	{ "--listen=3 1", "--listen takes no argument" },
	{ "--version=3", "--version takes no argument" },
	{ "-P 0 h 1", "-P: \"0\" is not a number of subflows (1 to 256, or auto)" },
	{ "-P 257 h 1", "-P: \"257\" is not a number of subflows (1 to 256, or auto)" },
	{ "--subflows=x h 1", "-P: \"x\" is not a number of subflows (1 to 256, or auto)" },
	{ "-P '' h 1", "-P: \"\" is not a number of subflows (1 to 256, or auto)" },
	{ "-l -m 0 1", "-m: \"0\" is not a number of clients (1 or more)" },
	{ "-lk --sessions 0 1", "--sessions: \"0\" is not a number of sessions (1 or more)" },
	{ "-l --allow host 1", BAD_ALLOW("host") },
	{ "-l --allow '' 1", BAD_ALLOW("") },
	{ "-l --allow 10.0.0.0/8,,::1 1", BAD_ALLOW("") },
	{ "-l --allow ::1,10.0.0.0/33 1", BAD_ALLOW("10.0.0.0/33") },
	{ "-p 0 h 1", "-p: \"0\" is not a port number (1 to 65535)" },
	{ "-p 65536 h 1", "-p: \"65536\" is not a port number (1 to 65535)" },
	{ "-p http h 1", "-p: \"http\" is not a port number (1 to 65535)" },
	{ "-p 65529 h 1", "-p: 8 subflows from port 65529 on would need ports above 65535" },
	{ "-p 65535 -P 2 h 1", "-p: 2 subflows from port 65535 on would need ports above 65535" },
	{ "-P 256 -p 65281 h 1",
	  "-p: 256 subflows from port 65281 on would need ports above 65535" },
	{ "--ports", "--ports needs an argument: A-B[,C-D]" },
	{ "--ports '' h 1", BAD_PORTS("") },
	{ "--ports 0 h 1", BAD_PORTS("0") },
	{ "--ports 0-9 h 1", BAD_PORTS("0-9") },
	{ "--ports 65536 h 1", BAD_PORTS("65536") },
	{ "--ports 9-65536 h 1", BAD_PORTS("9-65536") },
	{ "--ports -9 h 1", BAD_PORTS("-9") },
	{ "--ports 9- h 1", BAD_PORTS("9-") },
	{ "--ports 1-2-3 h 1", BAD_PORTS("1-2-3") },
	{ "--ports 1:9 h 1", BAD_PORTS("1:9") },
	{ "--ports 1,,2 h 1", BAD_PORTS("") },
	{ "--ports 1, h 1", BAD_PORTS("") },
	{ "--ports ,1 h 1", BAD_PORTS("") },
	{ "--ports 4,http,5 h 1", BAD_PORTS("http") },
	{ "--ports 1-\x1b h 1", BAD_PORTS("1-\\x1b") },
	{ "--ports 0000000000000000000000000000009-1 h 1",
	  BAD_PORTS("0000000000000000000000000000009-1") },
	{ "--ports 1-2,9-8 h 1", "--ports: 9-8 runs backwards; write 8-9" },
	{ "--ports 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17 h 1", "--ports: more than 16 ranges" },
	{ "-e '' h 1", "-e: \"\" is not a command to run" },
	{ "-c '' h 1", "-c: \"\" is not a command to run" },
	{ "-U '' h 1", "-U: \"\" is not a path" },
	{ "-s '' h 1", "-s: \"\" is not an address" },
	{ "-sa -sb -sc -sd -se -sf -sg -sh -si h 1", "-s: more than 8 addresses" },
	{ "--plain --multihome h 1",
	  "--plain and --multihome exclude each other: --plain uses a single connection" },
	{ "-l -s a -s b --plain 1", "--plain listens on one address: give -s once" },
	{ "-T 256 h 1", "-T: \"256\" is not a type of service (0 to 255, 0x00 to 0xff, af11, ef)" },
	{ "-T foo h 1", "-T: \"foo\" is not a type of service (0 to 255, 0x00 to 0xff, af11, ef)" },
	{ "--window 1023K h 1", "--window: \"1023K\" is not a window (1M to 16G)" },
	{ "--window 17G h 1", "--window: \"17G\" is not a window (1M to 16G)" },
	{ "--window 64 h 1", "--window: \"64\" is not a window (1M to 16G)" },
	{ "-I 0 h 1", "-I: \"0\" is not the size of a socket buffer (such as 512K or 4M)" },
	{ "-O 2G h 1", "-O: \"2G\" is not the size of a socket buffer (such as 512K or 4M)" },
	{ "-w 0 h 1", "-w: \"0\" is not a time above zero (such as 500ms, 30, 2m or 1h)" },
	{ "-w -1 h 1", "-w: \"-1\" is not a time above zero (such as 500ms, 30, 2m or 1h)" },
	{ "-w 5x h 1", "-w: \"5x\" is not a time above zero (such as 500ms, 30, 2m or 1h)" },
	{ "-w 1000000h h 1",
	  "-w: \"1000000h\" is not a time above zero (such as 500ms, 30, 2m or 1h)" },
	{ "--reconnect x h 1", "--reconnect: \"x\" is not a time (such as 500ms, 30, 2m or 1h)" },
	{ "--idle-timeout 0 h 1",
	  "--idle-timeout: \"0\" is not a time above zero (such as 30, 2m), or never" },
	{ "--rate 0 h 1", "--rate: \"0\" is not bytes per second (such as 500K, 100M or 1G)" },
	{ "--rate 2T h 1", "--rate: \"2T\" is not bytes per second (such as 500K, 100M or 1G)" },
	{ "--retry x h 1", "--retry: \"x\" is not a time (such as 500ms, 30, 2m or 1h)" },
	{ "-q -2 h 1", "-q: \"-2\" is not a time (such as 0, 500ms or 30; -1 is forever)" },
	{ "--quiet -v h 1", "--quiet and -v exclude each other: --quiet says less, -v more" },
	{ "--progress=x h 1", "--progress: \"x\" is not auto, always or never" },
	{ "--progress= h 1", "--progress: \"\" is not auto, always or never" },
	{ "-M 0 h 1", "-M: \"0\" is not a number of hops (1 to 255)" },
	{ "--minttl 256 h 1", "--minttl: \"256\" is not a number of hops (1 to 255)" },
	{ "--json= h 1", "--json: \"\" is not a file" },
	{ "--json=- h 1",
	  "--json=-: standard output is for the data; --json alone writes to standard error" },
	{ "-w \x1b[2J\" h 1",
	  "-w: \"\\x1b[2J\\\"\" is not a time above zero (such as 500ms, 30, 2m or 1h)" },
};

static const struct refused conflicts[] = {
	{ "-4 -6 h 1",
	  "-4 and -6 exclude each other: give one of them, or none for both families" },
	{ "-l --key k --key-dir d 1", "--key and --key-dir exclude each other: give one of them; a "
				      "directory can hold a single key" },
	{ "--key k --cert c h 1", "--key and --cert exclude each other: peers prove their identity "
				  "by a key or by a certificate; give one of them" },
	{ "-l --cert c --key-dir d 1", "--key-dir and --cert exclude each other: peers prove their "
				       "identity by a key or by a certificate; give one of them" },
	{ "--key-dir d h 1", "--key-dir needs -l: the side that connects has one key: --key FILE" },
	{ "--cert c h 1", "certificates need all of --cert, --private-key and --ca" },
	{ "--threads 17 h 1", "--threads: \"17\" is not a number of threads (0 to 16, or auto)" },
	{ "--name n h 1", "certificates need all of --cert, --private-key and --ca" },
	{ "-64 h 1", "-4 and -6 exclude each other: give one of them, or none for both families" },
	{ "--send-only --recv-only h 1", "--send-only and --recv-only exclude each other: give one "
					 "of them, or none for both directions" },
	{ "-d --send-only h 1", "-d and --send-only exclude each other: -d sends nothing" },
	{ "-d --duplex h 1", "-d and --duplex exclude each other: -d sends nothing" },
	{ "--recv-only --duplex h 1",
	  "--recv-only and --duplex exclude each other: --recv-only sends nothing" },
	{ "--send-only --duplex h 1",
	  "--send-only and --duplex exclude each other: --send-only receives nothing" },
	{ "--retry 5 -l 1",
	  "--retry and -l exclude each other: a listener always waits; -w limits the time" },
	{ "--retry 0 -l 1",
	  "--retry and -l exclude each other: a listener always waits; -w limits the time" },
	{ "--ports 1-9 -l 1",
	  "--ports and -l exclude each other: --ports is for the side that connects" },
	{ "-l -p 1 --ports 1-9",
	  "--ports and -l exclude each other: --ports is for the side that connects" },
	{ "--steer=off -l 1",
	  "--steer and -l exclude each other: --steer is for the side that connects" },
	{ "--steer=on h 1", "--steer: \"on\" is not off or auto" },
	{ "-l --plan 1", "--plan and -l exclude each other: --plan is for the side that connects" },
	{ "-l -z 1", "-z and -l exclude each other: -z is for the side that connects" },
	{ "-z --plan h 1", "-z and --plan exclude each other: -z checks for a listener, --plan "
			   "prints a plan; run them one after the other" },
	{ "--ports 1-9 -p 1 h 1", "--ports and -p exclude each other: --ports lets mpnc choose the "
				  "ports, -p fixes them; give one of them" },
	{ "-m 1 h 1", "-m needs -l: -m limits how many clients may connect" },
	{ "--allow ::1 h 1", "--allow needs -l: --allow lists the addresses that may connect" },
	{ "-l --sessions 2 1", "--sessions needs -k: without -k a listener serves one session" },
	{ "-l --target db 1",
	  "--target and -l exclude each other: --target is for the side that connects" },
	{ "--plain --target db h 1",
	  "--target and --plain exclude each other: only an mpnc session has a target" },
	{ "-e a -c b h 1", "-e and -c exclude each other: give one command" },
	{ "-U a -c b h 1", "-c and -U exclude each other: a session has one endpoint on this "
			   "machine; give one of them" },
	{ "-U a -e b h 1", "-e and -U exclude each other: a session has one endpoint on this "
			   "machine; give one of them" },
	{ "-l -d -e b 1",
	  "-e and -d exclude each other: if the command only reads, use --recv-only" },
	{ "--plain -P 2 h 1",
	  "--plain and -P exclude each other: --plain uses a single connection" },
	{ "--plain --key k h 1",
	  "--plain and --key exclude each other: a plain connection is not encrypted" },
	{ "--plain -e a h 1", "--plain and -e exclude each other: a plain connection cannot report "
			      "a command's failure" },
	{ "--plain-ok h 1", "--plain-ok needs -l: --plain-ok lets a listener serve plain clients; "
			    "to connect without a session, use --plain" },
	{ "-l --plain-ok --plain 1", "--plain-ok and --plain exclude each other: --plain already "
				     "serves clients that do not speak mpnc" },
	{ "-l --plain-ok --key k 1",
	  "--plain-ok and --key exclude each other: a plain connection is not encrypted" },
	{ "-l --plain-ok --key-dir k 1",
	  "--plain-ok and --key-dir exclude each other: a plain connection is not encrypted" },
	{ "-l --plain-ok --cert k 1",
	  "--plain-ok and --cert exclude each other: a plain connection is not encrypted" },
	{ "-l --plain-ok -c k 1", "--plain-ok and -c exclude each other: a plain connection cannot "
				  "report a command's failure" },
	{ "-l --plain-ok -U k 1", "--plain-ok and -U exclude each other: --plain-ok joins clients "
				  "to the standard streams only" },
	{ "-U /s -P 2", "--plain and -P exclude each other: --plain uses a single connection" },
	{ "--plain -U /s h 1",
	  "--plain and -U: the path is the peer's, so leave out host and port" },
	{ "-U /s -s ::1", "-s and --allow are for TCP, and -U without a port uses no TCP" },
	{ "-l -U /s --allow ::1", "-s and --allow are for TCP, and -U without a port uses no TCP" },
	{ "-k h 1", "-k needs -l: only a listener can serve one session after another" },
};

static const struct refused unknown[] = {
	{ "-y h 1", "unknown option -y; see mpnc --help" },
	{ "-ly 1", "unknown option -y; see mpnc --help" },
	{ "-: h 1", "unknown option -:; see mpnc --help" },
	{ "-\xc3\xa9 h 1", "unknown option -\\xc3; see mpnc --help" },
	{ "--lisen 1", "unknown option --lisen; did you mean --listen?" },
	{ "--lstien 1", "unknown option --lstien; did you mean --listen?" },
	{ "--listener 1", "unknown option --listener; did you mean --listen?" },
	{ "--retyr=3 h 1", "unknown option --retyr; did you mean --retry?" },
	{ "--recvonly h 1", "unknown option --recvonly; did you mean --recv-only?" },
	{ "--sendonly h 1", "unknown option --sendonly; did you mean --send-only?" },
	{ "--window-size h 1", "unknown option --window-size; did you mean --window?" },
	{ "--verison", "unknown option --verison; did you mean --version?" },
	{ "--ver", "unknown option --ver; did you mean --verbose?" },
	{ "--frobnicate h 1", "unknown option --frobnicate; see mpnc --help" },
	{ "--xy h 1", "unknown option --xy; see mpnc --help" },
	{ "--=x h 1", "unknown option --; see mpnc --help" },
	{ "--a-very-long-name-that-nobody-would-ever-give-to-an-option-of-a-program-like-this h 1",
	  "unknown option --a-very-long-name-that-nobody-would-ever-give-to-an-option-of-a-"
	  "; see mpnc --help" },
};

static void check_refused(const struct refused *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char message[OPTS_MESSAGE_LEN];
		struct config config;
		struct words w;
		enum opts_result r;

		split(&w, cases[i].line);
		r = opts_parse(w.argc, w.argv, &config, message);
		if (r != OPTS_USAGE || strcmp(message, cases[i].message) != 0)
			fail_msg("mpnc %s: %d \"%s\"", cases[i].line, r, message);
	}
}

static void test_operands(void **state)
{
	check_refused(operands, LEN(operands));
}

static void test_arguments(void **state)
{
	check_refused(arguments, LEN(arguments));
}

static void test_conflicts(void **state)
{
	check_refused(conflicts, LEN(conflicts));
}

static void test_unknown(void **state)
{
	check_refused(unknown, LEN(unknown));
}

/* What each of the other netcats' options is answered with, by a part of the advice. */
static const struct refused advice[] = {
	{ "-u", "nc -u" },
	{ "--udp", "nc -u" },
	{ "--udp=1", "nc -u" },
	{ "--sctp", "TCP" },
	{ "-Z", "TCP" },
	{ "-b", "nc -ub" },
	{ "-t", "telnet" },
	{ "--telnet", "telnet" },
	{ "-C", "unix2dos" },
	{ "--crlf", "unix2dos" },
	{ "-i", "--idle-timeout TIME, to go slower --rate" },
	{ "--delay", "--rate" },
	{ "-x", "connect directly" },
	{ "-X", "connect directly" },
	{ "--proxy", "connect directly" },
	{ "--proxy-type", "connect directly" },
	{ "-F", "without ProxyUseFdpass" },
	{ "--hex-dump", "tee" },
	{ "-g", "set a route" },
	{ "-G", "set a route" },
	{ "--vsock", "socat" },
	{ "-H", "--key FILE" },
	{ "-K", "--key FILE" },
	{ "-R", "--key FILE" },
	{ "-D", "ss -ti" },
	{ "-r", "ports decide which links are used" },
	{ "--lua-exec", "-e or -c" },
	{ "-S", "firewall" },
	{ "-V", "--version" },
	{ "-W", "head -c" },
	{ "-o", "tee" },
	{ "--output", "tee" },
	{ "--append-output", "tee -a" },
	{ "--broker", "one mpnc for each peer" },
	{ "--chat", "one mpnc for each peer" },
	{ "--no-shutdown", "keep it open" },
	{ "--ssl", "--key FILE" },
	{ "--ssl-cert=x", "--cert, --private-key, --ca" },
	{ "--allowfile", "--allow" },
	{ "--deny", "firewall" },
	{ "--denyfile", "firewall" },
	{ "--parallel", "-P N" },
	{ "--streams", "-P N" },
	{ "--bind", "-s ADDR" },
	{ "--port", "-p PORT" },
	{ "--port=1", "-p PORT" },
};

static void check_advice(const struct refused *c, const char *line)
{
	char message[OPTS_MESSAGE_LEN], begin[64];
	size_t name_len = strcspn(c->line, "=");
	struct config config;
	struct words w;
	enum opts_result r;

	text_printf(begin, sizeof(begin), "%.*s is not supported: ", (int)name_len, c->line);
	split(&w, line);
	r = opts_parse(w.argc, w.argv, &config, message);
	if (r != OPTS_USAGE || strncmp(message, begin, strlen(begin)) != 0 ||
	    !strstr(message + strlen(begin), c->message))
		fail_msg("mpnc %s: %d \"%s\"", line, r, message);
}

/* Refused wherever the option stands, and before anything else is found wrong. */
static void test_advice(void **state)
{
	for (size_t i = 0; i < LEN(advice); i++) {
		char line[64];

		check_advice(&advice[i], advice[i].line);
		text_printf(line, sizeof(line), "%s host 1", advice[i].line);
		check_advice(&advice[i], line);
		text_printf(line, sizeof(line), "-v host 1 2 3 %s", advice[i].line);
		check_advice(&advice[i], line);
		if (advice[i].line[1] != '-') {
			text_printf(line, sizeof(line), "-lv%s 1", advice[i].line + 1);
			check_advice(&advice[i], line);
		}
	}
}

static void test_help_and_version(void **state)
{
	static const struct {
		const char *line;
		enum opts_result result;
	} cases[] = {
		{ "-h", OPTS_HELP },
		{ "--help", OPTS_HELP },
		{ "-lvh", OPTS_HELP },
		{ "h 1 2 3 -4 -6 --help", OPTS_HELP },
		{ "--help -y", OPTS_HELP },
		{ "--version", OPTS_VERSION },
		{ "--version --help", OPTS_VERSION },
		{ "-y --help", OPTS_USAGE },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		char message[OPTS_MESSAGE_LEN];
		struct config config;
		struct words w;

		split(&w, cases[i].line);
		if (opts_parse(w.argc, w.argv, &config, message) != cases[i].result)
			fail_msg("mpnc %s", cases[i].line);
	}
}

/* argv is borrowed: neither reordered nor written to. */
static void test_argv_stays(void **state)
{
	char program[] = "mpnc", host[] = "h", verbose[] = "-v", port[] = "1";
	char *argv[] = { program, host, verbose, port, NULL };
	char message[OPTS_MESSAGE_LEN];
	struct config config;

	assert_int_equal(opts_parse(4, argv, &config, message), OPTS_RUN);
	assert_ptr_equal(argv[1], host);
	assert_ptr_equal(argv[2], verbose);
	assert_ptr_equal(argv[3], port);
	assert_ptr_equal(config.host, host);
	assert_ptr_equal(config.port, port);
}

static void test_no_words_at_all(void **state)
{
	char *argv[] = { NULL };
	char message[OPTS_MESSAGE_LEN];
	struct config config;

	assert_int_equal(opts_parse(0, argv, &config, message), OPTS_USAGE);
	assert_string_equal(message, operands[0].message);
}

/* The environment has no say in what a command line means. */
static void test_posixly_correct(void **state)
{
	assert_int_equal(setenv("POSIXLY_CORRECT", "1", 1), 0);
	test_accepted(state);
	assert_int_equal(unsetenv("POSIXLY_CORRECT"), 0);
}

/* Whether a command line among those above that are accepted, or --help or --version, has it. */
static bool is_tested(const char *option)
{
	size_t n = strlen(option);

	if (strcmp(option, "-h") == 0 || strcmp(option, "--help") == 0 ||
	    strcmp(option, "--version") == 0)
		return true;
	for (size_t i = 0; i < LEN(accepted); i++) {
		const char *p = accepted[i].line;

		for (; (p = strstr(p, option)); p++) {
			if ((p == accepted[i].line || p[-1] == ' ') && strchr(" =", p[n]))
				return true;
		}
	}
	return false;
}

/* Looks at what stands before the explanation, in lines that begin with an option. */
static void check_help_line(const char *line, size_t len)
{
	char name[32];

	for (size_t i = 0; i < len; i++)
		assert_true(line[i] >= ' ' && line[i] <= '~');
	if (line[strspn(line, " ")] != '-')
		return;
	for (size_t i = 2; i < len && i < 24; i++) {
		if (line[i] != '-' || line[i - 1] != ' ')
			continue;
		text_printf(name, sizeof(name), "%.*s", (int)strcspn(line + i, " ,[\n"), line + i);
		if (!is_tested(name))
			fail_msg("%s is in --help but not in these tests", name);
	}
}

static void test_help_text(void **state)
{
	static char buf[OPTS_HELP_LEN];
	const char *line;
	unsigned n_lines = 0;

	assert_ptr_equal(opts_help(buf, sizeof(buf)), buf);
	assert_true(strlen(buf) + 512 < sizeof(buf));
	for (line = buf; *line; line += strcspn(line, "\n") + 1) {
		size_t len = strcspn(line, "\n");

		assert_int_equal(line[len], '\n');
		if (len > 79)
			fail_msg("too wide: %.*s", (int)len, line);
		check_help_line(line, len);
		n_lines++;
	}
	assert_true(n_lines > 40);
	assert_non_null(strstr(buf, "\n  -l, --listen  "));
	assert_non_null(strstr(buf, "\n  -4  "));
	assert_non_null(strstr(buf, "\n      --progress[=WHEN]  "));
	assert_non_null(strstr(buf, "\n  -w, --wait TIME  "));
	assert_non_null(strstr(buf, "Exit status:"));
}

static void test_help_is_cut(void **state)
{
	static char buf[OPTS_HELP_LEN], whole[OPTS_HELP_LEN];

	opts_help(whole, sizeof(whole));
	for (size_t size = 1; size < strlen(whole); size += 97) {
		memset(buf, '#', sizeof(buf));
		opts_help(buf, size);
		assert_int_equal(strlen(buf), size - 1);
		assert_memory_equal(buf, whole, size - 1);
		assert_int_equal(buf[size], '#');
	}
}

static void check_anything(int argc, char *argv[])
{
	char message[OPTS_MESSAGE_LEN];
	struct config c;

	memset(message, '\n', sizeof(message));
	switch (opts_parse(argc, argv, &c, message)) {
	case OPTS_RUN:
		assert_true(c.port || (c.plain && c.unix_path));
		assert_true(c.listen || c.host || !c.port);
		assert_true(c.n_subflows >= 1 && c.n_subflows <= SUBFLOWS_MAX);
		assert_true(c.source_port + c.n_subflows - 1 <= 65535);
		assert_true(c.window >= CONFIG_WINDOW_MIN && c.window <= CONFIG_WINDOW_MAX);
		assert_false(c.keep && !c.listen);
		assert_false(c.listen && (c.source_port || c.n_ports || c.plan));
		assert_false(c.source_port && c.n_ports);
		assert_true(c.n_ports <= CONFIG_PORTS_MAX);
		for (unsigned i = 0; i < c.n_ports; i++)
			assert_true(c.ports[i].first >= 1 && c.ports[i].first <= c.ports[i].last);
		break;
	case OPTS_USAGE:
		assert_non_null(memchr(message, '\0', sizeof(message)));
		assert_true(message[0] != '\0');
		for (const char *p = message; *p; p++)
			assert_true(*p >= ' ' && *p <= '~');
		break;
	case OPTS_HELP:
	case OPTS_VERSION:
		break;
	}
}

/* Any words in any order: no crash, and what comes out keeps its promises. */
static void test_random_words(void **state)
{
	static const char *const words[] = {
		"-l",       "-k",         "-p",        "-P",       "-s",   "-w",
		"-q",       "-v",         "-T",        "-I",       "-O",   "-lp",
		"-4",       "--retry",    "--json",    "--json=f", "-z",   "-lvk",
		"--window", "--progress", "--source-", "--",       "-",    "",
		"1",        "4",          "65530",     "65535",    "auto", "host",
		"2M",       "\xff\x01\n", "--\n",      "-\t",      "-1",   "--s",
		"-d",       "--duplex",   "--ports",   "--plan",   "1-9",  "4,9-8",
		"-U",       "--plain",
	};
	struct rng rng = rng_start();

	for (unsigned round = 0; round < 100000; round++) {
		char copies[7][16], *argv[8];
		int argc = 1 + (int)rng_below(&rng, 7);

		for (int i = 0; i < argc; i++) {
			argv[i] = strcpy(copies[i], words[rng_below(&rng, LEN(words))]);
		}
		argv[argc] = NULL;
		check_anything(argc, argv);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted),         cmocka_unit_test(test_operands),
		cmocka_unit_test(test_arguments),        cmocka_unit_test(test_conflicts),
		cmocka_unit_test(test_unknown),          cmocka_unit_test(test_advice),
		cmocka_unit_test(test_help_and_version), cmocka_unit_test(test_argv_stays),
		cmocka_unit_test(test_no_words_at_all),  cmocka_unit_test(test_posixly_correct),
		cmocka_unit_test(test_help_text),        cmocka_unit_test(test_help_is_cut),
		cmocka_unit_test(test_random_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
