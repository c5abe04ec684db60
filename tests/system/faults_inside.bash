# SPDX-License-Identifier: ISC
# As inside.bash, which it needs: faults of the installed bundle under its
# systemd.

# held NAME SOURCE: a session whose output is in /tmp/NAME; ends with this shell.
held() {
	sleep 100 | nc -s "$2" 127.0.0.1 25 >"/tmp/$1" &
	wait_until "[ -s /tmp/$1 ]"
}

# One session in each lane: with the MTA, in the greeting, in the dialogue.
sessions_in_every_lane() {
	install_tarpit
	install -m 755 "$BUILD/tests/helpers/maildir_smtpd" /usr/local/sbin
	printf '%s\n' '[Handoff]' \
		'Command=/usr/local/sbin/maildir_smtpd /var/lib/tarpit-handoff/Maildir' \
		>/etc/tarpit/tarpit-handoff.conf
	give_roles inetd:/run/tarpit/handoff
	# Slow enough to be there when the fault comes, and no answer is used
	# twice.
	printf '%s\n' '[Data]' History= '[Curve]' 20=20 100=20 '[Patience]' 20=20s 100=20s \
		'[Answers]' Ttl=0 \
		>/etc/tarpit/policy.conf.d/test.conf
	systemctl enable --now tarpitd.socket tarpit-handoff.socket 2>&1
	held pass 127.0.0.2
	held slow 127.0.0.3
	held hold 127.0.0.4
}

# The clients of the lanes SLOW and HOLD have been told, and one can mail.
told_and_served() {
	wait_until '[ -n "$(journalctl -q TARPIT_CLIENT=127.0.0.3 TARPIT_OUTCOME=shed)" ]'
	wait_until '[ -n "$(journalctl -q TARPIT_CLIENT=127.0.0.4 TARPIT_OUTCOME=shed)" ]'
	echo "slow heard: $(tail -n 1 /tmp/slow)"
	echo "hold heard: $(tail -n 1 /tmp/hold)"
	"${SWAKS[@]}" --local-interface 127.0.0.2
}

restart_with_sessions() {
	sessions_in_every_lane
	systemctl restart tarpitd.service
	told_and_served
	# Who is with the MTA does not notice.
	[ "$(pgrep -c maildir_smtpd)" = 1 ] && echo "the MTA's session lives"
	systemctl --failed --no-legend
}

# SIGKILL: the listener is systemd's, so nobody is refused.
kill_with_sessions() {
	local i
	sessions_in_every_lane
	for i in 1 2 3; do
		systemctl kill -s KILL tarpitd.service
		"${SWAKS[@]}" --local-interface 127.0.0.2
		wait_until "[ \"\$(systemctl show -p NRestarts --value tarpitd.service)\" = $i ]"
	done
	systemctl kill -s KILL tarpit-policyd.service
	"${SWAKS[@]}" --local-interface 127.0.0.2
	systemctl kill -s KILL tarpit-handoff.service
	"${SWAKS[@]}" --local-interface 127.0.0.2
	echo "mails: $(find /var/lib/tarpit-handoff/Maildir/new -type f | wc -l)"
	echo "up: $(systemctl is-active tarpitd tarpit-policyd tarpit-handoff | tr '\n' ' ')"
	systemctl --failed --no-legend
}

# A policy service that stands still, under the watchdog of its unit.
stopped_policyd() {
	sessions_in_every_lane
	systemctl kill -s STOP tarpit-policyd.service
	"${SWAKS[@]}" --local-interface 127.0.0.2
	wait_until '[ -n "$(journalctl -q TARPIT_EVENT=policy_down)" ]'
	journalctl -q -o cat TARPIT_EVENT=policy_down
	systemctl kill -s CONT tarpit-policyd.service
	wait_until '"${SWAKS[@]}" --local-interface 127.0.0.2 && [ -n "$(journalctl -q TARPIT_EVENT=policy_up)" ]'
	journalctl -q -o cat TARPIT_EVENT=policy_up
	systemctl --failed --no-legend
}
