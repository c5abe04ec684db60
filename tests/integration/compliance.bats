#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What the RFCs say and other people's programs do, through the throttle lane to
# a real Postfix: dialogues (tests/dialogues), probes for smuggling, and the
# options of smtp-source, swaks, curl and smtplib.

load ../helpers/common
load ../helpers/daemon
load ../helpers/smtp
load ../helpers/tarpitd
load ../helpers/postfix

DIALOGUES=$ROOT/tests/dialogues

setup_file() {
	postfix_setup
	tarpitd_setup
	BACKEND=$(free_port)
	DIRECT=$(free_port)
	shipped_listener "$BACKEND" >>"$POSTFIX/etc/master.cf"
	echo "127.0.0.1:$DIRECT inet n - n - - smtpd" >>"$POSTFIX/etc/master.cf"
	# For RCPT TO:<Postmaster>, which every server must take.
	postconf -c "$POSTFIX/etc" myorigin=mx.test \
		smtpd_relay_restrictions=reject_unauth_destination
	policy '* action=throttle rate=0 patience=0 score=70 reason=test'
	postfix_start
	tarpitd Backend=127.0.0.1:"$BACKEND" SpoolDirectory="$DAEMONS" \
		MaxPerClient=0
	export BACKEND
	wait_for_notify tarpitd '1 free'
	TRANSCRIPT=$BATS_FILE_TMPDIR/transcript
	export AT PORT DIRECT CONF POLICY MTA MAIL POSTFIX TRANSCRIPT
}

setup() {
	DAEMONS=$BATS_FILE_TMPDIR
}

teardown() {
	smtp_close_all
}

teardown_file() {
	stop_daemons
	postfix_remove
}

# configure_lane [KEY=VALUE]...: the same with these, by a reload.
configure_lane() {
	local n
	n=$(grep -c event=reloaded "$DAEMONS/tarpitd.log") || :
	configure Backend=127.0.0.1:"$BACKEND" SpoolDirectory="$DAEMONS" \
		MaxPerClient=0 "$@"
	kill -HUP "$(daemon_pid tarpitd)"
	wait_until "[ \$(grep -c event=reloaded $DAEMONS/tarpitd.log) -gt $n ]"
}

# play NAME: the dialogue, as it happened also to the transcript of all.
play() {
	local status=0
	smtp_play "$DIALOGUES/$1.txt" "$AT" >"$BATS_TEST_TMPDIR/dialogue" ||
		status=$?
	cat "$BATS_TEST_TMPDIR/dialogue"
	cat "$BATS_TEST_TMPDIR/dialogue" >>"$TRANSCRIPT"
	return "$status"
}

# arrived SUBJECT [COPIES]: the message of that, without its header, with LF;
# each recipient has a copy.
arrived() {
	local files file
	wait_until "[ \$(copies_of '$1' | wc -l) = ${2-1} ]"
	mapfile -t files < <(copies_of "$1")
	body_of "${files[0]}"
	for file in "${files[@]}"; do
		[ "$(body_of "$file")" = "$(body_of "${files[0]}")" ]
	done
}

