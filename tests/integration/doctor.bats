#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# tarpitctl doctor: each thing that it may find is provoked, and is not found
# before.  What only systemd can show is in tests/system/doctor.bats.

bats_require_minimum_version 1.5.0
load ../helpers/common
load ../helpers/daemon
load ../helpers/smtp
load ../helpers/tarpitd
load ../helpers/bundle
load ../helpers/faults
load ../helpers/report

setup() {
	bundle_setup
	: >"$dir/empty.journal"
}

teardown() {
	smtp_close_all
	stop_daemons
}

# doctor STATUS [OPTION]...: its findings are in $output, as JSON.
doctor() {
	local status=$1
	shift
	run "-$status" ctl doctor --json --port "$PORT" "$@"
}

# found WORD [TEXT]: one that says TEXT.
found() {
	jq -e --arg word "$1" --arg text "${2-}" 'any(.findings[];
		.finding == $word and (.text | contains($text)))' \
		<<<"$output" >/dev/null || {
		echo "no $1 with \"${2-}\" in:"
		echo "$output"
		return 1
	}
}

not_found() {
	jq -e --arg word "$1" 'all(.findings[]; .finding != $word)' \
		<<<"$output" >/dev/null || {
		echo "$1 in:"
		echo "$output"
		return 1
	}
}

# All that is wrong with what `bundle` makes on purpose.
healthy() {
	bundle "$@"
	printf 'list.far=-100\n' >>"$POLICY_CONF"
	printf 'fetched=%s\nfailures=0\n' "$(date +%s)" >"$dir/lists/far.state"
	sed -i "s|^History=.*|History=$dir/history|" "$POLICY_CONF"
}

@test "doctor: what is well is called so" {
	healthy
	run -0 ctl doctor --port "$PORT"
	grep -qx 'nothing is wrong' <<<"$output"
	doctor 0
	jq -e '.findings == []' <<<"$output"
}

@test "doctor: the most important comes first, with what to do" {
	bundle HandoffTimeout=1s
	stop_daemon mta || :
	run -2 ctl doctor --port "$PORT"
	[[ ${lines[0]} == urgent\ * ]]
	grep -q '(mta-silent)' <<<"$output"
	grep -q '^ \{12\}[A-Z]' <<<"$output"
	grep -Eq '^[0-9]+ urgent, [0-9]+ warnings, [0-9]+ remarks$' <<<"$output"
	# No line is wider than a terminal, but for names of files.
	[ "$(grep -v / <<<"$output" | awk 'length > 80')" = "" ]
	# Urgent ones before warnings before remarks.
	[ "$(grep -Eo '^(urgent|warning|remark) ' <<<"$output" | uniq | wc -l)" \
		= "$(grep -Eo '^(urgent|warning|remark) ' <<<"$output" | sort -u | wc -l)" ]
}

@test "doctor: nobody listens" {
	healthy
	doctor 0
	run -2 ctl doctor --json --port "$(free_port)"
	found port-closed
}

@test "doctor: somebody else has the port" {
	local other
	healthy
	other=$(free_port)
	start_daemon other socat "TCP-LISTEN:$other,fork" EXEC:/bin/true
	wait_for_port other "$other"
	run -2 ctl doctor --json --port "$other"
	found port-foreign socat
	not_found mta-silent
}

@test "doctor: tarpitd is not there" {
	healthy
	stop_daemon tarpitd
	doctor 2
	found tarpitd-away "$CONTROL"
	found port-closed
}

@test "doctor: the policy service is not there" {
	healthy
	stop_daemon policyd
	doctor 2
	found policy-away "$POLICY"
}

@test "doctor: policy.conf has an error" {
	healthy
	echo 'list.bad=many' >>"$POLICY_CONF"
	doctor 2
	found policy-config "policy.conf:$(wc -l <"$POLICY_CONF")"
}

@test "doctor: the MTA is not there" {
	healthy HandoffTimeout=1s
	stop_daemon mta || :
	rm -f "$MTA"
	doctor 2
	found mta-away "$MTA"
	found mta-silent
}

@test "doctor: the service's user may not use the MTA's socket" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	healthy HandoffTimeout=1s
	doctor 0
	# As another user, which must get at what it needs.
	stop_daemon tarpitd
	chmod 711 "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test"
	chmod 777 "$DAEMONS"
	rm -f "$CONTROL"
	chmod 700 "$MTA"
	chmod 777 "$POLICY"
	start_daemon -n tarpitd setpriv --reuid nobody --regid nogroup \
		--clear-groups "$BUILD/tarpitd" --config "$CONF" \
		--listen "$AT" --control "$CONTROL"
	wait_for_log tarpitd event=started
	doctor 2
	found mta-rights "may not use $MTA: Permission denied"
}

