/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/worker_pool.h"
#include "tls/keyring.h"

#define N_PAIRS   8
#define BLOCK_LEN (64u << 10)

/* One connection, both of its ends here: the first sends, the second receives. */
struct pair {
	struct scene *scene;
	struct tls *tls[2];
	int fd[2];
	struct worker_job *job[2];
	uint8_t block[BLOCK_LEN], came[BLOCK_LEN];
	size_t got;
};

struct scene {
	char path[32];
	struct tls_context *context[2];
	struct loop *loop;
	struct worker_pool *pool;
	unsigned n_noticed, n_complete; /* jobs that sent, and blocks that came */
	unsigned n_wanted;              /* of the former: all is over then */
	struct pair pairs[N_PAIRS];
};

static void stop_if_over(struct scene *s)
{
	if (s->n_noticed == s->n_wanted && s->n_complete == N_PAIRS)
		loop_stop(s->loop);
}

static void give_receive(struct pair *p)
{
	p->job[1]->receive = true;
	p->job[1]->send = false;
	p->job[1]->n_rx = 1;
	p->job[1]->rx[0] = (struct iovec){ .iov_base = p->came, .iov_len = BLOCK_LEN };
	worker_pool_give(p->scene->pool, p->job[1]);
}

static void on_sent(void *arg)
{
	struct pair *p = arg;

	p->scene->n_noticed++;
	stop_if_over(p->scene);
	assert_true(worker_pool_take_back(p->job[0]));
	assert_false(worker_pool_take_back(p->job[0]));
	assert_int_equal(p->job[0]->sent, BLOCK_LEN);
}

static void on_received(void *arg)
{
	struct pair *p = arg;
	ssize_t n = p->job[1]->received;

	assert_true(worker_pool_take_back(p->job[1]));
	if (n > 0) {
		assert_true(p->got + (size_t)n <= BLOCK_LEN);
		assert_memory_equal(p->came, p->block + p->got, (size_t)n);
		p->got += (size_t)n;
	}
	if (p->got < BLOCK_LEN)
		give_receive(p);
	else
		p->scene->n_complete++;
	stop_if_over(p->scene);
}

static void open_pair(struct pair *p, struct scene *s)
{
	int r[2] = { -EAGAIN, -EAGAIN }, size = 4 * BLOCK_LEN;

	p->scene = s;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, p->fd), 0);
	assert_int_equal(setsockopt(p->fd[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(tls_new(&p->tls[i], s->context[i], p->fd[i]), 0);
	for (int i = 0; i < 20 && (r[0] || r[1]); i++)
		r[i % 2] = tls_handshake(p->tls[i % 2]);
	assert_int_equal(r[0] | r[1], 0);
	for (int i = 0; i < 2; i++) {
		struct channel ch = { .fd = p->fd[i], .tls = p->tls[i] };

		p->job[i] = worker_job_new(ch, i ? on_received : on_sent, p);
		assert_non_null(p->job[i]);
	}
	for (size_t i = 0; i < BLOCK_LEN; i++)
		p->block[i] = (uint8_t)rand();
}

static void give_send(struct pair *p)
{
	p->job[0]->send = true;
	p->job[0]->receive = false;
	p->job[0]->n_tx = 1;
	p->job[0]->tx[0] = (struct iovec){ .iov_base = p->block, .iov_len = BLOCK_LEN };
	worker_pool_give(p->scene->pool, p->job[0]);
}

static int set_up(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));
	char text[KEY_TEXT_LEN], why[TLS_TEXT_LEN];
	uint8_t key[KEY_LEN];
	int fd;

	assert_non_null(s);
	strcpy(s->path, "/tmp/mpnc-worker-pool-XXXXXX");
	fd = mkstemp(s->path);
	assert_true(fd >= 0);
	assert_int_equal(key_generate(key), 0);
	key_encode(key, text);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	for (int i = 0; i < 2; i++) {
		struct tls_config config = { .server = i == 1, .key_file = s->path };

		assert_int_equal(tls_context_new(&s->context[i], &config, why), 0);
	}
	assert_int_equal(loop_new(&s->loop), 0);
	assert_int_equal(worker_pool_new(&s->pool, s->loop, 3), 0);
	for (int i = 0; i < N_PAIRS; i++)
		open_pair(&s->pairs[i], s);
	*state = s;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *s = *state;

	for (int i = 0; i < 2 * N_PAIRS; i++) {
		struct pair *p = &s->pairs[i / 2];

		worker_pool_wait(s->pool, p->job[i % 2]);
		worker_job_free(p->job[i % 2]);
		tls_free(p->tls[i % 2]);
		close(p->fd[i % 2]);
	}
	worker_pool_free(s->pool);
	loop_free(s->loop);
	tls_context_free(s->context[0]);
	tls_context_free(s->context[1]);
	unlink(s->path);
	free(s);
	return 0;
}

static void many_connections_at_once(void **state)
{
	struct scene *s = *state;

	s->n_wanted = N_PAIRS;
	for (int i = 0; i < N_PAIRS; i++) {
		give_receive(&s->pairs[i]);
		give_send(&s->pairs[i]);
	}
	assert_int_equal(loop_run(s->loop), 0);
	assert_int_equal(s->n_complete, N_PAIRS);
}

static void job_that_the_loop_waited_for_makes_no_callback(void **state)
{
	struct scene *s = *state;
	struct pair *p = s->pairs;

	s->n_wanted = N_PAIRS / 2;
	/* Before it was given there is nothing to wait for. */
	worker_pool_wait(s->pool, p->job[0]);
	assert_false(worker_pool_take_back(p->job[0]));
	for (int i = 0; i < N_PAIRS; i++)
		give_send(&s->pairs[i]);
	for (int i = 0; i < N_PAIRS; i += 2)
		worker_pool_wait(s->pool, s->pairs[i].job[0]);
	for (int i = 0; i < N_PAIRS; i += 2) {
		assert_true(worker_pool_take_back(s->pairs[i].job[0]));
		assert_int_equal(s->pairs[i].job[0]->sent, BLOCK_LEN);
	}
	/* The loop calls back for the others, and not for these. */
	for (int i = 0; i < N_PAIRS; i++)
		give_receive(&s->pairs[i]);
	assert_int_equal(loop_run(s->loop), 0);
	assert_int_equal(s->n_noticed, N_PAIRS / 2);
	for (int i = 0; i < N_PAIRS; i++)
		assert_false(worker_pool_take_back(s->pairs[i].job[0]));
}

static void one_processor_is_not_shared(void **state)
{
	cpu_set_t before, one;

	assert_int_equal(sched_getaffinity(0, sizeof(before), &before), 0);
	CPU_ZERO(&one);
	for (size_t i = 0; i < CPU_SETSIZE && !CPU_COUNT(&one); i++)
		if (CPU_ISSET(i, &before))
			CPU_SET(i, &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	assert_int_equal(worker_pool_n_threads(), 0);
	assert_int_equal(sched_setaffinity(0, sizeof(before), &before), 0);
	if (CPU_COUNT(&before) >= 4)
		assert_true(worker_pool_n_threads() >= 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(many_connections_at_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(job_that_the_loop_waited_for_makes_no_callback,
						set_up, tear_down),
		cmocka_unit_test(one_processor_is_not_shared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
