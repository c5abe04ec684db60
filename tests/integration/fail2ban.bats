#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The filter for fail2ban, by the real fail2ban-regex: whom it finds among the
# real records of a dispatcher, and that no client can put another's address
# there.

load ../helpers/common
load ../helpers/daemon
load ../helpers/smtp
load ../helpers/tarpitd

FILTER=$ROOT/units/fail2ban/filter.d/tarpit.conf

setup() {
	command -v fail2ban-regex >/dev/null || skip "no fail2ban"
	tarpitd_setup
	LOG=$DAEMONS/mail.log
}

teardown() {
	smtp_close_all
	stop_daemons
}

# What tarpitd has printed, as syslog would have written it.
as_syslog() {
	sed "s/^tarpitd: /$(LC_ALL=C date '+%b %e %H:%M:%S') mx tarpitd[7]: /" \
		"$DAEMONS/tarpitd.log"
}

# found [MODE]: the addresses that it finds in $LOG, sorted, and twice if
# found twice.
found() {
	fail2ban-regex -o ip "$LOG" "${FILTER}[mode=${1-normal}]" | sort
}

# session_of SOURCE: what standard input plays, in the background.
session_of() {
	smtp_play - "$AT" "$1" <&0 &
}

# 127.0.0.2 passes, .3 is slowed, .4 is held.
roles() {
	policy '127.0.0.2 action=pass' \
		'127.0.0.3 action=slow rate=0 patience=1' \
		'127.0.0.5 action=slow rate=400 patience=20' \
		'127.0.0.6 action=slow rate=400 patience=20' \
		'127.0.0.4 action=hold rate=0 score=120 reason=list.drop+100_history.none+20' \
		'127.0.0.7 action=hold rate=0 score=120 reason=list.drop+100'
	mta
}

# One session of each kind; all have ended when this returns.
everybody() {
	# Clean; patient.
	for source in 127.0.0.2 127.0.0.3; do
		session_of $source <<-END
			S* 220-
			S: 220 
			C: QUIT
			S: 221
		END
	done
	# Listed, and left; listed, and refused.
	session_of 127.0.0.4 <<-END
		S: 220 
	END
	session_of 127.0.0.7 <<-END
		S: 220 
		C: EHLO client.test
		S* 250-
		S: 250 
		C: MAIL FROM:<a@b.test>
		S: 250
		C: RCPT TO:<u@dest.test>
		S: 450
	END
	# Slowed, and impatient; slowed, and too early.
	session_of 127.0.0.5 <<-END
		S: 220-
	END
	session_of 127.0.0.6 <<-END
		S: 220-
		C: EHLO client.test
		S: 220-
	END
	record_of 127.0.0.2 outcome=passed
	record_of 127.0.0.3 outcome=graduated
	record_of 127.0.0.4 outcome=abandoned lane=hold
	record_of 127.0.0.5 outcome=abandoned lane=slow
	record_of 127.0.0.6 outcome=abandoned lane=hold verdict=slow
	record_of 127.0.0.7 outcome=refused
}

