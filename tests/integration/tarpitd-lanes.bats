#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What a client meets in each lane, between a fake policy service and MTA.

load ../helpers/common
load ../helpers/daemon
load ../helpers/smtp
load ../helpers/tarpitd

setup() { tarpitd_setup; }

teardown() {
	smtp_close_all
	stop_daemons
}

# arrivals: those of pace that begin within ten seconds of the first one, as
# "BYTES LARGEST LONGEST": in all, at one time, between two.
arrivals() {
	awk '$1 + 0 != $1 { next }
		n++ == 0 { first = last = $1; next }
		$1 - first > 10000 { exit }
		{
			bytes += $2
			if ($2 > largest) largest = $2
			if ($1 - last > longest) longest = $1 - last
			last = $1
		}
		END { print bytes + 0, largest + 0, longest + 0 }'
}

@test "pass: not a byte comes before the MTA's own" {
	policy '* action=pass rate=0'
	tarpitd
	# There is no MTA yet: whatever came now would be ours.
	smtp_connect "$AT"
	SMTP=other smtp_connect "$AT"
	wait_for_log tarpitd event=handoff_down
	mta
	smtp_expect '220 mta.test ESMTP$'
	SMTP=other smtp_expect '220 mta.test ESMTP$'
	smtp_say 'EHLO client.test'
	smtp_expect '250 '
	smtp_say QUIT
	smtp_expect '221 '
	smtp_expect_eof
	record_of 127.0.0.1 outcome=passed lane=pass bytes_out=0 bytes_in=0
}

@test "pass: the MTA hears who it is" {
	policy
	mta
	tarpitd
	smtp_connect "$AT" 127.0.0.9
	smtp_expect '220 mta.test'
	grep -Eq "^took  client_address 127.0.0.9 client_port [1-9][0-9]* server_address 127.0.0.1 server_port $PORT " \
		"$DAEMONS/mta.log"
}

# Broke once: the dispatcher drained the socket that was the MTA's already.
@test "pass: what a client says early is the MTA's to hear" {
	local i
	policy
	mta
	tarpitd MaxPerClient=0
	for i in {1..20}; do
		pace --send "EHLO early$i\r\n" --until 28 --for 10000 \
			127.0.0.1 "$PORT" >"$DAEMONS/pace.$i" &
	done
	wait_until "[ \$(grep -c '^heard EHLO early' '$DAEMONS/mta.log') = 20 ]"
	wait_until "[ \$(grep -c outcome=passed '$DAEMONS/tarpitd.log') = 20 ]"
}

@test "pass: IPv6" {
	policy '::1 action=pass rate=0'
	mta
	AT="[::1]:$PORT" tarpitd
	smtp_connect "[::1]:$PORT"
	smtp_expect '220 mta.test'
	grep -q 'client_address ::1 .* server_address ::1 ' "$DAEMONS/mta.log"
	record_of ::1 outcome=passed
}

