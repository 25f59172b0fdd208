#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# ssh, scp and sftp to a real server, by mpnc in place of ssh's own connection: the lines of doc/relay.md, typed
# as they stand there. Server and client are one machine, named server, that has a network of its own.
if [[ ! ${SSH_INSIDE-} && $EUID == 0 ]] && unshare -mn true 2>/dev/null; then
	SSH_INSIDE=1 TEST_NETWORK=own exec unshare -mn bash "$0"
fi
# shellcheck source=test/net/lib.sh
. "$(dirname "$0")/../lib.sh"
[[ ${SSH_INSIDE-} ]] || skip "sshd takes root and namespaces"
PATH=$PATH:/usr/sbin
need sshd ssh scp sftp ssh-keygen ip ss
doc=$(dirname "$(dirname "$TEST_DIR")")/doc/relay.md
[[ -e $doc ]] || skip "there is no doc/relay.md here"

ip link set lo up
mount -t tmpfs none /run
mkdir /run/sshd
echo '127.0.0.1 server localhost' >hosts
mount --bind hosts /etc/hosts

mkdir bin home
ln -s "$MPNC" bin/mpnc
ssh-keygen -q -t ed25519 -N '' -f host_key
ssh-keygen -q -t ed25519 -N '' -f user_key
cat >sshd_config <<END
ListenAddress 127.0.0.1:22
HostKey $WORK/host_key
AuthorizedKeysFile $WORK/user_key.pub
StrictModes no
PermitRootLogin yes
UsePAM no
PasswordAuthentication no
Subsystem sftp internal-sftp -d $WORK/home
END
cat >ssh_config <<END
Host *
	IdentityFile $WORK/user_key
	IdentitiesOnly yes
	UserKnownHostsFile $WORK/known_hosts
	BatchMode yes
END
echo "server $(<host_key.pub)" >known_hosts
# Those that are typed know only this test's files.
for program in ssh scp sftp; do
	printf '#!/bin/sh\nexec %s -F %s "$@"\n' "$(command -v "$program")" "$WORK/ssh_config" >"bin/$program"
	chmod +x "bin/$program"
done
export PATH=$WORK/bin:$PATH

spawn sshd "$(command -v sshd)" -D -e -f "$WORK/sshd_config" </dev/null
wait_listener 22

# typed MACHINE: the doc's line that is typed there
typed() {
	sed -n "/^## scp/,/^## Unix/s/^$1\\$ //p" "$doc"
}

section "$(typed server)"
[[ $(typed server) == 'mpnc relay '* ]] || fail "not found in doc/relay.md"
random_file disk.img 24M
spawn far bash -c "exec $(typed server) -v" </dev/null
wait_port far

section "$(typed client)"
[[ $(typed client) == 'scp '* ]] || fail "not found in doc/relay.md"
bash -c "$(typed client)" 2>scp.err || fail "scp: exit status $?"
expect_same disk.img home/disk.img

section "the lines for ssh's configuration: scp back, sftp, and a command both ways"
# shellcheck disable=SC2016 # the doc's
sed -n '/^Host server$/,/^```/{/^```/!p}' "$doc" >lines
grep -q ProxyCommand lines || fail "not found in doc/relay.md"
cat lines >>ssh_config
scp "server:disk.img" back.img 2>scp.err || fail "scp: exit status $?"
expect_same disk.img back.img
echo "put disk.img by-sftp.img" | sftp -b - server >sftp.err 2>&1 || fail "sftp: exit status $?"
expect_same disk.img home/by-sftp.img
# shellcheck disable=SC2029 # it is known here
ssh server "tee '$WORK/home/by-tee'; exit 7" <disk.img >back.img 2>ssh.err && fail "the command's status is lost"
expect_same disk.img home/by-tee
expect_same disk.img back.img

section "not one byte of mpnc on the terminal, neither of ssh nor of scp"
# on_terminal COMMAND ARG...
on_terminal() {
	spawn terminal "$TEST_DIR/terminal.py" record screen 100 "$@" >out
	expect_exit terminal 0
	expect_empty screen
}
on_terminal "$WORK/bin/ssh" server 'sleep 1; echo hi'
expect_content out hi
on_terminal "$WORK/bin/scp" -q disk.img server:by-scp.img

section "many small things at once over one ssh"
echo "Host *" >>ssh_config
printf '\tControlMaster auto\n\tControlPath %s/control\n\tControlPersist yes\n' "$WORK" >>ssh_config
for i in 1 2 3 4; do
	spawn "ssh$i" ssh server "echo $i; cat" < <(echo "input $i") >"answer$i"
done
for i in 1 2 3 4; do
	expect_exit "ssh$i" 0
	expect_content "answer$i" "$i"$'\n'"input $i"
done

section "rsync over it"
if command -v rsync >/dev/null; then
	mkdir tree
	cp disk.img tree/
	seq 1000 | while read -r i; do echo "$i" >"tree/$i"; done
	rsync -a -e "$WORK/bin/ssh" tree "server:$WORK/home/" 2>rsync.err || fail "rsync: exit status $?"
	diff -r tree home/tree || fail "the trees differ"
else
	section "... is left out, as rsync is not installed"
fi

ssh -O exit server 2>ssh.err || fail "ssh -O exit: exit status $?"
kill -TERM "${PID[far]}"
expect_exit far 0
expect_log far '[0-9]+ sessions: 0 running, 0 failed'
