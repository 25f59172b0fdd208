#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A relay before rsync's daemon: a tree there and back, and what has changed of it.
# shellcheck source=test/net/lib.sh
. "$(dirname "$0")/../lib.sh"
need rsync ss

mkdir -p tree/a/b/c served
random_file tree/big 24M
random_file tree/a/odd 1048577
: >tree/a/empty
ln -s ../big tree/a/link
for ((i = 0; i < 500; i++)); do
	echo "number $i" >"tree/a/b/c/file $i"
done
chmod 640 tree/big
touch -d '2001-02-03 04:05:06' tree/a/odd

TARGET=$(free_ports 1)
cat >rsyncd.conf <<END
use chroot = no
munge symlinks = no
uid = $(id -u)
gid = $(id -g)
[tree]
path = $WORK/served
read only = no
END
spawn rsyncd rsync --daemon --no-detach --config=rsyncd.conf --address=127.0.0.1 --port="$TARGET" </dev/null
wait_listener "$TARGET"
relay_pair 127.0.0.1:0
url=rsync://127.0.0.1:$NEAR/tree/

# copy FROM TO: and then nothing differs, names, contents, links, modes and times
copy() {
	rsync -a --delete "$1" "$2" 2>rsync.err >&2 || fail "rsync: exit status $?"
	rsync -ani --delete --checksum "$1" "$2" >differences 2>rsync.err || fail "rsync: exit status $?"
	expect_empty differences "$1 and $2 are not the same"
}

section "there"
copy tree/ "$url"
diff -r --no-dereference tree served || fail "the trees differ"

section "and back"
copy "$url" back/
diff -r --no-dereference tree back || fail "the trees differ"

section "what has changed since"
printf changed | dd of=tree/big bs=1 seek=12345678 conv=notrunc status=none
# rsync compares whole seconds, and all of this may have taken less than one.
touch -d '2002-03-04 05:06:07' tree/big
rm tree/a/b/c/file*1
copy tree/ "$url"
diff -r --no-dereference tree served || fail "the trees differ"
copy "$url" back/
diff -r --no-dereference tree back || fail "the trees differ"

section "it was the relay that carried this"
kill -USR1 "${PID[near]}"
wait_log near '[0-9]+ sessions: 0 running, 0 failed, 0 refused; sent [0-9.]+ MiB, received [0-9.]+ MiB'
stop_pair
