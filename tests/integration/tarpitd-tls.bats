#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# STARTTLS in the lanes throttle and hold, between a fake policy service and a
# fake MTA: the command, the handshake, the certificate, and what is forgotten.

load ../helpers/common
load ../helpers/daemon
load ../helpers/smtp
load ../helpers/tarpitd

bats_require_minimum_version 1.5.0

setup() {
	tarpitd_setup
	BACKEND=$(free_port)
	HABITS=()
	certificate one.test
}

teardown() {
	smtp_close_all
	stop_daemons
}

# dispatcher LANE [KEY=VALUE]...: everybody is in this lane, at $RATE or full speed;
# the MTA has the $HABITS.
dispatcher() {
	policy "* action=$1 rate=${RATE-0} score=70 reason=test"
	backend "${HABITS[@]}"
	tarpitd Backend=127.0.0.1:"$BACKEND" SpoolDirectory="$DAEMONS" \
		Tls.Certificate="$PEM" "${@:2}"
	wait_for_notify tarpitd '1 free'
}

dial_tls() {
	"$BUILD/tests/helpers/dial_tls" 127.0.0.1 "$PORT" "$@"
}

took() {
	grep -c '^took ' "$DAEMONS/backend.log" || :
}

# secured [OPTION]...: TLS is active, and EHLO has been said again.
secured() {
	smtp_connect_tls "$AT" "$@"
	smtp_expect 'tls TLSv1'
	smtp_say 'EHLO inside.test'
	smtp_expect_reply 250
}

@test "tls: what was said before the handshake is forgotten" {
	dispatcher throttle
	smtp_connect_tls "$AT"
	smtp_expect 'tls TLSv1.3 one.test$'
	smtp_say 'MAIL FROM:<a@b.test>'
	smtp_expect '250 '
	smtp_say 'EHLO inside.test'
	smtp_skip '250-(mx|[P8ED]|SMTPUTF8|CHUNKING)'
	smtp_expect '250 SIZE'
	smtp_say STARTTLS
	smtp_expect '503 5.5.1'
	smtp_close
}

@test "tls: throttle delivers, and the record says how" {
	dispatcher throttle
	secured version=TLSv1.2
	smtp_send 'MAIL FROM:<a@b.test>\r\nRCPT TO:<u@d.test>\r\nDATA\r\n'
	smtp_expect '250 2.1.0'
	smtp_expect '250 2.1.5'
	smtp_expect '354 '
	smtp_send 'Subject: x\r\n\r\ny\r\n.\r\nQUIT\r\n'
	smtp_expect '250 2.0.0 Ok: queued as FAKE$'
	smtp_expect '221 '
	smtp_expect_eof
	[ "$(took)" = 1 ]
	grep -q '^took 127.0.0.1 inside.test <a@b.test> ' "$DAEMONS/backend.log"
	record_of 127.0.0.1 outcome=delivered tls=TLSv1.2 helo=inside.test \
		tls_cipher=ECDHE-ECDSA-AES256-GCM-SHA384
	never_logged tarpitd tls_error=
}

@test "tls: hold goes on in TLS, and accepts nobody" {
	dispatcher hold
	secured
	smtp_say 'MAIL FROM:<a@b.test>'
	smtp_expect '250 2.1.0'
	smtp_say 'RCPT TO:<u@d.test>'
	smtp_expect '450 4.7.1'
	smtp_say STARTTLS
	smtp_expect '503 5.5.1'
	smtp_say QUIT
	smtp_expect '221 2.0.0'
	smtp_expect_eof
	record_of 127.0.0.1 lane=hold outcome=refused tls=TLSv1.3 \
		tls_cipher=TLS_AES_256_GCM_SHA384
}

@test "tls: in TLS, too, words come at the session's rate" {
	local from
	RATE=50 dispatcher hold
	smtp_connect_tls "$AT"
	smtp_expect 'tls TLSv1'
	from=$(clock_usec)
	# 18 bytes in and 48 out.
	smtp_say 'EHLO inside.test'
	smtp_expect_reply 250
	[ $(($(clock_usec) - from)) -gt 1200000 ]
}

