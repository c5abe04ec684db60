#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# tarpitctl against a dispatcher that runs: status, orders, metrics.

bats_require_minimum_version 1.5.0
load ../helpers/common
load ../helpers/daemon
load ../helpers/smtp
load ../helpers/tarpitd
load ../helpers/bundle

setup() {
	bundle_setup
}

teardown() {
	smtp_close_all
	stop_daemons
}

# One that passed, one that was held and left, one that is held.
traffic() {
	smtp_play - "$AT" 127.0.0.2 <<<'S: 220 '
	record_of 127.0.0.2 outcome=passed
	smtp_connect "$AT" 127.0.0.4
	wait_until "ctl status | grep -Eq '^  now +0 +0 +0 +1 '"
	# Without a byte of the greeting it would be a probe.
	read -r -t "$DEADLINE" -N 1 -u "${SMTP_IN[client]}"
	smtp_close
	record_of 127.0.0.4 outcome=abandoned
	smtp_connect "$AT" 127.0.0.4
	wait_until "ctl status | grep -Eq '^  now +0 +0 +0 +1 '"
}

@test "status: one screen that says what there is" {
	bundle
	traffic
	run -0 ctl status
	# But for lines that say what is wrong.
	[ "$(grep -Evc '^  [A-Z]{2}' <<<"$output")" -le 24 ]
	[ "$(awk 'length > 80' <<<"$output")" = "" ]
	[[ ${lines[0]} =~ ^tarpitd\ .*\ since\ 20..-..-..\ ..:..\ \(.*\)$ ]]
	grep -Eq '^  pass +1( +-){6}$' <<<"$output"
	grep -Eq '^  hold( +-){3} +1( +-){3}$' <<<"$output"
	grep -Eq '^time taken +[0-9.]+ s today, ' <<<"$output"
	grep -q '^MTA  *takes sessions; 0 wait, 1 were taken' <<<"$output"
	grep -q '^policy  *answers; 3 asked, 0 too late, 0 known from before' <<<"$output"
	grep -q '^  service  *3 answers, 2 outcomes, 0 bad ones' <<<"$output"
	grep -Eq '^lists +2 lists, 3 entries, compiled .* ago$' <<<"$output"
	grep -q '^  oldest  *far, fetched 1 d.* ago' <<<"$output"
	grep -q '^  NOT FETCHED far: 3 failures, 1 d.* old;' <<<"$output"
	grep -Eq '^records +[0-9]+ sent to the journal, 0 dropped' <<<"$output"
}

@test "status: what is wrong stands out" {
	bundle
	stop_daemon policyd
	stop_daemon mta || :
	rm "$dir/lists.cdb"
	# Whom it was asked about while it was silent, and who waits for an MTA.
	smtp_connect "$AT" 127.0.0.2
	wait_until "ctl status | grep -q '^MTA  *TAKES NO SESSIONS; 1 wait'"
	run -2 ctl status
	[[ ${lines[1]} == 'THE MTA TAKES NO SESSIONS: '* ]]
	[[ ${lines[2]} == 'THE POLICY SERVICE DOES NOT ANSWER: '* ]]
	grep -q '^policy  *DOES NOT ANSWER' <<<"$output"
	grep -q '^  service  *no answer: ' <<<"$output"
	grep -q "^lists  *cannot be read: $dir/lists.cdb: No such file" <<<"$output"
	echo 'Lists=' >>"$POLICY_CONF"
	run -2 ctl status
	grep -q '^lists  *cannot be read: .*policy.conf:8: ' <<<"$output"
	run -2 ctl status --json
	jq -e '.wrong == ["mta-away", "policy-away"]' <<<"$output"
}

