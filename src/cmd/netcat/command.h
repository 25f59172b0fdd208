/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * command.h - mpnc send and mpnc recv: one stream, from or to a command whose failure both ends see
 */
#pragma once

/* argv[0] is the verb. Each returns the exit status. */
int command_send_main(int argc, char *argv[]);
int command_recv_main(int argc, char *argv[]);
