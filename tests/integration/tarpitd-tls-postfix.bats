#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# A real Postfix that sends by TLS or not at all, to throttle and to hold.

load ../helpers/common
load ../helpers/daemon
load ../helpers/tarpitd
load ../helpers/postfix

setup() {
	postfix_setup
	tarpitd_setup
	BACKEND=$(free_port)
	certificate
}

teardown() {
	stop_daemons
	postfix_remove
}

# sender LEVEL: a Postfix that sends all mail to tarpitd, with this
# smtp_tls_security_level.
sender() {
	sed -i '/^default_transport/d' "$POSTFIX/etc/main.cf"
	cat >>"$POSTFIX/etc/main.cf" <<-END
		default_transport = smtp:[127.0.0.1]:$PORT
		smtp_tls_security_level = $1
		smtp_tls_loglevel = 1
	END
	cat >>"$POSTFIX/etc/master.cf" <<-END
		pickup    unix  n  -  n  60    1  pickup
		smtp      unix  -  -  n  -     -  smtp
	END
	postfix_start
}

send() {
	printf 'Subject: x\n\n%s\n' "$1" | sendmail -C "$POSTFIX/etc" \
		-f a@b.test u@d.test
}

# dispatcher LANE RATE
dispatcher() {
	policy "* action=$1 rate=$2 patience=1 score=70 reason=test"
	backend
	tarpitd Backend=127.0.0.1:"$BACKEND" SpoolDirectory="$DAEMONS" \
		Tls.Certificate="$PEM"
	wait_for_notify tarpitd '1 free'
}

@test "tls: Postfix that insists on TLS delivers through throttle" {
	dispatcher throttle 0
	sender encrypt
	send hello
	record_of 127.0.0.1 outcome=delivered lane=throttle tls=TLSv1.3
	grep -q '^body hello$' "$DAEMONS/backend.log"
	wait_until grep -q 'status=sent (250 2.0.0 Ok: queued as FAKE)' \
		"$POSTFIX/log"
	grep -q 'TLS connection established to 127.0.0.1' "$POSTFIX/log"
}

@test "tls: Postfix that insists on TLS is held, and tries again later" {
	dispatcher hold 0
	sender encrypt
	send hello
	record_of 127.0.0.1 outcome=refused lane=hold tls=TLSv1.3
	wait_until grep -q 'status=deferred (host .* said: 450 4.7.1 Try again' \
		"$POSTFIX/log"
}
