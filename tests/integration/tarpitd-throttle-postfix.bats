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

# With smtpd_delay_reject=no the refusal is the answer to XCLIENT.
@test "throttle: Postfix refuses one client at once, and no other" {
	echo '127.0.3.9 521 5.7.1 Not you' >"$POSTFIX/etc/clients"
	echo '127.0.3.8 421 4.7.1 Not now' >>"$POSTFIX/etc/clients"
	sed -i "s|smtpd_client_restrictions=|smtpd_delay_reject=no -o &cidr:$POSTFIX/etc/clients|" \
		"$POSTFIX/etc/master.cf"
	sed -i 's|restrictions=cidr|restrictions=check_client_access,cidr|' \
		"$POSTFIX/etc/master.cf"
	throttled 0 0
	local i
	for i in 1 2 3; do
		SMTP=refused$i greet 127.0.3.9
		SMTP=refused$i smtp_say 'MAIL FROM:<a@b.test>'
		SMTP=refused$i smtp_expect '250 '
		SMTP=refused$i smtp_say 'RCPT TO:<u@mx.test>'
		SMTP=refused$i smtp_expect '521 5.7.1 .*\[127.0.3.9\]>?: .*Not you'
		SMTP=later$i greet 127.0.3.8
		SMTP=later$i smtp_say 'MAIL FROM:<a@b.test>'
		SMTP=later$i smtp_expect '250 '
		SMTP=later$i smtp_say 'RCPT TO:<u@mx.test>'
		SMTP=later$i smtp_expect '451 4.7.1 .*Not now'
		SMTP=other$i greet "127.0.3.$i"
		SMTP=other$i envelope u@mx.test
	done
	never_logged tarpitd event=backend_down
}
