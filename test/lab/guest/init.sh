#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The guest's first process: runs the scenario with its output on the second serial port, then ends
# the machine.
export PATH=/usr/bin HOME=/root LC_ALL=C
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mount -t tmpfs tmpfs /run
mount -t tmpfs -o mode=1777,size=90% tmpfs /tmp
ln -s /proc/self/fd /dev/fd
mkdir -p /run/netns /run/teamd
stty -F /dev/ttyS1 115200 raw -echo
exec </dev/null >/dev/ttyS1 2>&1

# shellcheck source=/dev/null
. /lab/env
cd /tmp || exit
bash /lab/scenario.sh

# Closing the port waits until all was sent.
exec >/dev/null 2>&1
echo b >/proc/sysrq-trigger
