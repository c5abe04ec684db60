#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Who has places, who goes when there are no more, and what they cost: whatever
# a few clients do, a stranger gets in, and after a crowd nothing is left of it.

bats_require_minimum_version 1.5.0

load ../helpers/common
load ../helpers/daemon
load ../helpers/smtp
load ../helpers/tarpitd
load ../helpers/faults

setup() { tarpitd_setup; }

teardown() {
	smtp_close_all
	stop_daemons
}

# small [KEY=VALUE]...: 40 places, 36 of them for who is slowed; 127.0.1.* and
# 127.0.9.* are throttled, all others are strangers.
small() {
	BACKEND=$(free_port)
	backend
	mta
	policy '127.0.1.* action=throttle rate=0 patience=0 score=70 reason=test' \
		'127.0.9.* action=throttle rate=0 patience=0 score=70 reason=test' \
		'127.[12].*.1 action=throttle rate=0 patience=0 score=70 reason=test' \
		'2001:db8:1:* action=throttle rate=0 patience=0 score=70 reason=test' \
		'127.0.3?.* action=hold rate=2000 score=100 reason=test' \
		'127.0.4.* action=hold rate=2000 score=100 reason=test' \
		'* action=slow rate=100 patience=1 score=20 reason=test'
	tarpitd MaxPerClient=0 MaxSessions=40 Backend=127.0.0.1:"$BACKEND" \
		BackendConnections=2 SpoolDirectory="$DAEMONS" "$@"
	wait_for_notify tarpitd 'free'
}

# A stranger gets to the MTA, and a throttled one of another network is served.
strangers_get_in() {
	SMTP=stranger smtp_connect "$AT" 127.0.2.1
	SMTP=stranger smtp_skip 220-
	SMTP=stranger smtp_expect '220 mta.test'
	SMTP=stranger smtp_close
	SMTP=other greet 127.0.9.1
	SMTP=other envelope u@d.test
	SMTP=other smtp_say QUIT
	SMTP=other smtp_expect 221
	SMTP=other smtp_close
}

# figure NAME: of those that tarpitctl status is made of.
figure() {
	ask request=status | sed -n "s/^$1=//p"
}

# kept_out_by NAME COMMAND...: by 36 throttled sessions of one network.
kept_out_by() {
	local name=$1 command
	crowd "$name"
	tell -c "$name" 'open 36 127.0.1.1'
	for command in "${@:2}"; do tell -c "$name" "$command"; done
	strangers_get_in
	# Its share is half, and the stranger was not at its own expense.
	[ "$(figure live.throttle)" -le 18 ]
	tell -c "$name" close
	wait_for_count sessions 0
}

@test "places: throttled sessions keep no stranger out, whatever they do" {
	small
	kept_out_by silent
	kept_out_by half 'send EHLO x\r\nNOO'
	kept_out_by noop 'flood 50 NOOP\r\n'
	kept_out_by deaf deaf 'flood 50 EHLO x\r\nHELP\r\n'
	kept_out_by sender 'send EHLO x\r\nMAIL FROM:<a@b.test>\r\n'
	kept_out_by body \
		'send EHLO x\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<u@d.test>\r\nDATA\r\nSubject: x\r\n'
	[ "$(figure shed.throttled)" -gt 0 ]
	wait_for_log tarpitd 'throttled ones that deliver nothing are shed event=shedding'
	# tell_limit() and tell() are once a minute.
	[ "$(grep -c event=shedding "$DAEMONS/tarpitd.log")" -le 3 ]
}

# A host in each of as many networks as there are places: none has more than its
# share, so those go that are no good.
@test "places: throttled sessions of many networks keep no stranger out" {
	local i
	small
	crowd many
	for i in {1..18}; do
		tell -c many "open 1 127.1.$i.1"
		tell -c many "open 1 127.2.$i.1"
	done
	tell -c many 'send EHLO x\r\n'
	strangers_get_in
	[ "$(figure live.throttle)" -le 18 ]
	tell -c many 'send MAIL FROM:<a@b.test>\r\n'
	strangers_get_in
}