@test "doctor: the MTA answers with a refusal, or not at all" {
	healthy HandoffTimeout=1s
	stop_daemon mta || :
	rm -f "$MTA"
	start_daemon mta "$BUILD/tests/helpers/fake_mta" "$MTA" 5
	wait_for_socket mta "$MTA"
	doctor 2
	found mta-silent
}

@test "doctor: the last sessions that the MTA took were not served" {
	healthy
	pretend handoff.unserved_in_row=2 handoff.state=unserved
	doctor_pretended 0
	pretend handoff.unserved_in_row=3 handoff.state=unserved
	doctor_pretended 2
	found mta-silent 'the last 3 sessions that the MTA took were not served'
}

@test "doctor: the MTA behind throttle is not there" {
	backend
	healthy Backend="127.0.0.1:$BACKEND"
	doctor 0
	stop_daemon backend || :
	stop_daemon tarpitd
	tarpitd Backend="127.0.0.1:$BACKEND"
	doctor 2
	found backend-away
}

# pretend NAME=VALUE...: tarpitd's status, but for these, is what is told at
# $dir/pretended from now on.
pretend() {
	local pair
	ask request=status >"$dir/status"
	for pair; do
		sed -i "/^${pair%%=*}=/d" "$dir/status"
		sed -i "1i$pair" "$dir/status"
	done
	# It reads the question to its end: else the client's next word is
	# answered by a reset.
	printf '%s\n' 'while read -r line && [ "$line" ]; do :; done' \
		"cat '$dir/status'" >"$dir/pretend"
	start_daemon pretended socat "UNIX-LISTEN:$dir/pretended,fork" \
		"EXEC:sh $dir/pretend"
	wait_for_socket pretended "$dir/pretended"
}

doctor_pretended() {
	doctor "$1" --control "$dir/pretended"
	stop_daemon pretended || :
}

@test "doctor: records were dropped, the loop stood still" {
	healthy
	pretend longest_stall_us=199999
	doctor_pretended 0
	pretend records.dropped=1204 longest_stall_us=200000
	doctor_pretended 1
	found records-dropped '1,204 records'
	found stalled '200 ms'
}

@test "doctor: certificates that end soon, have ended, or cannot be read" {
	certificate # for two days
	healthy Tls.Certificate="$PEM"
	doctor 1
	found certificate-old 'a certificate ends in '
	not_found certificate-bad
	stop_daemon tarpitd
	expire_certificate
	cat "$PEM.key" "$PEM.crt" >"$PEM"
	tarpitd Tls.Certificate="$PEM"
	doctor 2
	found certificate-bad 'a certificate ended'
	pretend config.tls_error='/etc/tarpit/tls.pem: Permission denied' \
		tls.expires=0
	doctor_pretended 2
	found certificate-bad 'tls.pem: Permission denied'
}

@test "doctor: a configuration that was refused" {
	healthy
	configure Mode=sometimes
	kill -HUP "$(daemon_pid tarpitd)"
	wait_for_log tarpitd event=config_error
	doctor 2
	found config-refused 'tarpitd.conf:'
}

@test "doctor: what a reload would refuse, as the service's user" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	certificate
	openssl req -x509 -key "$PEM.key" -subj /CN=mx.test -days 90 \
		-out "$PEM.crt" 2>/dev/null
	cat "$PEM.key" "$PEM.crt" >"$PEM"
	healthy Tls.Certificate="$PEM"
	stop_daemon tarpitd
	chmod 711 "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test"
	chmod 777 "$DAEMONS"
	rm -f "$CONTROL"
	chmod 777 "$POLICY" "$MTA"
	chmod 644 "$PEM"
	start_daemon -n tarpitd setpriv --reuid nobody --regid nogroup \
		--clear-groups "$BUILD/tarpitd" --config "$CONF" \
		--listen "$AT" --control "$CONTROL"
	wait_for_log tarpitd event=started
	# A mail finds the policy service.
	smtp_play - "$AT" 127.0.0.2 <<<'S: 220 '
	record_of 127.0.0.2 outcome=passed
	doctor 0
	# As certbot renews it.
	chmod 600 "$PEM"
	doctor 2
	found config-broken "$PEM: [Tls] Certificate=: Permission denied"
	not_found certificate-bad
	chmod 644 "$PEM"
	configure Tls.Certificate="$PEM" Mode=sometimes
	doctor 2
	found config-broken "tarpitd.conf:"
	chmod 600 "$CONF"
	doctor 2
	found config-broken "Permission denied"
}