copies_of() {
	grep -lx "Subject: $1" "$MAIL"/new/*
}

body_of() {
	sed '1,/^$/d' "$1"
}

# postfix_is_in_step: no connection was given up because of a reply too many.
postfix_is_in_step() {
	never_in 'does not serve throttled sessions' "$DAEMONS/tarpitd.log"
}

# only REGEX: has the input only such lines?
only() {
	local others
	others=$(grep -Ev "$1") || return 0
	echo "$others"
	return 1
}

# never_in REGEX FILE...
never_in() {
	local found
	found=$(grep -E -e "$1" "${@:2}") || return 0
	echo "$found"
	return 1
}

# envelope SENDER: of a session that has been greeted.
envelope() {
	smtp_connect "$AT"
	smtp_expect '220 '
	smtp_say 'EHLO client.test'
	smtp_expect_reply 250
	smtp_say "MAIL FROM:<$1@b.test>"
	smtp_expect '250 '
	smtp_say 'RCPT TO:<u@mx.test>'
	smtp_expect '250 '
}

@test "compliance: RFC 5321, a typical transaction" {
	play rfc5321-typical
	[ "$(arrived typical 2)" = $'Blah blah blah...\n...etc. etc. etc.' ]
}

@test "compliance: RFC 5321, an aborted transaction" {
	play rfc5321-aborted
}

@test "compliance: RFC 5321, the order of commands" {
	play rfc5321-order
}

@test "compliance: RFC 5321, the syntax of commands and paths" {
	play rfc5321-syntax
}

@test "compliance: RFC 5321, transparency" {
	play rfc5321-transparency
	[ "$(arrived transparency)" = $'.one\n..\n...two\nthree.\n.' ]
}

@test "compliance: RFC 2920, commands in groups" {
	play rfc2920-groups
	[ "$(arrived groups 2)" = one ]
}

@test "compliance: RFC 2920, no recipient is left" {
	play rfc2920-no-recipients
}

@test "compliance: RFC 2920, commands in pieces" {
	play rfc2920-split
}

@test "compliance: RFC 3030, a message in one chunk" {
	play rfc3030-simple
	[ "$(arrived chunk)" = $'.\n..\n.QUIT\nQUIT\n..x..' ]
}

@test "compliance: RFC 3030, chunks in a group" {
	play rfc3030-pipelined
	[ "$(arrived chunks 2)" = $'one\ntwo\n.' ]
}

@test "compliance: RFC 3030, chunks that are refused" {
	play rfc3030-errors
}

@test "compliance: RFC 1870, sizes" {
	play rfc1870-size
}

@test "compliance: RFC 3461, delivery status notifications" {
	play rfc3461-dsn
}

@test "compliance: RFC 6531, internationalized mail" {
	play rfc6531-smtputf8
	[ "$(arrived 'utf8 ö')" = ö ]
}

@test "compliance: every dialogue has a test" {
	local file
	for file in "$DIALOGUES"/*.txt; do
		file=${file##*/}
		grep -qx "	play ${file%.txt}" "$BATS_TEST_FILENAME"
	done
}

@test "compliance: nothing is refused that Postfix takes, and in its words" {
	"$ROOT/tests/helpers/compare-dialogues" "$DIALOGUES/odd.table" \
		"$DIRECT" "$PORT"
	postfix_is_in_step
}

# RFC 2034, 4: all replies but those to the greeting, EHLO and HELO, and those
# of class 3.
@test "compliance: RFC 2034, the class of each enhanced status code is the reply's" {
	local class
	[ "$(grep -c '^S: ' "$TRANSCRIPT")" -gt 100 ]
	for class in 2 4 5; do
		only "^S: (220 mx.test|250[ -]mx.test|250[ -][A-Z0-9]+( [0-9]+)?$|${class}[0-9][0-9][ -]$class\.[0-9]{1,3}\.[0-9]{1,3} )" \
			< <(grep "^S: $class" "$TRANSCRIPT")
	done
	only '^S: (220|221|214|250|252|354|454|5[0-9][0-9])[ -]' \
		< <(grep '^S: ' "$TRANSCRIPT")
}

# Each end of data that some server has taken for one, and what a smuggler sends
# behind it.
SMUGGLED='MAIL FROM:<smuggler@b.test>\r\nRCPT TO:<u@mx.test>\r\nDATA\r\nSubject: smuggled\r\n\r\nx\r\n.\r\n'
ENDS=('\n.\n' '\n.\r\n' '\r\n.\n' '\r.\r' '\r.\r\n' '\r\n.\r' '\r.\n' '\n.\r'
	'\r\n.\r\r\n' '\r\r\n.\r\r\n' '\r\n\0.\r\n' '\r\n.\0\r\n' '\r\n.\r\0\n'
	'\r\n\0\r\n.\n' '\n\n.\r\n' '\n\r.\r\n' '\r\n.\n\r\n' '\r\n.\n\n')

