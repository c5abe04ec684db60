#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The embedded MTA: what it must refuse, and that 250 means filed.

load ../helpers/common

setup() {
	bats_require_minimum_version 1.5.0
	MAILDIR=$BATS_TEST_TMPDIR/Maildir
}

# smtpd BYTES: a session that sends these bytes (printf %b); $output without CR.
smtpd() {
	run timeout 20 "$BUILD/tests/helpers/maildir_smtpd" --hostname mx.test \
		"$MAILDIR" < <(printf '%b' "$1")
	output=${output//$'\r'/}
}

HEAD='EHLO c.test\r\nMAIL FROM:<a@c.test>\r\nRCPT TO:<b@mx.test>\r\nDATA\r\n'

filed() {
	find "$MAILDIR/new" -type f | wc -l
}

nothing_filed() {
	[ -z "$(find "$MAILDIR" -type f)" ]
}

@test "maildir_smtpd: pipelined, dot-stuffed, two mails" {
	smtpd "${HEAD}one\r\n..\r\n...two\r\n.\r\n${HEAD}\r\n.\r\nQUIT\r\n"
	[ "$status" = 0 ]
	[ "$(grep -c '^250 2.0.0 Filed' <<<"$output")" = 2 ]
	[ "$(filed)" = 2 ]
	[ -z "$(find "$MAILDIR/tmp" -type f)" ]
	cat "$MAILDIR"/new/* | grep -qx '\.'
	cat "$MAILDIR"/new/* | grep -qx '\.\.two'
}

@test "maildir_smtpd: a bare LF ends neither a line nor a message" {
	smtpd "${HEAD}text\n.\nMAIL FROM:<evil@c.test>\r\n.\r\nQUIT\r\n"
	[[ $output == *"554 5.6.0 Bare"*"221 "* ]]
	[ "$(grep -c '^250 2.1.0' <<<"$output")" = 1 ]
	nothing_filed
}

@test "maildir_smtpd: a bare CR in a command, a NUL, a line too long" {
	local long
	long=$(printf '%3000s' '')
	smtpd "EHLO a\rb\r\nEHLO \0\r\nEHLO ${long// /x}\r\nQUIT\r\n"
	[ "$(grep -c '^500 5.5.2 Lines end' <<<"$output")" = 2 ]
	[[ $output == *"500 5.5.2 Line too long"*"221 "* ]]
}

@test "maildir_smtpd: a client that leaves before the dot leaves nothing" {
	smtpd "${HEAD}text\r\n"
	[ "$status" = 0 ]
	[[ $output != *Filed* ]]
	nothing_filed
}

@test "maildir_smtpd: commands out of order, and wrong addresses" {
	smtpd 'MAIL FROM:<a@c>\r\nHELO c\r\nRCPT TO:<b@c>\r\nDATA\r\nMAIL FROM:a\r\nMAIL FROM:<a@c> X=1\r\nMAIL FROM:<>\r\nRCPT TO:<>\r\nRSET\r\nDATA\r\nQUIT\r\n'
	run cut -c1-3 <<<"$output"
	[ "${output//$'\n'/ }" = "220 503 250 503 503 501 555 250 501 250 503 221" ]
}

@test "maildir_smtpd: what cannot be filed is not acknowledged" {
	mkdir -p "$MAILDIR/tmp" "$MAILDIR/cur"
	: >"$MAILDIR/new"
	smtpd "${HEAD}text\r\n.\r\nQUIT\r\n"
	[[ $output == *"451 4.3.0"* ]]
	[[ $output != *Filed* ]]
}
