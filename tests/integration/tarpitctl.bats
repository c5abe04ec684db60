# SPDX-License-Identifier: ISC
# tarpitctl: explanations from the service and from the files, and replays.

load ../helpers/common
load ../helpers/daemon

setup() {
	dir=$BATS_TEST_TMPDIR
	socket=$dir/policy
	mkdir "$dir/lists.d"
	echo 192.0.2.0/24 >"$dir/lists.d/drop.txt"
	printf '[List]\nKind=block\nSource=%s\nFormat=cidr\n' \
		"$dir/lists.d/drop.txt" >"$dir/lists.d/drop.conf"
	printf '[Lists]\nDirectory=%s\nOutput=%s\nState=%s\n' "$dir/lists.d" \
		"$dir/lists.cdb" "$dir/state" >"$dir/tarpit-lists.conf"
	"$BUILD/tarpit-lists" --config "$dir/tarpit-lists.conf" build
	"$BUILD/tests/helpers/mkmmdb" country "$dir/country.mmdb" \
		192.0.2.0/24=CN 198.51.100.0/24=DE
	write_config "$dir/policy.conf" 'list.drop=100' country.CN=15 \
		history.none=20
}

teardown() {
	stop_daemons
}

# write_config FILE [WEIGHT]...
write_config() {
	cat >"$1" <<-E
		[Data]
		Lists=$dir/lists.cdb
		Country=$dir/country.mmdb
		Asn=
		History=$dir/history
		[Weights]
	E
	printf '%s\n' "${@:2}" >>"$1"
}

start_policyd() {
	start_daemon -n policyd "$BUILD/tarpit-policyd" \
		--config "$dir/policy.conf" --listen "$socket"
	wait_for_notify policyd READY=1
}

graduate() {
	printf 'request=tarpit_outcome\nclient_address=%s\n%s\n\n' "$1" \
		outcome=graduated | socat -t 10 - "UNIX-CONNECT:$socket"
}

ctl() {
	run "$BUILD/tarpitctl" --config "$dir/policy.conf" --socket "$socket" "$@"
}