@test "pass: through tarpit-handoff, with an MTA of inetd's style" {
	policy
	start_daemon -n handoff "$BUILD/tarpit-handoff" --listen "$MTA" -- \
		"$BUILD/tests/helpers/maildir_smtpd" --hostname mx.test \
		"$DAEMONS/Maildir"
	wait_for_notify handoff READY=1
	tarpitd Handoff="inetd:$MTA"
	swaks --server 127.0.0.1 --port "$PORT" --local-interface 127.0.0.9 \
		--helo client.test --from a@client.test --to b@mx.test \
		--header 'Subject: through' >"$DAEMONS/swaks.log"
	grep -q '^Received: from client.test (\[127.0.0.9\])' \
		"$DAEMONS"/Maildir/new/*
	record_of 127.0.0.9 outcome=passed
}

@test "slow: whole 220- lines, then the MTA's ends the greeting" {
	local began taken bytes
	policy '* action=slow rate=200 patience=2 score=30'
	mta
	tarpitd
	began=$(clock_usec)
	smtp_connect "$AT" 127.0.0.3
	smtp_expect '220-mx.test ESMTP$'
	while smtp_expect '220[- ]' && [[ $LINE == 220-* ]]; do
		[ ${#LINE} -le 68 ]
		[[ $LINE =~ ^220-[\ -~]*$ ]]
	done
	[[ $LINE == "220 mta.test ESMTP" ]]
	taken=$((($(clock_usec) - began) / 1000))
	[ "$taken" -ge 2000 ]
	smtp_say QUIT
	smtp_expect '221 '
	# 2 s at 200 bytes/s, less the time that the question took.
	bytes=$(record_of 127.0.0.3 outcome=graduated lane=slow score=30 \
		rate=200 | field bytes_out)
	[ "$bytes" -le 400 ]
	[ "$bytes" -ge 200 ]
}

@test "slow: MaxPatience bounds what the policy asks for" {
	policy '* action=slow rate=100 patience=3600'
	mta
	tarpitd MaxPatience=2s
	smtp_connect "$AT"
	smtp_expect_reply 220 ''
	record_of 127.0.0.1 outcome=graduated
}

@test "slow: the longest greeting has 45 lines at the most" {
	local lines
	policy '* action=slow rate=100000 patience=1'
	mta
	tarpitd
	smtp_connect "$AT"
	smtp_expect_reply 220 >"$DAEMONS/greeting"
	lines=$(grep -c '^S: 220-' "$DAEMONS/greeting")
	[ "$lines" -gt 30 ]
	[ "$lines" -le 45 ]
}

@test "slow: no patience at all is a pass" {
	policy '* action=slow rate=5 patience=0'
	mta
	tarpitd
	smtp_connect "$AT"
	smtp_expect '220 mta.test'
	record_of 127.0.0.1 outcome=graduated bytes_out=0
}

@test "slow: who leaves has abandoned" {
	policy '* action=slow rate=100 patience=20'
	tarpitd
	pace --until 50 127.0.0.1 "$PORT"
	record_of 127.0.0.1 outcome=abandoned lane=slow
	pace --until 50 --reset --source 127.0.0.2 127.0.0.1 "$PORT"
	record_of 127.0.0.2 outcome=abandoned lane=slow
	# Half-closed is gone as well.
	smtp_connect "$AT" 127.0.0.3
	smtp_expect 220-
	smtp_shutdown
	record_of 127.0.0.3 outcome=abandoned lane=slow
}

@test "slow: who speaks too early is caught and held" {
	policy '* action=slow rate=500 patience=20 reason=country.CN+15'
	mta
	tarpitd
	smtp_connect "$AT" 127.0.0.3
	smtp_expect '220-mx.test'
	smtp_say 'EHLO early'
	smtp_expect_reply 220 ESMTP
	[[ $LINE == "220 mx.test ESMTP" ]]
	smtp_expect_reply 250
	smtp_say 'MAIL FROM:<a@client.test>'
	smtp_expect '250 2.1.0'
	smtp_say 'RCPT TO:<b@mx.test>'
	smtp_expect '450 4.7.1 Try again later$'
	smtp_say QUIT
	smtp_expect '221 '
	smtp_expect_eof
	record_of 127.0.0.3 outcome=refused lane=hold verdict=slow \
		helo=early 'sender=<a@client.test>' recipients=1 |
		grep -q 'reason="country.CN+15 behaviour:pregreet"'
	grep -q '^tarpit_session .*behaviour=pregreet' "$DAEMONS/policy.log"
	never_logged mta took
}

@test "slow: a client that never reads is given up" {
	policy '* action=slow rate=100000 patience=1'
	tarpitd CommandTimeout=1s
	pace --deaf --rcvbuf 1 --for 15000 127.0.0.1 "$PORT" \
		>"$DAEMONS/pace" &
	# Whether all of it fits into the kernel's buffers is the kernel's
	# business: then it has been patient, and there is no MTA.
	wait_for_log tarpitd 'event=session|event=handoff_down' 15
}

@test "throttle: goes through slow, and the record says so" {
	policy '* action=throttle rate=200 patience=1 score=70'
	mta
	tarpitd
	smtp_connect "$AT" 127.0.0.3
	smtp_expect_reply 220 ESMTP
	record_of 127.0.0.3 outcome=graduated lane=slow verdict=throttle
	grep -q 'slowed instead of throttled' "$DAEMONS/tarpitd.log"
}

@test "observe: decided and recorded, but passed" {
	local lane
	policy '127.0.0.2 action=hold rate=5' '127.0.0.3 action=slow rate=5' \
		'127.0.0.4 action=throttle rate=5'
	mta
	tarpitd Mode=observe
	for lane in 2:hold 3:slow 4:throttle; do
		smtp_connect "$AT" "127.0.0.${lane%:*}"
		smtp_expect '220 mta.test'
		smtp_close
		record_of "127.0.0.${lane%:*}" "verdict=${lane#*:}" \
			outcome=passed mode=observe bytes_out=0
	done
}

@test "pace: 5 bytes a second, evenly" {
	local bytes largest longest
	policy '* action=hold rate=5'
	tarpitd HoldGreeting=30s
	pace --for 12500 127.0.0.1 "$PORT" >"$DAEMONS/pace"
	cat "$DAEMONS/pace"
	read -r bytes largest longest < <(arrivals <"$DAEMONS/pace")
	[ "$bytes" -ge 45 ]
	[ "$bytes" -le 55 ]
	[ "$largest" -le 8 ]
	[ "$longest" -le 1600 ]
}

@test "pace: 100 bytes a second, evenly" {
	local bytes largest longest
	policy '* action=slow rate=100 patience=15'
	tarpitd
	pace --for 11000 127.0.0.1 "$PORT" >"$DAEMONS/pace"
	cat "$DAEMONS/pace"
	read -r bytes largest longest < <(arrivals <"$DAEMONS/pace")
	[ "$bytes" -ge 900 ]
	[ "$bytes" -le 1100 ]
	[ "$largest" -le 60 ]
	[ "$longest" -le 600 ]
}

@test "pace: a greedy client pushes in no more than a small buffer" {
	policy '* action=hold rate=5'
	tarpitd
	pace --after 19 --flood 'MAIL FROM:<a@client.test>\r\n' --for 14000 \
		127.0.0.1 "$PORT" >"$DAEMONS/pace"
	tail -n 1 "$DAEMONS/pace"
	# What reached our kernel, of megabytes that wait in the client's.
	read -r sent unread < <(
		sed -n 's/.*sent \([0-9]*\), unread \([0-9]*\),.*/\1 \2/p' \
			"$DAEMONS/pace"
	)
	[ "$sent" -gt 50000 ]
	[ $((sent - unread)) -le 2600 ]
	[ "$(record_of 127.0.0.1 | field bytes_in)" -le 60 ]
}
