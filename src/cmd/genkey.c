/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/genkey.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tls/keyring.h"
#include "ui/log.h"

#define EXIT_OK    0
#define EXIT_SETUP 2

static const char help[] =
	"Usage: mpnc genkey [FILE]\n"
	"\n"
	"Makes a new random key of 256 bits for --key: into FILE, which must not exist\n"
	"yet and can be read by its owner only, or to standard output.\n"
	"\n"
	"Example:\n"
	"  new$ mpnc genkey mpnc.key\n"
	"  new$ scp mpnc.key old:\n"
	"  new$ mpnc -l --key mpnc.key 31337 > disk.img\n"
	"  old$ mpnc --key mpnc.key new 31337 < disk.img\n";

/* Standard output that the shell made with the usual mask: --key would refuse it. */
static void warn_if_open(void)
{
	struct stat st;

	if (fstat(STDOUT_FILENO, &st) == 0 && S_ISREG(st.st_mode) && st.st_mode & 077)
		log_error("others can read the file that the key was written to: chmod 600 it, "
			  "or let \"mpnc genkey FILE\" make it");
}

static int write_line(int fd, const char *line, size_t len)
{
	while (len) {
		ssize_t n = write(fd, line, len);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			line += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

static int put_key(const char *path, int fd)
{
	uint8_t key[KEY_LEN];
	char line[KEY_TEXT_LEN];
	int r = key_generate(key);

	if (!r) {
		key_encode(key, line);
		line[KEY_TEXT_LEN - 1] = '\n';
		r = write_line(fd, line, sizeof(line));
	}
	explicit_bzero(key, sizeof(key));
	explicit_bzero(line, sizeof(line));
	if (r)
		log_error("cannot write a key to %s: %s", path ? path : "standard output",
			  strerror(-r));
	return r;
}

static int to_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, 0600);
	int r;

	if (fd < 0) {
		log_error("cannot make %s: %s", path, strerror(errno));
		return EXIT_SETUP;
	}
	r = put_key(path, fd);
	if (close(fd) < 0 && !r) {
		log_error("cannot write a key to %s: %s", path, strerror(errno));
		r = -1;
	}
	if (r)
		unlink(path);
	return r ? EXIT_SETUP : EXIT_OK;
}

int genkey_main(int argc, char *argv[])
{
	const char *word = argc > 1 ? argv[1] : NULL;

	if (word && (!strcmp(word, "-h") || !strcmp(word, "--help"))) {
		fputs(help, stdout);
		return fflush(stdout) ? EXIT_SETUP : EXIT_OK;
	}
	if (argc > 2 || (word && word[0] == '-')) {
		log_error("wrong usage: mpnc genkey [FILE]");
		return EXIT_SETUP;
	}
	if (word)
		return to_file(word);
	if (put_key(NULL, STDOUT_FILENO))
		return EXIT_SETUP;
	warn_if_open();
	return EXIT_OK;
}
