#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# spf: sources against a real name server.

load ../helpers/common
load ../helpers/daemon

setup() {
	D=$BATS_TEST_TMPDIR
	mkdir "$D/lists.d" "$D/var"
	PORT=$(free_port)
	cat >"$D/tarpit-lists.conf" <<-END
		[Lists]
		Directory=$D/lists.d
		Output=$D/var/lists.cdb
		State=$D/var/lists
		GeoIp=$D/geoip.conf
		Resolver=127.0.0.1:$PORT
	END
	RECORDS=()
}

teardown() {
	stop_daemons
}

lists() {
	"$BUILD/tarpit-lists" --config "$D/tarpit-lists.conf" "$@"
}

# txt NAME STRING...: a TXT record to be served; address NAME ADDRESS; mx NAME
# HOST.
txt() {
	local strings
	strings=$(printf ',%s' "${@:2}")
	RECORDS+=("--txt-record=$1$strings")
}
address() { RECORDS+=("--host-record=$1,$2"); }
mx() { RECORDS+=("--mx-host=$1,$2,10"); }

start_dns() {
	start_daemon dns dnsmasq --keep-in-foreground --conf-file=/dev/null \
		--port="$PORT" --listen-address=127.0.0.1 --bind-interfaces \
		--no-resolv --no-hosts --user="$(id -un)" --pid-file= \
		--local=/test/ "${RECORDS[@]}"
	wait_for_port dns "$PORT"
}

senders() {
	printf '[List]\nKind=allow\nSource=%s\n' "$*" >"$D/lists.d/senders.conf"
	touch -d '1 hour ago' "$D/lists.d/senders.conf"
}

again() {
	sed -i 's/^tried=.*/tried=1/' "$D/var/lists/senders.state"
}

@test "spf: networks, includes, redirects, hosts and mail hosts" {
	txt big.test 'v=spf1 ip4:192.0.2.0/24 include:_spf.big.test a:out.big.test/28 mx ?ip4:203.0.113.1 -all'
	txt _spf.big.test 'v=spf1 ip6:2001:db8::/32 redirect=_more.big.test'
	txt _more.big.test 'other' # no SPF, beside
	txt _more.big.test 'v=spf1 ip4:198.51.' '100.7 ~all'
	address out.big.test 203.0.113.40
	mx big.test mx.big.test
	RECORDS+=("--host-record=mx.big.test,203.0.113.99,2001:db9::25")
	start_dns
	senders spf:big.test
	lists update
	[ "$(lists query 192.0.2.9)" = "senders	allow	192.0.2.0/24" ]
	[ "$(lists query 198.51.100.7)" = "senders	allow	198.51.100.7/32" ]
	[ "$(lists query 203.0.113.33)" = "senders	allow	203.0.113.32/28" ]
	[ "$(lists query 203.0.113.99)" = "senders	allow	203.0.113.99/32" ]
	[ "$(lists query 2001:db8:1::1)" = "senders	allow	2001:db8::/32" ]
	[ "$(lists query 2001:db9::25)" = "senders	allow	2001:db9::25/128" ]
	run lists query 203.0.113.1
	[ "$status" -eq 1 ]
}

@test "spf: several domains make one list, one that is wrong leaves only itself out" {
	txt a.test 'v=spf1 ip4:192.0.2.1 -all'
	txt b.test 'v=spf1 ip4:192.0.2.2 -all'
	start_dns
	senders spf:a.test spf:none.test spf:b.test
	run lists update
	[ "$status" -eq 0 ]
	[[ $output == *"spf:none.test: none.test: has no SPF record; left out"* ]]
	lists query 192.0.2.1
	lists query 192.0.2.2
}

@test "spf: a domain that fails keeps what it last said" {
	txt a.test 'v=spf1 ip4:192.0.2.1 -all'
	txt b.test 'v=spf1 ip4:192.0.2.2 -all'
	start_dns
	senders spf:a.test spf:b.test
	lists update
	stop_daemon dns
	RECORDS=()
	txt a.test 'v=spf1 ip4:192.0.2.9 -all'
	txt b.test 'v=spf1 +all'
	start_dns
	again
	run lists update
	[ "$status" -eq 0 ]
	[[ $output == *"spf:b.test: b.test: lets everybody send; what it last said stands"* ]]
	lists query 192.0.2.9
	lists query 192.0.2.2
}