@test "doctor: limits were reached" {
	healthy
	pretend limited.network=7 shed.newcomers=1,
	doctor_pretended 1
	found limit-reached '7 clients over MaxPerNetwork='
	jq -e '[.findings[] | select(.finding == "limit-reached")] |
		length == 1' <<<"$output"
}

@test "doctor: what only root may read of lists is not taken for well" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	healthy
	printf 'fetched=%s\nfailures=3\n' "$(date +%s)" >"$dir/lists/far.state"
	chmod 600 "$dir/lists/far.state"
	chmod 711 "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test"
	chmod 755 "$dir" "$dir/lists" "$DAEMONS"
	chmod 666 "$CONTROL"
	# As those who only look, or scrape.
	other() {
		setpriv --reuid nobody --regid nogroup --clear-groups \
			"$BUILD/tarpitctl" --control "$CONTROL" \
			--socket "$POLICY" --config "$POLICY_CONF" "$@"
	}
	other status | grep -x '  NOT SEEN    whether 1 of them could be fetched: only root may read that'
	other status --json |
		jq -e '[.data.lists[].failures] == [0, null]'
	[ "$(other metrics | grep -c 'tarpit_list_fetch_failures{list="far"}')" = 0 ]
	run other doctor --port "$PORT"
	grep -q '^not seen *whether lists could be fetched' <<<"$output"
	# The times are for everybody.
	printf 'fetched=%s\nfailures=4\n' "$(($(date +%s) - 86400))" \
		>"$dir/lists/far.times"
	other status | grep -q '  NOT FETCHED far: 4 failures, 1 d'
	[ "$(other status | grep -c 'NOT SEEN')" = 0 ]
	other metrics | grep -qx 'tarpit_list_fetch_failures{list="far"} 4'
}

@test "doctor: lists that are old, empty, failing, or cannot be read" {
	healthy
	doctor 0
	printf 'fetched=%s\nfailures=3\n' "$(($(date +%s) - 86400))" \
		>"$dir/lists/far.state"
	doctor 1
	found list-failing 'far is 1 d'
	# Both want to be the first library.
	is_sanitized || {
		faketime '-3 days' "$BUILD/tarpit-lists" \
			--config "$dir/tarpit-lists.conf" build
		doctor 1
		found lists-old 'compiled 3 d'
	}
	rm "$dir/lists.cdb"
	doctor 1
	found lists-unreadable "$dir/lists.cdb"
}

@test "doctor: data that the policy service cannot use, for as long as that is so" {
	healthy
	cp "$dir/lists.cdb" "$dir/lists.good"
	echo nonsense >"$dir/lists.new"
	mv "$dir/lists.new" "$dir/lists.cdb"
	wait_for_log policyd event=data_error
	doctor 1
	found data-trouble "lists: $dir/lists.cdb: "
	mv "$dir/lists.good" "$dir/lists.cdb"
	wait_until '[ "$(grep -c "event=data_loaded.*source=lists" \
		"$DAEMONS/policyd.log")" -ge 2 ]'
	doctor 0
}

@test "doctor: weights without lists, lists without weight" {
	healthy
	sed -i 's/^list.far=.*/list.dorp=100/' "$POLICY_CONF"
	doctor 1
	found weight-without-list 'list.dorp=100'
	found list-without-weight 'the list far'
	not_found list-failing

	# So do the service and its status.
	kill -HUP "$(daemon_pid policyd)"
	wait_until 'ctl status | grep -x "  NO EFFECT   list.dorp=100 (no such list)"'
	ctl status | grep -x '  NO EFFECT   the list far (no weight)'
	ctl status --json | jq -e '.policyd.mismatches >= 2 and
		(.policyd.mismatch | contains("list.dorp=100"))'
	ctl metrics | grep -E '^tarpit_policyd_mismatches [2-9]'
}

