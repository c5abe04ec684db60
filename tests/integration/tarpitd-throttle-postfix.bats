#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The throttle lane in front of a real Postfix, with the listener that units/
# ships, and real clients.

load ../helpers/common
load ../helpers/daemon
load ../helpers/smtp
load ../helpers/tarpitd
load ../helpers/postfix

setup() {
	postfix_setup
	tarpitd_setup
	BACKEND=$(free_port)
	shipped_listener "$BACKEND" >>"$POSTFIX/etc/master.cf"
}

teardown() {
	smtp_close_all
	stop_daemons
	postfix_remove
}

# throttled RATE PATIENCE [KEY=VALUE]...
throttled() {
	policy "* action=throttle rate=$1 patience=$2 score=70 reason=test"
	postfix_start
	tarpitd Backend=127.0.0.1:"$BACKEND" BackendConnections=4 \
		SpoolDirectory="$DAEMONS" MaxPerClient=0 "${@:3}"
	wait_for_notify tarpitd '1 free'
}

# message SIZE: a file of about so many bytes.
message() {
	printf 'Subject: %s\n\n' "$1" >"$DAEMONS/message.$1"
	yes "$(printf 'x%.0s' {1..70})" | head -c "$1" >>"$DAEMONS/message.$1"
	echo "$DAEMONS/message.$1"
}

@test "throttle: swaks, curl, msmtp and smtp-source deliver at default limits" {
	throttled 100 3
	local file
	file=$(message 1000)
	swaks --server "$AT" --from a@b.test --to u@mx.test \
		--helo swaks.test >"$DAEMONS/swaks" 2>&1 3>&- &
	# Without --crlf it would send bare line feeds, which are refused.
	curl -sS --crlf --mail-from a@b.test --mail-rcpt u@mx.test \
		--upload-file "$file" "smtp://$AT/curl.test" 3>&- &
	msmtp --host=127.0.0.1 --port="$PORT" --from=a@b.test u@mx.test \
		<"$file" 3>&- &
	smtp-source -f a@b.test -t u@mx.test -M source.test "$AT" 3>&- &
	wait_until -t 60 "[ \$(grep -c outcome=delivered '$DAEMONS/tarpitd.log') = 4 ]"
	wait_for_mail 4
	! grep -q 'outcome=[^d]' "$DAEMONS/tarpitd.log"
}

@test "throttle: a kilobyte, a hundred and ten megabytes" {
	throttled 50 1
	local size
	for size in 1000 100000 9900000; do
		curl -sS --mail-from a@b.test --mail-rcpt u@mx.test \
			--crlf --upload-file "$(message $size)" \
			"smtp://$AT/curl.test" 3>&- &
	done
	wait_until -t 90 "[ \$(grep -c outcome=delivered '$DAEMONS/tarpitd.log') = 3 ]"
	wait_for_mail 3
	[ "$(find "$MAIL/new" -size +9000k | wc -l)" = 1 ]
}