@test "spf: a domain that lets half of the world send is left out alone, and not advised to be let in" {
	txt a.test 'v=spf1 ip4:192.0.2.1 -all'
	txt b.test 'v=spf1 ip4:128.0.0.0/1 -all'
	start_dns
	senders spf:a.test spf:b.test
	run lists update
	[ "$status" -eq 0 ]
	[[ $output == *"spf:b.test: lets 128.0.0.0/1 send"*"; left out"* ]]
	[[ $output != *AllowWide* ]]
	lists query 192.0.2.1
	run lists query 192.0.2.2
	[ "$status" -eq 1 ]
	run lists status
	[ "$status" -eq 0 ]
	[[ $output == *"senders: as far as it answers; left out or as before: spf:b.test: lets 128.0.0.0/1 send"* ]]
	# What it last said stands, whatever way it says that.
	local record sum
	sum=$(seq -f 'ip4:%.0f.0.0.0/8' 60 77 | xargs)
	for record in 'ip4:0.0.0.0/0' 'a/0' 'ip6:::/0' 'include:wide.test' \
		'ip4:0.0.0.0/1 ip4:128.0.0.0/1' "$sum"; do
		stop_daemon dns
		RECORDS=()
		txt a.test 'v=spf1 ip4:192.0.2.1 -all'
		txt b.test 'v=spf1 ip4:192.0.2.2 -all'
		address b.test 203.0.113.9
		start_dns
		again
		lists update
		stop_daemon dns
		RECORDS=()
		txt a.test 'v=spf1 ip4:192.0.2.9 -all'
		txt b.test "v=spf1 $record -all"
		txt wide.test 'v=spf1 ip4:64.0.0.0/2 -all'
		address b.test 203.0.113.9
		start_dns
		again
		run lists update
		echo "$record: $output"
		[ "$status" -eq 0 ]
		[[ $output == *"spf:b.test: "*"; what it last said stands"* ]]
		lists query 192.0.2.9
		lists query 192.0.2.2
		run lists query 8.8.8.8
		[ "$status" -eq 1 ]
	done
}

@test "spf: what follows all is neither taken nor looked up" {
	txt a.test 'v=spf1 ip4:192.0.2.0/24 -all ip4:203.0.113.0/24 include:loop.test nonsense'
	txt b.test 'v=spf1 ip4:198.51.100.1 ?ALL ip4:198.51.100.2 redirect=loop.test'
	txt c.test 'v=spf1 redirect=loop.test ip4:198.51.100.3 ~all'
	txt loop.test 'v=spf1 ip4:203.0.113.0/24 include:loop.test -all'
	start_dns
	senders spf:a.test spf:b.test spf:c.test
	run lists update
	[ "$status" -eq 0 ]
	[[ $output != *"left out"* ]]
	lists query 192.0.2.1
	lists query 198.51.100.1
	lists query 198.51.100.3
	for address in 203.0.113.1 198.51.100.2; do
		run lists query "$address"
		[ "$status" -eq 1 ]
	done
}

@test "spf: modifiers that are not known are ignored, whatever their names and values" {
	txt a.test 'v=spf1 a-modifier.of_26.characters=x ra=postmaster/x//99 rp=100 m=%{z exp=a/b ip4:192.0.2.1 -all'
	txt b.test 'v=spf1 ip4:192.0.2.2 redirect=c.test redirect=c.test'
	txt d.test 'v=spf1 ip4:192.0.2.3 +foo=bar -all'
	start_dns
	senders spf:a.test spf:b.test spf:d.test
	run lists update
	[ "$status" -eq 0 ]
	lists query 192.0.2.1
	[[ $output == *'spf:b.test: b.test: "redirect=c.test" is no term of SPF; left out'* ]]
	[[ $output == *'spf:d.test: d.test: "+foo=bar" is no term of SPF; left out'* ]]
}