@test "places: TLS handshakes that never end keep no stranger out" {
	certificate
	small Tls.Certificate="$PEM"
	crowd tls
	tell -c tls 'open 36 127.0.1.1'
	tell -c tls 'send EHLO x\r\nSTARTTLS\r\n'
	wait_until "[ \$(figure tls.handshakes) -ge 10 ]"
	strangers_get_in
	tell -c tls close
	wait_for_count sessions 0
}

# By a proxy: the loopback has no such network.
@test "places: sessions of an IPv6 site keep no stranger out" {
	local i refused=0
	FRONT=127.0.0.1:$(free_port)
	small ProxyTrusted=127.0.0.1 MaxSessions=20 MaxPerSite=8
	for i in {1..12}; do
		SMTP=v$i smtp_connect "$FRONT"
		SMTP=v$i smtp_send "PROXY TCP6 2001:db8:1:${i}00::1 2001:db8::2 1 25\r\n"
	done
	# Which of them is a matter of whose header is read first.
	for i in {1..12}; do
		SMTP=v$i smtp_expect '(220 |421 4.7.0 )mx.test'
		[[ $LINE != 421* ]] || refused=$((refused + 1))
	done
	[ "$refused" = 4 ]
	strangers_get_in
	[ "$(figure limited.site)" = 4 ]
}

@test "places: of held ones those go whose network has most" {
	local i
	small
	# The oldest are of networks of their own.
	for i in 1 2 3; do
		SMTP=h$i smtp_connect "$AT" "127.0.3$i.1"
		SMTP=h$i smtp_expect '220 mx.test'
	done
	crowd many
	# Not more than there is room for while the policy is asked.
	for i in {1..15}; do
		tell -c many "open 4 127.0.4.$i"
		wait_until '[ "$(figure live.asking)" = 0 ]'
	done
	wait_until '[ "$(figure shed.held)" -ge 20 ]'
	for i in 1 2 3; do
		SMTP=h$i smtp_say NOOP
		SMTP=h$i smtp_expect '250 '
	done
	[ "$(figure live.hold)" -le 36 ]
}

@test "places: who is slow is never shed, and a newcomer hears 421" {
	local i
	mta
	policy '* action=slow rate=100 patience=20 score=20 reason=test'
	tarpitd MaxPerClient=0 MaxSessions=6 ReserveForPass=2
	for i in 1 2 3 4; do
		SMTP=s$i smtp_connect "$AT" "127.0.1.$i"
		SMTP=s$i smtp_expect 220-
	done
	smtp_connect "$AT" 127.0.2.1
	smtp_expect '421 4.3.2 mx.test'
	smtp_expect_eof
	record_of 127.0.2.1 outcome=shed reason='"test limit:ReserveForPass"'
	[ "$(figure shed.newcomers)" = 1 ]
	[ "$(figure live.slow)" = 4 ]
}

@test "places: MaxThrottleTime= ends who delivers nothing, not who delivers" {
	small MaxThrottleTime=2s
	SMTP=idle greet 127.0.1.1
	SMTP=busy greet 127.0.1.2
	SMTP=busy envelope u@d.test
	SMTP=busy smtp_say DATA
	SMTP=busy smtp_expect '354 '
	SMTP=idle smtp_expect '421 4.4.2'
	SMTP=idle smtp_expect_eof
	record_of 127.0.1.1 outcome=shed reason='"test limit:MaxThrottleTime"'
	[ "$(figure shed.over_time)" = 1 ]
	# What is coming in is waited for, though the time is over.
	SMTP=busy smtp_send 'x\r\n.\r\n'
	SMTP=busy smtp_expect '250 2.0.0 Ok: queued'
	SMTP=busy smtp_say QUIT
	SMTP=busy smtp_expect '221 '
	record_of 127.0.1.2 outcome=delivered
}

@test "places: MaxSessions=auto follows from memory, and the status says so" {
	local limit by
	policy
	tarpitd
	run ctl status
	[[ $output =~ limits\ +[0-9,]+\ sessions,\ [0-9,]+\ slowed ]]
	by=$(sed -n 's/^  by  *//p' <<<"$output")
	limit=$(figure max_sessions)
	case $by in
	descriptors) [ "$limit" -gt $(($(ulimit -Hn) * 97 / 100 - 40)) ] ;;
	*) [[ $by == *memory* ]] ;;
	esac
	configure MaxSessions=12
	kill -HUP "$(daemon_pid tarpitd)"
	wait_for_log tarpitd event=reloaded
	run ctl status
	[[ $output == *'12 sessions, '*$'\n  by          MaxSessions=\n'* ]]
}

