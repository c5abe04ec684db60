# SPDX-License-Identifier: ISC
# The rows of the table, one function each; the method of each is in README.md.
# A row that cannot be measured fails.

HELD=18000

#
# Ways of measuring
#

# The value of NAME= in TEXT.
value_of() {
	sed -n "s/.*\\b$1=\\([^ ]*\\).*/\\1/p" <<<"$2"
}

calculate() {
	awk "BEGIN { printf \"%.6g\", $1 }"
}

# The process's own share of memory, bytes.
pss() {
	awk '/^Pss:/ { print $2 * 1024 }' "/proc/$1/smaps_rollup"
}

# CPU time used so far, usec; the clock ticks 100 times a second.
cpu_used() {
	local stat
	read -r stat <"/proc/$1/stat"
	# shellcheck disable=SC2086
	set -- ${stat##*) }
	echo $(((${12} + ${13}) * 10000))
}

# hold NAME ADDRESS:PORT SESSIONS: `tell NAME COMMAND` has it do things.
hold() {
	mkfifo "$DIR/$1.in" "$DIR/$1.out"
	setpriv --pdeathsig TERM -- "$LOAD" hold "$2" "$3" 127.1.0.0 \
		<"$DIR/$1.in" >"$DIR/$1.out" &
	SERVERS+=($!)
	declare -g "${1}_pid=$!"
	exec {fd}>"$DIR/$1.in"
	declare -g "${1}_to=$fd"
	exec {fd}<"$DIR/$1.out"
	declare -g "${1}_from=$fd"
	rm "$DIR/$1.in" "$DIR/$1.out"
	read -r REPLY <&"$fd" || {
		say "$1: $3 sessions could not be held"
		return 1
	}
}

# tell NAME COMMAND...: its answer is in REPLY.
tell() {
	local to=${1}_to from=${1}_from
	shift
	echo "$*" >&"${!to}" && read -r REPLY <&"${!from}"
}

release() {
	local to=${1}_to from=${1}_from pid=${1}_pid
	eval "exec ${!to}>&- ${!from}<&-"
	stop "${!pid}"
}

# grown PID NAME ADDRESS:PORT [COMMAND]: how much the process grows, bytes a
# session, by so many of them; left in GROWN.
grown() {
	local empty
	empty=$(pss "$1")
	hold "$2" "$3" "$HELD" || return
	[ $# -lt 4 ] || tell "$2" "$4" || return
	# Two rounds of visits: everyone has been dripped to.
	tell "$2" measure 2
	tell "$2" alive
	[ "$(value_of sessions "$REPLY")" = "$HELD" ] || {
		say "$2: not all are left: $REPLY"
		return 1
	}
	GROWN=$(calculate "($(pss "$1") - $empty) / $HELD")
	release "$2"
}

#
# Holding
#

row_held() {
	local i all=''
	for ((i = 0; i < RUNS; i++)); do
		start_policyd 5 &&
			start_tarpitd ours HoldGreeting=10min || return
		hold clients "$ours_at" 19000 || return
		tell clients measure 12
		say "held: $REPLY"
		tell clients alive
		all+=" $(value_of sessions "$REPLY")"
		release clients
		stop "$ours_pid"
		stop "$policyd_pid"
	done
	figure held "sessions held in one process" "" least "19000 19000" "$all"
}

# memory_of_ours RATE LINE [COMMAND]: into OURS.
memory_of_ours() {
	local i
	OURS=''
	for ((i = 0; i < RUNS; i++)); do
		start_policyd "$1" && start_tarpitd ours "$2" || return
		grown "$ours_pid" clients "$ours_at" ${3+"$3"} || return
		OURS+=" $GROWN"
		stop "$ours_pid"
		stop "$policyd_pid"
	done
}

# memory_of_postscreen NAME [COMMAND]: into THEIRS, by the listener NAME_at.
# Each listener has a process of its own; a new one has a new instance.
memory_of_postscreen() {
	local at=${1}_at i
	THEIRS=''
	for ((i = 0; i < RUNS; i++)); do
		start_postfix || return
		# The first connection starts the process.
		hold first "${!at}" 1 && release first || return
		grown "$(postscreen_pid "${!at}")" clients "${!at}" \
			${2+"$2"} || return
		THEIRS+=" $GROWN"
		stop_postfix
	done
}

row_memory() {
	local i endless='' title="memory a held session, before it spoke"
	memory_of_ours 5 HoldGreeting=10min || return
	for ((i = 0; i < RUNS; i++)); do
		start_endlessh
		grown "$endlessh_pid" clients "$endlessh_at" || return
		endless+=" $GROWN"
		stop "$endlessh_pid"
	done
	figure memory "$title" "bytes PSS" most "128 64" "$OURS" \
		endlessh "$endless"
	memory_of_postscreen greetwait || return
	figure memory "$title" "bytes PSS" most "128 64" "$OURS" \
		"postscreen, greet wait" "$THEIRS"
}

row_dialogue() {
	memory_of_ours 100000 HoldGreeting=0 speak || return
	# With 18,000 it ends itself ("fatal: watchdog timeout"): a list of all
	# timers is walked at every command.
	HELD=4000 memory_of_postscreen engine speak || THEIRS=''
	figure dialogue "the same after EHLO, MAIL, RCPT" "bytes PSS" most \
		"256 64" "$OURS" "postscreen, dialogue, at 4,000" "$THEIRS"
}

# Both at the same time, and nobody reads meanwhile.  endlessh reckons its next
# line from when it sent the last, so it falls behind its pace the more the less
# the machine leaves it; so the same is shown for the bytes that have arrived.
row_cpu() {
	local i seconds=20 ours='' theirs='' our_bytes='' their_bytes='' a b c d
	start_policyd 5 && start_tarpitd ours HoldGreeting=10min &&
		start_endlessh || return
	hold clients "$ours_at" "$HELD" && hold others "$endlessh_at" "$HELD" ||
		return
	for ((i = 0; i < RUNS; i++)); do
		tell clients alive && tell others alive || return
		a=$(cpu_used "$ours_pid") b=$(cpu_used "$endlessh_pid")
		sleep "$seconds"
		c=$(($(cpu_used "$ours_pid") - a))
		d=$(($(cpu_used "$endlessh_pid") - b))
		ours+=" $(calculate "$c / $HELD / $seconds")"
		theirs+=" $(calculate "$d / $HELD / $seconds")"
		tell clients alive || return
		our_bytes+=" $(calculate "5 * $c / $(value_of bytes "$REPLY")")"
		tell others alive || return
		their_bytes+=" $(calculate "5 * $d / $(value_of bytes "$REPLY")")"
	done
	figure cpu "CPU a session and second, set to 5 B/s" usec ratio-most \
		"1.1 0.9" "$ours" endlessh "$theirs"
	figure cpu "CPU for 5 bytes that arrived" usec ratio-most \
		"1.1 0.9" "$our_bytes" endlessh "$their_bytes"
}

row_drip() {
	local i off='' counted=''
	start_policyd 5 && start_tarpitd ours HoldGreeting=10min &&
		hold clients "$ours_at" "$HELD" || return
	for ((i = 0; i < RUNS; i++)); do
		tell clients measure 20 || return
		say "drip: $REPLY"
		off+=" $(farthest_from_5 slowest fastest)"
		counted+=" $(farthest_from_5 least most)"
	done
	figure drip "worst client's pace of 5 B/s, arrival to arrival" \
		"% off" most "10 2" "$off"
	figure drip "worst client's bytes in 20 s" "% off" most "" "$counted"
}

# farthest_from_5 LEAST MOST: of the values of these names, in percent.
farthest_from_5() {
	awk -v least="$(value_of "$1" "$REPLY")" \
		-v most="$(value_of "$2" "$REPLY")" 'BEGIN {
			below = 100 - 20 * least
			above = 20 * most - 100
			printf "%.3g", (below > above ? below : above)
		}'
}

#
# Passing
#

# clean_run NAME: throughput and p99 of 20 clients, then the median of one
# client, added to the lists of NAME.
clean_run() {
	local at=${1%_*}_at twenty one
	twenty=$("$LOAD" clean "${!at}" 20 4 127.2.0.0) &&
		one=$("$LOAD" clean "${!at}" 1 2 127.2.0.0) || return
	RATE[$1]+=" $(value_of rate "$twenty")"
	P99[$1]+=" $(value_of p99 "$twenty")"
	MEDIAN[$1]+=" $(value_of median "$one")"
	[ "$(value_of failed "$twenty$one")" = 0 ] ||
		say "clean: $1: $twenty, $one"
}

row_clean() {
	declare -A RATE=() P99=() MEDIAN=()
	local i peer what
	start_postfix && start_policyd 5 && start_tarpitd ours || return
	for ((i = 0; i < RUNS; i++)); do
		for what in ours postscreen smtpd; do
			clean_run "$what" || return
		done
	done
	for peer in postscreen smtpd; do
		limits=''
		[ $peer = smtpd ] || limits="1.0 1.1"
		figure clean "clean sessions, 20 clients" "per s" ratio-least \
			"$limits" "${RATE[ours]}" "$peer" "${RATE[$peer]}"
		[ $peer = smtpd ] || limits="1.5 1.0"
		figure clean "latency, 1 client, median" usec ratio-most \
			"$limits" "${MEDIAN[ours]}" "$peer" "${MEDIAN[$peer]}"
		figure clean "latency, 20 clients, p99" usec ratio-most \
			"$limits" "${P99[ours]}" "$peer" "${P99[$peer]}"
	done
}

# The empty one and the full one are measured in turn, while the other is
# stopped: neither has a share in the other's figures.
row_full() {
	declare -A RATE=() P99=() MEDIAN=()
	local i
	start_postfix && start_policyd 5 && start_tarpitd empty &&
		start_tarpitd full HoldGreeting=10min &&
		hold clients "$full_at" "$HELD" || return
	for ((i = 0; i < RUNS; i++)); do
		kill -STOP "$full_pid"
		clean_run empty || return
		kill -CONT "$full_pid"
		tell clients alive
		clean_run full || return
	done
	tell clients alive
	say "full: $REPLY"
	figure full "clean sessions, $HELD held" "per s" ratio-least \
		"0.667 0.87" "${RATE[full]}" "empty" "${RATE[empty]}"
	figure full "latency, 1 client, median, $HELD held" usec ratio-most \
		"1.5 1.15" "${MEDIAN[full]}" "empty" "${MEDIAN[empty]}"
	figure full "latency, 20 clients, p99, $HELD held" usec ratio-most \
		"1.5 1.15" "${P99[full]}" "empty" "${P99[empty]}"
}