@test "spf: what else stands at a name is dropped before anything else, however much it is" {
	local i strings
	mapfile -t strings < <(seq -f '%0250.0f' 1 18)
	for i in $(seq 1 70); do txt a.test "verification=$i"; done
	txt a.test 'v=spf10 ip4:192.0.2.9 -all'
	txt a.test "${strings[@]}"
	txt a.test 'V=SPF1 ip4:192.0' '.2.1 ' 'ip4:192.0.2.2 -all'
	start_dns
	senders spf:a.test
	run lists update
	[ "$status" -eq 0 ]
	lists query 192.0.2.1
	lists query 192.0.2.2
}

@test "spf: each domain has look-ups of its own" {
	local d i
	for d in a b; do
		txt $d.test "v=spf1 $(for i in 0 1 2 3 4 5 6 7 8 9; do printf 'include:%s%s.test ' $d $i; done) -all"
		for i in 0 1 2 3 4 5 6 7 8 9; do
			txt $d$i.test "v=spf1 ip4:192.0.2.$i -all"
		done
	done
	start_dns
	senders spf:a.test spf:b.test
	run lists update
	[ "$status" -eq 0 ]
	[[ $output != *"left out"* ]]
	lists query 192.0.2.9
}

@test "spf: without any answer the list stands as it was" {
	txt a.test 'v=spf1 ip4:192.0.2.1 -all'
	start_dns
	senders spf:a.test
	lists update
	stop_daemon dns
	again
	run lists update
	[ "$status" -eq 111 ]
	[[ $output == *"a.test: no answer from the DNS; its last good copy stands"* ]]
	lists query 192.0.2.1
}

@test "spf: the limits of RFC 7208 hold: ten look-ups, two that find nothing" {
	local i
	for i in 0 1 2 3 4 5 6 7 8 9; do
		txt "s$i.test" "v=spf1 ip4:192.0.2.$i include:s$((i + 1)).test -all"
	done
	txt s10.test 'v=spf1 ip4:192.0.2.10 -all'
	txt loop.test 'v=spf1 include:loop.test -all'
	txt void.test 'v=spf1 a:x.test a:y.test a:z.test -all'
	txt over.test 'v=spf1 include:s0.test -all'
	start_dns
	senders spf:s0.test
	lists update
	lists query 192.0.2.10
	for i in over loop; do
		senders "spf:$i.test"
		run lists update
		[ "$status" -eq 100 ]
		[[ $output == *": more than 10 look-ups"* ]]
	done
	senders spf:void.test
	run lists update
	[ "$status" -eq 100 ]
	[[ $output == *"more than 2 look-ups that find nothing"* ]]
	lists query 192.0.2.10
}

@test "spf: malformed records are told of" {
	txt two.test 'v=spf1 -all'
	txt two.test 'v=spf1 ip4:192.0.2.1 -all'
	txt bad.test 'v=spf1 ip4:192.0.2.1/33 -all'
	txt odd.test 'v=spf1 ipv4:192.0.2.1 -all'
	start_dns
	senders spf:two.test spf:bad.test spf:odd.test
	run lists update
	[ "$status" -eq 100 ]
	[[ $output == *"two.test: has 2 SPF records"* ]]
	[[ $output == *'bad.test: "192.0.2.1/33" is no term of SPF'* ]]
	[[ $output == *'odd.test: "ipv4:192.0.2.1" is no term of SPF'* ]]
	[ ! -e "$D/var/lists/senders.copy" ]
}

@test "spf: what depends on the message is passed over" {
	txt m.test 'v=spf1 exists:%{i}._spf.test include:%{d}.test ptr a:%{h} ip4:192.0.2.1 exp=why.test -all'
	start_dns
	senders spf:m.test
	lists update
	lists query 192.0.2.1
}

@test "spf: a source that is no list of domains is an error" {
	senders spf:a.test b.test
	run lists --check-config
	[ "$status" -eq 100 ]
	[[ $output == *'senders.conf: [List] Source=: "b.test" is not spf:DOMAIN'* ]]
	senders 'spf:a.test;reboot'
	run lists --check-config
	[ "$status" -eq 100 ]
}
