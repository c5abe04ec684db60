# SPDX-License-Identifier: ISC
# The row of the journal: 2,000 sessions a second end for a minute before a
# real systemd-journald.

: "${JOURNAL_SECONDS:=60}"

# In the mount namespace of that journald.
in_journal() {
	nsenter --mount -t "$journald_pid" -- "$@"
}

# The sum of FIELD over the records of EVENT.
journal_sum() {
	in_journal journalctl -q -o cat --output-fields="$1" \
		"TARPIT_EVENT=$2" | awk '{ n += $1 } END { print n + 0 }'
}

start_journald() {
	[ "$(id -u)" = 0 ] && [ -x /lib/systemd/systemd-journald ] || {
		say "needs root and systemd-journald"
		return 1
	}
	start journald "$ROOT/tests/helpers/journald-run"
	wait_until in_journal test -S /run/systemd/journal/socket 2>/dev/null
}

# A thousand sessions a second; how many were served.
thousand_a_second() {
	echo "steady $((JOURNAL_SECONDS * 1000)) 1 $1" |
		"$BUILD/tests/helpers/crowd" "$ours_at"
}

# Two of them; sets SERVED and RATE.
end_sessions() {
	local began=$EPOCHREALTIME left right
	thousand_a_second 127.1.30.1 >"$DIR/left" &
	right=$(thousand_a_second 127.1.31.1) || return
	wait $! || return
	left=$(<"$DIR/left")
	SERVED=$((${left#steady } + ${right#steady }))
	RATE=$(calculate "$SERVED / ($EPOCHREALTIME - $began)")
}

row_journal() {
	local i told dropped lost='' drops='' stall='' size='' rate='' UNDER
	for ((i = 0; i < RUNS; i++)); do
		start_journald && start_policyd 100000 || return
		# As a service is started; not held up by who else computes
		# here, since the stall is to be its own.
		# shellcheck disable=SC2016
		UNDER=(chrt -f 5 nsenter --mount -t "$journald_pid" -- bash -c
			'JOURNAL_STREAM=$(stat -Lc %d:%i /dev/stderr) exec "$@"' -)
		start_tarpitd ours HoldGreeting=0 || return
		end_sessions || return
		# Its last words, among them what was dropped.
		stop "$ours_pid"
		in_journal journalctl --sync
		told=$(in_journal journalctl -q -o cat TARPIT_EVENT=session | wc -l)
		dropped=$(journal_sum TARPIT_DROPPED dropped)
		say "journal: $SERVED served, $told records, $dropped dropped"
		lost+=" $((SERVED - told - dropped))"
		drops+=" $(calculate "100 * $dropped / $SERVED")"
		rate+=" $RATE"
		stall+=" $(in_journal journalctl -q -o cat TARPIT_EVENT=stopped |
			sed -n 's/.*longest stall \([0-9.]*\) ms.*/\1/p')"
		size+=" $(calculate "$(in_journal du -sb /run/log/journal |
			cut -f1) / $told")"
		stop "$policyd_pid"
		stop "$journald_pid"
	done
	figure journal "sessions that ended a second" "" least "1900 1950" "$rate"
	figure journal "neither recorded nor counted" "" most "0 0" "$lost"
	figure journal "dropped and counted" "%" most "" "$drops"
	figure journal "the loop's longest stall" ms most "10 5" "$stall"
	figure journal "the journal's size a record" bytes most "" "$size"
}