@test "fail2ban: who was caught or held, and nobody else" {
	roles
	tarpitd
	everybody
	as_syslog >"$LOG"
	cat "$LOG"
	[ "$(found)" = "127.0.0.4
127.0.0.6
127.0.0.7" ]
	# And who gave up while it was slowed.
	[ "$(found aggressive)" = "127.0.0.4
127.0.0.5
127.0.0.6
127.0.0.7" ]
}

@test "fail2ban: who was only observed is not found" {
	roles
	tarpitd Mode=observe
	session_of 127.0.0.4 <<-END
		S: 220 
		C: QUIT
		S: 221
	END
	record_of 127.0.0.4 outcome=passed lane=hold mode=observe
	# And one that leaves while there is no MTA.
	stop_daemon mta || :
	smtp_connect "$AT" 127.0.0.7
	wait_for_log tarpitd event=handoff_down
	smtp_close
	record_of 127.0.0.7 outcome=abandoned lane=hold mode=observe
	as_syslog >"$LOG"
	[ -z "$(found aggressive)" ]
}

@test "fail2ban: addresses of IPv6" {
	policy '::1 action=hold rate=0 reason=list.drop+100'
	AT="[::1]:$PORT" tarpitd
	smtp_connect "[::1]:$PORT"
	smtp_expect '220 '
	smtp_close
	record_of ::1 outcome=abandoned
	as_syslog >"$LOG"
	[ "$(found)" = ::1 ]
}

# Whatever a client says, and wherever it gets into the record, the only
# address found is its own, once for each of its sessions.
@test "fail2ban: no client can fake a line" {
	local fake='192.0.2.99 was refused for 9.9 s (hold: list.drop+100)' i
	local helo=("$fake" "x\\r$fake" "x\\n$fake" "x) tarpitd[7]: $fake"
		"\\0\\n$(LC_ALL=C date '+%b %e %H:%M:%S') mx tarpitd[7]: $fake"
		"\\x1b[2K\\r$fake" "\\xe2\\x80\\xa8$fake" "\\xc2\\x85$fake"
		"\"$fake" "a\\\\n$fake" 'event=session client=192.0.2.99')
	policy '* action=hold rate=0 reason=list.drop+100'
	tarpitd MaxPerClient=0
	for i in "${!helo[@]}"; do
		SMTP=c$i smtp_connect "$AT" "127.0.1.$((i + 1))"
	done
	for i in "${!helo[@]}"; do
		SMTP=c$i smtp_expect '220 '
		SMTP=c$i smtp_send "EHLO ${helo[i]}\\r\\n"
	done
	for i in "${!helo[@]}"; do
		SMTP=c$i smtp_expect '[25]'
		SMTP=c$i smtp_send "MAIL FROM:<\"${helo[i]}\"@b.test>\\r\\n"
		SMTP=c$i smtp_close
	done
	wait_until "[ \$(grep -c event=session '$DAEMONS/tarpitd.log') = ${#helo[@]} ]"
	as_syslog >"$LOG"
	cat -v "$LOG"
	# They were told to the journal.
	grep -q 'helo="\?.*192.0.2.99' "$LOG"
	[ "$(found aggressive)" = "$(for i in "${!helo[@]}"; do
		echo "127.0.1.$((i + 1))"
	done | sort)" ]
}

@test "fail2ban: what another program quotes is not ours" {
	local fake='192.0.2.99 was refused for 9.9 s (hold: list.drop+100)'
	local time
	time=$(LC_ALL=C date '+%b %e %H:%M:%S')
	printf '%s\n' "$time mx postfix/smtpd[9]: $fake" \
		"$time mx postfix/smtpd[9]: x tarpitd: $fake" \
		"$time mx tarpit-handoff[9]: $fake" \
		"$time mx tarpitd[9]: EHLO $fake" \
		"$time mx xtarpitd[9]: $fake" >"$LOG"
	[ -z "$(found aggressive)" ]
	# The same is found where it is ours.
	echo "$time mx tarpitd[9]: $fake" >>"$LOG"
	[ "$(found)" = 192.0.2.99 ]
}

@test "fail2ban: the jail is a correct one, and not enabled" {
	local conf=$DAEMONS/fail2ban
	cp -r /etc/fail2ban "$conf"
	rm -f "$conf"/jail.d/* "$conf"/jail.local
	cp "$FILTER" "$conf/filter.d/"
	cp "$ROOT/units/fail2ban/jail.d/tarpit.conf" "$conf/jail.d/"
	fail2ban-client -c "$conf" -t
	run fail2ban-client -c "$conf" -d
	[ "$status" = 0 ]
	[[ $output != *tarpit* ]]
	printf '[tarpit]\nenabled = true\n' >"$conf/jail.d/tarpit.local"
	fail2ban-client -c "$conf" -t
	run fail2ban-client -c "$conf" -d
	[ "$status" = 0 ]
	[[ $output == *"['add', 'tarpit', 'systemd']"* ]]
	[[ $output == *"_SYSTEMD_UNIT=tarpitd.service"* ]]
}
