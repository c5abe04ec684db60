# SPDX-License-Identifier: ISC
# The rows about the lane throttle.

# throttle_sessions N: all are open, then all have their recipient accepted,
# then all deliver.  Leaves OPEN, TAKEN (by the MTA) and MEMORY (bytes each).
throttle_sessions() {
	local empty answer
	start_postfix && start_policyd 20 $'[Lanes]\nHold=1000' &&
		start_tarpitd ours Backend="$backend_at" BackendConnections=8 BackendPerClient=8 \
			BackendTimeout=5min MaxThrottled=100% SpoolDirectory="$DIR" || return
	empty=$(pss "$ours_pid")
	hold clients "$ours_at" "$1" || return
	tell clients speak || return
	say "throttle: $REPLY"
	MEMORY=$(calculate "($(pss "$ours_pid") - $empty) / $1")
	tell clients alive || return
	OPEN=$(value_of sessions "$REPLY")
	tell clients deliver || return
	answer=$REPLY
	wait_until queue_is_empty
	TAKEN=$(count_mail)
	say "throttle: $answer, $TAKEN in the MTA"
	[ "$(value_of delivered "$answer")" = "$TAKEN" ] &&
		[ "$OPEN" = "$1" ] && [ "$TAKEN" = "$1" ]
}

# Once: it takes two minutes, and counts.
row_throttle() {
	throttle_sessions 19000 || {
		stop_servers
		throttle_sessions 10000
	} || return
	figure throttle "throttled sessions at once, all delivering" "" least \
		"10000 19000" "$TAKEN"
	figure throttle "memory of each, between commands" "bytes PSS" most \
		"1024 512" "$MEMORY"
}

# messages_per_second NAME: 20 sessions at a time, each with a message of 4 KB.
messages_per_second() {
	local at=${1}_at n=1500 began=${EPOCHREALTIME/[.,]/} spent
	smtp-source -s 20 -m $n -l 4096 -f a@example.com -t u@example.org \
		"${!at}" || return
	spent=$((${EPOCHREALTIME/[.,]/} - began))
	# What is still in the queue is no load for the next one.
	wait_until queue_is_empty
	REPLY=$(calculate "$n * 1000000 / $spent")
}

row_messages() {
	local -A rate=()
	local i what peers=(smtpd postscreen eight)
	start_postfix && start_fake_policy &&
		start_tarpitd ours Backend="$backend_at" BackendConnections=20 BackendPerClient=20 \
			SpoolDirectory="$DIR" &&
		start_tarpitd eight Backend="$backend_at" BackendConnections=8 BackendPerClient=8 \
			SpoolDirectory="$DIR" || return
	! start_haraka || peers+=(haraka)
	# All processes have been started.
	for what in ours "${peers[@]}"; do
		messages_per_second "$what" || return
	done
	for ((i = 0; i < RUNS; i++)); do
		for what in ours "${peers[@]}"; do
			messages_per_second "$what" || return
			rate[$what]+=" $REPLY"
		done
	done
	show_messages "smtp-source into smtpd" "0.9 1.1" "${rate[smtpd]}"
	show_messages postscreen "1.0 2.0" "${rate[postscreen]}"
	show_messages "us, by 8 connections" "" "${rate[eight]}"
	[ -z "${rate[haraka]-}" ] ||
		show_messages Haraka "1.0 2.0" "${rate[haraka]}"
}

# show_messages PEER LIMITS THEIRS
show_messages() {
	figure messages "messages through the lane, rate 0" "per s" \
		ratio-least "$2" "${rate[ours]}" "$1" "$3"
}
