/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "io/thread_time.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "io/clock.h"

/* A file of the kernel's schedstat: time that the thread ran, and that it waited. */
static int read_schedstat(const char *path, struct thread_time *out)
{
	unsigned long long ran = 0, waited = 0;
	char text[64];
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return -ESRCH;
	text[n] = '\0';
	if (sscanf(text, "%llu %llu", &ran, &waited) != 2)
		return -EINVAL;
	*out = (struct thread_time){ .ran_ns = ran, .waited_ns = waited };
	return 0;
}

void thread_time_self(struct thread_time *out)
{
	*out = (struct thread_time){ 0 };
	/* The file may lag behind by a tick. */
	read_schedstat("/proc/thread-self/schedstat", out);
	out->ran_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

int thread_time_of(pid_t tid, struct thread_time *out)
{
	char path[48];

	snprintf(path, sizeof(path), "/proc/self/task/%d/schedstat", (int)tid);
	return read_schedstat(path, out);
}
