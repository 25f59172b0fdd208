#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What bash and zsh complete on the command line, by the scripts that the program makes.
. "$(dirname "$0")/../lib.sh"

mkdir bin keys
ln -s "$MPNC" bin/mpnc
PATH=$WORK/bin:$PATH
touch file.key other.txt

run 0 it help completion bash </dev/null >mpnc.bash
run 0 it help completion zsh </dev/null >_mpnc
run 2 it help completion csh </dev/null
run 2 it help completion </dev/null

"$MPNC" --help >help.txt
grep -oE -- '(^|[^[:alnum:]-])--[a-z][a-z-]*' help.txt | sed 's/^[^-]*//' | sort -u >long.txt
sed -nE 's/^  (-[a-zA-Z0-9]) .*/\1/p' help.txt >letters.txt
[[ -s long.txt && -s letters.txt ]] || fail "--help shows no options"

section "bash"
# bash_completes WORD...: for the last of these words, into the file got
bash_completes() {
	# shellcheck disable=SC2016 # the other shell's
	HOSTFILE=$WORK/hosts bash --norc -c '
		. ./mpnc.bash
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		_mpnc mpnc
		printf "%s\n" "${COMPREPLY[@]}"' bash "$@" 2>&1 | sort >got
}

# completed WORD...: all of these
completed() {
	local word

	for word; do
		grep -qxF -e "$word" got || fail "\"$word\" is not among: $(tr '\n' ' ' <got)"
	done
}

# nothing_else WORD...: these and nothing else
nothing_else() {
	completed "$@"
	(($(wc -l <got) == $#)) || fail "more than $*: $(tr '\n' ' ' <got)"
}

echo '10.9.0.1 storage-host' >hosts
bash -n mpnc.bash
bash -c '. ./mpnc.bash; complete -p mpnc' >got
grep -q -- '-F _mpnc mpnc' got || fail "nothing is registered: $(<got)"
bash_completes mpnc --
comm -23 long.txt got >missing
expect_empty missing "long options of --help that are not completed"
bash_completes mpnc -
completed -4 -6 -d -z
bash_completes mpnc --send
nothing_else --send-only
bash_completes mpnc -l --send
nothing_else --send-only
bash_completes mpnc doct
nothing_else doctor
bash_completes mpnc stor
nothing_else storage-host
bash_completes mpnc -v stor
nothing_else storage-host
bash_completes mpnc host 80 doct
nothing_else ''

section "... arguments"
bash_completes mpnc --key file
nothing_else file.key
bash_completes mpnc -l --key = file
nothing_else file.key
bash_completes mpnc --key-dir ''
nothing_else bin keys
bash_completes mpnc -P ''
nothing_else auto
bash_completes mpnc -vP ''
nothing_else auto
bash_completes mpnc --progress =
nothing_else always auto never
bash_completes mpnc --progress = al
nothing_else always
bash_completes mpnc --progress al # no argument of it
nothing_else ''
bash_completes mpnc -e sha256s
completed sha256sum
bash_completes mpnc -w ''
nothing_else ''

section "... tools"
bash_completes mpnc help ''
completed completion doctor explain recv send status
bash_completes mpnc help completion ''
nothing_else bash zsh
for tool in doctor explain status; do
	"$MPNC" help "$tool" | grep -oE -- '--[a-z][a-z-]*' | sort -u >wanted
	[[ -s wanted ]] || fail "help $tool shows no options"
	bash_completes mpnc "$tool" --
	comm -23 wanted got >missing
	expect_empty missing "options of $tool that are not completed"
done
bash_completes mpnc send --key file
nothing_else file.key
bash_completes mpnc send host 1 -- sha256s
completed sha256sum
bash_completes mpnc recv -l 1 -- oth
nothing_else other.txt

section "zsh: what it is given"
if ! command -v zsh >/dev/null; then
	[[ ${CI-} != true ]] || fail "zsh is not installed"
	section "... is left out, as zsh is not installed"
	exit 0
fi
zsh -n _mpnc
# _arguments itself refuses a specification that it does not understand; this one shows them.
cat >show.zsh <<'END'
_arguments() { print -rl -- "$@" }
complete() {
	local -a words=(mpnc --)
	local CURRENT=2
	. ./_mpnc
}
complete
END
zsh -f show.zsh >specs 2>&1 || fail "zsh: $(<specs)"
while read -r option; do
	grep -qE -- "^[^[]*$option([=+][-]?)?\\[" specs || fail "zsh is not given $option: $(<specs)"
done < <(cat long.txt letters.txt)

section "... what it completes on a terminal"
# zsh_completes TEXT: what stands on the line after the tabulator, into got
zsh_completes() {
	cat >ask.zsh <<'END'
zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z "PS1=; fpath=($PWD \$fpath); autoload -U compinit; compinit -u -d $PWD/dump"
zpty -w z "bindkey '^X' show-line; zle -N show-line; show-line() { print -r -- \"<\$BUFFER>\" >>$PWD/line; zle send-break }; : >$PWD/ready"
while [[ ! -e ready ]]; do zpty -rt z text; done
zpty -wn z "$1"$'\t\x18'
while [[ ! -s line ]]; do zpty -rt z text; done
zpty -d z
END
	rm -f line ready
	timeout $((PATIENCE)) zsh -f ask.zsh "$1" >zsh.log 2>&1 || fail "zsh did not answer: $(<zsh.log)"
	sed -nE 's/^<(.*[^ ]) *>$/\1/p' line >got
}

zsh_completes 'mpnc --send'
expect_content got 'mpnc --send-only'
zsh_completes 'mpnc -l --key fil'
expect_content got 'mpnc -l --key file.key'
zsh_completes 'mpnc --progress=al'
expect_content got 'mpnc --progress=always'
zsh_completes 'mpnc doct'
expect_content got 'mpnc doctor'
zsh_completes 'mpnc status --js'
expect_content got 'mpnc status --json'
zsh_completes 'mpnc send --recon'
expect_content got 'mpnc send --reconnect='
