#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# DNS lists and reverse names as they are out there; see dns.bats for the rest.

load ../helpers/common
load ../helpers/daemon
load ../helpers/nsd

setup() {
	command -v nsd >/dev/null || skip "nsd is not installed"
	dir=$BATS_TEST_TMPDIR
	socket=$dir/policy
	key=abcdefghijklmnop0123456789
}

teardown() {
	stop_daemons
}

# write_config [LINE]...: lines go to [Weights] unless they begin another one.
write_config() {
	printf '%s\n' '[Data]' Lists= Country= Asn= History= '[Lanes]' Slow=20 \
		Throttle=1000 Hold=2000 '[Postfix]' \
		'Slow=PREPEND X-Tarpit: %{reason}' '[Dns]' "Servers=$dns" \
		"GenericNames=$ROOT/policy/rdns-generic.conf" '[Weights]' "$@" \
		>"$dir/policy.conf"
}

start_policyd() {
	start_daemon -n policyd "$BUILD/tarpit-policyd" \
		--config "$dir/policy.conf" --listen "$socket"
	wait_for_notify policyd READY=1
}

send() {
	socat -t 10 - "UNIX-CONNECT:$socket"
}

reason() {
	printf 'request=tarpit_session\nclient_address=%s\n\n' "$1" | send |
		sed -n 's/^reason=//p'
}

wait_for_reason() {
	wait_until "[ \"\$(reason $1)\" = '$2' ]" || {
		echo "the reason is: $(reason "$1")" >&2
		show_log policyd
		return 1
	}
}

# What follows the first nibble in the name of ::ffff:7f00:N.
mapped=0.0.0.0.0.f.7.f.f.f.f.$(printf '0.%.0s' {1..19})0

@test "zones: the key of a paid one is shown nowhere" {
	zone "$key.zen.dq.test" '2.0.0.127 A 127.0.0.2' '7.2.0.192 A 127.0.0.4'
	zone "$key.closed.test"
	start_nsd
	write_config dnsbl.spamhaus=30 "dnsbl.$key.zen.dq.test=31=127.0.0.4" \
		dnsbl.closed=5 '[Zones]' "spamhaus=$key.zen.dq.test" \
		"closed=$key.closed.test"
	start_policyd
	wait_for_reason 192.0.2.7 'dnsbl.*.zen.dq.test+31 dnsbl.spamhaus+30'
	wait_for_log policyd 'Cannot use the zone closed: its test address'
	run "$BUILD/tarpitctl" --config "$dir/policy.conf" --socket "$socket" \
		explain 192.0.2.7
	[[ $output == *dnsbl.spamhaus* && $output != *"$key"* ]]
	run "$BUILD/tarpitctl" --config "$dir/policy.conf" --offline --json \
		explain 192.0.2.7
	[[ $output == *dnsbl.spamhaus* && $output != *"$key"* ]]
	run send < <(printf 'request=smtpd_access_policy\nclient_address=192.0.2.7\n\n')
	[[ $output == *"X-Tarpit: "*dnsbl.spamhaus* && $output != *"$key"* ]]
	# Nor by a mistake of which the line is quoted.
	local bad
	for bad in "dnsbl.$key.zen.dq.test=x" "dnsbl.$key.zen.dq.test=1=x" \
		"$key.zen.dq.test=60" "dnsbl.$key=60" "dnsbl.$key.bad zone=60" \
		$'[Zones]\nspam haus='"$key.zen.dq.test" \
		$'[Zones]\nspamhaus='"s3cr3t zen.dq.test" \
		$'[Zones]\nspamhaus='"s3cr3t" $'[Zones]\n='"s3cr3t.zen.dq.test" \
		$'[Dns]\n'"$key.zen.dq.test=60" \
		$'[Dns]\nTrustZones='"$key.zen.dq.test"; do
		write_config "$bad"
		run "$BUILD/tarpit-policyd" --config "$dir/policy.conf" --check-config
		echo "$bad: $output"
		[ "$status" = 100 ]
		[[ $output != *"$key"* && $output != *s3cr3t* ]]
		kill -HUP "$(daemon_pid policyd)"
	done
	wait_for_record policyd event=config_error
	write_config
	kill -HUP "$(daemon_pid policyd)"
	wait_for_log policyd 'Configuration read again'
	! grep -e "$key" -e s3cr3t "$dir/policyd.log"
}

