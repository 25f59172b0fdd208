/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A library for LD_PRELOAD: system calls of the program fail at random.
 *
 * MPNC_FAIL="SEED ONE_IN CALL..." in the environment: one in ONE_IN of the calls with these names
 * fails ("all": of every call below), with an error that the kernel may give at any time. Programs
 * that the program starts are spared. Each call decides by a hash of the seed and of its number, so
 * a seed repeats a run as far as the threads keep their order.
 *
 * Each wrapper takes six words and passes them on: so do all ABIs of Linux for integers and
 * pointers, and the headers that declare the calls are left out. Not EAGAIN: the kernel says that
 * only when a descriptor was not ready, and then the next event comes; here no event would follow.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ERRORS_MAX 4
#define CHOSEN_LEN 1024
#define WORD_LEN   32
#define SPARED_MAX 1024

static char chosen[CHOSEN_LEN]; /* " CALL CALL ... " */
static uint64_t seed, one_in;   /* one_in 0: nothing fails */
static atomic_uint_fast64_t n_calls;

__attribute__((constructor)) static void set_up(void)
{
	const char *wish = getenv("MPNC_FAIL");
	char *at;

	if (wish) {
		seed = strtoull(wish, &at, 10);
		one_in = strtoull(at, &at, 10);
		snprintf(chosen, sizeof(chosen), "%s ", at);
	}
	unsetenv("LD_PRELOAD");
}

/* splitmix64 */
static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
	return x ^ (x >> 31);
}

static bool is_chosen(const char *call)
{
	char word[WORD_LEN];

	snprintf(word, sizeof(word), " %s ", call);
	return strstr(chosen, " all ") || strstr(chosen, word);
}

/* Which of the errors this call shall have; 0: none. */
static int strikes(const char *call, const int error[ERRORS_MAX])
{
	uint64_t draw;
	unsigned n = 0;

	if (!one_in || !is_chosen(call))
		return 0;
	draw = mix(seed + atomic_fetch_add(&n_calls, 1));
	if (draw % one_in)
		return 0;
	while (n < ERRORS_MAX && error[n])
		n++;
	return error[(draw >> 32) % n];
}

static void *next_of(const char *symbol)
{
	void *f = dlsym(RTLD_NEXT, symbol);

	if (!f)
		abort();
	return f;
}

#define WORDS long a, long b, long c, long d, long e, long f

/* Of an eventfd or signalfd, read and write have no errors but EAGAIN. */
static atomic_bool spared[SPARED_MAX];

static bool is_spared(const char *call, long fd)
{
	return (!strcmp(call, "read") || !strcmp(call, "write")) && fd >= 0 && fd < SPARED_MAX &&
	       spared[fd];
}

static long spare(const char *call, long fd)
{
	if ((!strcmp(call, "eventfd") || !strcmp(call, "signalfd")) && (int)fd >= 0 &&
	    (int)fd < SPARED_MAX)
		spared[(int)fd] = true;
	return fd;
}

/* `symbol` is the program's name of `call`; failed(error) is what the call returns. */
#define FAILING_AS(symbol, call, failed, ...)                               \
	long symbol(WORDS);                                                 \
	long symbol(WORDS)                                                  \
	{                                                                   \
		static const int errors[ERRORS_MAX] = { __VA_ARGS__ };      \
		static long (*next)(WORDS);                                 \
		int error = is_spared(call, a) ? 0 : strikes(call, errors); \
                                                                            \
		if (error)                                                  \
			return failed(error);                               \
		if (!next)                                                  \
			*(void **)&next = next_of(#symbol);                 \
		return spare(call, next(a, b, c, d, e, f));                 \
	}

static long by_errno(int error)
{
	errno = error;
	return -1;
}

static long by_value(int error)
{
	return error;
}

#define FAILING(call, ...) FAILING_AS(call, #call, by_errno, __VA_ARGS__)

FAILING(accept4, EINTR, EMFILE, ENOBUFS, ECONNABORTED)
FAILING(bind, EADDRINUSE, ENOMEM, EACCES)
FAILING(connect, ENETUNREACH, EADDRNOTAVAIL, ENOBUFS)
FAILING(epoll_create1, EMFILE, ENOMEM)
FAILING(epoll_ctl, ENOMEM, ENOSPC)
FAILING(epoll_wait, EINTR)
FAILING(eventfd, EMFILE, ENOMEM)
FAILING(fcntl64, EMFILE, EINTR, EPERM)
FAILING(fdatasync, EIO, ENOSPC, EINTR)
FAILING(fstat64, ENOMEM, EIO)
FAILING(ftruncate64, EIO, EINTR, EPERM)
FAILING(getpeername, ENOTCONN, ENOBUFS)
FAILING(getrandom, EINTR, ENOSYS)
FAILING(getsockname, ENOBUFS)
FAILING(getsockopt, ENOBUFS, ENOPROTOOPT)
FAILING(ioctl, EINTR, ENOTTY, EIO)
FAILING(listen, EADDRINUSE)
FAILING(lseek64, ESPIPE, EIO)
FAILING(memfd_create, EMFILE, ENOMEM, ENOSYS)
FAILING(open64, EMFILE, ENOENT, EACCES, EINTR)
FAILING(openat64, EMFILE, ENOENT, EACCES)
FAILING(pidfd_open, EMFILE, ENOSYS)
FAILING(pipe2, EMFILE, ENFILE)
FAILING(poll, EINTR, ENOMEM)
FAILING(pread64, EIO, EINTR)
FAILING(read, EINTR, EIO)
FAILING_AS(__read_chk, "read", by_errno, EINTR, EIO)
FAILING(recv, EINTR, ECONNRESET, ENOMEM, ETIMEDOUT)
FAILING(recvmsg, EINTR, ECONNRESET, ENOBUFS, ENOMEM)
FAILING(send, EINTR, EPIPE, ECONNRESET, ENOBUFS)
FAILING(sendmsg, EINTR, EPIPE, ENOBUFS, ENOMEM)
FAILING(sendto, EINTR, ENOBUFS)
FAILING(setrlimit64, EPERM)
FAILING(setsockopt, ENOBUFS, ENOPROTOOPT, EPERM)
FAILING(shutdown, ENOTCONN)
FAILING(signalfd, EMFILE, ENOMEM)
FAILING(socket, EMFILE, EAFNOSUPPORT, ENOBUFS, EACCES)
FAILING(stat64, ENOENT, EACCES, EIO)
FAILING(uname, EFAULT)
FAILING(waitid, EINTR)
/* Not EPIPE, which says that the reader has left, as a command may do and be content. */
FAILING(write, EINTR, EIO, ENOSPC)
FAILING_AS(posix_spawnp, "posix_spawnp", by_value, EAGAIN, ENOENT, ENOMEM)
FAILING_AS(pthread_create, "pthread_create", by_value, EAGAIN)