@test "tls: both lanes offer it before, with no parameters" {
	local lane
	for lane in throttle hold; do
		[ "$lane" = throttle ] || stop_daemons
		dispatcher "$lane"
		smtp_play - "$AT" <<-'END'
			S: 220
			C: EHLO client.test
			S* 250-(mx|[P8ED]|SMTPUTF8|CHUNKING)
			S: 250-STARTTLS$
			S* 250-
			S: 250 [ES]
			C: STARTTLS now
			S: 501 5.5.4
			C: QUIT
			S: 221
			E:
		END
	done
}

@test "tls: in a transaction it ends the transaction" {
	dispatcher throttle
	# What is said in plain text first goes out in front of STARTTLS.
	smtp_connect "$AT"
	smtp_expect '220 '
	smtp_send 'EHLO x\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<u@d.test>\r\nSTARTTLS\r\n'
	smtp_expect_reply 250
	smtp_expect '250 2.1.0'
	smtp_expect '250 2.1.5'
	smtp_expect '220 2.0.0'
	smtp_close
	record_of 127.0.0.1 outcome=abandoned tls='""' recipients=1
	[ "$(took)" = 0 ]
}

# CVE-2011-0411: commands that somebody has put into the plain text must not
# be run as if they had come by TLS.
@test "tls: plain text injected behind STARTTLS is discarded" {
	local lane
	for lane in throttle hold; do
		[ "$lane" = throttle ] || stop_daemons
		dispatcher "$lane"
		smtp_connect_tls "$AT" \
			inject=$'EHLO evil.test\r\nMAIL FROM:<evil@b.test>\r\n'
		smtp_expect 'tls TLSv1.3'
		smtp_say 'RCPT TO:<u@d.test>'
		smtp_expect '503 5.5.1'
		smtp_say QUIT
		smtp_expect '221 '
		smtp_expect_eof
		record_of 127.0.0.1 lane="$lane" helo=client.test 'sender=""'
	done
}

@test "tls: commands and a body in records of one byte" {
	dispatcher throttle
	secured pieces
	smtp_send 'MAIL FROM:<a@b.test>\r\nRCPT TO:<u@d.test>\r\nDATA\r\n'
	smtp_expect '250 '
	smtp_expect '250 '
	smtp_expect '354 '
	smtp_send '..stuffed\r\n.\r\n'
	smtp_expect '250 2.0.0 Ok: queued'
	grep -q '^body ..stuffed$' "$DAEMONS/backend.log"
}

@test "tls: a body that is cut short is never delivered" {
	dispatcher throttle
	local end
	for end in pieces cut; do
		secured "$end"
		smtp_send 'MAIL FROM:<a@b.test>\r\nRCPT TO:<u@d.test>\r\nDATA\r\n'
		smtp_expect '250 '
		smtp_expect '250 '
		smtp_expect '354 '
		smtp_send 'Subject: x\r\n\r\nhalf of it\r\n'
		smtp_shutdown
		smtp_expect_eof
	done
	wait_until "[ \$(grep -c outcome=abandoned '$DAEMONS/tarpitd.log') = 2 ]"
	[ "$(took)" = 0 ]
}

@test "tls: ten megabytes arrive as they were sent" {
	HABITS=(plain)
	dispatcher throttle
	yes "$(printf 'x%.0s' {1..70})" | head -n 140000 >"$DAEMONS/message"
	curl -sS --ssl-reqd -k --crlf --mail-from a@b.test \
		--mail-rcpt u@d.test --upload-file "$DAEMONS/message" \
		"smtp://$AT/curl.test" 3>&-
	grep -q '^took 127.0.0.1 curl.test <a@b.test> 10080000 <u@d.test>$' \
		"$DAEMONS/backend.log"
	[ "$(grep -c '^body x\{70\}$' "$DAEMONS/backend.log")" = 140000 ]
}

@test "tls: a handshake that stalls ends, and the record says so" {
	dispatcher hold Tls.HandshakeTimeout=1s
	dial_tls say=
	record_of 127.0.0.1 tls='""' 'tls_error="timed out"'
}