# Bytes of memory that are the process's alone, those of files it has read
# left out.
own_memory() {
	awk '/^Private_Dirty:/ { print $2 * 1024 }' \
		"/proc/$(daemon_pid tarpitd)/smaps_rollup"
}

# holders N: so many sessions, each of an address of its own and with names of
# its own, which are greeted; `tell -c holders speak`: EHLO, MAIL, RCPT.
holders() {
	local fd
	mkfifo "$DAEMONS/holders.in"
	exec {fd}<>"$DAEMONS/holders.in"
	CROWD[holders]=$fd
	: >"$DAEMONS/holders.log"
	start_daemon -i "$DAEMONS/holders.in" holders \
		"$BUILD/tests/bench/load" hold "$AT" "$1" 127.1.0.0
	wait_until -t 120 "[ -s '$DAEMONS/holders.log' ]"
}

# many N: there are to be so many.
many() {
	MANY=$1
	[ "$(ulimit -Hn)" -ge $((MANY + 500)) ] || skip "too few descriptors"
	ulimit -n "$(ulimit -Hn)"
}

# grown_by NAME PER-SESSION: since EMPTY, by that at the most.
grown_by() {
	local full
	full=$(own_memory)
	echo "$1: $(((full - EMPTY) / MANY)) bytes a session"
	is_sanitized || [ $((full - EMPTY)) -le $((MANY * $2)) ]
}

# leave_nothing BYTES: but so much, which does not depend on how many there were.
leave_nothing() {
	stop_daemon holders || : # by a signal
	wait_for_count sessions 0 60
	is_sanitized || wait_until "[ \$(own_memory) -le $((EMPTY + $1)) ]"
}

# The figures of README.md: with 10,000, of which each has an address of its
# own, which 96 bytes of a session and 20 of its address are, and names of its
# own, of which there are 32 KB (HoldNames=).
@test "places: 10,000 held sessions take 128 bytes each, and leave nothing" {
	many 10000
	policy '* action=hold rate=100000 score=100 ttl=60 reason=list.block+100'
	tarpitd MaxPerClient=0 ReserveForPass=2% HoldGreeting=0
	EMPTY=$(own_memory)
	holders "$MANY"
	wait_for_count held "$MANY" 60
	grown_by 'before they spoke' 128
	tell -c holders speak
	[[ $ANSWER == "spoken sessions=$MANY "* ]]
	grown_by 'in dialogue' 128
	# What they are called is in some of the records, and all were counted.
	[ "$(figure records.names_cut)" -gt 0 ]
	wait_for_log tarpitd 'event=names_cut limit="HoldNames="'
	run ctl metrics
	[[ $output == *$'\ntarpit_records_names_cut_total '[1-9]* ]]
	wait_for_count held "$MANY"
	leave_nothing 600000
	grep -q ' helo=host0.* sender="*<user0' "$DAEMONS/tarpitd.log"
}

# 4,000 in a transaction, each with names of its own: the session with its place,
# its two names and sender, a recipient, and its place in the queue to the MTA.
@test "places: 4,000 throttled sessions take 750 bytes each, and leave nothing" {
	many 4000
	BACKEND=$(free_port)
	backend
	policy '* action=throttle rate=100000 patience=0 score=70 reason=test'
	tarpitd MaxPerClient=0 MaxSessions=9000 Backend=127.0.0.1:"$BACKEND" \
		BackendConnections=8 SpoolDirectory="$DAEMONS"
	wait_for_notify tarpitd 'free'
	EMPTY=$(own_memory)
	holders "$MANY"
	grown_by 'before they spoke' 300
	tell -c holders speak
	[[ $ANSWER == "spoken sessions=$MANY "* ]]
	grown_by 'between commands' 750
	wait_until "[ \"\$(figure live.throttle)\" = $MANY ]"
	# Eight connections to the MTA are there still, 17 KB each and what
	# they read into, and whatever lies on a page with them.
	leave_nothing 1000000
}
