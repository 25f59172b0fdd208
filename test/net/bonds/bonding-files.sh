#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Copies of /proc/net/bonding/NAME, as people put them into reports: each value that mpnc reads from them is what a
# reader of its own finds there.
. "$(dirname "$0")/../lib.sh"
need python3

files=("$TEST_DIR"/../fixtures/bonding/*)
((${#files[@]} >= 29)) || fail "there are ${#files[@]} files only"

section "each file as it is, pasted with blanks before it, and with CR LF"
mkdir pasted dos
for file in "${files[@]}"; do
	sed 's/^/    /' "$file" >"pasted/${file##*/}"
	sed 's/$/\r/' "$file" >"dos/${file##*/}"
done
python3 "$TEST_DIR/bonding-file.py" "$MPNC" "${files[@]}" pasted/* dos/* >differ || fail "$(<differ)"

section "the bond has the name of its file; standard input has none"
mkdir bonding
cp "${files[0]}" bonding/bond7
run 0 status status --from bonding/bond7 >table
grep -q '^bond7: ' table || fail "$(<table)"
run 0 status status --from - <bonding/bond7 >table
grep -q '^bond: ' table || fail "$(<table)"

section "all of a directory, by name"
cp "${files[1]}" bonding/bond1
echo "no bond" >bonding/README
run 0 status status --from bonding >table
[[ $(sed -nE 's/^(\w+): .*/\1/p' table) == $'bond1\nbond7' ]] || fail "$(<table)"

section "what is none, or several"
for file in /dev/null bonding/README; do
	run 2 status status --from "$file" >table
	expect_log status "^mpnc: status: --from $file: no copy of /proc/net/bonding/NAME is in it\. Make one: cat "
done
cat bonding/bond* >both
run 2 status status --from both >table
expect_log status 'several bonds are in one file'
run 2 status status --from missing >table
expect_log status 'No such file or directory'
head -c 2000000 /dev/zero | tr '\0' 'x' >large
run 2 status status --from large >table
expect_log status 'File too large'

section "explain takes the bond of a file for the source's"
# explains LINK FILE PORT ARG...: the link for a connection from this port
explains() {
	run 0 explain explain --from "$TEST_DIR/../fixtures/bonding/$2" "${@:4}" "10.1.0.1:$3" 10.1.0.77:5201 >line
	grep -qE "^  sent: +$1" line || fail "$2, port $3: not $1, but $(<line)"
	grep -q "^  reverse: not predictable: the peer's bond" line || fail "$(<line)"
}
explains 'eth0, link 0: 802.3ad: .* 0x0e84a4ea ' lacp-switch-slow 40000
explains 'eth1, link 1: 802.3ad: .* 0x0e84a5eb ' lacp-switch-slow 40002
explains 'eth0, link 0: it is the only usable link of 2' lacp-stale-key 40002
explains 'eth1, link 1: active-backup' active-backup-slow-active 40000
explains 'not predictable: the driver chooses links by their load' tlb-five-ten 40000
run 2 explain explain --from "$TEST_DIR/../fixtures/bonding" 10.1.0.1:1 10.1.0.77:1
expect_log explain 'name the file of one'
run 2 explain explain --from bonding/bond7 --links 2 10.1.0.1:1 10.1.0.77:1
expect_log explain '^mpnc: explain: --links needs --policy$'