# told EXIT WORD... [NAME=VALUE]...: of a tarpitd whose status is so, status
# says the words and exits.
told() {
	local exit=$1 words=() pair
	shift
	ask request=status >"$dir/status"
	for pair; do
		case $pair in
		*=*) sed -i "/^${pair%%=*}=/d; 1i$pair" "$dir/status" ;;
		*) words+=("$pair") ;;
		esac
	done
	printf '%s\n' 'while read -r line && [ "$line" ]; do :; done' \
		"cat '$dir/status'" >"$dir/pretend"
	rm -f "$dir/pretended"
	start_daemon pretended socat "UNIX-LISTEN:$dir/pretended,fork" \
		"EXEC:sh $dir/pretend"
	wait_for_socket pretended "$dir/pretended"
	run "-$exit" ctl status --control "$dir/pretended"
	run "-$exit" ctl status --json --control "$dir/pretended"
	[ "$(jq -r '.wrong | join(" ")' <<<"$output")" = "${words[*]}" ]
	stop_daemon pretended || :
}

@test "status: the exit status is for monitoring, as the first lines are" {
	bundle
	smtp_play - "$AT" 127.0.0.2 <<<'S: 220 '
	record_of 127.0.0.2 outcome=passed
	run -0 ctl status
	[[ ${lines[1]} == 'sessions '* ]]
	told 0 handoff.unserved_in_row=2
	told 2 mta-silent handoff.unserved_in_row=3
	told 2 mta-away handoff.up=0
	told 1 policy-away policy.up=0
	told 0 backend.up=0 backend.configured=0
	told 1 backend-away backend.up=0 backend.configured=1
	told 1 config-refused config.refused=1
	told 2 mta-away config-refused policy-away handoff.up=0 \
		policy.up=0 config.refused=1
}

# in_fact ADDRESS LANE [LINE]: that is what explain says in the end.
in_fact() {
	run -0 ctl explain "$1"
	[ "${lines[-1]}" = "in fact   $2" ]
	[ -z "${3-}" ] || grep -qx "$3" <<<"$output"
	[ "$(ctl explain --json "$1" | jq -r .dispatcher.lane)" = "$2" ]
}

@test "explain: says what the dispatcher makes of the policy's answer" {
	bundle OwnNetworks=127.0.0.4/31
	# Only the policy's word counts.
	run -0 ctl explain 192.0.2.7
	grep -qx 'lane      hold' <<<"$output"
	[[ ${lines[-1]} == 'wait      for as long as it stays;'* ]]
	ctl explain --json 192.0.2.7 | jq -e '.lane == "hold" and
		.dispatcher == {lane: "hold", own: false, observing: false,
		can_throttle: false, known: null, order: null}'
	in_fact 127.0.0.4 pass \
		'own       in OwnNetworks=: the policy service is not asked'
	# Orders: the one of the smallest network, before own networks, too.
	ctl hold 203.0.113.0/24 --for 1h
	ctl release 203.0.113.7 --for 2h
	in_fact 203.0.113.8 hold \
		'order     hold of 203.0.113.0/24 for another 59 min.*, says .*'
	in_fact 203.0.113.7 pass 'order     release of 203.0.113.7.*'
	ctl hold 127.0.0.5
	in_fact 127.0.0.5 hold
	ctl forget 203.0.113.7
	ctl explain --json 203.0.113.7 | jq -e '.dispatcher.order |
		.order == "hold" and .network == "203.0.113.0/24" and
		.seconds > 3000 and .by != ""'
	# An answer of before, which holds for its time.
	smtp_play - "$AT" 127.0.0.9 <<<'S: 220 '
	record_of 127.0.0.9 outcome=passed
	echo 127.0.0.9 >>"$dir/bad.txt"
	"$BUILD/tarpit-lists" --config "$dir/tarpit-lists.conf" build
	wait_until 'ctl explain 127.0.0.9 | grep -qx "lane      hold"'
	in_fact 127.0.0.9 pass \
		'known     the last answer still holds: score 0, pass'
	configure Mode=observe
	kill -HUP "$(daemon_pid tarpitd)"
	wait_for_record tarpitd event=reloaded
	in_fact 192.0.2.7 pass 'observing nobody is slowed (Mode=observe)'
}

