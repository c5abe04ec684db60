# SPDX-License-Identifier: ISC
# As inside.bash, which it needs: the records of the installed bundle in its
# systemd's journal.

# A record of each kind, each of its fields with the value "the FIELD", and what
# journalctl -x says of them.
every_event() {
	local id name priority fields
	install_tarpit
	"$BUILD/tests/unit/common/journal_test" list_events |
		while read -r id name priority fields; do
			{
				printf '%s\n' "MESSAGE_ID=$id" \
					"PRIORITY=$priority" \
					SYSLOG_IDENTIFIER=tarpitd \
					"MESSAGE=this is $name"
				tr -d '?' <<<"$fields" | tr ' ' '\n' |
					sed -n 's/..*/&=the &/p'
			} | logger --journald
		done
	journalctl --sync
	journalctl -q -x SYSLOG_IDENTIFIER=tarpitd
}

# More sessions than the journal takes from a service that does not ask for it.
beyond_the_limit() {
	ulimit -n 20000
	mkdir /etc/systemd/journald.conf.d
	printf '[Journal]\nRateLimitIntervalSec=1h\nRateLimitBurst=10\n' \
		>/etc/systemd/journald.conf.d/limit.conf
	systemctl restart systemd-journald.service
	install_tarpit
	give_roles inetd:/run/tarpit/handoff
	printf '%s\n' '[Dispatcher]' HoldGreeting=0 MaxPerClient=0 \
		>/etc/tarpit/tarpitd.conf.d/zz.conf
	printf '%s\n' '[Curve]' 20=100000 100=100000 \
		>/etc/tarpit/policy.conf.d/zz.conf
	echo 127.0.30.0/24 >/etc/tarpit/local-block.txt
	runuser -u tarpit-lists -- tarpit-lists build
	systemctl enable --now tarpitd.socket 2>&1
	echo 'steady 3000 1 127.0.30.1' |
		"$BUILD/tests/helpers/crowd" 127.0.0.1:25
	wait_until '[[ $(systemctl show -p StatusText tarpitd) == *" 3000 abandoned"* ]]'
	systemctl stop tarpitd.socket tarpitd.service
	journalctl --sync
	echo "recorded: $(journalctl -q -u tarpitd -o cat TARPIT_EVENT=session | wc -l)"
	echo "dropped: $(journalctl -q -u tarpitd -o cat TARPIT_EVENT=dropped \
		--output-fields=TARPIT_DROPPED | awk '{ n += $1 } END { print n + 0 }')"
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
