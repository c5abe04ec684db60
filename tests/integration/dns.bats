# SPDX-License-Identifier: ISC
# tarpit-policyd and a real name server.

load ../helpers/common
load ../helpers/daemon
load ../helpers/nsd

setup() {
	command -v nsd >/dev/null || skip "nsd is not installed"
	dir=$BATS_TEST_TMPDIR
	socket=$dir/policy
	zones
}

teardown() {
	[ ! -e "$dir/nsd.pid" ] || signal_nsd CONT 2>/dev/null || :
	stop_daemons
}

# What nearly all tests ask for.
zones() {
	zone 2.0.192.in-addr.arpa \
		'7 PTR mail.example.test.' \
		'8 PTR forged.example.test.' \
		'9 PTR dsl-9.pool.example.test.' \
		'10 PTR 192-0-2-10.example.test.'
	zone 8.b.d.0.1.0.0.2.ip6.arpa \
		"7.$(printf '0.%.0s' {1..22})0 PTR six.example.test."
	zone example.test \
		'mail A 192.0.2.7' \
		'forged A 192.0.2.99' \
		'dsl-9.pool A 192.0.2.9' \
		'six AAAA 2001:db8::7'
	zone bl.test '2.0.0.127 A 127.0.0.2' '7.2.0.192 A 127.0.0.4' \
		'8.2.0.192 A 127.0.0.10' '8.2.0.192 A 127.0.0.2' \
		"7.$(printf '0.%.0s' {1..23})8.b.d.0.1.0.0.2 A 127.0.0.2"
	zone wl.test '2.0.0.127 A 127.0.0.2' '7.2.0.192 A 127.0.1.3'
}