@test "throttle: Postfix knows each client, and a refused one disturbs nobody" {
	throttled 0 0 BackendConnections=1
	local i
	for i in {1..12}; do
		swaks --server "$AT" --local-interface 127.0.3.9 \
			--from a@b.test --to u@elsewhere.test \
			--helo bad.test --quit-after RCPT || :
	done >"$DAEMONS/swaks" 2>&1
	swaks --server "$AT" --local-interface 127.0.3.1 --from a@b.test \
		--to u@mx.test --helo good.test >>"$DAEMONS/swaks" 2>&1
	wait_for_mail 1
	grep -q 'client=unknown\[127.0.3.1\]' "$POSTFIX/log"
	grep -q 'NOQUEUE: reject: RCPT from unknown\[127.0.3.9\]: .*helo=<bad.test>' \
		"$POSTFIX/log"
	grep -q 'Received: from good.test (unknown \[127.0.3.1\])' \
		"$MAIL"/new/*
	record_of 127.0.3.9 outcome=refused
	record_of 127.0.3.1 outcome=delivered
}

@test "throttle: asking about many recipients does not slow Postfix down" {
	throttled 0 0
	local from i
	smtp_connect "$AT"
	smtp_expect '220 '
	smtp_say 'EHLO client.test'
	smtp_expect_reply 250
	from=$(clock_usec)
	for i in {1..150}; do
		smtp_say 'MAIL FROM:<a@b.test>'
		smtp_expect '250 '
		smtp_say "RCPT TO:<u$i@mx.test>"
		smtp_expect '250 '
		smtp_say RSET
		smtp_expect '250 '
	done
	# With its in_flow_delay each one after the hundredth takes a second.
	[ $(($(clock_usec) - from)) -lt 45000000 ]
}

@test "throttle: what Postfix limits while a transaction is open" {
	printf '%s\n' 'smtpd_recipient_limit = 2' 'smtpd_timeout = 1s' \
		>>"$POSTFIX/etc/main.cf"
	throttled 0 0
	smtp_connect "$AT"
	smtp_expect '220 '
	smtp_say 'EHLO client.test'
	smtp_expect_reply 250
	smtp_send 'MAIL FROM:<a@b.test>\r\nRCPT TO:<u@mx.test>\r\nRCPT TO:<v@mx.test>\r\nRCPT TO:<w@mx.test>\r\n'
	smtp_expect '250 2.1.0'
	smtp_expect '250 2.1.5'
	smtp_expect '250 2.1.5'
	smtp_expect '452 4.5.3 Error: too many recipients'
	# Postfix ends the connection; the client does not notice.
	wait_until grep -q 'timeout after' "$POSTFIX/log"
	smtp_say DATA
	smtp_expect '354 '
	smtp_send 'Subject: x\r\n\r\n.\r\n'
	smtp_expect '250 2.0.0 Ok: queued'
	wait_for_mail 2
}

# deliveries: the ledger's messages as the MTA has queued them, sorted.  One
# whose virtual(8) was killed before it could remove it from the queue is in the
# Maildir twice, with one queue ID.
deliveries() {
	local file
	find "$MAIL/new" -type f | while read -r file; do
		printf '%s %s\n' \
			"$(grep -oEm1 'ledger-[0-9]+-[0-9]+' "$file")" \
			"$(grep -oEm1 '\bid [0-9A-Za-z]+' "$file")"
	done | sort -u | cut -d' ' -f1
}

# A name with a dot is of a file that a killed cleanup(8) has left: not a message
# yet, and nothing that was said 250.
postfix_is_idle() {
	! find "$POSTFIX"/spool/{incoming,active,deferred,maildrop} -type f \
		! -name '*.*' | grep -q .
}

@test "throttle: every message that was accepted is there, and once" {
	throttled 0 0 BackendTimeout=5s
	local n=400 i unheard
	start_daemon ledger "$BUILD/tests/helpers/ledger" "$PORT" $n 8 42
	# The MTA's processes and then the dispatcher are killed meanwhile.
	for i in 60 150; do
		wait_until -t 60 "[ \$(wc -l <'$DAEMONS/ledger.log') -ge $i ]"
		postfix -c "$POSTFIX/etc" abort >>"$POSTFIX/out" 2>&1 3>&- || :
		wait_until postfix_start
	done
	wait_until -t 60 "[ \$(wc -l <'$DAEMONS/ledger.log') -ge 240 ]"
	kill -KILL "$(daemon_pid tarpitd)"
	wait_for_exit tarpitd || :
	start_daemon tarpitd "$BUILD/tarpitd" --config "$CONF" --listen "$AT"
	wait_for_exit ledger 120
	[ "$(wc -l <"$DAEMONS/ledger.log")" = $n ]
	sed -n 's/^accepted //p' "$DAEMONS/ledger.log" | sort \
		>"$DAEMONS/accepted"
	[ "$(wc -l <"$DAEMONS/accepted")" -gt 100 ]
	wait_until -t 60 postfix_is_idle
	deliveries >"$DAEMONS/delivered"
	# Nothing lost, nothing twice: nobody sent anything a second time.
	[ -z "$(comm -23 "$DAEMONS/accepted" "$DAEMONS/delivered")" ]
	[ -z "$(uniq -d "$DAEMONS/delivered")" ]
	# What nobody heard about is few, and the records say so.
	unheard=$(comm -13 "$DAEMONS/accepted" "$DAEMONS/delivered" | wc -l)
	[ "$unheard" -lt $((n / 4)) ]
}

# kept_going COMMAND...: the books of a ledger of 400 messages, during which the
# command is run at the 80th, the 160th and the 240th.
kept_going() {
	local i
	start_daemon ledger "$BUILD/tests/helpers/ledger" "$PORT" 400 8 43
	for i in 80 160 240; do
		wait_until -t 120 "[ \$(wc -l <'$DAEMONS/ledger.log') -ge $i ]"
		"$@"
	done
	wait_for_exit ledger 200
	[ "$(wc -l <"$DAEMONS/ledger.log")" = 400 ]
	sed -n 's/^accepted //p' "$DAEMONS/ledger.log" | sort \
		>"$DAEMONS/accepted"
	wait_until postfix_is_idle
	deliveries >"$DAEMONS/delivered"
}

kill_tarpitd() {
	kill -KILL "$(<"$DAEMONS/tarpitd.pid.now")"
}

# The socket is kept, as systemd keeps it, and the spool is a file system of 16
# KB: four messages fill it.
@test "throttle: nothing is lost while the dispatcher is killed and its disk is full" {
	policy "* action=throttle rate=0 patience=0 score=70 reason=test"
	postfix_start
	mkdir "$DAEMONS/spool"
	configure Backend=127.0.0.1:"$BACKEND" BackendConnections=4 \
		SpoolDirectory="$DAEMONS/spool" SpoolMemory=0 MaxPerClient=0
	start_daemon tarpitd unshare --mount --propagation private sh -c '
			mount -t tmpfs -o size=16k tmpfs "$1" && shift &&
			exec "$@"' sh "$DAEMONS/spool" \
		"$ROOT/tests/helpers/activator" "$PORT" \
		"$DAEMONS/tarpitd.pid.now" setpriv --pdeathsig KILL \
		"$BUILD/tarpitd" --config "$CONF"
	wait_for_log tarpitd event=started
	kept_going kill_tarpitd
	[ "$(grep -c event=started "$DAEMONS/tarpitd.log")" = 4 ]
	[ "$(wc -l <"$DAEMONS/accepted")" -gt 40 ]
	grep -q 'outcome=failed .*delivered=0' "$DAEMONS/tarpitd.log"
	# Lost: none.  Twice: none, since nobody sends anything again.
	[ -z "$(comm -23 "$DAEMONS/accepted" "$DAEMONS/delivered")" ]
	[ -z "$(uniq -d "$DAEMONS/delivered")" ]
}
