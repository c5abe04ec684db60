#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# No client, however it behaves, stops the loop: floods of TLS records that are
# never data, of handshakes, of commands and of sessions that end at once, beside
# which a clean client is served.  The gauge is the dispatcher's own: the longest
# time between two looks at its descriptors.  On a machine of its own it is under
# 10 ms; here the bound is what no busy machine makes of it.  Broken, it was 4 s
# and more.

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

# dispatcher LANE RATE [KEY=VALUE]...: for everybody but 127.0.0.9, who passes.
dispatcher() {
	policy '127.0.0.9 action=pass' "* action=$1 rate=$2 score=70 reason=test"
	mta
	backend "${HABITS[@]}"
	tarpitd Backend=127.0.0.1:"$BACKEND" Tls.Certificate="$PEM" "${@:3}"
	wait_for_notify tarpitd '1 free'
}

flood() {
	timeout "$DEADLINE" "$BUILD/tests/helpers/tls_flood" 127.0.0.1 "$PORT" "$@"
}

stall() {
	ask request=status | sed -n 's/^longest_stall_us=//p'
}

# A clean client is served, and the loop has never stood still.
all_is_well() {
	smtp_connect "$AT" 127.0.0.9
	smtp_expect '220 '
	smtp_close
	[ "$(stall)" -lt 200000 ] || {
		echo "longest stall: $(stall) us after $*" >&2
		return 1
	}
}

# floods: of every kind of record, one after the other; each ends the session
# that sends it, long before it has sent all.
floods() {
	local kind
	for kind in keyupdate line renegotiate empty padded warning fragments \
		crumbs hello; do
		run -0 flood "$kind" 20000
		all_is_well "$kind"
	done
	wait_for_log tarpitd 'event=session .*tls_error="too long a handshake"'
	grep -o 'tls_error=.*' "$DAEMONS/tarpitd.log" | sed 's/ [a-z]*=.*//' | sort | uniq -c >&2
	[ "$(grep -c 'tls_error="too many records without data"' \
		"$DAEMONS/tarpitd.log")" -ge 4 ]
	[ "$(grep -c 'event=session .*tls_error=' "$DAEMONS/tarpitd.log")" = 9 ]
}

@test "floods: TLS records that are never data, in hold" {
	dispatcher hold 100000
	floods
}

@test "floods: TLS records that are never data, in throttle" {
	dispatcher throttle 0
	floods
}

# With RSA, which costs us 1 ms each and the client little.
@test "floods: handshakes of held sessions beside clean clients" {
	local crowd flood
	certificate rsa.test rsa:2048
	dispatcher hold 100000
	flood handshakes 10 >"$DAEMONS/flood" 2>&1 3>&- &
	flood=$!
	crowd=$(printf 'steady 40 20 127.0.0.9\n' |
		timeout "$DEADLINE" "$BUILD/tests/helpers/crowd" "$AT" 3>&-)
	wait "$flood" || : # it may be refused
	echo "$crowd" >&2
	[[ $crowd == *40* ]]
	all_is_well handshakes
	ask request=status >"$DAEMONS/status"
	grep -qx 'tls.handshakes=0' "$DAEMONS/status"
	grep -qx 'tls.held=0' "$DAEMONS/status"
}

@test "floods: bodies and commands at full speed beside clean clients" {
	local n pids=()
	HABITS=(plain)
	dispatcher throttle 0
	yes "$(printf 'x%.0s' {1..70})" | head -n 140000 >"$DAEMONS/message"
	# Two bodies as fast as they are taken, and 4,000 commands sent ahead.
	for n in 1 2; do
		curl -sS --crlf --mail-from a@b.test --mail-rcpt u@d.test \
			--upload-file "$DAEMONS/message" "smtp://$AT/curl.test" 3>&- &
		pids+=($!)
	done
	yes $'NOOP\r' | head -n 4000 |
		timeout "$DEADLINE" socat -u - "TCP:$AT" 3>&- || :
	for n in "${pids[@]}"; do
		wait "$n"
	done
	[ "$(grep -c '^took ' "$DAEMONS/backend.log")" = 2 ]
	all_is_well bodies
}

# Broken, the list of recipients was hashed as a whole for each one more, and 64 KB
# of it were all that MaxRecipients= could come to.
@test "floods: as many recipients as MaxRecipients= says, however long" {
	local long i
	long=$(printf 'x%.0s' {1..60})
	dispatcher throttle 0 MaxRecipients=1500
	greet
	smtp_say 'MAIL FROM:<a@b.test>'
	smtp_expect '250 2.1.0'
	for i in {1..1200}; do
		printf 'RCPT TO:<%s-%d@d.test>\r\n' "$long" "$i"
	done >&"${SMTP_OUT[client]}"
	for i in {1..1200}; do
		smtp_expect '250 2.1.5'
	done >/dev/null 2>&1
	smtp_say DATA
	smtp_expect '354 '
	smtp_send 'Subject: x\r\n\r\ny\r\n.\r\n'
	smtp_expect '250 2.0.0'
	all_is_well recipients
}
