#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# All floods at once, beside held sessions, real senders whose messages are
# counted, and a clean client every tenth of a second; real Postfix behind, the
# real policy service beside.  `make siege` is the same for 20 minutes, and
# with the bounds that an otherwise idle machine can keep to: here the load
# generators share the processors, and a stall may be their time slice.

load ../helpers/common
load ../helpers/daemon
load ../helpers/smtp
load ../helpers/tarpitd
load ../helpers/faults
load ../helpers/postfix
load ../helpers/ledger

LOAD=$BUILD/tests/bench/load

setup() {
	: "${SIEGE_SECONDS:=30}" "${SIEGE_HELD:=10000}"
	postfix_setup
	tarpitd_setup
	ledger_setup
	FRONT=127.0.0.1:$(free_port)
	postfix_start
}

teardown() {
	stop_daemons
	postfix_remove
}

# list NAME KIND PREFIX...
list() {
	local name=$1 kind=$2
	shift 2
	printf '%s\n' "$@" >"$DAEMONS/$name.txt"
	printf '[List]\nKind=%s\nSource=%s\nMaxShrink=100%%\nMinEntries=1\n' \
		"$kind" "$DAEMONS/$name.txt" >"$DAEMONS/lists.d/$name.conf"
}

# 127.1/16 and 127.16/12 are held, 127.0.2/24 and 127.32/12 throttled, 127.48/12
# is slowed, 127.2/16 passes.
policy_service() {
	mkdir "$DAEMONS/lists.d"
	list held block 127.0.0.1 127.1.0.0/16 127.16.0.0/12
	list throttled block 127.0.2.0/24 127.32.0.0/12
	list slowed block 127.48.0.0/12
	list known allow 127.2.0.0/16
	printf '[Lists]\nDirectory=%s\nOutput=%s\nState=%s\n' "$DAEMONS/lists.d" \
		"$DAEMONS/lists.cdb" "$DAEMONS/state" >"$DAEMONS/lists.conf"
	"$BUILD/tarpit-lists" --config "$DAEMONS/lists.conf" build
	cat >"$DAEMONS/policy.conf" <<-END
		[Data]
		Lists=$DAEMONS/lists.cdb
		Country=
		Asn=
		History=
		[Patience]
		20=3s
		100=3s
		[Weights]
		list.held=100
		list.throttled=70
		list.slowed=30
		list.known=-1000
		behaviour.pregreet=100
	END
	start_daemon policyd "$BUILD/tarpit-policyd" \
		--config "$DAEMONS/policy.conf" --listen "$POLICY"
	wait_for_socket policyd "$POLICY"
}

# Nobody else's time slice is to be its stall, where that can be had.
dispatcher() {
	local first=()
	chrt -f 5 true 2>/dev/null && first=(chrt -f 5)
	configure Handoff=postfix:"$PASS" Backend=127.0.0.1:"$BACKEND" \
		BackendConnections=8 HoldGreeting=3s ProxyTrusted=127.0.0.0/8 \
		MaxDialogueDelay=5s MaxSessions=18000 MaxPerNetwork=300 OwnNetworks= \
		Tls.Certificate="$PEM" "$@"
	start_daemon -n tarpitd "${first[@]}" "$BUILD/tarpitd" \
		--config "$CONF" --listen "$AT" --control "$CONTROL" \
		--listen-proxy "$FRONT"
	wait_for_notify tarpitd READY=1
}

# tls_floods KIND...: in turn, until the time is over.
tls_floods() {
	# shellcheck disable=SC2016 # $0 and so on are the command's own
	start_daemon tls_floods nice -n 15 timeout "$SIEGE_SECONDS" bash -c '
		while :; do
			for kind; do "$0" 127.0.0.1 '"$PORT"' "$kind" 20000; done
		done' "$BUILD/tests/helpers/tls_flood" "$@"
}

# flood KIND CONNECTIONS NETWORK [AT]
flood() {
	start_daemon "flood-$1-$3" nice -n 15 "$LOAD" flood "${4-$AT}" "$1" "$2" \
		"$SIEGE_SECONDS" "$3"
}

