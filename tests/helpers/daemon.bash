# SPDX-License-Identifier: ISC
# Daemons under test, for bats files: `load ../../helpers/daemon`.  They are
# started in the background, waited for by what they do (a socket, a log line,
# sd_notify) and never by time, and all end in teardown:
#
#	setup()    { start_daemon policy "$BUILD/tarpit-policyd" --config ...; }
#	teardown() { stop_daemons; }
#
# NAME.log holds what the daemon NAME printed, in $DAEMONS; every wait has a
# deadline (DEADLINE seconds unless it says otherwise), at which it prints the
# log and fails.

# shellcheck source=tests/helpers/proc.bash
. "${BASH_SOURCE[0]%/*}/proc.bash"

# setup_file and teardown_file share a directory, and each test has its own.
# Debian 13's bats reads a file with neither when it looks for tests in it.
DAEMONS=${BATS_TEST_TMPDIR:-${BATS_FILE_TMPDIR:-/nonexistent}}
: "${DEADLINE:=20}"
POLL=0.02

# usec since the epoch, without a fork.
clock_usec() {
	local now=$EPOCHREALTIME
	echo "${now/[.,]/}"
}

# wait_until [-t SECONDS] CONDITION...: until the command (one argument is
# evaluated: wait_until '[ -s file ]') succeeds; fails at the deadline.
wait_until() {
	local seconds=$DEADLINE until
	[ "$1" != -t ] || { seconds=$2; shift 2; }
	until=$(($(clock_usec) + seconds * 1000000))
	until eval "$(wait_command "$@")"; do
		[ "$(clock_usec)" -lt "$until" ] || {
			echo "not within $seconds s: $*" >&2
			return 1
		}
		sleep "$POLL"
	done
}

wait_command() {
	if [ $# = 1 ]; then echo "$1"; else printf '%q ' "$@"; fi
}

# Closes what a daemon must not inherit: the descriptors of bats, which waits
# until all of them are closed, and those of open dialogues.
close_inherited() {
	local fd
	for fd in /proc/self/fd/*; do
		fd=${fd##*/}
		[ "$fd" -le 2 ] || [ "$fd" = 255 ] || eval "exec $fd>&-"
	done
}

# start_daemon [-n] [-i FILE] NAME COMMAND...: runs it in the background, its
# output in NAME.log.  -n: with a notify socket (wait_for_notify).  -i: its
# standard input, else /dev/null.  Wait for it to be ready with wait_for_*.
start_daemon() {
	local input=/dev/null notify="" name
	while [[ $1 == -* ]]; do
		case $1 in
		-n) notify=1; shift ;;
		-i) input=$2; shift 2 ;;
		*) echo "start_daemon: $1?" >&2; return 1 ;;
		esac
	done
	name=$1
	shift
	[ -z "$notify" ] || start_notify_socket "$name" || return
	# There from now on, for who looks for a line of this run.
	: >>"$DAEMONS/$name.log"
	stat -c %s "$DAEMONS/$name.log" >"$DAEMONS/$name.from"
	(
		close_inherited
		[ -z "$notify" ] || export NOTIFY_SOCKET="$DAEMONS/$name.notify"
		exec "$@"
	) <"$input" >>"$DAEMONS/$name.log" 2>&1 &
	echo $! >"$DAEMONS/$name.pid"
}

start_notify_socket() {
	# What an earlier run told is not to be taken for this one's.
	[ ! -e "$DAEMONS/$1-notified.pid" ] ||
		stop_daemon "$1-notified" || : # 143: by SIGTERM
	rm -f "$DAEMONS/$1-notified.log"
	start_daemon "$1-notified" socat -u "UNIX-RECV:$DAEMONS/$1.notify" STDOUT
	wait_until test -S "$DAEMONS/$1.notify"
}

daemon_pid() {
	cat "$DAEMONS/$1.pid"
}

daemon_is_alive() {
	pid_is_alive "$(daemon_pid "$1")"
}

# wait_for_exit NAME [SECONDS]: until it has ended; its exit status.
wait_for_exit() {
	local pid
	pid=$(daemon_pid "$1") || return
	wait_until -t "${2:-$DEADLINE}" "! pid_is_alive $pid" || {
		show_log "$1"
		return 124
	}
	rm -f "$DAEMONS/$1.pid"
	wait "$pid"
}