@test "tls: what is no handshake ends the session, and disturbs nobody" {
	dispatcher throttle
	dial_tls say=$'NOOP\r\nMAIL FROM:<a@b.test>\r\n'
	record_of 127.0.0.1 tls='""' 'tls_error="wrong version number"'
	secured
}

@test "tls: old versions are refused" {
	dispatcher throttle
	run -1 dial_tls version=TLSv1.1 </dev/null
	record_of 127.0.0.1 'tls_error="unsupported protocol"'
	configure Backend=127.0.0.1:"$BACKEND" SpoolDirectory="$DAEMONS" \
		Tls.Certificate="$PEM" Tls.MinVersion=TLSv1.3
	kill -HUP "$(daemon_pid tarpitd)"
	wait_for_log tarpitd event=reloaded
	run -1 dial_tls version=TLSv1.2 </dev/null
	dial_tls version=TLSv1.3 </dev/null
}

@test "tls: so many handshakes at a time, and then 454" {
	dispatcher hold Tls.MaxHandshakes=2
	SMTP=one smtp_connect "$AT"
	SMTP=one smtp_say STARTTLS
	SMTP=one smtp_skip '220 mx'
	SMTP=one smtp_expect '220 2.0.0'
	smtp_connect "$AT"
	smtp_say STARTTLS
	smtp_expect '220 mx'
	smtp_expect '454 4.7.0'
	wait_for_log tarpitd event=tls_busy
	# The session goes on in plain text, and once there is room, in TLS.
	SMTP=one smtp_close
	record_of 127.0.0.1
	smtp_say STARTTLS
	smtp_expect '220 2.0.0'
}

# Thirty of them are a third of a second of work, and so more than one of time; the
# first ones use up what a second at rest is worth.
@test "tls: handshakes of held sessions have a fifth of the time, and then 454" {
	local name heard=0
	! ldd "$BUILD/tarpitd" | grep -q libasan || skip "slower than its clients"
	certificate mx.test rsa:4096
	dispatcher hold MaxPerClient=0
	for name in one two three; do
		SMTP=$name smtp_connect "$AT" 127.0.0.2
		SMTP=$name smtp_expect '220 mx.test'
	done
	"$BUILD/tests/helpers/tls_flood" 127.0.0.1 "$PORT" crowd 30 \
		>"$DAEMONS/flood" 2>&1 3>&- &
	wait_until 'ask request=status | grep -Eq "^tls.handshakes=[12][0-9]$"'
	# Between two of them there may be a moment for one more.
	for name in one two three; do
		SMTP=$name smtp_say STARTTLS
		if SMTP=$name smtp_expect '454 4.7.0'; then heard=1; fi
	done
	[ $heard = 1 ]
	wait_for_log tarpitd 'event=tls_busy limit="their fifth of the time"'
	wait $! || :
}

# In one piece, at once, however slow the rest: openssl takes what comes behind
# the first piece of it for TLS.
@test "tls: the reply to STARTTLS is not dripped, and openssl gets through" {
	local lane
	for lane in hold throttle; do
		RATE=60 dispatcher $lane
		run -0 openssl s_client -brief -starttls smtp -connect "$AT" \
			</dev/null 3>&-
		[[ $output == *'CONNECTION ESTABLISHED'* ]]
		[[ $output == *'one.test'* ]]
		stop_daemons
	done
}

@test "tls: so many held sessions with it, and then 454" {
	dispatcher hold Tls.MaxTlsHeld=2
	SMTP=one smtp_connect_tls "$AT"
	SMTP=one smtp_expect 'tls TLSv1'
	SMTP=two smtp_connect_tls "$AT"
	SMTP=two smtp_expect 'tls TLSv1'
	smtp_connect "$AT"
	smtp_say STARTTLS
	smtp_expect '220 mx'
	smtp_expect '454 4.7.0'
	wait_for_log tarpitd 'event=tls_busy limit="MaxTlsHeld="'
	ask request=status >"$DAEMONS/status"
	grep -qx 'tls.held=2' "$DAEMONS/status"
	grep -qx 'tls.held_max=2' "$DAEMONS/status"
	grep -qx 'tls.refused=1' "$DAEMONS/status"
	run -0 ctl metrics
	[[ $output == *$'\ntarpit_tls_refused_total 1\n'* ]]
	# The session goes on in plain text, and once there is room, in TLS.
	SMTP=one smtp_close
	record_of 127.0.0.1
	smtp_say STARTTLS
	smtp_expect '220 2.0.0'
}