# write_config [LINE]...: lines go to [Weights] unless they begin another one.
write_config() {
	cat >"$dir/policy.conf" <<-E
		[Data]
		Lists=
		Country=
		Asn=
		History=
		[Lanes]
		Slow=20
		Throttle=1000
		Hold=2000
		[Dns]
		Servers=$dns
		GenericNames=$ROOT/policy/rdns-generic.conf
		[Weights]
	E
	[ $# = 0 ] || printf '%s\n' "$@" >>"$dir/policy.conf"
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

# wait_for_reason ADDRESS REASON: zones are asked once they have passed.
wait_for_reason() {
	wait_until "[ \"\$(reason $1)\" = '$2' ]" || {
		echo "the reason is: $(reason "$1")" >&2
		show_log policyd
		return 1
	}
}

@test "reverse names: none, not leading back, dynamic, good" {
	start_nsd
	write_config rdns.none=25 rdns.unconfirmed=30 rdns.generic=35 rdns.ok=-5
	start_policyd
	[ "$(reason 192.0.2.1)" = "rdns.none+25" ]
	[ "$(reason 192.0.2.8)" = "rdns.unconfirmed+30" ]
	[ "$(reason 192.0.2.9)" = "rdns.generic+35" ]
	[ "$(reason 192.0.2.10)" = "rdns.generic+35 rdns.unconfirmed+30" ]
	[ "$(reason 192.0.2.7)" = "rdns.ok-5" ]
	[ "$(reason 2001:db8::7)" = "rdns.ok-5" ]
	[ "$(reason 2001:db8::8)" = "rdns.none+25" ]
}

@test "zones: listings, filters, several for one zone, IPv6, allow lists" {
	start_nsd
	write_config dnsbl.bl.test=30 dnsbl.bl.test=41=127.0.0.9-11 \
		dnsbl.wl.test=-100=127.0.1.2-3
	start_policyd
	wait_for_reason 192.0.2.8 "dnsbl.bl.test+41 dnsbl.bl.test+30"
	wait_for_reason 192.0.2.7 "dnsbl.wl.test-100 dnsbl.bl.test+30"
	[ "$(reason 192.0.2.9)" = "" ]
	[ "$(reason 2001:db8::7)" = "dnsbl.bl.test+30" ]
	[ "$(reason 2001:db8::8)" = "" ]
}

@test "refusals, lies and closed zones are never listings" {
	zone refused.test '* A 127.255.255.254' '2.0.0.127 A 127.255.255.254'
	zone hijacked.test '* A 198.51.100.1'
	zone all.test '* A 127.0.0.2'
	zone closed.test
	# This one passes its test, and refuses what it is asked later.
	zone turned.test '2.0.0.127 A 127.0.0.2' '7.2.0.192 A 127.255.255.255'
	start_nsd
	write_config dnsbl.{refused,hijacked,all,closed,unserved,turned,bl}.test=30
	start_policyd
	for name in refused hijacked all closed unserved; do
		wait_for_log policyd "Cannot use the zone $name.test: "
	done
	wait_for_log policyd 'zone all.test: its test address 127.0.0.1 has'
	wait_for_reason 192.0.2.7 "dnsbl.bl.test+30 dns.unanswered+0"
	wait_for_log policyd "Cannot use the zone turned.test: "
	wait_for_reason 192.0.2.7 "dnsbl.bl.test+30"
	run grep -c "Cannot use" "$dir/policyd.log"
	[ "$output" = 6 ]
}

@test "a zone that is left out comes back" {
	zone late.test
	start_nsd
	write_config dnsbl.late.test=30 '[Dns]' ProbeInterval=200ms
	start_policyd
	wait_for_log policyd "Cannot use the zone late.test: "
	zone late.test '2.0.0.127 A 127.0.0.2' '7.2.0.192 A 127.0.0.2'
	signal_nsd HUP
	wait_for_log policyd "Loaded the zone late.test"
	wait_for_reason 192.0.2.7 "dnsbl.late.test+30"
	run grep -c "zone late.test" "$dir/policyd.log"
	[ "$output" = 2 ]
}

@test "what cannot change the lane is not asked" {
	start_nsd
	write_config rdns.none=25 dnsbl.bl.test=30 history.none=-1000 \
		'[Dns]' DnsTimeout=60s
	start_policyd
	# Tests of the zone aside, no question reaches the name server.
	signal_nsd STOP
	# An answer that waited for one would not be here in time.
	[ "$(reason 192.0.2.7)" = "history.none-1000" ]
}

@test "a client waits for the deadline at most, and soon nobody waits" {
	start_nsd
	write_config rdns.none=25 '[Dns]' DnsTimeout=600ms
	start_policyd
	[ "$(reason 192.0.2.1)" = "rdns.none+25" ]
	signal_nsd STOP
	[ "$(reason 192.0.2.2)" = "dns.unanswered+0" ]
	wait_for_log policyd "Cannot use the DNS: no resolver answers"
	local since
	since=$(clock_usec)
	for i in {10..59}; do
		[ "$(reason "192.0.2.$i")" = "dns.unanswered+0" ]
	done
	# Fifty deadlines would be 30 s.
	[ $(($(clock_usec) - since)) -lt 25000000 ]
	signal_nsd CONT
	wait_for_log policyd "Loaded the DNS: a resolver answers again"
	wait_for_reason 192.0.2.2 "rdns.none+25"
}

# MaxQuestions=, and a 16th of it for a network.
@test "a crowd that the resolver is too slow for does not open the door" {
	start_nsd
	write_config rdns.none=25 history.none=0 \
		'[Dns]' DnsTimeout=60s '[Service]' MaxQuestions=16
	start_policyd
	signal_nsd STOP
	# Two of one network, of which one may wait, and one of another.
	for i in 192.0.2.1 192.0.2.2 198.51.100.1; do
		printf 'request=tarpit_session\ninstance=%s\nclient_address=%s\n\n' \
			"$i" "$i"
	done | socat -t 1 - "UNIX-CONNECT:$socket" >"$BATS_TEST_TMPDIR/answers"
	run cat "$BATS_TEST_TMPDIR/answers"
	[ "${lines[0]}" = instance=192.0.2.2 ]
	[ "${lines[1]}" = action=slow ]
	[[ "$output" = *"reason=dns.unanswered+0 policy:overloaded"*overloaded=yes ]]
	[ "$(grep -c ^instance= "$BATS_TEST_TMPDIR/answers")" = 1 ]
	wait_for_log policyd "questions wait for the DNS.*event=policy_overloaded"
}

# lanes_and_reasons ADDRESS...: "ADDRESS LANE REASON" for each, sorted; all are
# asked in one go.
lanes_and_reasons() {
	local addr
	for addr; do
		printf 'request=tarpit_session\ninstance=%s\nclient_address=%s\n\n' \
			"$addr" "$addr"
	done | send | awk -F= '$1 == "instance" { i = $2 } $1 == "action" { a = $2 }
			$1 == "reason" { print i, a, $2 }' | sort
}

# NetworkLookups=, at the limit.  Of all addresses of one /64 the list says the
# same, of those of the other that there are none.  One look-up comes back in
# 20 s.
@test "a /64 does not ask the DNS without end, nor its way round a list" {
	local sp=" " bad=2001:db8:0:1: good=2001:db8:0:2: zone=1.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2
	zone bl.test '2.0.0.127 A 127.0.0.2' "*.$zone 600 A 127.0.0.4" \
		'7.2.0.192 A 127.0.0.4'
	start_nsd
	write_config dnsbl.bl.test=30 history.none=0 '[Dns]' NetworkLookups=3
	start_policyd
	wait_for_reason 192.0.2.7 "dnsbl.bl.test+30"
	diff - <(lanes_and_reasons {$bad,$good}:{1..3}) <<-E
		$bad:1 slow dnsbl.bl.test+30
		$bad:2 slow dnsbl.bl.test+30
		$bad:3 slow dnsbl.bl.test+30
		$good:1 pass$sp
		$good:2 pass$sp
		$good:3 pass$sp
	E
	# What was asked before is known, and the others are not asked about.
	diff - <(lanes_and_reasons {$bad,$good}:4 $bad:1 2001:db8:0:3::1 192.0.2.9) <<-E
		192.0.2.9 pass$sp
		$bad:1 slow dnsbl.bl.test+30
		$bad:4 slow dnsbl.bl.test+30 dns.unanswered+0
		$good:4 slow dns.unanswered+0 policy:overloaded
		2001:db8:0:3::1 pass$sp
	E
	wait_for_log policyd "addresses of 2001:db8:0:[12]::/64, .*NetworkLookups=3.*event=policy_overloaded"
	[[ "$(printf 'request=tarpit_status\n\n' | send)" = *unasked=2* ]]
	# A reload gives nothing back.
	kill -HUP "$(daemon_pid policyd)"
	wait_for_log policyd "event=reloaded"
	diff - <(lanes_and_reasons $bad:5) <<-E
		$bad:5 slow dnsbl.bl.test+30 dns.unanswered+0
	E
}

@test "NetworkLookups=0 is no limit" {
	local i
	start_nsd
	write_config rdns.none=25 '[Dns]' NetworkLookups=0
	start_policyd
	for i in {1..70}; do
		printf 'request=tarpit_session\nclient_address=2001:db8:0:1::%x\n\n' "$i"
	done | send >"$dir/answers"
	[ "$(grep -c '^reason=rdns.none+25$' "$dir/answers")" = 70 ]
}

@test "many clients at once while the resolver stands still: none is dropped" {
	start_nsd
	write_config rdns.none=25 '[Dns]' DnsTimeout=600ms
	start_policyd
	signal_nsd STOP
	local pids=()
	for i in {0..7}; do
		printf "request=tarpit_session\nclient_address=10.$i.%d.1\n\n" \
			{0..249} | send >"$dir/answers.$i" &
		pids+=($!)
	done
	wait "${pids[@]}"
	[ "$(cat "$dir"/answers.* | grep -c '^action=')" = 2000 ]
}

# A minute of it, scaled down.
@test "a resolver that stands still for a while: none is dropped, and it is used again" {
	local batch
	start_nsd
	write_config rdns.none=25 '[Dns]' DnsTimeout=1s
	start_policyd
	wait_for_reason 192.0.2.1 "rdns.none+25"
	signal_nsd STOP
	for batch in {1..40}; do
		printf "request=tarpit_session\nclient_address=10.$batch.%d.1\n\n" \
			{0..49} | send
	done >"$dir/answers"
	[ "$(grep -c '^action=' "$dir/answers")" = 2000 ]
	[ "$(grep -c '^reason=dns.unanswered' "$dir/answers")" = 2000 ]
	# Told at the next look, once a second.
	wait_for_log policyd "Cannot use the DNS: no resolver answers"
	signal_nsd CONT
	wait_for_reason 192.0.2.1 "rdns.none+25"
	[ "$(grep -c "Cannot use the DNS" "$dir/policyd.log")" = 1 ]
}

@test "a reload keeps the zones in use" {
	start_nsd
	write_config dnsbl.bl.test=30
	start_policyd
	wait_for_reason 192.0.2.7 "dnsbl.bl.test+30"
	write_config dnsbl.bl.test=31
	signal_nsd STOP
	kill -HUP "$(daemon_pid policyd)"
	wait_for_log policyd "Configuration read again"
	signal_nsd CONT
	[ "$(reason 192.0.2.7)" = "dnsbl.bl.test+31" ]
}

@test "rules for names are read again, and a mistake is told with its line" {
	start_nsd
	printf '%s\n' '# mine' 'suffix pool.example.test' >"$dir/generic.conf"
	write_config rdns.generic=35 '[Dns]' "GenericNames=$dir/generic.conf"
	start_policyd
	[ "$(reason 192.0.2.9)" = "rdns.generic+35" ]
	[ "$(reason 192.0.2.10)" = "" ]
	printf '%s\n' 'word two words' >"$dir/next"
	mv "$dir/next" "$dir/generic.conf"
	wait_for_log policyd "Cannot use $dir/generic.conf: line 1: not one pattern"
	[ "$(reason 192.0.2.9)" = "rdns.generic+35" ]
	echo address >"$dir/next"
	mv "$dir/next" "$dir/generic.conf"
	wait_for_reason 192.0.2.10 "rdns.generic+35"
}

@test "servers that are none are told" {
	dns=nonsense
	write_config rdns.none=25
	start_policyd
	grep -q 'Cannot use \[Dns\] Servers=nonsense' "$dir/policyd.log"
	[ "$(reason 192.0.2.1)" = "" ]
}