@test "zones: names for them, in any order and in drop-ins; mistakes are told" {
	zone one.test '2.0.0.127 A 127.0.0.2' '7.2.0.192 A 127.0.0.4'
	start_nsd
	mkdir "$dir/policy.conf.d"
	write_config '[Zones]' list=nothing.test '[Weights]' dnsbl.list=30=127.0.0.4 \
		"dnsbl.LIST=2=127.0.0.[4..5]"
	printf '[Zones]\nList=one.test\n' >"$dir/policy.conf.d/zones.conf"
	start_policyd
	wait_for_reason 192.0.2.7 'dnsbl.list+30 dnsbl.LIST+2'
	printf '[Zones]\nlist=\n' >"$dir/policy.conf.d/zones.conf"
	run "$BUILD/tarpit-policyd" --config "$dir/policy.conf" --check-config
	[ "$status" = 100 ]
	[[ $output == *"dnsbl.list: neither a zone nor a name in [Zones]"* ]]
	rm "$dir/policy.conf.d/zones.conf"
	write_config dnsbl.one.test=1 '[Dns]' TrustZones=other.test
	run "$BUILD/tarpit-policyd" --config "$dir/policy.conf" --check-config
	[ "$status" = 100 ]
	[[ $output == *"TrustZones=: dnsbl.other.test has no weight"* ]]
}

@test "zones: filters as postscreen has them, and long ones" {
	local long
	zone bl.test '2.0.0.127 A 127.0.0.2' '7.2.0.192 A 127.0.10.2' \
		'8.2.0.192 A 127.0.10.4' '9.2.0.192 A 127.0.0.9'
	start_nsd
	long=$(printf '127.0.0.%d,' {2..16})127.0.0.17
	write_config 'dnsbl.bl.test=30=127.0.[2..20].[1..3]' \
		'dnsbl.bl.test=1=127.0.0.[2;4..11]' "dnsbl.bl.test=2=$long"
	start_policyd
	wait_for_reason 192.0.2.7 'dnsbl.bl.test+30'
	[ "$(reason 192.0.2.8)" = '' ]
	[ "$(reason 192.0.2.9)" = 'dnsbl.bl.test+2 dnsbl.bl.test+1' ]
	write_config "dnsbl.bl.test=2=$long,127.0.0.18"
	run "$BUILD/tarpit-policyd" --config "$dir/policy.conf" --check-config
	[ "$status" = 100 ]
	[[ $output == *"the filter has more than 16 patterns"* ]]
}

@test "zones: of IPv6 alone, by RFC 5782, and one that is right of one family" {
	zone six.test "2.$mapped A 127.0.0.2" \
		"7.$(printf '0.%.0s' {1..23})8.b.d.0.1.0.0.2 A 127.0.0.2"
	# Lists all IPv6 there is, and IPv4 as it should.
	zone half.test '2.0.0.127 A 127.0.0.2' '7.2.0.192 A 127.0.0.2' \
		"2.$mapped A 127.0.0.2" "1.$mapped A 127.0.0.2" \
		"7.$(printf '0.%.0s' {1..23})8.b.d.0.1.0.0.2 A 127.0.0.2"
	start_nsd
	write_config dnsbl.six.test=30 dnsbl.half.test=40
	start_policyd
	wait_for_reason 2001:db8::7 'dnsbl.six.test+30'
	wait_for_reason 192.0.2.7 'dnsbl.half.test+40'
	! grep -q 'Cannot use the zone' "$dir/policyd.log"
}

@test "zones: one that is trusted counts though it fails its test, but not what is no listing" {
	zone notest.test '7.2.0.192 A 127.0.0.2' '8.2.0.192 A 198.51.100.1' \
		'9.2.0.192 A 127.255.255.254'
	zone lists-1.test '2.0.0.127 A 127.0.0.2' '1.0.0.127 A 127.0.0.2' \
		'7.2.0.192 A 127.0.0.2'
	start_nsd
	write_config dnsbl.mine=12 dnsbl.lists-1.test=15 '[Zones]' \
		mine=notest.test '[Dns]' 'TrustZones=mine, LISTS-1.test'
	start_policyd
	wait_for_reason 192.0.2.7 'dnsbl.lists-1.test+15 dnsbl.mine+12'
	wait_for_log policyd 'Using the zone mine, but its test address 127.0.0.2 is not listed'
	wait_for_log policyd 'Using the zone lists-1.test, but its test address 127.0.0.1 has'
	[ "$(reason 192.0.2.8)" = 'dns.unanswered+0' ]
	[ "$(reason 192.0.2.9)" = 'dns.unanswered+0' ]
	[ "$(reason 192.0.2.7)" = 'dnsbl.lists-1.test+15 dnsbl.mine+12' ]
	wait_for_log policyd 'Using the zone mine, but it has answered .*; such answers are ignored'
	run grep -c '^tarpit-policyd: .* the zone' "$dir/policyd.log"
	[ "$output" = 3 ]
}