@test "explain asks the service" {
	start_policyd
	ctl explain 192.0.2.7
	[ "$status" = 0 ]
	[ "${lines[0]}" = "client    192.0.2.7" ]
	[ "${lines[1]}" = "country   CN" ]
	[[ "$output" == *"    +100  list.drop: 192.0.2.0/24, a block list of 1, changed "*" ago"* ]]
	[[ "$output" == *"     +15  country.CN: "*" old"* ]]
	[[ "$output" == *"     +20  history.none"* ]]
	[[ "$output" == *"score     135
lane      hold
rate      5 bytes per second
wait      for as long as it stays; the greeting takes 25 s" ]]
}

@test "explain shows what is remembered, and weightless facts" {
	start_policyd
	graduate 198.51.100.7
	ctl explain 198.51.100.7
	[[ "$output" == *"first contact
     +20  (history.none); does not count: history.patient+0
      +0  history.patient: the address, last "*" ago, 1.0 times
score     0"* ]]
	[[ "$output" == *"said by others
      +0  country.DE: "* ]]
	ctl explain 198.51.100.8
	[[ "$output" == *"     +20  history.none"*"lane      slow"* ]]
	graduate 198.51.100.6
	graduate 198.51.100.5
	ctl explain 198.51.100.8
	[[ "$output" == *"history.patient: lent by 3 hosts of its /24, last "*" ago, none was caught"* ]]
	[[ "$output" == *"      +0  country.DE: "* ]]
	[[ "$output" == *"lane      pass
wait      none: it goes to the MTA at once" ]]
	ctl explain 203.0.113.1
	[[ "$output" == *"wait      6 s, the length of the greeting" ]]
}

@test "explain --json" {
	start_policyd
	ctl explain --json 192.0.2.7
	[[ "$output" == '{"client":"192.0.2.7","lane":"hold","score":135,"rate":5,"patience":25,"country":"CN","asn":0,"facts":[{"fact":"list.drop","weight":100,"source":"192.0.2.0/24, '*'","class":"said by others","count":null,"age":'[0-9]*',"cancelled_by":null},'*'{"fact":"history.none","weight":20,"source":"","class":"first contact","count":null,"age":null,"cancelled_by":null}]}' ]]
	graduate 192.0.2.7
	ctl explain --json 192.0.2.7
	[ "$(jq -r '.score' <<<"$output")" = 115 ]
	[ "$(jq -c '.facts[] | select(.fact == "history.patient") | [.class, .weight, .count, .cancelled_by]' <<<"$output")" = \
		'["first contact",0,1,null]' ]
	[ "$(jq -r '.facts[] | select(.fact == "history.none").cancelled_by' <<<"$output")" = history.patient+0 ]
}

@test "explain --offline works from the files, beside the service too" {
	start_policyd
	graduate 198.51.100.7
	wait_until "'$BUILD/tarpitctl' --config '$dir/policy.conf' explain \
		--offline 198.51.100.7 | grep -q ' +0  history.patient: the address'"
	ctl --offline explain 192.0.2.7
	[[ "$output" == *"    +100  list.drop: 192.0.2.0/24, "* ]]
	stop_daemon policyd
	ctl explain --offline 198.51.100.7
	[[ "$output" == *"history.patient: the address"* ]]
	[[ "$output" != *lacks* ]]
	run "$BUILD/tarpitctl" --config "$dir/policy.conf" --json --offline \
		explain 198.51.100.7
	[ "$(jq -c .lacks <<<"$output")" = '[]' ]
	# It has written nothing.
	start_policyd
	wait_for_log policyd "Loaded $dir/history: 2 records"
}

@test "explain --offline says what it could not read" {
	start_policyd
	graduate 198.51.100.7
	stop_daemon policyd
	mv "$dir/history" "$dir/away"
	: >"$dir/history"
	ctl explain --offline 198.51.100.7
	[ "$status" = 0 ]
	[[ "$output" == *"cannot use $dir/history: Not a directory"$'\n'* ]]
	[[ "$output" == *"tarpitctl: this answer lacks history: "* ]]
	rm "$dir/lists.cdb"
	"$BUILD/tarpitctl" --config "$dir/policy.conf" --json --offline \
		explain 198.51.100.7 2>"$dir/errors" >"$dir/answer"
	[ "$(jq -c .lacks "$dir/answer")" = '["lists","history"]' ]
	grep -F "this answer lacks lists, history: " "$dir/errors"
}

@test "explain says what is wrong" {
	ctl explain 192.0.2.7
	[ "$status" = 111 ]
	[[ "$output" == *"no answer from the policy service at $socket (--offline asks the files)"* ]]
	ctl explain nonsense
	[ "$status" = 100 ]
	[[ "$output" == *'"nonsense" is not an address'* ]]
	ctl explain
	[ "$status" = 100 ]
	ctl frobnicate 192.0.2.1
	[ "$status" = 100 ]
	[[ "$output" == *'no verb "frobnicate"'* ]]
}

@test "replay says whose lane a change would change" {
	write_config "$dir/next.conf" list.drop=15 country.CN=15 \
		history.none=20
	start_policyd
	stop_daemon policyd
	cat >"$dir/log" <<-E
		192.0.2.7
		198.51.100.7 and more
		session ended client=192.0.2.7 lane=hold

		TARPIT_CLIENT=192.0.2.9
		no address here
	E
	ctl replay --new "$dir/next.conf" "$dir/log"
	[ "$status" = 0 ]
	[ "${lines[0]}" = "192.0.2.7 hold -> slow, 135 -> 50, 2 sessions: history.none+20 list.drop+15 country.CN+15" ]
	[ "${lines[1]}" = "192.0.2.9 hold -> slow, 135 -> 50, 1 sessions: history.none+20 list.drop+15 country.CN+15" ]
	[ "${lines[2]}" = "4 sessions of 3 clients, 3 of them in another lane" ]
	[ "${lines[3]}" = "       3  hold -> slow" ]
	ctl replay --new "$dir/policy.conf" - <"$dir/log"
	[ "$output" = "4 sessions of 3 clients, 0 of them in another lane" ]
}

@test "replay says what is wrong" {
	ctl replay "$dir/log"
	[ "$status" = 100 ]
	[[ "$output" == *"replay needs --new FILE"* ]]
	ctl replay --new "$dir/policy.conf" "$dir/none"
	[ "$status" = 100 ]
	[[ "$output" == *"$dir/none: No such file"* ]]
	echo nothing >"$dir/log"
	ctl replay --new "$dir/policy.conf" "$dir/log"
	[ "$status" = 100 ]
	[[ "$output" == *"no line has an address"* ]]
	write_config "$dir/next.conf" list.drop=lots
	ctl replay --new "$dir/next.conf" "$dir/log"
	[ "$status" = 100 ]
	[[ "$output" == *"$dir/next.conf:7: "*list.drop* ]]
}

@test "every option of --help is in the manual page" {
	local option
	for option in $("$BUILD/tarpitctl" --help | grep -o '^ *--[a-z-]*'); do
		grep -q "Fl Fl ${option#--}" "$ROOT/bin/tarpitctl/tarpitctl.1" || {
			echo "$option is not in tarpitctl(1)"
			return 1
		}
	done
}
