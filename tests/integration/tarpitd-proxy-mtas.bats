#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# MTAs that have no XCLIENT, real ones: what is passed (Handoff=proxy:) and what
# is throttled (BackendIdentity=proxy) reaches them in the client's name.

load ../helpers/common
load ../helpers/daemon
load ../helpers/smtp
load ../helpers/tarpitd

setup() {
	[ "$(id -u)" = 0 ] || skip "a copy of the machine needs root"
	tarpitd_setup
	MTA_PORT=$(free_port)
	# Not below a directory of bats': the MTAs' users must get there.
	SCRATCH=$(mktemp -d /tmp/tarpit-mta.XXXXXX)
	chmod 755 "$SCRATCH"
}

teardown() {
	stop_daemons
	[ -z "${SCRATCH-}" ] || rm -rf "$SCRATCH"
}

# server NAME PACKAGE: of tests/servers, in a copy of the machine.
server() {
	local layer=$ROOT/build/mta/$2
	"$ROOT/tests/helpers/packages" --unpack "$layer" "$2" \
		>"$DAEMONS/unpack.log" 2>&1 || skip "$2 cannot be had here"
	start_daemon "$1" "$ROOT/tests/helpers/with-layer" "$SCRATCH" \
		"$layer" "$ROOT/tests/servers/$1" "$MTA_PORT"
	wait_for_port "$1" "$MTA_PORT"
}

# mail_with NAME REGEX: until it has kept a message with such a line.
mail_with() {
	wait_until "grep -rqE '$2' '$SCRATCH/mail'" || {
		show_log "$1"
		show_log tarpitd
		return 1
	}
}

# in_the_clients_name NAME RECEIVED...: of a passed one and a throttled one,
# whose Received: lines begin like this.
in_the_clients_name() {
	local source
	policy '127.0.0.2 action=pass' \
		'127.0.0.3 action=throttle rate=200 patience=1 score=70'
	tarpitd Handoff=proxy:127.0.0.1:"$MTA_PORT" \
		Backend=127.0.0.1:"$MTA_PORT" BackendIdentity=proxy \
		SpoolDirectory="$DAEMONS"
	for source in 2 3; do
		swaks --server "$AT" --local-interface 127.0.0.$source \
			--from a@b.test --to u@mx.test,v@mx.test \
			--helo client$source.test --timeout 60 --silent 2 3>&-
	done
	record_of 127.0.0.2 outcome=passed
	record_of 127.0.0.3 outcome=delivered delivered=1 recipients=2
	mail_with "$1" "^Received: from $2"
	mail_with "$1" "^Received: from $3"
	never_logged tarpitd event=backend_down
}

@test "proxy MTAs: Exim knows who is passed and who is throttled" {
	server exim exim-heavy
	in_the_clients_name exim '\[127\.0\.0\.2\] \(helo=client2\.test' \
		'\[127\.0\.0\.3\] \(helo=client3\.test'
}

@test "proxy MTAs: OpenSMTPD knows who is passed and who is throttled" {
	server opensmtpd opensmtpd
	in_the_clients_name opensmtpd 'client2\.test \(.*\[127\.0\.0\.2\]' \
		'client3\.test \(.*\[127\.0\.0\.3\]'
}
