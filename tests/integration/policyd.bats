# SPDX-License-Identifier: ISC
# tarpit-policyd with real data files, asked over its socket.

load ../helpers/common
load ../helpers/daemon

setup() {
	dir=$BATS_TEST_TMPDIR
	socket=$dir/policy
	mkdir "$dir/lists.d"
	write_config
}

teardown() {
	stop_daemons
}

# write_config [LINE]...: policy.conf with all data in the test's directory.
write_config() {
	cat >"$dir/policy.conf" <<-E
		[Data]
		Lists=$dir/lists.cdb
		Country=$dir/country.mmdb
		Asn=$dir/asn.mmdb
		History=
		[Weights]
		list.drop=100
		list.known=-1000
		country.CN=15
		country.unknown=1
		asn.64496=30
		asn.unknown=2
		history.none=20
		behaviour.pregreet=100
	E
	[ $# = 0 ] || printf '%s\n' "$@" >>"$dir/policy.conf"
}

start_policyd() {
	start_daemon -n policyd "$BUILD/tarpit-policyd" \
		--config "$dir/policy.conf" --listen "$socket"
	wait_for_notify policyd READY=1
}

mkmmdb() {
	"$BUILD/tests/helpers/mkmmdb" "$@"
}

# mklists NAME=PREFIX...: compiles lists.cdb, which replaces the old one by
# rename.
mklists() {
	local list
	rm -f "$dir"/lists.d/*
	for list; do
		echo "${list#*=}" >"$dir/lists.d/${list%%=*}.txt"
		printf '[List]\nKind=block\nSource=%s\nFormat=cidr\n%s\n' \
			"$dir/lists.d/${list%%=*}.txt" 'MaxShrink=100%' \
			>"$dir/lists.d/${list%%=*}.conf"
	done
	printf '[Lists]\nDirectory=%s\nOutput=%s\nState=%s\n' "$dir/lists.d" \
		"$dir/lists.cdb" "$dir/state" >"$dir/tarpit-lists.conf"
	"$BUILD/tarpit-lists" --config "$dir/tarpit-lists.conf" build
}

# send: standard input to the service, what it answers to standard output.
send() {
	socat -t 10 - "UNIX-CONNECT:$socket"
}

# ask ADDRESS [LINE]...: the answer to one question.
ask() {
	local address=$1
	shift
	{
		printf 'request=tarpit_session\ninstance=1\n'
		printf 'client_address=%s\nclient_port=2525\n' "$address"
		[ $# = 0 ] || printf '%s\n' "$@"
		echo
	} | send
}

# reason ADDRESS: only why.
reason() {
	ask "$@" | sed -n 's/^reason=//p'
}

# wait_for_reason ADDRESS REASON: new data is looked for each second.
wait_for_reason() {
	wait_until "[ \"\$(reason $1)\" = '$2' ]"
}

# log_has N TEXT: in exactly N lines.
log_has() {
	[ "$(grep -c -e "$2" "$dir/policyd.log")" = "$1" ]
}

@test "each field of an answer" {
	mkmmdb country "$dir/country.mmdb" 192.0.2.0/24=CN
	mkmmdb asn "$dir/asn.mmdb" 192.0.2.0/24=64497
	mklists drop=192.0.2.7
	start_policyd
	run ask 192.0.2.7
	[ "$output" = "instance=1
action=hold
score=135
rate=5
patience=25
reason=list.drop+100 history.none+20 country.CN+15
country=CN
asn=64497
ttl=0" ]
}

@test "a pass may be used again for a while" {
	write_config 'list.known=-1000' '[Answers]' 'Ttl=30s'
	mklists known=192.0.2.0/24
	start_policyd
	run ask 192.0.2.7
	[[ "$output" = *"action=pass
score=-1000
rate=0
patience=0
reason=list.known-1000
country=
asn=
ttl=30" ]]
}

@test "one who talks early goes to hold" {
	start_policyd
	run ask 192.0.2.7 behaviour=pregreet
	[[ "$output" = *"action=hold"*"reason=behaviour:pregreet+100 history.none+20"* ]]
}

@test "MaxMind's field names" {
	mkmmdb country "$dir/country.mmdb" 192.0.2.0/24=CN 2001:db8::/32=CN
	mkmmdb asn "$dir/asn.mmdb" 192.0.2.0/24=64496 2001:db8::/32=64496
	start_policyd
	for address in 192.0.2.7 ::ffff:192.0.2.7 2001:db8::7; do
		run reason "$address"
		[ "$output" = "asn.64496+30 history.none+20 country.CN+15" ]
	done
}

@test "flat field names, and numbers as text" {
	mkmmdb country-flat "$dir/country.mmdb" 192.0.2.0/24=CN
	mkmmdb asn-flat "$dir/asn.mmdb" 192.0.2.0/24=64496
	start_policyd
	run reason 192.0.2.7
	[ "$output" = "asn.64496+30 history.none+20 country.CN+15" ]
	mkmmdb asn-text "$dir/next" 192.0.2.0/24=AS64496 198.51.100.0/24=AS0
	mv "$dir/next" "$dir/asn.mmdb"
	wait_for_reason 198.51.100.1 "history.none+20 asn.unknown+2 country.unknown+1"
	run reason 192.0.2.7
	[ "$output" = "asn.64496+30 history.none+20 country.CN+15" ]
}

@test "the registered country stands in" {
	mkmmdb registered "$dir/country.mmdb" 192.0.2.0/24=CN
	start_policyd
	run reason 192.0.2.7
	[ "$output" = "history.none+20 country.CN+15" ]
}

@test "unknown is what a database does not have, not a missing database" {
	mkmmdb country "$dir/country.mmdb" 192.0.2.0/24=CN
	start_policyd
	run reason 198.51.100.1
	[ "$output" = "history.none+20 country.unknown+1" ]
}

@test "without any data it answers, and says once what is missing" {
	start_policyd
	run ask 192.0.2.7
	[[ "$output" = *"action=slow"*"reason=history.none+20"* ]]
	for file in lists.cdb country.mmdb asn.mmdb; do
		wait_for_record policyd event=data_error "file=$dir/$file"
		log_has 1 "file=$dir/$file"
	done
}

# no_effect: what the status says of it, as COUNT: NAMES.
no_effect() {
	printf 'request=tarpit_status\n\n' | send |
		sed -n 's/^mismatch[es]*=//p' | paste -sd:
}

@test "weights without data and lists without a weight are said once, and in the status" {
	local warning="event=data_warning source=weights"

	mkmmdb asn "$dir/asn.mmdb" 192.0.2.0/24=64496
	mklists known=198.51.100.0/24 spare=203.0.113.0/24
	write_config list.dorp=100 asnlist.dorp=7 list.drop=100
	start_policyd
	wait_for_record policyd "$warning" "file=$dir/policy.conf"
	grep "source=weights" "$dir/policyd.log" >"$dir/said"
	for what in "list.dorp=100 (no such list)" \
		"asnlist.dorp=7 (no such list)" "the list spare (no weight)" \
		"country.CN=15 (no database)" "country.unknown=1 (no database)"; do
		grep -F "$what" "$dir/said"
		[[ "$(no_effect)" = "5:"*"$what"* ]]
	done
	# Neither what is there nor what is as shipped.
	[ "$(grep -cE "list.drop=|list.known|list known|64496" "$dir/said")" = 0 ]

	# A database that comes is no news of that kind.
	mkmmdb country "$dir/country.mmdb" 192.0.2.0/24=CN
	wait_until '[[ "$(no_effect)" = 3:* ]]'
	log_has 1 source=weights
	write_config list.dorp=100
	kill -HUP "$(daemon_pid policyd)"
	wait_until '[ "$(grep -c source=weights "$dir/policyd.log")" = 2 ]'
	[ "$(no_effect)" = "2:list.dorp=100 (no such list), the list spare (no weight)" ]

	# With everything in its place there is nothing to say.
	write_config list.spare=5
	kill -HUP "$(daemon_pid policyd)"
	wait_until '[ "$(no_effect)" = "0:" ]'
	log_has 2 source=weights
}

@test "more weights without data than a record holds are counted" {
	local names
	mapfile -t names < <(printf 'list.no-such-list-with-a-long-name-%s=1\n' \
		{10..60})
	write_config "${names[@]}"
	sed -i 's/^Lists=.*/Lists=/; /^asn\|^country/d' "$dir/policy.conf"
	start_policyd
	wait_for_record policyd source=weights
	[[ "$(no_effect)" =~ ^52:.*", and "([0-9]+)" more"$ ]]
	[ $((BASH_REMATCH[1] + $(no_effect | grep -o "no such list" | wc -l))) = 52 ]
}

@test "files that appear and are replaced by rename are used" {
	start_policyd
	mklists drop=192.0.2.7
	wait_for_reason 192.0.2.7 "list.drop+100 history.none+20"
	mklists drop=192.0.2.8
	wait_for_reason 192.0.2.7 "history.none+20"
	mkmmdb country "$dir/next" 192.0.2.0/24=CN
	mv "$dir/next" "$dir/country.mmdb"
	wait_for_reason 192.0.2.7 "history.none+20 country.CN+15"
	wait_for_record policyd event=data_loaded "file=$dir/country.mmdb"
}

@test "files overwritten in place, truncated and removed leave the old data" {
	mklists drop=192.0.2.7
	mkmmdb country "$dir/country.mmdb" 192.0.2.0/24=CN
	mkmmdb asn "$dir/asn.mmdb" 192.0.2.0/24=64496
	start_policyd
	all="list.drop+100 asn.64496+30 history.none+20 country.CN+15"
	head -c 100000 /dev/urandom >"$dir/lists.cdb"
	truncate -s 100 "$dir/country.mmdb"
	: >"$dir/asn.mmdb"
	for file in lists.cdb country.mmdb asn.mmdb; do
		wait_for_record policyd event=data_error "file=$dir/$file"
	done
	run reason 192.0.2.7
	[ "$output" = "$all" ]
	rm "$dir/lists.cdb" "$dir/country.mmdb" "$dir/asn.mmdb"
	wait_until log_has 3 "No such file"
	run reason 192.0.2.7
	[ "$output" = "$all" ]
	daemon_is_alive policyd
}

@test "a database that would overflow libmaxminddb's stack is refused" {
	mkmmdb deep "$dir/country.mmdb" 192.0.2.0/24=CN
	start_policyd
	wait_for_log policyd 'country.mmdb: values are nested too deep'
	run reason 192.0.2.7
	[ "$output" = "history.none+20" ]
}

@test "a database of another kind is refused" {
	mkmmdb asn "$dir/country.mmdb" 192.0.2.0/24=64496
	mkmmdb country "$dir/asn.mmdb" 192.0.2.0/24=CN
	start_policyd
	wait_for_log policyd 'country.mmdb: no country code'
	wait_for_log policyd 'asn.mmdb: no number'
}

@test "every truncation and many a damage of a database are survived" {
	mkmmdb country "$dir/whole" 192.0.2.0/24=CN
	size=$(stat -c %s "$dir/whole")
	start_policyd
	# Changes come faster than they are looked at: each SIGHUP looks.
	for i in $(seq 60); do
		cp "$dir/whole" "$dir/next"
		if [ $((i % 2)) = 0 ]; then
			truncate -s $((size * i / 61)) "$dir/next"
		else
			printf '\xff\xff\xff' | dd of="$dir/next" bs=1 \
				seek=$((size * i / 61)) conv=notrunc status=none
		fi
		mv "$dir/next" "$dir/country.mmdb"
		kill -HUP "$(daemon_pid policyd)"
		wait_until log_has "$i" event=reloaded
		ask 192.0.2.7 | grep -q '^action=slow$'
	done
	daemon_is_alive policyd
}

@test "bad questions are answered with an error and recorded once" {
	start_policyd
	run send <<-E
		request=tarpit_session
		instance=7
		client_address=fe80::1%eth0

		request=tarpit_session
		instance=8

		request=nonsense
		instance=9

		request=tarpit_outcome
		client_address=192.0.2.1
		outcome=passed
		held_ms=12

		request=tarpit_session
		instance=10
		client_address=::ffff:192.0.2.1

	E
	[ "$output" = "instance=7
error=client_address: not an address

instance=8
error=client_address: missing

instance=9
error=request: unknown

instance=10
action=slow
score=20
rate=100
patience=6
reason=history.none+20
country=
asn=
ttl=0" ]
	wait_for_record policyd event=question_error
	log_has 1 event=question_error
}

@test "garbage and endless messages end a connection, not the service" {
	start_policyd
	head -c 1000000 /dev/urandom | send >"$dir/out" || :
	head -c 1000000 /dev/zero | send >"$dir/out" || :
	yes name=value | head -c 1000000 | send >"$dir/out" || :
	run ask 192.0.2.7
	[[ "$output" = *"action=slow"* ]]
	wait_for_log policyd 'question cannot be read'
}

@test "Postfix hears DUNNO, or what the lane is mapped to" {
	question='request=smtpd_access_policy
protocol_state=RCPT
protocol_name=SMTP
client_address=192.0.2.7
client_name=unknown
instance=123.456.7
sender=
recipient=x@example.org
'
	mklists drop=192.0.2.7
	start_policyd
	run send <<<"$question"
	[ "$output" = "action=DUNNO" ]
	write_config '[Postfix]' 'Hold=DEFER_IF_PERMIT not now'
	kill -HUP "$(daemon_pid policyd)"
	wait_for_record policyd event=reloaded
	run send <<<"$question"
	[ "$output" = "action=DEFER_IF_PERMIT not now" ]
	run send <<<"${question/192.0.2.7/unknown}"
	[ "$output" = "action=DUNNO" ]
}

@test "SIGHUP takes new weights, and a broken file leaves the old ones" {
	start_policyd
	write_config 'history.none=25'
	kill -HUP "$(daemon_pid policyd)"
	wait_for_record policyd event=reloaded
	run reason 192.0.2.7
	[ "$output" = "history.none+25" ]
	write_config 'history.none=lots'
	kill -HUP "$(daemon_pid policyd)"
	wait_for_record policyd event=config_error "file=$dir/policy.conf" line=15
	run reason 192.0.2.7
	[ "$output" = "history.none+25" ]
	rm "$dir/policy.conf"
	kill -HUP "$(daemon_pid policyd)"
	wait_until log_has 2 event=config_error
	run reason 192.0.2.7
	[ "$output" = "history.none+25" ]
}

@test "SIGHUP keeps the data whose file is damaged meanwhile" {
	mklists drop=192.0.2.7
	mkmmdb country "$dir/country.mmdb" 192.0.2.0/24=CN
	start_policyd
	: >"$dir/lists.cdb"
	: >"$dir/country.mmdb"
	wait_for_record policyd event=data_error "file=$dir/lists.cdb"
	wait_for_record policyd event=data_error source=country "file=$dir/country.mmdb"
	write_config 'country.CN=16'
	kill -HUP "$(daemon_pid policyd)"
	wait_for_record policyd event=reloaded
	run reason 192.0.2.7
	[ "$output" = "list.drop+100 history.none+20 country.CN+16" ]
}

@test "10,000 pipelined questions have each its answer" {
	start_policyd
	for i in $(seq 10000); do
		printf 'request=tarpit_session\ninstance=i%d\nclient_address=192.0.2.%d\n\n' \
			"$i" $((i % 256))
	done >"$dir/questions"
	send <"$dir/questions" >"$dir/answers"
	[ "$(grep -c '^action=slow$' "$dir/answers")" = 10000 ]
	diff <(grep ^instance= "$dir/questions" | sort) \
		<(grep ^instance= "$dir/answers" | sort)
}

@test "SIGTERM ends it with 0, and its socket is gone" {
	start_policyd
	[ "$(stat -c %a "$socket")" = 660 ]
	stop_daemon policyd
	[ ! -e "$socket" ]
	grep -q event=stopped "$dir/policyd.log"
}

@test "a stale socket is no obstacle, a live one is" {
	start_policyd
	run timeout 10 "$BUILD/tarpit-policyd" --config "$dir/policy.conf" \
		--listen "$socket" 3>&-
	[ "$status" = 100 ]
	stop_daemon policyd KILL || :
	[ -S "$socket" ]
	start_daemon policyd "$BUILD/tarpit-policyd" \
		--config "$dir/policy.conf" --listen "$socket"
	wait_for_socket policyd "$socket"
	run reason 192.0.2.7
	[ "$output" = "history.none+20" ]
}

# A broken smtpd could give any address patience.
@test "Postfix's socket asks, and does not teach" {
	write_config '[Data]' "History=$dir/history"
	start_daemon activate systemd-socket-activate --fdname=policy:postfix \
		-l "$socket" -l "$dir/postfix" \
		"$BUILD/tarpit-policyd" --config "$dir/policy.conf"
	wait_for_socket activate "$dir/postfix"
	printf '%s\n' request=tarpit_outcome client_address=203.0.113.1 \
		outcome=graduated '' | socat -t 10 - "UNIX-CONNECT:$dir/postfix"
	run ask 203.0.113.1
	[[ "$output" = *"reason=history.none+20"* ]]
	wait_for_log activate "tarpit_outcome on a socket that is not the dispatcher's.*event=question_error"
	run socat -t 10 - "UNIX-CONNECT:$dir/postfix" \
		<<<$'request=tarpit_status\n'
	[[ "$output" = *"outcomes=0"*"refused_outcomes=1"* ]]
	printf '%s\n' request=tarpit_outcome client_address=203.0.113.1 \
		outcome=graduated '' | socat -t 10 - "UNIX-CONNECT:$socket"
	run ask 203.0.113.1
	[[ "$output" = *"action=pass"* ]]
}

# explain QUESTION...: by the door of people.
explain() {
	printf '%s\n' "$@" '' | socat -t 10 - "UNIX-CONNECT:$dir/explain"
}

@test "people's socket explains, and does nothing else" {
	local client=client_address=192.0.2.7 i
	start_daemon activate systemd-socket-activate --fdname=policy:explain \
		-l "$socket" -l "$dir/explain" "$BUILD/tarpit-policyd" \
		--config "$dir/policy.conf"
	wait_until '[ -S "$dir/explain" ]'
	run explain request=tarpit_explain $client
	[[ "$output" = *"action=slow"*"fact=history.none+20"* ]]
	[[ "$(explain request=tarpit_status)" = *"connections="*"mismatches="* ]]
	for request in tarpit_session smtpd_access_policy tarpit_forget; do
		run explain request=$request instance=a $client
		[[ "$output" = *"error=this socket is for tarpit_explain and tarpit_status"* ]]
		[[ "$output" != *action=* ]]
	done
	[ "$(explain request=tarpit_outcome $client outcome=graduated)" = "" ]
	wait_until '[[ "$(explain request=tarpit_status)" = *"outcomes=0"*"refused_outcomes=1"* ]]'
	[ "$(ask 192.0.2.7 | grep -c action=slow)" = 1 ]

	# As many as may are there; the dispatcher is served all the same, and one
	# who waits is when another leaves.
	for i in 1 2 3 4 5 6 7 8; do
		start_daemon "caller$i" socat -u "UNIX-CONNECT:$dir/explain" -
	done
	wait_for_log activate "All 8 connections for explanations.*event=accept_paused"
	[ "$(ask 192.0.2.7 | grep -c action=slow)" = 1 ]
	start_daemon late sh -c "printf 'request=tarpit_status\n\n' |
		socat -t 60 - 'UNIX-CONNECT:$dir/explain' >'$dir/late'"
	stop_daemon caller3 || :
	wait_until '[ -s "$dir/late" ]'
}

@test "systemd's socket is used" {
	start_daemon activate systemd-socket-activate -l "$socket" \
		"$BUILD/tarpit-policyd" --config "$dir/policy.conf"
	wait_for_socket activate "$socket"
	run reason 192.0.2.7
	[ "$output" = "history.none+20" ]
}

@test "without a socket it says what it expected" {
	run timeout 10 "$BUILD/tarpit-policyd" --config "$dir/policy.conf" \
		</dev/null 3>&-
	[ "$status" = 100 ]
	[[ "$output" = *"tarpit-policyd.socket"*"--listen PATH"* ]]
}

@test "--check-config names file, line and key" {
	run "$BUILD/tarpit-policyd" --config "$ROOT/policy/policy.conf" --check-config
	[ "$status" = 0 ]
	[ "$output" = "" ]
	write_config 'country.china=3'
	run "$BUILD/tarpit-policyd" --config "$dir/policy.conf" --check-config
	[ "$status" = 100 ]
	[[ "$output" = *"$dir/policy.conf:15: "*country.china* ]]
	write_config '[Lanes]' 'Slow=200'
	run "$BUILD/tarpit-policyd" --config "$dir/policy.conf" --check-config
	[ "$status" = 100 ]
	[[ "$output" = *"$dir/policy.conf"*"Slow=200 is not below Throttle=60"* ]]
}

@test "drop-ins override, and errors name the drop-in" {
	mkdir "$dir/policy.conf.d"
	printf '[Weights]\nhistory.none=40\n' >"$dir/policy.conf.d/10-local.conf"
	start_policyd
	run reason 192.0.2.7
	[ "$output" = "history.none+40" ]
	printf '[Weights]\n\nhistory.nil=40\n' >"$dir/policy.conf.d/20-bad.conf"
	run "$BUILD/tarpit-policyd" --config "$dir/policy.conf" --check-config
	[ "$status" = 100 ]
	[[ "$output" = *"policy.conf.d/20-bad.conf:3: "*history.nil* ]]
}

@test "every option of --help is in the manual pages" {
	"$BUILD/tarpit-policyd" --help >"$dir/help"
	sed -n 's/^ *--\([a-z-]*\).*/\1/p' "$dir/help" >"$dir/options"
	[ "$(wc -l <"$dir/options")" -ge 5 ]
	while read -r option; do
		grep -Eq "^\.It Fl Fl $option( |\$)" \
			"$ROOT/bin/tarpit-policyd/tarpit-policyd.8" || {
			echo "--$option is not in tarpit-policyd(8)"
			return 1
		}
	done <"$dir/options"
	# "[Section] Key=default help" and "[Section] NAME=VALUE help"
	sed -n 's/^ *\[\([A-Za-z]*\)\] \([A-Za-z]*\)=\([^ ]*\).*/\1 \2 \3/p' \
		"$dir/help" >"$dir/keys"
	[ "$(wc -l <"$dir/keys")" -ge 13 ]
	while read -r section key default; do
		grep -q "^\.Ss \[$section\]" "$ROOT/policy/policy.conf.5" || {
			echo "[$section] is not in policy.conf(5)"
			return 1
		}
		[ "$key" != NAME ] || continue
		grep -q "^\.It Cm $key Ns = Ns Ar .*${default:+ Pq $default\$}" \
			"$ROOT/policy/policy.conf.5" || {
			echo "$key=$default is not in policy.conf(5)"
			return 1
		}
	done <"$dir/keys"
}

@test "the manual pages are clean" {
	command -v mandoc >/dev/null || skip "no mandoc"
	mandoc -Tlint -Wwarning "$ROOT/policy/policy.conf.5" \
		"$ROOT/bin/tarpit-policyd/tarpit-policyd.8"
}
