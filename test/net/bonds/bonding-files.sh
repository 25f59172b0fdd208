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