# smuggles SENDER WAY TEXT: one message from there, however it is sent, in which
# TEXT stands, or none.  WAY: at once, in pieces of one byte, or in chunks of 7.
smuggles() {
	local reply text="Subject: $1\\r\\n\\r\\nx$3"
	envelope "$1"
	case $2 in
	chunks)
		by_chunks "$(printf '%b.' "$text" | od -An -v -t x1 | tr -d ' \n')"
		;;
	bytes)
		smtp_say DATA
		smtp_expect '354 '
		by_bytes "$(printf '%b.' "$text" | od -An -v -t x1 | tr -d ' \n')"
		;;
	*)
		smtp_say DATA
		smtp_expect '354 '
		smtp_send "$text"
		;;
	esac
	smtp_expect '(250|451) '
	reply=${LINE%% *}
	# One reply to one message, and nothing else has been heard.
	smtp_say QUIT
	smtp_expect '221 '
	smtp_expect_eof
	smtp_close
	[ "$reply" != 250 ] || SENT=$((SENT + 1))
}

# Both take the bytes as hexadecimal digits, and a dot that marks their end.
by_bytes() {
	local hex=${1%2e} i
	for ((i = 0; i < ${#hex}; i += 2)); do
		smtp_send "\\x${hex:i:2}"
	done
}

by_chunks() {
	local hex=${1%2e} size=14 last piece
	while [ -n "$hex" ]; do
		piece=${hex:0:size} hex=${hex:size} last=
		[ -n "$hex" ] || last=' LAST'
		smtp_send "BDAT $((${#piece} / 2))$last\\r\\n$(sed 's/../\\x&/g' <<<"$piece")"
		[ -n "$last" ] || smtp_expect '250 '
	done
}

@test "compliance: nothing but CR LF dot CR LF ends a message" {
	local end way i=0
	SENT=0
	for end in "${ENDS[@]}"; do
		i=$((i + 1)) way=whole
		smuggles "whole$i" "$way" "$end$SMUGGLED"
	done
	# The reads of a body, and chunks, end anywhere.
	for end in '\n.\n' '\n.\r\n' '\r\n.\n'; do
		i=$((i + 1))
		smuggles "bytes$i" bytes "$end$SMUGGLED"
		smuggles "chunks$i" chunks "$end$SMUGGLED"
	done
	# Those of bare LF are taken, as one message each.
	[ "$SENT" = $((6 + 2 * 3)) ]
	# A message after them: Postfix has seen as many as were taken.
	envelope honest
	smtp_say DATA
	smtp_expect '354 '
	smtp_send 'Subject: honest\r\n\r\nx\r\n.\r\n'
	smtp_expect '250 '
	arrived honest
	grep -q 'from=<honest@b.test>' "$POSTFIX/log"
	[ "$(grep -Ec 'qmgr.* from=<(whole|bytes|chunks)[0-9]+@b.test>.*queue active' \
		"$POSTFIX/log")" = "$SENT" ]
	never_in '<smuggler@' "$POSTFIX/log"
	# It is text of theirs: in their bodies, and no header.
	never_in 'Return-Path: <smuggler' "$MAIL"/new/*
	[ "$(body_of "$(copies_of whole1)")" = "$(printf '%b' \
		"x\\n.\\n${SMUGGLED%.\\r\\n}" | tr -d '\r')" ]
}

@test "compliance: BareNewline=reject refuses for good" {
	local end
	configure_lane BareNewline=reject
	for end in '\n.\n' '\n' '\r.\r\n'; do
		envelope strict
		smtp_say DATA
		smtp_expect '354 '
		smtp_send "x${end}y\\r\\n.\\r\\n"
		smtp_expect '550 5.5.2'
		smtp_send "MAIL FROM:<strict@b.test>\\r\\nRCPT TO:<u@mx.test>\\r\\nBDAT 4 LAST\\r\\na${end}"
		smtp_expect '250 '
		smtp_expect '250 '
		smtp_close
	done
	configure_lane
	never_in 'from=<strict@' "$POSTFIX/log"
}

@test "compliance: nothing can be smuggled in a chunk" {
	# A real end of data in a chunk is a line of the message.
	local text="Subject: inner\\r\\n\\r\\nx\\r\\n.\\r\\n$SMUGGLED"
	envelope inner
	smtp_send "BDAT $(printf '%b' "$text" | wc -c) LAST\\r\\n$text"
	smtp_expect '250 '
	smtp_say QUIT
	smtp_expect '221 '
	arrived inner | grep -Fqx 'MAIL FROM:<smuggler@b.test>'
	never_in '<smuggler@' "$POSTFIX/log"
}

# taken_from SENDER: messages that Postfix has queued from there.
taken_from() {
	grep -c "qmgr.* from=<$1>.*queue active" "$POSTFIX/log" || :
}

@test "compliance: smtp-source, many sessions, recipients and sizes" {
	smtp-source -s 20 -m 100 -l 20000 -f source@b.test -t u@mx.test \
		-M source.test "$AT"
	smtp-source -d -s 5 -m 50 -r 10 -f stays@b.test -t u@mx.test "$AT"
	smtp-source -N -s 3 -m 9 -l 300000 -f numbered -t u@mx.test "$AT"
	wait_until "[ \$(taken_from source@b.test) = 100 ]"
	wait_until "[ \$(taken_from stays@b.test) = 50 ]"
	[ "$(grep -c 'from=<stays@b.test>.*nrcpt=10 ' "$POSTFIX/log")" = 50 ]
	wait_until "[ \$(taken_from '[0-9]*numbered@mx.test') = 9 ]"
}

@test "compliance: swaks, pipelining, HELO and what it must not get" {
	local swaks=(swaks --server "$AT" --to u@mx.test --helo swaks.test)
	"${swaks[@]}" --from pipe@b.test --pipeline
	"${swaks[@]}" --from helo@b.test --protocol SMTP
	"${swaks[@]}" --from many@b.test --pipeline \
		--to "$(printf 'u%d@mx.test,' {1..120})u@mx.test"
	wait_until "[ \$(taken_from pipe@b.test) = 1 ]"
	wait_until "[ \$(taken_from helo@b.test) = 1 ]"
	wait_until "grep -q 'from=<many@b.test>.*nrcpt=121 ' '$POSTFIX/log'"
	# 28: no authentication is offered; 33: nor XCLIENT.
	run "${swaks[@]}" --from auth@b.test --auth PLAIN --auth-user a \
		--auth-password b
	[ "$status" = 28 ]
	run "${swaks[@]}" --from xclient@b.test --xclient-addr 192.0.2.1
	[ "$status" = 33 ]
	[ "$(taken_from '\(auth\|xclient\)@b.test')" = 0 ]
}

@test "compliance: curl and smtplib, 8BITMIME, SMTPUTF8 and DSN" {
	printf 'Subject: curl\r\n\r\n\303\266\r\n' >"$BATS_TEST_TMPDIR/message"
	curl -sS --mail-from 'jörg@b.test' --mail-rcpt 'ö@mx.test' \
		--upload-file "$BATS_TEST_TMPDIR/message" "smtp://$AT/curl.test"
	[ "$(arrived curl)" = ö ]
	/usr/bin/python3 - "$PORT" <<-'END'
		import smtplib, sys
		with smtplib.SMTP("127.0.0.1", int(sys.argv[1]), "python.test",
		                  timeout=30) as server:
		    server.ehlo_or_helo_if_needed()
		    for name in ("dsn", "size", "8bitmime", "smtputf8"):
		        assert server.has_extn(name), name
		    server.sendmail("dsn@b.test", ["u@mx.test"],
		        "Subject: dsn\r\n\r\n\u00f6\r\n".encode(),
		        mail_options=["BODY=8BITMIME", "RET=HDRS", "ENVID=id-1"],
		        rcpt_options=["NOTIFY=NEVER", "ORCPT=rfc822;o@big.test"])
		    server.sendmail("utf8@b.test", ["\u00f6@mx.test"],
		        "Subject: utf8 too\r\n\r\nx\r\n",
		        mail_options=["SMTPUTF8"])
	END
	[ "$(arrived dsn)" = ö ]
	[ "$(arrived 'utf8 too')" = x ]
}
