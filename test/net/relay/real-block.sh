#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A relay before block devices of a network: a disk is written, read back and compared, by NBD and by iSCSI.
# shellcheck source=test/net/lib.sh
. "$(dirname "$0")/../lib.sh"
PATH=$PATH:/usr/sbin
need qemu-img qemu-nbd tgtd tgtadm ss
SIZE=$((48 << 20))

random_file disk "$SIZE"
# Discards and writes of zeros are commands of their own.
dd if=/dev/zero of=disk bs=1M seek=10 count=8 conv=notrunc status=none

# img ARG...
img() {
	qemu-img "$@" >qemu-img.out 2>qemu-img.err || fail "qemu-img $1: exit status $?"
}

# through URL: the disk goes there, many requests at a time and out of order, and comes back
through() {
	img convert -n -W -m 16 -f raw -O raw disk "$1"
	img compare -f raw -F raw disk "$1"
	img convert -f raw -O raw "$1" back
	expect_same disk back
	rm back
}

section "NBD"
truncate -s "$SIZE" served
TARGET=$(free_ports 1)
spawn nbd qemu-nbd -f raw -t -e 8 -b 127.0.0.1 -p "$TARGET" served </dev/null
wait_listener "$TARGET"
relay_pair 127.0.0.1:0
through "nbd://127.0.0.1:$NEAR"
expect_same disk served
stop_pair
stop nbd TERM

section "iSCSI"
if ! qemu-img --help | grep -q '^Supported formats:.* iscsi'; then
	skip "qemu-img has no iSCSI (qemu-block-extra)"
fi
rm served && truncate -s "$SIZE" served
TARGET=$(free_ports 1)
export TGT_IPC_SOCKET=$WORK/tgtd.sock
spawn tgtd tgtd -f --iscsi "portal=127.0.0.1:$TARGET" </dev/null >&2
wait_listener "$TARGET"
# admin ARG...
admin() {
	tgtadm --lld iscsi --tid 1 "$@" >&2 2>tgtadm.err || fail "tgtadm $*: exit status $?"
}
wait_unix_listener "$TGT_IPC_SOCKET.0"
admin --op new --mode target -T iqn.2000-01.test:disk
admin --op new --mode logicalunit --lun 1 -b "$WORK/served"
admin --op bind --mode target -I ALL
relay_pair 127.0.0.1:0
through "iscsi://127.0.0.1:$NEAR/iqn.2000-01.test:disk/1"
expect_same disk served
stop_pair
stop tgtd
