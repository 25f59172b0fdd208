/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/bench/bench_print.h"

#include <errno.h>
#include <string.h>

#include "cmd/cli/json.h"
#include "ui/log.h"

int bench_print_open(struct bench_print *p, const struct config *config)
{
	*p = (struct bench_print){ .text = stdout };
	if (!config->json)
		return 0;
	if (!config->json_file) {
		p->text = NULL;
		p->json = stdout;
		return 0;
	}
	p->json = fopen(config->json_file, "we");
	if (p->json)
		return 0;
	log_error("bench: cannot write %s: %s", config->json_file, strerror(errno));
	return -errno;
}

int bench_print_close(struct bench_print *p)
{
	bool failed = (p->text && (fflush(p->text) || ferror(p->text))) ||
		      (p->json && (fflush(p->json) || ferror(p->json)));

	json_decref(p->interval_array);
	p->interval_array = NULL;
	if (p->json && p->json != stdout && fclose(p->json))
		failed = true;
	if (!failed)
		return 0;
	log_error("bench: cannot write the results");
	return -EIO;
}

void bench_print_start(struct bench_print *p, struct bench_ways ways, bool intervals)
{
	p->ways = ways;
	p->intervals = intervals;
	json_decref(p->interval_array);
	p->interval_array = p->json ? json_array() : NULL;
}

void bench_print_interval(struct bench_print *p, const struct measure_state *before,
			  const struct measure_state *now)
{
	if (p->json)
		p->interval_array =
			json_add(p->interval_array, bench_json_interval(p->ways, before, now));
	if (!p->text || !p->intervals)
		return;
	bench_show_interval(p->text, p->ways, before, now);
	fflush(p->text);
}

void bench_print_json(struct bench_print *p, json_t *object)
{
	if (json_print(p->json, object))
		log_error("bench: out of memory");
	fflush(p->json);
}

void bench_print_end(struct bench_print *p, const struct measure *m, const char *role)
{
	if (p->json) {
		bench_print_json(p, bench_json_run(p->ways, m, role, p->interval_array));
		p->interval_array = NULL;
	}
	if (!p->text)
		return;
	bench_show_end(p->text, p->ways, m);
	fflush(p->text);
}