@test "explain: who may not ask the dispatcher is told so" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	bundle
	chmod 711 "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test"
	chmod 755 "$dir" "$DAEMONS"
	chmod 666 "$POLICY"
	run -0 setpriv --reuid nobody --regid nogroup --clear-groups \
		"$BUILD/tarpitctl" --control "$CONTROL" --socket "$POLICY" \
		--config "$POLICY_CONF" explain 192.0.2.7
	grep -qx 'lane      hold' <<<"$output"
	grep -F "tarpitd was not asked about orders and own networks ($CONTROL: Permission denied)" <<<"$output"
}

@test "status --json is for programs" {
	bundle
	traffic
	run -0 ctl status --json
	jq -e '.live.hold == 1 and .live.all == 1 and .ended.pass.passed == 1
		and .today.hold.abandoned == 1 and .policy.asked == 3
		and .policyd.answers == 3 and .mode == "enforce"
		and .data.lists[0] == {name: "bad", kind: "block", entries: 2,
			fresh: .data.lists[0].fresh, failures: 0}
		and .data.lists[1].failures == 3' <<<"$output"
}

@test "status, top and orders say why they cannot" {
	local verb
	for verb in status top overrides 'release 192.0.2.1'; do
		# shellcheck disable=SC2086
		run -111 ctl $verb
		[[ $output == "tarpitctl: tarpitd is not running: nobody answers at $CONTROL"* ]]
	done
	run -100 ctl release nonsense
	[[ $output == *'"nonsense" is not an address or a network'* ]]
	run -100 ctl release 192.0.2.1 --for 31d
	# Before the dispatcher is asked, which is not there.
	for verb in 0.0.0.0/0 128.0.0.0/1 10.0.0.0/7 ::/0 2000::/3; do
		run -100 ctl hold "$verb"
		[[ $output == *"$verb: that would be held for very many; --force"* ]]
		run -111 ctl hold "$verb" --force
	done
	run -111 ctl hold 10.0.0.0/8
	run -111 ctl hold 2001:db8::/32
	run -100 ctl hold
	[[ $output == *'usage: tarpitctl hold NETWORK'* ]]
	run -100 ctl frobnicate
	[[ $output == *'no verb "frobnicate"'* ]]
	run -100 ctl
	bundle
	run -100 ctl top </dev/null
	[[ $output == *"top needs a terminal"* ]]
}

@test "report of no sessions is not of 1970" {
	local file=$BATS_TEST_TMPDIR/other.journal
	printf '%s\n' __REALTIME_TIMESTAMP=1795000000000000 \
		__MONOTONIC_TIMESTAMP=1000 \
		_BOOT_ID=0123456789abcdef0123456789abcdef \
		MESSAGE=hello '' |
		/lib/systemd/systemd-journal-remote -o "$file" - 2>&1
	run "$BUILD/tarpitctl" report --file "$file"
	[[ $output == *"There is no record of a session."* ]]
	[[ $output != *1970-01-01* ]]
	run "$BUILD/tarpitctl" report --json --file "$file"
	jq -e '.sessions == 0 and .from > 1700000000 and .to >= .from' <<<"$output"
}

@test "status without permission says who has it" {
	[ "$(id -u)" = 0 ] || skip "not root"
	bundle
	chmod 755 "$dir" "$dir"/..
	cp "$BUILD/tarpitctl" "$dir/tarpitctl"
	run -100 setpriv --reuid 65534 --regid 65534 --clear-groups \
		"$dir/tarpitctl" --control "$CONTROL" status
	[[ $output == *"no permission for $CONTROL: this is for root and for members of the group"* ]]
}

