#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The recipes of doc/recipes.md, typed as they stand there.
#
# Each machine is a directory and a network namespace, with its name in /etc/hosts and a link to each
# other. zfs, ssh and scp are scripts that do the same between these, and /dev/vg0/disk is a loop device,
# or where there are no loop devices a file.
#
#   new 10.9.0.1 --- old 10.9.0.2 --- web 10.9.0.3 --- new
. "$(dirname "$0")/../lib.sh"
need ss ip tar gzip dd sha256sum unshare
doc=$(dirname "$(dirname "$TEST_DIR")")/doc/recipes.md
[[ -e $doc ]] || skip "there is no doc/recipes.md here"

# Outside of the namespaces: a loop device may need what they take away.
if [[ ! ${RECIPES_INSIDE-} ]]; then
	how=-mnpf
	((EUID == 0)) || how=-rmnpf
	how=(unshare "$how" --kill-child --mount-proc)
	"${how[@]}" true 2>/dev/null || skip "no namespaces"
	export RECIPES_INSIDE=1 RECIPES_DISK=
	truncate -s 12M disk
	if loop=$(losetup -f 2>/dev/null) && losetup "$loop" disk 2>/dev/null; then
		at_exit losetup -d "$loop"
		RECIPES_DISK=$loop
	fi
	status=0
	"${how[@]}" bash "$TEST_DIR/transfer/recipes.sh" || status=$?
	exit "$status"
fi

machines=(new old web)
mkdir bin
mount -t tmpfs none /run
for i in 1 2 3; do
	ip netns add "${machines[i - 1]}"
	echo "10.9.0.$i ${machines[i - 1]}"
done >hosts
mount --bind hosts /etc/hosts

at() {
	ip netns exec "$@"
}

# join I J: a link between these two machines
join() {
	local a=${machines[$1 - 1]} b=${machines[$2 - 1]}

	ip link add "to-$b" netns "$a" type veth peer name "to-$a" netns "$b"
	at "$a" ip link set "to-$b" up
	at "$b" ip link set "to-$a" up
	at "$a" ip route add "10.9.0.$2" dev "to-$b" src "10.9.0.$1"
	at "$b" ip route add "10.9.0.$1" dev "to-$a" src "10.9.0.$2"
}

for i in 1 2 3; do
	at "${machines[i - 1]}" ip link set lo up
	at "${machines[i - 1]}" ip addr add "10.9.0.$i/32" dev lo
done
join 1 2
join 2 3
join 3 1

# Stand-ins ---------------------------------------------------------------------------------------

ln -s "$MPNC" bin/mpnc
! command -v nc.openbsd >/dev/null || ln -s "$(command -v nc.openbsd)" bin/nc
# put NAME: a script for bin
put() {
	cat >"bin/$1"
	chmod +x "bin/$1"
}
put zfs <<END
#!/bin/sh
# zfs send NAME, zfs recv NAME
case \$1 in
send) cat "\$(echo "\$2" | tr '/@' __)" ;;
recv) cat >"\$(echo "\$2" | tr '/@' __).new" && mv "\$(echo "\$2" | tr '/@' __).new" "\$(echo "\$2" | tr '/@' __)" ;;
esac
END
# As the real one, it keeps the command's input open.
put ssh <<END
#!/bin/bash
cd "$WORK/\$1" && sleep 1000 | { ip netns exec "\$1" bash -c "\$2"; status=\$?; pkill -P \$\$ sleep; exit \$status; }
END
put scp <<END
#!/bin/sh
cp -p "\$2" "$WORK/\${3%:}/"
END
export PATH=$WORK/bin:$PATH

# Typing ------------------------------------------------------------------------------------------

# listens MACHINE PORT
listens() {
	[[ $(at "$1" ss -Htln "( sport = :$2 )") ]]
}