@test "tls: a reload takes a new certificate, and drops no session" {
	dispatcher throttle
	secured
	certificate two.test
	kill -HUP "$(daemon_pid tarpitd)"
	wait_for_log tarpitd event=reloaded
	SMTP=new smtp_connect_tls "$AT"
	SMTP=new smtp_expect 'tls TLSv1.3 two.test$'
	smtp_say NOOP
	smtp_expect '250 2.0.0'
}

@test "tls: a reload with a bad certificate keeps the old one" {
	dispatcher throttle
	echo 'no certificate' >"$PEM"
	kill -HUP "$(daemon_pid tarpitd)"
	wait_for_log tarpitd \
		"$PEM: \[Tls\] Certificate=: no PEM, .*; the old .* event=config_error"
	smtp_connect_tls "$AT"
	smtp_expect 'tls TLSv1.3 one.test$'
}

# refuses_to_start FILE REGEX KEY=VALUE...
refuses_to_start() {
	configure "${@:3}"
	run -100 "$BUILD/tarpitd" --config "$CONF" --check-config
	[[ $output =~ $1:\ .*$2 ]]
	run -100 "$BUILD/tarpitd" --config "$CONF" --listen "$AT"
	[[ $output =~ $1:\ .*$2 ]]
}

@test "tls: a bad file is named at the start" {
	refuses_to_start "$DAEMONS/absent" 'No such file' \
		Tls.Certificate="$DAEMONS/absent"
	cp "$PEM.key" "$DAEMONS/other.key"
	certificate two.test
	refuses_to_start "$DAEMONS/other.key" 'belongs to no certificate' \
		Tls.Certificate="$PEM.crt" Tls.Key="$DAEMONS/other.key"
	configure Tls.Certificate="$PEM.crt" Tls.Key="$PEM.key"
	"$BUILD/tarpitd" --config "$CONF" --check-config
}

# s_client CIPHER: the name in the certificate that a client with it gets.
name_for() {
	openssl s_client -brief -starttls smtp -connect "$AT" -tls1_2 \
		-cipher "$1" </dev/null 2>&1 3>&- |
		sed -n 's/^Peer certificate: CN = //p'
}

# As Postfix's smtpd_tls_chain_files: in one file or in several, whatever stands
# first.
@test "tls: RSA and ECDSA, each for who wants it" {
	local files
	certificate rsa.test rsa:2048
	mv "$PEM" "$PEM.rsa"
	mv "$PEM.crt" "$PEM.rsa.crt"
	mv "$PEM.key" "$PEM.rsa.key"
	certificate ec.test
	cp "$PEM" "$PEM.ec"
	cat "$PEM.rsa" "$PEM.ec" >"$PEM.both"
	# Keys last, a byte order mark, lines as Windows ends them.
	{
		printf '\xef\xbb\xbf'
		cat "$PEM.crt" "$PEM.rsa.crt" "$PEM.rsa.key" "$PEM.key" |
			sed 's/$/\r/'
	} >"$PEM.strange"
	for files in "$PEM.both" "$PEM.rsa $PEM.ec" "$PEM.strange"; do
		cp "$PEM.both" "$PEM"
		dispatcher throttle Tls.Certificate="$files"
		[ "$(name_for ECDHE-RSA-AES256-GCM-SHA384)" = rsa.test ]
		[ "$(name_for ECDHE-ECDSA-AES256-GCM-SHA384)" = ec.test ]
		stop_daemons
	done
}