@test "doctor: a list of AS numbers that is weighed as one of addresses" {
	healthy
	printf '%s\n' AS64496 AS64497 >"$dir/systems.txt"
	printf '[List]\nKind=block\nSource=%s\n' "$dir/systems.txt" \
		>"$dir/lists.d/systems.conf"
	"$BUILD/tarpit-lists" --config "$dir/tarpit-lists.conf" build
	echo 'list.systems=60' >>"$POLICY_CONF"
	doctor 1
	found list-without-weight \
		'systems has only AS numbers, and asnlist.systems= no weight'
	not_found weight-without-list
	kill -HUP "$(daemon_pid policyd)"
	wait_until 'ctl status |
		grep -x "  NO EFFECT   list.systems=60 (has only AS numbers: asnlist.systems)"'
	sed -i 's/^list.systems=.*/asnlist.systems=60\nasnlist.bad=10/' "$POLICY_CONF"
	doctor 1
	not_found list-without-weight
	kill -HUP "$(daemon_pid policyd)"
	wait_until 'ctl status |
		grep -x "  NO EFFECT   asnlist.bad=10 (has no AS numbers: list.bad)"'
	[ "$(ctl status | grep -c 'NO EFFECT.*systems.*AS numbers')" = 0 ]
}

@test "doctor: list.drop=100 is so in policy.conf as shipped, whose list is not" {
	healthy
	grep -qx 'list.drop=100' "$ROOT/policy/policy.conf"
	sed -i '/^list.drop=/d' "$POLICY_CONF"
	echo 'list.drop=100' >>"$POLICY_CONF"
	doctor 0
	sed -i 's/^list.drop=.*/list.drop=99/' "$POLICY_CONF"
	doctor 1
	found weight-without-list 'list.drop=99'
}

@test "doctor: databases that are missing, old, or without weights" {
	healthy
	doctor 0
	echo 'country.CN=15' >>"$POLICY_CONF"
	doctor 1
	found database-missing countries
	printf '192.0.2.0/24 CN\n' >"$dir/country.txt"
	: >"$dir/country.mmdb"
	sed -i "s|^Country=.*|Country=$dir/country.mmdb|" "$POLICY_CONF"
	doctor 0
	touch -d '100 days ago' "$dir/country.mmdb"
	doctor 1
	found database-old "country.mmdb is 100 d"
	sed -i '/^country.CN/d' "$POLICY_CONF"
	doctor 0
	found database-without-weight countries
}

@test "doctor: no history" {
	healthy
	sed -i 's/^History=.*/History=/' "$POLICY_CONF"
	doctor 1
	found history-off
}

@test "doctor: observing" {
	healthy Mode=observe
	doctor 0
	found observing
}

@test "doctor: loopback is slowed" {
	healthy
	echo 127.0.0.1 >>"$dir/bad.txt"
	"$BUILD/tarpit-lists" --config "$dir/tarpit-lists.conf" build
	stop_daemon policyd
	sed -i 's/^list.bad=.*/list.bad=20/' "$POLICY_CONF"
	start_daemon -n policyd "$BUILD/tarpit-policyd" \
		--config "$POLICY_CONF" --listen "$POLICY"
	wait_for_notify policyd READY=1
	stop_daemon tarpitd
	tarpitd MaxPatience=1s
	doctor 1
	found loopback-slowed
}

# sessions_of CLIENT...: 20 of each, in a journal.
sessions_of() {
	local client i now
	now=$(date +%s)
	for client; do
		for i in {1..20}; do
			printf '%s\t%s\tpass\tpass\tpassed\t0\t0\t\t\t20000\t0\t0\tmx\n' \
				"$((now - 100 + i))000000" "$client"
		done
	done | make_journal "$dir/clients.journal"
}

@test "doctor: everybody comes from one private address" {
	healthy
	sessions_of 10.0.0.7
	doctor 2 --file "$dir/clients.journal"
	found one-client 'all 20 sessions of the last day came from 10.0.0.7'
	rm "$dir/clients.journal"
	sessions_of 10.0.0.7 192.0.2.9
	doctor 0 --file "$dir/clients.journal"
	# A public one may be somebody's only correspondent.
	rm "$dir/clients.journal"
	sessions_of 192.0.2.9
	doctor 0 --file "$dir/clients.journal"
}

@test "doctor: every finding has a test and is in the manual" {
	local word missing=0
	while read -r word; do
		grep -q "found $word" "$ROOT"/tests/integration/doctor.bats \
			"$ROOT"/tests/system/*.bats || {
			echo "no test finds $word"
			missing=1
		}
		grep -q "^\.It $word\$" "$ROOT/bin/tarpitctl/tarpitctl.1" || {
			echo "$word is not in the manual"
			missing=1
		}
	done < <(sed -n 's/^FINDING([A-Z_]*, "\([a-z-]*\)".*/\1/p' \
		"$ROOT/bin/tarpitctl/doctor.def")
	return $missing
}
