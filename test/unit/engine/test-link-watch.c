/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changes of the peer's links: each is noticed, and a storm of them costs little. Those of our own
 * need a bond, which the lab has. */
#include "session-peer.h"

#include "engine/link_watch.h"

#define STORM 10000

struct watcher {
	struct loop *loop;
	struct session *session;
	struct link_watch *links;
	struct loop_timer end;
	unsigned n_changed;
};

static void news(void *arg)
{
}

static void changed(void *arg, bool plans)
{
	struct watcher *w = arg;

	w->n_changed++;
}

static void end_fired(struct loop_timer *timer)
{
	struct watcher *w = timer->arg;

	loop_stop(w->loop);
}

static void run_for(struct watcher *w, uint64_t ns)
{
	loop_set_timer(w->loop, &w->end, loop_update(w->loop) + ns);
	assert_int_equal(loop_run(w->loop), 0);
}

static void peer_tells(struct watcher *w, uint16_t slot, uint64_t serial)
{
	const struct wire_facts facts = { .kind = WIRE_FACTS_PLAIN,
					  .n_links = 1,
					  .usable = 1,
					  .name = "eth0",
					  .link = { { "eth0", (uint32_t)serial } } };
	uint8_t frame[256];
	size_t n = wire_put_facts(frame, sizeof(frame), serial, &facts);

	assert_int_equal(feed(w->session, slot, frame, n, MS), 0);
	link_watch_heard(w->links);
}

static void test_storm_of_changes(void **state)
{
	struct watcher w = { 0 };
	const struct link_watch_events events = { .news = news, .changed = changed, .arg = &w };
	const struct pathmgr_config config = { 0 };
	struct side_stats here, there;
	uint64_t begin, took;
	uint16_t slot;

	assert_int_equal(loop_new(&w.loop), 0);
	w.session = server(&slot);
	assert_int_equal(link_watch_new(&w.links, w.loop, w.session, &config, &events), 0);
	w.end = (struct loop_timer){ .fn = end_fired, .arg = &w, .due_ns = LOOP_NEVER };
	begin = loop_update(w.loop);
	run_for(&w, MS);
	link_watch_heard(w.links);
	run_for(&w, MS);
	assert_int_equal(w.n_changed, 0);
	for (uint64_t i = 1; i <= STORM; i++) {
		peer_tells(&w, slot, i);
		if (i % 100 == 0)
			run_for(&w, MS);
	}
	run_for(&w, 2 * LINK_WATCH_LOOK_NS);
	took = loop_update(w.loop) - begin;
	assert_in_range(w.n_changed, 1, took / LINK_WATCH_LOOK_NS + 1);
	pathmgr_stats(link_watch_paths(w.links), session_peer_links(w.session), &here, &there);
	assert_int_equal(there.link[0].speed, STORM);
	link_watch_free(w.links);
	session_free(w.session);
	loop_free(w.loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_storm_of_changes) };

	return cmocka_run_group_tests(tests, fill_payload, NULL);
}