# stop_daemon NAME [SIGNAL]: asks it to end and waits; its exit status.  One
# that does not end in time is killed, which is a failure (124).
stop_daemon() {
	local pid
	pid=$(daemon_pid "$1") || return
	kill -"${2:-TERM}" "$pid" 2>/dev/null || :
	wait_for_exit "$1" || {
		local status=$?
		! pid_is_alive "$pid" || kill -KILL "$pid"
		rm -f "$DAEMONS/$1.pid"
		return "$status"
	}
}

# For teardown: all of them, whatever state they are in; stopped ones too.
stop_daemons() {
	local file name pid stuck=0
	for file in "$DAEMONS"/*.pid; do
		[ -e "$file" ] || continue
		# In this order: a SIGCONT that comes after SIGTERM may meet
		# LeakSanitizer, which stops the process at its end to look
		# for leaks and then waits for ever.
		kill -CONT "$(<"$file")" 2>/dev/null || :
		kill -TERM "$(<"$file")" 2>/dev/null || :
	done
	for file in "$DAEMONS"/*.pid; do
		[ -e "$file" ] || continue
		name=${file##*/} pid=$(<"$file")
		wait_until -t 10 "! pid_is_alive $pid" || {
			echo "${name%.pid} had to be killed" >&2
			kill -KILL "$pid" || :
			stuck=1
		}
		wait "$pid" 2>/dev/null || :
		rm -f "$file"
	done
	return "$stuck"
}

show_log() {
	echo "--- $1 printed:" >&2
	tail -n 60 "$DAEMONS/$1.log" >&2
	echo "---" >&2
}

# What the daemon NAME has printed since it was last started: what an earlier
# one said is no sign that this one is ready.
log_of_run() {
	tail -c +"$(($(<"$DAEMONS/$1.from") + 1))" "$DAEMONS/$1.log"
}

# wait_for_log NAME REGEX [SECONDS]: until a line of its output matches (ERE),
# in this run.
wait_for_log() {
	wait_until -t "${3:-$DEADLINE}" \
		"log_of_run $1 | grep -E -e $(printf %q "$2") >/dev/null" || {
		show_log "$1"
		return 1
	}
}

# wait_for_record NAME WORD...: until one line of its output holds all of the
# words, such as lane=slow outcome=graduated; prints that line.
wait_for_record() {
	local name=$1
	shift
	wait_until "find_record '$DAEMONS/$name.log' $(printf '%q ' "$@") >/dev/null" || {
		show_log "$name"
		return 1
	}
	find_record "$DAEMONS/$name.log" "$@"
}

# The first line of FILE with all WORDs, each between blanks or at an end.
find_record() {
	local file=$1 words
	shift
	words=$(printf '%s\n' "$@")
	WORDS=$words awk '
		BEGIN { n = split(ENVIRON["WORDS"], word, "\n") }
		{
			line = " " $0 " "
			for (i = 1; i <= n; i++)
				if (index(line, " " word[i] " ") == 0)
					next
			print
			found = 1
			exit
		}
		END { exit !found }' "$file"
}

# wait_for_notify NAME TEXT [SECONDS]: until it told its service manager so,
# as in wait_for_notify tarpitd READY=1.
wait_for_notify() {
	wait_until -t "${3:-$DEADLINE}" \
		grep -Fq -e "$2" "$DAEMONS/$1-notified.log" || {
		show_log "$1-notified"
		show_log "$1"
		return 1
	}
}

# free_port: one that no socket uses, below those that the kernel gives to
# outgoing connections.
free_port() {
	local port
	while :; do
		port=$((10000 + (SRANDOM % 22000)))
		port_is_used "$port" || break
	done
	echo "$port"
}

# wait_unless_dead NAME CONDITION: as wait_until, but not when it has ended.
wait_unless_dead() {
	wait_until "{ $2; } || ! daemon_is_alive $1"
	eval "$2" || {
		show_log "$1"
		return 1
	}
}

# wait_for_port NAME PORT / wait_for_socket NAME PATH: until the daemon
# listens there.
wait_for_port() {
	wait_unless_dead "$1" "port_is_listening $2"
}

wait_for_socket() {
	wait_unless_dead "$1" "socket_is_listening $(printf %q "$2")"
}
