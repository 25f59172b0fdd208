// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The lab's consumer: sink FILE < STREAM
 *
 * Compares what it reads with FILE as it comes, and tells when it came, as assignments for a shell:
 *
 *	bytes=N		how many came
 *	intact=0|1	1: they are FILE's, all of them and no more
 *	last_ns=T	when the last came, CLOCK_REALTIME
 *	pause_ns=D	the longest time between two reads with no byte
 *	pause_at_ns=T	when that began
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

int main(int argc, char **argv)
{
	static char buf[256 << 10];
	uint64_t bytes = 0, last = 0, pause = 0, pause_at = 0, total;
	bool intact = true;
	struct stat st;
	const char *want;
	ssize_t n;
	int fd;

	if (argc != 2 || (fd = open(argv[1], O_RDONLY)) < 0 || fstat(fd, &st) < 0 || !st.st_size) {
		fprintf(stderr, "usage: sink FILE\n");
		return 2;
	}
	total = (uint64_t)st.st_size;
	want = mmap(NULL, total, PROT_READ, MAP_SHARED, fd, 0);
	if (want == MAP_FAILED) {
		perror("sink: mmap");
		return 2;
	}
	while ((n = read(STDIN_FILENO, buf, sizeof(buf))) > 0) {
		uint64_t t = now();

		if (last && t - last > pause) {
			pause = t - last;
			pause_at = last;
		}
		last = t;
		intact = intact && bytes + (uint64_t)n <= total &&
			 !memcmp(buf, want + bytes, (size_t)n);
		bytes += (uint64_t)n;
	}
	printf("bytes=%" PRIu64 " intact=%d last_ns=%" PRIu64 " pause_ns=%" PRIu64
	       " pause_at_ns=%" PRIu64 "\n",
	       bytes, intact && bytes == total, last, pause, pause_at);
	return 0;
}
