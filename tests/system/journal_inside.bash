# SPDX-License-Identifier: ISC
# As inside.bash, which it needs: the records of the installed bundle in its
# systemd's journal.

# A record of each kind, and what journalctl -x says of them.
every_event() {
	install_tarpit
	"$BUILD/tests/unit/common/journal_test" list_events |
		while read -r id name priority _; do
			printf '%s\n' "MESSAGE_ID=$id" "PRIORITY=$priority" \
				SYSLOG_IDENTIFIER=tarpitd "MESSAGE=this is $name" |
				logger --journald
		done
	journalctl --sync
	journalctl -q -x SYSLOG_IDENTIFIER=tarpitd
}

# Sessions of each lane; then what fail2ban finds in the journal itself, and
# the same with a journal of the dispatcher's own.
caught() {
	local journald=/usr/local/share/doc/tarpit/journald
	sessions_in_every_lane
	record TARPIT_CLIENT=127.0.0.2 TARPIT_OUTCOME=passed >/dev/null
	# The slow one and the held one leave.
	kill %2 %3
	record TARPIT_CLIENT=127.0.0.3 TARPIT_OUTCOME=abandoned >/dev/null
	record TARPIT_CLIENT=127.0.0.4 TARPIT_OUTCOME=abandoned >/dev/null
	echo "normal: $(banned normal)"
	echo "aggressive: $(banned aggressive)"
	echo "limit: $(systemctl show -p LogRateLimitIntervalUSec tarpitd.service)"
	cp -r $journald/tarpitd.service.d /etc/systemd/system/
	cp $journald/journald@tarpit.conf /etc/systemd/
	systemctl daemon-reload
	systemctl restart tarpitd.service
	"${SWAKS[@]}" --local-interface 127.0.0.2
	wait_until '[ -n "$(journalctl -q --namespace=tarpit TARPIT_OUTCOME=passed)" ]'
	echo "own: $(journalctl -q --namespace=tarpit -u tarpitd -o cat TARPIT_OUTCOME=passed)"
	echo "both: $(journalctl -q --namespace='*' -u tarpitd -o cat TARPIT_EVENT=started | wc -l)"
	systemctl --failed --no-legend
}

# banned MODE: the addresses that fail2ban-regex finds in the journal, with the
# filter and the journalmatch that were installed.
banned() {
	fail2ban-regex -o ip systemd-journal \
		"/etc/fail2ban/filter.d/tarpit.conf[mode=$1]" | sort | tr '\n' ' '
}
