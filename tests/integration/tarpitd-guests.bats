#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Who has how many of the MTA's places: clients that are patient and then say
# nothing do not keep others out of it.

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

# figure NAME: of those that tarpitctl status is made of.
figure() {
	ask request=status | sed -n "s/^$1=//p"
}

wait_for_figure() {
	wait_until "[ \"\$(figure $1)\" = $2 ]"
}

# 127.0.9.* pass, 127.0.8.* are known to be good, all others are patient for 1 s.
guests() {
	mta
	policy '127.0.9.* action=pass score=0 reason=test' \
		'127.0.8.* action=pass score=-40 reason=test' \
		'* action=slow rate=2000 patience=1 score=20 reason=test'
	tarpitd MaxPerClient=0 "$@"
}

# served NAME CLIENT: by the MTA, and it stays there.
served() {
	SMTP=$1 smtp_connect "$AT" "$2"
	SMTP=$1 smtp_skip 220-
	SMTP=$1 smtp_expect '220 mta.test'
}

# Of 40 places who has been patient has 20: a silent network ten, another three.
@test "guests: a crowd of the silent and patient leaves places, and clean ones are served" {
	guests HandoffSessions=40 MaxPatience=4s
	crowd
	tell 'open 30 127.0.1.1'
	wait_for_figure guests.graduates 10
	tell 'open 30 127.0.2.1'
	wait_for_figure guests.refused 48
	[ "$(figure guests.graduates)" = 12 ]
	served patient 127.0.3.1
	served clean 127.0.9.1
	wait_for_log tarpitd 'has 10 sessions of 127.0.1.0/24, and 10 in all of the 40 that it has places for .* more wait in their greeting, then hear 421 event=handoff_limit client=127.0.1.[0-9]* network=127.0.1.0/24$'
	wait_for_record tarpitd event=session client=127.0.1.25 outcome=shed \
		'reason="test limit:HandoffSessions"'
	[ "$(grep -c event=handoff_limit "$DAEMONS/tarpitd.log")" = 1 ]
	tell close
	SMTP=patient smtp_close
	SMTP=clean smtp_close
	wait_for_figure guests.all 0
	[ "$(figure guests.graduates)" = 0 ]
}

@test "guests: who waits in the greeting gets the place that becomes free" {
	guests HandoffSessions=2 MaxPatience=100s
	served a 127.0.1.1
	SMTP=b smtp_connect "$AT" 127.0.2.1
	SMTP=b smtp_expect 220-
	wait_for_figure guests.delayed 1
	run ctl status
	[[ $output == *"places      1 of 2 in use, 1 by the patient; 1 had to wait, 0 sent away"* ]]
	SMTP=a smtp_say QUIT
	SMTP=a smtp_expect 221
	SMTP=b smtp_skip 220-
	SMTP=b smtp_expect '220 mta.test'
	SMTP=b smtp_close
	record_of 127.0.2.1 outcome=graduated
}

# It is the greeting still: who talks is caught, who leaves has left.
@test "guests: who waits and speaks is held" {
	guests HandoffSessions=1 MaxPatience=100s
	served a 127.0.1.1
	SMTP=b smtp_connect "$AT" 127.0.2.1
	wait_for_figure guests.delayed 1
	SMTP=b smtp_say 'EHLO early'
	wait_for_figure live.hold 1
	SMTP=c smtp_connect "$AT" 127.0.3.1
	wait_for_figure guests.delayed 2
	SMTP=c smtp_close
	record_of 127.0.3.1 outcome=abandoned
}

@test "guests: who passes is counted and not limited, who is known not counted" {
	local i
	guests HandoffSessions=4
	for i in 1 2 3; do served a$i 127.0.9.1; done
	for i in 1 2; do served n$i 127.0.9.$i; done
	for i in 1 2 3; do served k$i 127.0.8.1; done
	[ "$(figure guests.all)" = 5 ]
	[ "$(figure guests.refused)" = 0 ]
	run ctl metrics
	[[ $output == *$'\ntarpit_guests_refused_total 0\n'* ]]
	[[ $output == *$'\ntarpit_guests 5\n'* ]]
	[[ $output == *$'\ntarpit_guests_limit '[45]$'\n'* ]]
	# Its end is seen.
	SMTP=n2 smtp_say QUIT
	SMTP=n2 smtp_expect 221
	wait_for_figure guests.all 4
}

@test "guests: the patient have what those leave who pass" {
	guests HandoffSessions=2 MaxPatience=4s
	served a 127.0.9.1
	served b 127.0.9.2
	SMTP=c smtp_connect "$AT" 127.0.1.1
	SMTP=c smtp_skip 220-
	SMTP=c smtp_expect '421 4.7.0 mx.test'
}

# A place is free once the client has seen the end, though nobody has told us.
@test "guests: sessions one after the other are no crowd" {
	local i
	guests HandoffSessions=2
	for i in 1 2 3 4; do
		served a 127.0.1.1
		SMTP=a smtp_say QUIT
		SMTP=a smtp_expect 221
		SMTP=a smtp_expect_eof
		SMTP=a smtp_close
	done
	[ "$(figure guests.refused)" = 0 ]
}

@test "guests: who only observes counts, and makes nobody wait" {
	guests HandoffSessions=2 Mode=observe
	served a 127.0.1.1
	served b 127.0.1.2
	served c 127.0.1.3
	[ "$(figure guests.all)" = 3 ]
	[ "$(figure guests.delayed)" = 0 ]
}

@test "guests: an MTA that serves more has more places" {
	local i
	mta
	policy '* action=pass score=0 reason=test'
	tarpitd HandoffSessions=1
	for i in 1 2 3 4 5; do served a$i 127.0.$i.1; done
	wait_for_figure guests.places 5
}

@test "guests: zero places limit nothing, and a reload changes that" {
	local i
	guests HandoffSessions=0
	for i in 1 2 3; do served a$i 127.0.1.1; done
	run ctl status
	[[ $output != *places* ]]
	configure HandoffSessions=4 MaxPerClient=0 MaxPatience=100s
	kill -HUP "$(daemon_pid tarpitd)"
	wait_for_log tarpitd event=reloaded
	smtp_connect "$AT" 127.0.1.1
	wait_for_figure guests.delayed 1
}