@test "release and hold, for a while, and how to take it back" {
	bundle
	traffic
	run -0 ctl release 127.0.0.4 --for 2min
	[[ $output == "127.0.0.4/32 is released for 2 min"*" (present sessions affected: 1)" ]]
	smtp_skip 220-
	smtp_expect '220 mta.test'
	run -0 ctl --for 1h hold 127.0.0.2
	[[ $output == "127.0.0.2/32 is held for 1 h"* ]]
	run -0 env SUDO_USER=joe "$BUILD/tarpitctl" --control "$CONTROL" \
		hold 2001:db8::1/32
	run -0 ctl overrides
	[ "${#lines[@]}" = 4 ]
	[[ ${lines[1]} =~ ^release\ +127.0.0.4/32\ +1\ min.*\ 1\  ]]
	[[ ${lines[3]} =~ ^hold\ +2001:db8::/32\ .*\ joe$ ]]
	run -0 ctl forget 127.0.0.4
	run -100 ctl forget 127.0.0.4
	[[ $output == *"nothing was said of this network" ]]
	run -0 ctl status
	[[ $output == *"overrides     2 "* ]]
}

# --- metrics ---

# Every line is of the format, and no client's address is in it.
metrics_are_sound() {
	promtool check metrics <<<"$1"
	[ "$(tail -n 1 <<<"$1")" = '# EOF' ]
	[[ $1 != *127.0.0.* ]]
}

@test "metrics: promtool finds nothing, figures are those of the sessions" {
	bundle
	traffic
	run -0 ctl metrics
	metrics_are_sound "$output"
	grep -qx 'tarpit_sessions_total{lane="hold",outcome="abandoned"} 1' <<<"$output"
	grep -qx 'tarpit_sessions_live{stage="hold"} 1' <<<"$output"
	grep -qx 'tarpit_session_duration_seconds_count{lane="pass"} 1' <<<"$output"
	grep -qx 'tarpit_session_duration_seconds_bucket{lane="hold",le="+Inf"} 1' <<<"$output"
	grep -qx 'tarpit_handoff_latency_seconds_count 1' <<<"$output"
	grep -qx 'tarpit_handoffs_total 1' <<<"$output"
	grep -qx 'tarpit_policyd_answers_total 3' <<<"$output"
	grep -qx 'tarpit_list_entries{list="bad",kind="block"} 2' <<<"$output"
	grep -qx 'tarpit_list_fetch_failures{list="far"} 3' <<<"$output"
	grep -Eqx 'tarpit_build_info\{version="[^"]+"\} 1' <<<"$output"
	# The buckets of a histogram never fall, and the last has them all.
	awk -F '[{} ]' '/^tarpit_session_duration_seconds_bucket.*hold/ {
			bad += $NF < last; last = $NF; n++ }
		END { exit bad || n != 15 || last != 1 }' <<<"$output"
	[ "$(wc -l <<<"$output")" -lt 500 ]
}

@test "metrics --openmetrics has its counters' names without _total" {
	bundle
	run -0 ctl metrics --openmetrics
	[ "$(tail -n 1 <<<"$output")" = '# EOF' ]
	grep -qx '# TYPE tarpit_sessions counter' <<<"$output"
	grep -q '^tarpit_sessions_total{' <<<"$output"
	[ "$(grep -c '^# TYPE .*_total' <<<"$output")" = 0 ]
}

@test "metrics --output replaces the file as a whole" {
	bundle
	echo before >"$dir/tarpit.prom"
	run -0 ctl metrics --output "$dir/tarpit.prom"
	[ -z "$output" ]
	metrics_are_sound "$(<"$dir/tarpit.prom")"
	[ "$(stat -c %a "$dir/tarpit.prom")" = 644 ]
	run -111 ctl metrics --output "$dir/none/tarpit.prom"
	[[ $output == *"--output $dir/none/tarpit.prom: No such file"* ]]
	[ "$(find "$dir" -name '*.new')" = "" ]
}

