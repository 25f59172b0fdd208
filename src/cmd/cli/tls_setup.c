/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/cli/tls_setup.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>

#include "cmd/cli/resolve_args.h"
#include "ui/log.h"

int tls_setup_open(const struct config *c, struct tls_context **out)
{
	struct tls_config config = { .server = c->listen,
				     .key_file = c->key_file,
				     .key_dir = c->key_dir,
				     .cert = c->cert,
				     .private_key = c->private_key,
				     .ca = c->ca,
				     .name = c->cert_name };
	char why[TLS_TEXT_LEN];
	int r;

	*out = NULL;
	if (!c->key_file && !c->key_dir && !c->cert)
		return 0;
	if (c->cert && !c->listen && !c->cert_name && resolve_args_is_list(c->host)) {
		log_error(
			"several hosts and a certificate: --name has to say which name the peer's "
			"has");
		return -EINVAL;
	}
	/* RLIMIT_CORE would neither stop a core that goes into a pipe nor spare our children. */
	prctl(PR_SET_DUMPABLE, 0);
	/* Whoever is connected to should have the name that was asked for. */
	if (!c->listen && !config.name)
		config.name = c->host;
	r = tls_context_new(out, &config, why);
	if (r)
		log_error("%s", why);
	return r;
}
