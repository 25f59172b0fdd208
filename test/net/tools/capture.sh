#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What passes between two hosts when there is a key, seen on the wire between them: TLS 1.3, and nothing
# else.
#
#   namespace of this test --- veth "wire" --- namespace peer
#      10.9.0.1, sender                          10.9.0.2, listener
if [[ ! ${CAPTURE_INSIDE:-} ]]; then
	if ! unshare -rmn true 2>/dev/null; then
		echo "capture: skipped: this machine allows no namespaces (unshare -rmn)" >&2
		exit 77
	fi
	CAPTURE_INSIDE=1 TEST_NETWORK=own exec unshare -rmn bash "$0"
fi
. "$(dirname "$0")/../lib.sh"
need ip tshark python3

mount -t tmpfs none /run
ip netns add peer
ip link add wire type veth peer name wire netns peer
ip addr add 10.9.0.1/24 dev wire
ip link set wire up
ip -n peer addr add 10.9.0.2/24 dev wire
ip -n peer link set wire up

run 0 it genkey key
yes 'a line that can be recognised' | head -c 4M >text || true

# Everything on the wire, sent slowly enough that the capture keeps up. tshark says that it captures before
# it does: it does when its socket is bound.
capture() {
	spawn capture tshark -q -B 16 -i wire -w wire.pcap </dev/null
	wait_for "$PATIENCE" "the capture runs" captures
}
captures() {
	awk '$4 == "0003" && $6 == 1 { found = 1 } END { exit !found }' /proc/net/packet
}
capture
spawn rx ip netns exec peer "$MPNC" -l -v --key key 10.9.0.2 0 </dev/null >out
wait_port rx
run 0 tx -P 4 --rate 4M --key key 10.9.0.2 "$PORT" <text
expect_exit rx 0
expect_same text out
captured() {
	(($(tshark -r wire.pcap -Y 'tcp.flags.fin == 1 || tcp.flags.reset == 1' -T fields -e tcp.stream 2>/dev/null | sort -u | wc -l) == 4))
}
wait_for "$PATIENCE" "the ends of four connections are captured" captured
stop capture INT

# of FIELD...: these fields of each packet of TCP; those of a packet's records are separated by commas
of() {
	local fields=()

	for field; do
		fields+=(-e "$field")
	done
	tshark -r wire.pcap -d "tcp.port==$PORT,tls" -Y "${filter:-tcp}" -T fields "${fields[@]}" 2>/dev/null
}
values() {
	of "$1" | tr ',' '\n' | sed '/^$/d' | sort -u | tr '\n' ' '
}

section "nothing but TCP between the two ports, and nothing in it but whole records of TLS"
[[ $(filter='ip && !tcp' of frame.number) == '' ]] || fail "there is something beside TCP"
[[ $(filter="ip && !tcp.port == $PORT" of frame.number) == '' ]] || fail "there are other connections"
[[ $(values tcp.stream | wc -w) == 4 ]] || fail "not four connections: $(values tcp.stream)"
bytes=$(filter='!tcp.analysis.retransmission' of tcp.len | awk '{ n += $1 } END { print n }')
in_records=$(of tls.record.length | tr ',' '\n' | awk '/./ { n += $1 + 5 } END { print n }')
((bytes > 4 << 20)) || fail "only $bytes bytes were captured"
((bytes == in_records)) || fail "of $bytes bytes $in_records are in records"

section "TLS 1.3: only the two HELLOs are readable"
# 20 change_cipher_spec, 22 handshake, 23 all that is encrypted
for type in $(values tls.record.content_type); do
	[[ $type == 2[023] ]] || fail "there is a record of type $type"
done
[[ $(values tls.handshake.type) == '1 2 ' ]] || fail "readable: handshake messages $(values tls.handshake.type)"
version=$(filter='tls.handshake.type == 2' of tls.handshake.extensions.supported_version | sort -u)
[[ $version == 0x0304 ]] || fail "the version is $version"

section "not a byte of payload, nor the key"
grep -aq 'recognised' wire.pcap && fail "the data can be read"
grep -aq 'mpnc/1' wire.pcap && fail "frames can be read"
shows_key wire.pcap key && fail "the key passed"

section "the same without a key can be read: this test would have seen it"
rm wire.pcap
capture
spawn rx ip netns exec peer "$MPNC" -l -v 10.9.0.2 0 </dev/null >out
wait_port rx
run 0 tx --rate 4M 10.9.0.2 "$PORT" < <(head -c 64K text)
expect_exit rx 0
seen() {
	grep -aqs 'recognised' wire.pcap && grep -aqs 'mpnc/1' wire.pcap
}
wait_for "$PATIENCE" "the data can be read" seen
stop capture INT