@test "zones: an answer outside 127/8 is ignored, with one warning, and the zone stays" {
	zone bl.test '2.0.0.127 A 127.0.0.2' '7.2.0.192 A 127.0.0.4' \
		'8.2.0.192 A 198.51.100.1' '9.2.0.192 A 198.51.100.2'
	start_nsd
	write_config dnsbl.bl.test=30
	start_policyd
	wait_for_reason 192.0.2.7 'dnsbl.bl.test+30'
	[ "$(reason 192.0.2.8)" = 'dns.unanswered+0' ]
	wait_for_log policyd 'Using the zone bl.test, but it has answered what is outside 127/8'
	[ "$(reason 192.0.2.9)" = 'dns.unanswered+0' ]
	[ "$(reason 192.0.2.7)" = 'dnsbl.bl.test+30' ]
	run grep -c 'the zone bl.test, but' "$dir/policyd.log"
	[ "$output" = 1 ]
	! grep 'Cannot use' "$dir/policyd.log"
}

@test "zones: a refusal is told in the list's own sense" {
	local code
	for code in 252 254 255 9; do
		zone "z$code.test" "2.0.0.127 A 127.255.255.$code"
	done
	start_nsd
	write_config dnsbl.z{252,254,255,9}.test=30
	start_policyd
	wait_for_log policyd "zone z252.test: it answers 127.255.255.252: the zone's name is mistyped"
	wait_for_log policyd 'zone z254.test: it answers 127.255.255.254: it refuses public resolvers'
	wait_for_log policyd 'zone z255.test: it answers 127.255.255.255: it is asked too often'
	wait_for_log policyd 'zone z9.test: it answers 127.255.255.x: it refuses this resolver'
}

@test "zones: a resolver that is not there yet is no fault of theirs" {
	zone bl.test '2.0.0.127 A 127.0.0.2' '7.2.0.192 A 127.0.0.4'
	start_nsd
	stop_daemon nsd || :
	write_config dnsbl.bl.test=30 '[Dns]' DnsTimeout=600ms
	start_policyd
	wait_for_log policyd 'Cannot use the DNS: no resolver answers'
	start_daemon nsd nsd -d -c "$DAEMONS/nsd.conf"
	wait_for_log policyd 'Loaded the DNS: a resolver answers again'
	wait_for_reason 192.0.2.7 'dnsbl.bl.test+30'
	! grep 'Cannot use the zone' "$dir/policyd.log"
}

# The answers are longer than a datagram may be, too.
@test "reverse names: many, of which the last leads back" {
	local name records=() forward=() i
	name=$(printf 'a-name-that-is-long-%.0s' {1..3})
	for i in {1..5}; do
		records+=("7 PTR $name$i.example.test.")
	done
	for i in {1..11}; do
		records+=("8 PTR $name$i.example.test.")
	done
	forward=("${name}5 A 192.0.2.7")
	for i in {1..128}; do
		forward+=("many A 198.51.100.$i")
	done
	for i in {1..200}; do
		forward+=("more A 198.51.100.$i")
	done
	zone 2.0.192.in-addr.arpa "${records[@]}" '9 PTR many.example.test.' \
		'10 PTR more.example.test.'
	zone example.test "${forward[@]}"
	start_nsd
	write_config rdns.none=25 rdns.unconfirmed=30 rdns.generic=35 rdns.ok=-5
	start_policyd
	[ "$(reason 192.0.2.7)" = 'rdns.ok-5' ]
	# Ten are looked at: nothing is said of what was not.
	[ "$(reason 192.0.2.8)" = 'dns.unanswered+0' ]
	[ "$(reason 192.0.2.9)" = 'rdns.unconfirmed+30' ]
	[ "$(reason 192.0.2.10)" = 'dns.unanswered+0' ]
}

@test "reverse names: by aliases (RFC 2317), without records, and of a broken server" {
	zone 2.0.192.in-addr.arpa '7 CNAME 7.0/25.2.0.192.in-addr.arpa.' \
		'7.0/25 PTR mail.example.test.' '8 TXT "no name"' \
		'9 CNAME 9.elsewhere.test.' '10 CNAME none.example.test.' \
		'11 PTR alias.example.test.' '12 CNAME x.sub.old.test.'
	zone example.test 'mail A 192.0.2.7' 'alias CNAME real' 'real A 192.0.2.11'
	zone old.test 'sub DNAME new.test.'
	zone new.test 'x PTR mail.example.test.'
	start_nsd
	write_config rdns.none=25 rdns.unconfirmed=30 rdns.generic=35 rdns.ok=-5
	start_policyd
	[ "$(reason 192.0.2.7)" = 'rdns.ok-5' ]
	[ "$(reason 192.0.2.8)" = 'rdns.none+25' ]
	[ "$(reason 192.0.2.10)" = 'rdns.none+25' ]
	[ "$(reason 192.0.2.11)" = 'rdns.ok-5' ]
	# No such zone: the server refuses.
	[ "$(reason 198.51.100.1)" = 'dns.unanswered+0' ]
}
