/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How often answers make this machine look at its devices. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "cmd/cli/query_reply.h"
#include "session/handshake.h"
#include "topo/path.h"

#define N_ASKS 50

static unsigned n_looks, n_paths;

int __real_topo_hold(struct topo_source *source);
int __wrap_topo_hold(struct topo_source *source);
int __wrap_topo_path(struct topo_source *source, const struct topo_flow *flow,
		     struct topo_path *out);

int __wrap_topo_hold(struct topo_source *source)
{
	n_looks++;
	return __real_topo_hold(source);
}

/* Without devices that are held each path is a look of its own. */
int __wrap_topo_path(struct topo_source *source, const struct topo_flow *flow,
		     struct topo_path *out)
{
	assert_non_null(source->held);
	n_paths++;
	memset(out, 0, sizeof(*out));
	out->end = TOPO_END_LOCAL;
	return 0;
}

static void on_note(void *arg, int level, const char *text)
{
}

struct fixture {
	struct loop *loop;
	struct listener *listener;
	struct query_reply *answers;
	union sock_addr at;
};

static void start(struct fixture *f)
{
	const struct config config = { .listen = true };
	const struct sock_options options = { .tos = -1 };
	const struct listener_where where = { &f->at, 1, &options };
	const struct listener_events events = { .note = on_note };
	const struct engine_config engine = { .session.n_subflows = 8 };
	char text[LISTENER_TEXT_LEN];

	f->at = (union sock_addr){ .in = { .sin_family = AF_INET,
					   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) } };
	assert_int_equal(loop_new(&f->loop), 0);
	assert_int_equal(listener_new(&f->listener, f->loop, &where, NULL, &events), 0);
	f->at.in.sin_port = htons(listener_port(f->listener, text));
	assert_int_equal(query_reply_new(&f->answers, f->listener, &config, &engine), 0);
}

/* On a connection of the listener's, whose end here is as good as the other. */
static void ask(struct fixture *f, uint64_t now_ns)
{
	const struct wire_hello hello = { .version_min = 1,
					  .version_max = 1,
					  .kind = WIRE_HELLO_QUERY };
	int client = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(connect(client, &f->at.sa, sizeof(f->at.in)), 0);
	query_reply_query(f->answers, (struct channel){ .fd = client }, &hello, now_ns);
}

static void questions_share_one_look(void **state)
{
	struct fixture f;

	start(&f);
	for (uint64_t i = 0; i < N_ASKS; i++)
		ask(&f, 1000 + i);
	assert_int_equal(n_paths, N_ASKS);
	assert_int_equal(n_looks, 1);
	ask(&f, 1000 + QUERY_REPLY_KEEP_NS - 1);
	assert_int_equal(n_looks, 1);
	ask(&f, 1000 + QUERY_REPLY_KEEP_NS);
	assert_int_equal(n_looks, 2);
	query_reply_free(f.answers);
	listener_free(f.listener);
	loop_free(f.loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(questions_share_one_look),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