floods() {
	flood churn 100 127.48.0.0
	flood churn 100 127.16.0.0
	flood unison 1000 127.17.0.0
	flood early 200 127.49.0.0
	flood silent 500 127.42.0.0
	flood silent 40 127.50.0.0
	flood half 300 127.18.0.0
	flood deaf 100 127.19.0.0
	flood deaf 100 127.33.0.0
	flood noop 100 127.20.0.0
	flood noop 50 127.34.0.0
	flood hello 50 127.35.0.0
	flood mail 50 127.36.0.0
	flood recipients 50 127.37.0.0
	flood line 50 127.21.0.0
	flood line 50 127.38.0.0
	flood bytes 50 127.39.0.0
	flood body 50 127.40.0.0
	flood chunks 50 127.41.0.0
	flood proxy 50 127.51.0.0 "$FRONT"
	tls_floods keyupdate empty padded warning fragments crumbs hello line \
		handshakes crowd
}

status() {
	ctl status --json | jq -r "$1"
}

longest_stall() {
	status .longest_stall_us
}

is_calm() {
	[ "$(status .live.all)" = 0 ]
}

# is_small_again BEFORE
is_small_again() {
	[ "$(memory_of tarpitd)" -le $(($1 + 2048)) ]
}

# number NAME FILE: the number behind NAME= in the last line of FILE.
number() {
	sed -n "\$s/.* $1=\([0-9]*\).*/\1/p" "$DAEMONS/$2"
}

# hold_sessions N: a crowd that stays; its commands go to descriptor $HOLD.
hold_sessions() {
	mkfifo "$DAEMONS/hold.in"
	exec {HOLD}<>"$DAEMONS/hold.in"
	start_daemon -i "$DAEMONS/hold.in" hold "$LOAD" hold "$AT" "$1" \
		127.1.0.0
	wait_for_log hold '^opened' 120
}

@test "siege: all floods at once stop nobody, and nothing is lost" {
	local before peak after stall_max=500000 late_max=
	[ -z "${SIEGE_STRICT-}" ] || stall_max=10000 late_max=0
	certificate
	policy_service
	dispatcher
	# What comes with the first sessions, and with the first of each kind.
	before=$(memory_of tarpitd)
	hold_sessions "$SIEGE_HELD"
	floods
	start_daemon ledger "$BUILD/tests/helpers/ledger" "$PORT" \
		$((SIEGE_SECONDS * 5)) 10 42
	start_daemon watch "$LOAD" watch "$AT" 100 "$SIEGE_SECONDS" 127.2.0.0
	wait_for_exit watch $((SIEGE_SECONDS + 60))
	peak=$(memory_of tarpitd)
	status . >"$DAEMONS/status.json"
	stop_daemon tls_floods || :
	wait_for_exit ledger 600
	echo alive >&"$HOLD"
	wait_for_log hold '^alive' 60
	exec {HOLD}>&-
	stop_daemon hold || :
	wait_until -t 60 is_calm
	# It looks once a second for what it can give back.
	wait_until "is_small_again $before" || :
	after=$(memory_of tarpitd)
	wait_until postfix_takes_nothing
	compare_books
	show_siege "$before" "$peak" "$after"
	# Every clean client was greeted, and held ones were held.
	[ "$(number failed watch.log)" = 0 ]
	[ "$(number greeted watch.log)" -ge "$SIEGE_SECONDS" ]
	[ "$(number lost hold.log)" = 0 ]
	[ "$(longest_stall)" -le "$stall_max" ]
	[ -z "$late_max" ] || [ "$(number late watch.log)" -le "$late_max" ]
	[ "$(status .records.dropped)" = 0 ]
	# 128 bytes a held session, and as much as one stream of messages.
	is_sanitized || [ "$peak" -le $((before + SIEGE_HELD / 8 + 16384)) ]
	is_sanitized || [ "$after" -le $((before + 2048)) ]
	[ -s "$DAEMONS/accepted" ]
	nothing_lost_nothing_twice
}

show_siege() {
	cat "$DAEMONS"/flood-*.log
	cat <<-END >&3
		# $(<"$DAEMONS/hold.log")
		# $(tail -n 1 "$DAEMONS/watch.log")
		# longest stall $(longest_stall) us; memory $1 kB, $2 kB at the peak, $3 kB after
		# messages: accepted $(lines accepted), refused $(lines refused), lost $(lines lost), twice $(lines duplicated), without an end $(lines unsent.queued)
	END
}