@test "metrics without the daemons are metrics that say so" {
	run -0 ctl metrics
	metrics_are_sound "$output"
	grep -qx 'tarpit_up{program="tarpitd"} 0' <<<"$output"
	grep -qx 'tarpit_up{program="tarpit-policyd"} 0' <<<"$output"
}

# http LINE...: the server's answer to a request of these lines.
http() {
	printf '%s\r\n' "$@" '' | socat -t "$DEADLINE" - "TCP:127.0.0.1:$web"
}

@test "metrics by HTTP: GET /metrics and nothing else" {
	local web
	bundle
	web=$(free_port)
	start_daemon web systemd-socket-activate -l "127.0.0.1:$web" \
		"$BUILD/tarpitctl" --control "$CONTROL" --socket "$POLICY" \
		--config "$POLICY_CONF" metrics --serve
	wait_for_port web "$web"
	run -0 http 'GET /metrics HTTP/1.1' 'Host: x' 'Connection: close'
	[[ $output == 'HTTP/1.1 200 OK'* ]]
	[[ $output == *$'\nContent-Type: text/plain; version=0.0.4'* ]]
	metrics_are_sound "${output#*$'\r\n\r\n'}"
	grep -qx 'tarpit_up{program="tarpitd"} 1' <<<"$output"
	run -0 http 'GET /metrics HTTP/1.1' 'Host: x' 'Connection: close' \
		'Accept: application/openmetrics-text;version=1.0.0,text/plain;q=0.5'
	[[ $output == *$'\nContent-Type: application/openmetrics-text; version=1.0.0'* ]]
	run -0 http 'HEAD /metrics HTTP/1.1' 'Host: x' 'Connection: close'
	[[ $output == 'HTTP/1.1 200 OK'* && $output != *tarpit_up* ]]
	run -0 http 'GET /../etc/passwd HTTP/1.1' 'Host: x' 'Connection: close'
	[[ $output == 'HTTP/1.1 404 '* ]]
	run -0 http 'POST /metrics HTTP/1.1' 'Host: x' 'Content-Length: 0' \
		'Connection: close'
	[[ $output == 'HTTP/1.1 405 '* ]]
	run http "$(head -c 40000 /dev/zero | tr '\0' x)"
	[[ $output != *tarpit_up* ]]
	# It survives that, and the dispatcher's absence.
	stop_daemon tarpitd
	run -0 http 'GET /metrics HTTP/1.1' 'Host: x' 'Connection: close'
	grep -qx 'tarpit_up{program="tarpitd"} 0' <<<"$output"
	stop_daemon web
}

@test "metrics --serve without a socket says what it expects" {
	run -100 ctl metrics --serve
	[[ $output == *"start tarpit-metrics.socket, or give --listen ADDRESS:PORT"* ]]
	run -100 ctl metrics --listen nonsense
}

# Every name in an expression of the dashboard is a metric that there is.
@test "metrics: the dashboard shows what exists" {
	local file=$ROOT/units/grafana/tarpit.json name
	bundle
	ctl metrics >"$dir/metrics"
	jq -e '.panels | length >= 8' "$file"
	jq -r '.. | .expr? // empty' "$file" >"$dir/expressions"
	[ "$(wc -l <"$dir/expressions")" -ge 8 ]
	grep -o 'tarpit_[a-z_]*' "$dir/expressions" | sort -u >"$dir/names"
	while read -r name; do
		grep -Eq "^${name}[{ ]" "$dir/metrics" || {
			echo "$name is no metric"
			return 1
		}
	done <"$dir/names"
	# Prometheus reads them: each is a rule of a file that promtool checks.
	jq -R . "$dir/expressions" | jq -s '{groups: [{name: "dashboard", rules:
		[to_entries[] | {record: "r\(.key)", expr:
			(.value | gsub("\\$__rate_interval"; "5m"))}]}]}' \
		>"$dir/rules.yml"
	promtool check rules "$dir/rules.yml"
}