@test "tls: files that are something else are called by their name" {
	openssl x509 -in "$PEM.crt" -outform DER -out "$DAEMONS/der"
	refuses_to_start "$DAEMONS/der" 'DER or PKCS #12, not PEM' \
		Tls.Certificate="$DAEMONS/der" Tls.Key="$PEM.key"
	openssl pkcs12 -export -in "$PEM" -passout pass: -out "$DAEMONS/p12"
	refuses_to_start "$DAEMONS/p12" 'DER or PKCS #12, not PEM' \
		Tls.Certificate="$DAEMONS/p12"
	openssl req -new -key "$PEM.key" -subj /CN=x -out "$DAEMONS/csr"
	refuses_to_start "$DAEMONS/csr" 'a certificate request' \
		Tls.Certificate="$DAEMONS/csr" Tls.Key="$PEM.key"
	refuses_to_start "$PEM.crt" 'no private key in it' \
		Tls.Certificate="$PEM.crt"
	refuses_to_start "$PEM.key" 'no certificate in it' \
		Tls.Certificate="$PEM.key"
	: >"$DAEMONS/empty"
	refuses_to_start "$DAEMONS/empty" 'the file is empty' \
		Tls.Certificate="$DAEMONS/empty"
}

@test "tls: a key without a certificate is an error in its line" {
	local line
	configure Tls.Certificate= Tls.Key="$PEM.key"
	line=$(grep -n ^Key= "$CONF" | cut -d: -f1)
	run -100 "$BUILD/tarpitd" --config "$CONF" --check-config
	[[ $output == *"$CONF:$line: [Tls] Key=$PEM.key: there is no Certificate="* ]]
	# A file of its own may have it, in any order.
	mkdir "$CONF.d"
	printf '\n[Tls]\nKey=%s\n' "$PEM" >"$CONF.d/key.conf"
	run -100 "$BUILD/tarpitd" --config "$CONF" --check-config
	[[ $output == *"$CONF.d/key.conf:3: [Tls] Key="* ]]
	printf '[Tls]\nCertificate=%s\n' "$PEM" >"$CONF.d/more.conf"
	"$BUILD/tarpitd" --config "$CONF" --check-config
}

@test "tls: a running dispatcher goes on when a key has lost its certificate" {
	dispatcher hold
	configure Tls.Certificate= Tls.Key="$PEM.key"
	kill -HUP "$(daemon_pid tarpitd)"
	wait_for_log tarpitd "Key=.*no Certificate=.* event=config_error file=$CONF line=[0-9]"
	smtp_connect_tls "$AT"
	smtp_expect 'tls TLSv1.3 '
}

@test "tls: an expired certificate is used, and is said to be one" {
	certificate old.test
	expire_certificate old.test
	dispatcher throttle
	wait_for_log tarpitd "$PEM: valid from 2020-01-01 00:00:00 UTC to 2020-02-01 .* event=tls_expired"
	smtp_connect_tls "$AT"
	smtp_expect 'tls TLSv1.3 old.test$'
}

@test "tls: without a certificate throttled sessions go through slow" {
	policy '* action=throttle rate=100 patience=1 score=70 reason=test'
	backend
	mta
	tarpitd Backend=127.0.0.1:"$BACKEND" Tls.Certificate=
	wait_for_log tarpitd event=tls_missing
	smtp_connect "$AT"
	smtp_skip '220-'
	smtp_expect '220 mta.test'
	smtp_close
	record_of 127.0.0.1 lane=slow verdict=throttle outcome=graduated
}

@test "tls: swaks, msmtp and openssl deliver" {
	dispatcher throttle
	swaks --tls --server "$AT" --from a@b.test --to u@d.test \
		--helo swaks.test >"$DAEMONS/swaks"
	printf 'Subject: x\n\ny\n' | msmtp --host=127.0.0.1 --port="$PORT" \
		--tls=on --tls-certcheck=off --domain=msmtp.test \
		--from=a@b.test u@d.test
	printf '%s\r\n' 'EHLO ossl.test' 'MAIL FROM:<a@b.test>' 'RCPT TO:<u@d.test>' DATA \
		'Subject: x' '' y . QUIT |
		openssl s_client -quiet -starttls smtp -name ossl.test \
			-connect "$AT" >"$DAEMONS/openssl" 2>&1
	grep -q '^took 127.0.0.1 swaks.test ' "$DAEMONS/backend.log"
	grep -q '^took 127.0.0.1 msmtp.test ' "$DAEMONS/backend.log"
	grep -q '^took 127.0.0.1 ossl.test ' "$DAEMONS/backend.log"
}
