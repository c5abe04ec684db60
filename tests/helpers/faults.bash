# SPDX-License-Identifier: ISC
# Faults and crowds, for bats files: `load ../helpers/faults`, after daemon,
# smtp and tarpitd.

# A process that spins uses all of a core; one that only lives, next to none.
SPIN_PERCENT=40

# with_faults: what start_daemon is to run a program with, so that calls of it
# can be made to fail; see preload/failing_calls.c.
faults_setup() {
	FAULTS=$DAEMONS/faults
	truncate -s 4096 "$FAULTS"
	WITH_FAULTS=(env "LD_PRELOAD=$BUILD/tests/helpers/preload/failing_calls.so"
		"FAILING_CALLS=$FAULTS")
}

# An interposer and the sanitizer both want to be first.
is_sanitized() {
	ldd "$BUILD/tarpitd" | grep -q libasan
}

# fail_calls TEXT: from now on, such as accept4=24; none with an empty text.
fail_calls() {
	printf '%-200s\0' "$1" | dd of="$FAULTS" conv=notrunc status=none
}

# failed_calls NAME: how many have failed.
failed_calls() {
	local names=(accept4 epoll_ctl send sendmsg socket malloc) i
	for i in "${!names[@]}"; do
		[ "${names[i]}" != "$1" ] ||
			od -An -t u8 -j $((2048 + 8 * i)) -N 8 "$FAULTS" | tr -d ' '
	done
}

# start_tarpitd_with COMMAND... -- [KEY=VALUE]...: tarpitd by way of a command.
start_tarpitd_with() {
	local command=()
	while [ "$1" != -- ]; do command+=("$1"); shift; done
	shift
	configure MaxPerClient=0 "$@"
	start_daemon -n tarpitd "${command[@]}" \
		"$BUILD/tarpitd" --config "$CONF" --listen "$AT"
	wait_for_notify tarpitd READY=1
}

# crowd [NAME]: clients of tarpitd, told what to do by tell; see crowd.c.
declare -gA CROWD
crowd() {
	local name=${1:-crowd} fd
	mkfifo "$DAEMONS/$name.in"
	exec {fd}<>"$DAEMONS/$name.in"
	CROWD[$name]=$fd
	: >"$DAEMONS/$name.log"
	start_daemon -i "$DAEMONS/$name.in" "$name" \
		"$BUILD/tests/helpers/crowd" "$AT"
}

# tell [-c NAME] COMMAND: waits until it is done; the answer is in $ANSWER.
tell() {
	local name=crowd before
	[ "$1" != -c ] || { name=$2; shift 2; }
	before=$(wc -l <"$DAEMONS/$name.log")
	echo "$1" >&"${CROWD[$name]}"
	wait_until -t 120 "[ \$(wc -l <'$DAEMONS/$name.log') -gt $before ] ||
		! daemon_is_alive $name"
	ANSWER=$(tail -n 1 "$DAEMONS/$name.log")
	echo "$name: $1: $ANSWER"
	daemon_is_alive "$name"
}

# The Nth word of the last answer.
word() {
	# shellcheck disable=SC2086
	set -- "$1" $ANSWER
	shift "$1"
	echo "$1"
}

# What tarpitd last told its service manager of itself.
status_line() {
	sed 's/STATUS=/\n&/g' "$DAEMONS/tarpitd-notified.log" |
		grep -a '^STATUS=' | tail -n 1
}

# count WORD: the number before it there; 0 if it is not there.
count() {
	status_line | sed -En "s/.*[ =]([0-9]+) $1.*/\1/p" | grep . || echo 0
}

# wait_for_count WORD N [SECONDS]
wait_for_count() {
	wait_until -t "${3:-$DEADLINE}" "[ \$(count '$1') = $2 ]" || {
		status_line
		return 1
	}
}

descriptors_of() {
	find "/proc/$(daemon_pid "$1")/fd" -mindepth 1 | wc -l
}

# Kilobytes of memory that are its own.
memory_of() {
	awk '$1 == "RssAnon:" { print $2 }' "/proc/$(daemon_pid "$1")/status"
}

# does_not_spin NAME COMMAND...: it hardly computes while the command runs.
does_not_spin() {
	local name=$1 cpu began
	shift
	cpu=$(cpu_of "$name") began=$(clock_usec)
	"$@"
	cpu=$(($(cpu_of "$name") - cpu))
	began=$((($(clock_usec) - began) / 10000))
	echo "$name used $cpu of $began hundredths of a second"
	[ $((cpu * 100)) -le $((began * SPIN_PERCENT)) ]
}