# type_line MACHINE COMMAND: a listener, and a client that comes first, go on in the background
type_line() {
	local machine=$1 line=$2

	line=${line//\/dev\/vg0\/disk/$(disk_of "$machine")}
	if [[ $line =~ mpnc\ (.*\ )?-l && $line != ssh* ]]; then
		in_machine listener "$machine" "$line"
		wait_for "$PATIENCE" "$machine listens, or has served who came first: $line" \
			eval "listens $machine 31337 || ended listener"
	elif [[ $line == *--retry\ 1m* ]]; then
		in_machine client "$machine" "$line"
	else
		in_machine line "$machine" "$line"
		expect_exit line 0
	fi
}

# in_machine NAME MACHINE COMMAND
in_machine() {
	spawn "$1" setsid ip netns exec "$2" bash -o pipefail -c "cd $2; $3" </dev/null
}

disk_of() {
	if [[ $1 == new && ${RECIPES_DISK-} ]]; then
		echo "$RECIPES_DISK"
	else
		echo "$WORK/$1/disk"
	fi
}

# type_recipe: the lines on standard input. What listens then ends by itself, unless it is a server.
type_recipe() {
	local prompt line server=

	while read -r prompt line; do
		type_line "${prompt%[#$]}" "$line"
		[[ ! $line =~ -l\ -k|while\ mpnc ]] || server=yes
	done
	[[ ! ${PID[client]-} ]] || expect_exit client 0
	if [[ $server ]]; then
		kill -TERM -- "-${PID[listener]}"
		wait "${PID[listener]}" 2>/dev/null || true
		unset 'PID[listener]'
	elif [[ ${PID[listener]-} ]]; then
		expect_exit listener 0
	fi
}

# What is there before a recipe, and what has to be there after it ----------------------------------

random_file data 5M
random_file other 1M
head -c 5M /dev/zero >zeros
cat data zeros >image
mkdir -p tree/a/b
cp data tree/a/b/file
ln -s a/b/file tree/link

arrived() {
	expect_same data "${1:-new}/disk.img"
}

directory_arrived() {
	diff -r --no-dereference tree new/directory || fail "the directories differ"
}

snapshot_arrived() {
	expect_same data new/tank_data
}

before() {
	rm -rf "${machines[@]}"
	mkdir "${machines[@]}"
	cp data old/disk.img
	cp -a tree old/directory
	cp data old/tank_data_now
	cp image old/disk
}

check_a_disk() {
	cmp -n "$(stat -c %s image)" image "$(disk_of new)" || fail "the disks differ"
}

check_a_disk_into_a_file_without_its_zeros() {
	expect_same image new/disk.img
	(($(stat -c '%b * %B' new/disk.img) < $(stat -c %s image))) || fail "the zeros were written"
}

check_with_a_checksum_of_your_own_on_the_way() {
	arrived
	expect_same <(sha256sum <data) new/disk.sum
}

check_encrypted() {
	arrived
	cmp new/mpnc.key old/mpnc.key || fail "not the same key"
}

before_both_ways_at_once() {
	cp data new/from-new
	cp other old/from-old
}

check_both_ways_at_once() {
	expect_same data old/from-new
	expect_same other new/from-old
}

before_one_file_to_many_one_after_another() {
	mv old/disk.img new/
}

check_one_file_to_many_one_after_another() {
	arrived old
	arrived web
}

before_for_machines_with_and_without_mpnc() {
	mv old/disk.img new/
}

check_for_machines_with_and_without_mpnc() {
	arrived old
	arrived web
}

before_a_file_for_each_of_many() {
	cp other web/disk.img
}

check_a_file_for_each_of_many() {
	expect_same data new/from-10.9.0.2
	expect_same other new/from-10.9.0.3
}

check_until_the_first_that_is_not_complete() {
	expect_same data new/file.0
	expect_same data new/file.1
}

before_ask_a_command() {
	mv old/disk.img new/
}

check_ask_a_command() {
	expect_same <(cd new && sha256sum disk.img) old/disk.sum
}

before_a_program_that_listens_on_a_unix_socket() {
	echo question >old/request
	start app --duplex -Nl -U "$WORK/new/app.sock" < <(echo answer) >asked
	wait_unix_listener "$WORK/new/app.sock"
}

check_a_program_that_listens_on_a_unix_socket() {
	expect_exit app 0
	expect_content old/answer answer
	expect_content asked question
}

check_from_one_network_only_with_room_for_others_and_figures() {
	arrived
	grep -q '"event": *"end".*"exit": *0' old/report.json || fail "$(<old/report.json)"
}

before_two_links_without_a_bond() {
	local i

	for i in 0 1; do
		ip link add "eth$i" netns new type veth peer name "eth$i" netns old
		at new ip addr add "10.$((i + 1)).0.1/24" dev "eth$i"
		at old ip addr add "10.$((i + 1)).0.2/24" dev "eth$i"
		at new ip link set "eth$i" up
		at old ip link set "eth$i" up
	done
}

before_from_a_web_server() {
	cp data web/disk.img
	spawn server ip netns exec web python3 -m http.server -d web -b 10.9.0.3 8080 >/dev/null
	wait_for "$PATIENCE" "the web server listens" listens web 8080
}

check_from_a_web_server() {
	stop server
	grep -aq '200 OK' old/answer || fail "$(head -n 1 old/answer)"
	expect_same data <(tail -c 5242880 old/answer)
}

check_the_state_of_the_bonds_every_day() {
	python3 -c 'import json; json.load(open("new/bond.jsonl"))' || fail "$(<new/bond.jsonl)"
	[[ -s new/bond.prom ]] || fail "--prom says nothing"
}

# -------------------------------------------------------------------------------------------------

n=0
while read -r title; do
	recipe=${title,,}
	recipe=${recipe//[^a-z ]/}
	recipe=${recipe// /_}
	section "$title"
	before
	[[ $(type -t "before_$recipe") != function ]] || "before_$recipe"
	type_recipe < <(sed -n "/^## $title\$/,/^## /{/^[a-z]*[#$] /p}" "$doc")
	if [[ $(type -t "check_$recipe") == function ]]; then
		"check_$recipe"
	elif [[ -e new/directory ]]; then
		directory_arrived
	elif [[ -e new/tank_data ]]; then
		snapshot_arrived
	else
		arrived
	fi
	n=$((n + 1))
done < <(sed -n 's/^## //p' "$doc")
((n > 20)) || fail "only $n recipes were found"
