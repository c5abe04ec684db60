#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# tarpitctl top on a terminal, which is tmux.

bats_require_minimum_version 1.5.0
load ../helpers/common
load ../helpers/daemon
load ../helpers/smtp
load ../helpers/tarpitd

setup() {
	tarpitd_setup
	export LC_ALL=C.UTF-8
	policy '127.0.0.3 action=slow rate=20 patience=20 score=25 reason=history.none+25 country=DE' \
		'* action=hold rate=2000 score=100 reason=list.drop+100|country.CN+15 country=CN asn=64496'
	mta
	tarpitd MaxPatience=300s
	start_daemon tmux tmux -D -S "$DAEMONS/tmux" -f /dev/null
	wait_for_socket tmux "$DAEMONS/tmux"
}

teardown() {
	smtp_close_all
	stop_daemons
}

in_tmux() {
	tmux -S "$DAEMONS/tmux" "$@" 3>&-
}

# top [-t TERM] [-x COLUMNS] [-y LINES] [OPTION]...: on a new terminal.
top() {
	local term=xterm columns=80 rows=24
	while [[ ${1-} == -[txy] ]]; do
		case $1 in
		-t) term=$2 ;;
		-x) columns=$2 ;;
		-y) rows=$2 ;;
		esac
		shift 2
	done
	in_tmux new-session -d -s top -x "$columns" -y "$rows" "TERM=$term \
		'$BUILD/tarpitctl' --control '$CONTROL' top $* 2>'$DAEMONS/err'; \
		echo \"ended with \$?\"; exec sleep 1000"
}

keys() {
	in_tmux send-keys -t top "$@"
}

screen() {
	in_tmux capture-pane -p -t top
}

# shows REGEX...: until some line of the screen has each.
shows() {
	local regex
	for regex; do
		wait_until "screen | grep -Eq -e $(printf %q "$regex")" || {
			screen
			return 1
		}
	done
}

# A held session that has said something odd.
held() {
	SMTP=$1 smtp_connect "$AT" "127.0.0.$1"
	SMTP=$1 smtp_expect '220 '
}

slow() {
	SMTP=slow smtp_connect "$AT" 127.0.0.3
	SMTP=slow smtp_expect '220-'
}

@test "top: sessions, sorted by time, network and country" {
	held 9
	slow
	held 4
	top
	shows '^tarpit: 3 sessions: 1 slow, 0 throttle, 2 hold' '^by time' \
		'^127.0.0.4 +CN +64496 hold +command +100 +2000 '
	[ "$(screen | grep -o '^127[^ ]*' | tr '\n' ' ')" = "127.0.0.9 127.0.0.3 127.0.0.4 " ]
	keys n
	shows '^by network'
	[ "$(screen | grep -o '^127[^ ]*' | tr '\n' ' ')" = "127.0.0.3 127.0.0.4 127.0.0.9 " ]
	keys c
	shows '^by country'
	[ "$(screen | grep -o '^127[^ ]*' | tr '\n' ' ')" = "127.0.0.9 127.0.0.4 127.0.0.3 " ]
	# It fills 24 lines of 80 columns and no more.
	screen | tail -n 1 | grep -q '^q quit .* help$'
	[ "$(screen | awk 'length > 80')" = "" ]
	keys q
	shows '^ended with 0'
	[ ! -s "$DAEMONS/err" ]
}

@test "top: a filter, and why" {
	held 4
	SMTP=4 smtp_send 'EHLO caf\xc3\xa9\x1b[31m\r\n'
	SMTP=4 smtp_expect_reply 250
	slow
	top
	shows '^127.0.0.3' '^127.0.0.4'
	keys / c N x BSpace
	shows '^show only what has: cN_'
	keys Enter
	shows '^by time; with "cN": 1'
	[ "$(screen | grep -c '^127')" = 1 ]
	keys w
	shows ' client +127.0.0.4, port ' ' from +CN, AS64496' \
		' lane +hold; command' ' HELO +caf\\xc3\\xa9\\x1b\[31m' \
		' reason +list.drop\+100.country.CN\+15' '\(any key\)'
	keys x
	wait_until "! screen | grep -q 'any key'"
	keys '?'
	shows 'sort by time held, network, country, score'
	keys x /
	shows '^show only what has'
	keys Escape
	shows '^by time; with "cN": 1'
	keys / Enter
	shows '^127.0.0.3'
}

@test "top: it ends after --for" {
	top --for 1s
	shows '^ended with 0'
}

@test "top: release and hold, if confirmed" {
	held 4
	slow
	top --for 10min
	shows '^127.0.0.4'
	keys / DE Enter
	shows 'with "DE": 1'
	keys h
	shows '^hold 127.0.0.3 for 10 min.*\? \(y/n\)'
	keys n
	shows '^q quit'
	keys h
	shows '^hold 127.0.0.3 for'
	keys y
	shows '^hold 127.0.0.3: done' '^127.0.0.3 +DE +hold\*' ' 0 slow, 0 throttle, 2 hold'
	keys / 0.4 Enter
	shows 'with "0.4": 1'
	keys r y
	SMTP=4 smtp_expect '421 4.3.2 '
	shows '^release 127.0.0.4: done' '; with "0.4": 0'
	# Nobody is selected, so nobody is released.
	keys r w
	shows 'with "0.4": 0'
}

@test "top: it follows the window's size, down to what is useless" {
	local i
	for i in {10..40}; do
		SMTP=$i smtp_connect "$AT" "127.0.0.$i"
	done
	top
	shows ' 31 hold' '^q quit'
	[ "$(screen | grep -c '^127')" = 20 ]
	keys n End
	shows '^127.0.0.40 '
	keys PPage
	keys Home
	shows '^127.0.0.10 '
	in_tmux resize-window -t top -x 120 -y 40
	wait_until '[ "$(screen | grep -c ^127)" = 31 ]'
	in_tmux resize-window -t top -x 20 -y 4
	shows '^q quit t time n ne'
	keys '?'
	in_tmux resize-window -t top -x 80 -y 24
	keys x
	shows '^q quit .* help$'
	keys q
	shows '^ended with 0'
}

@test "top: terminals of other kinds" {
	local term
	held 4
	for term in screen linux vt100; do
		top -t $term
		shows '^127.0.0.4 '
		keys Down q
		shows '^ended with 0'
		in_tmux kill-session -t top
	done
	top -t nonsense
	shows '^ended with 100'
	grep -q 'top needs a terminal that terminfo knows' "$DAEMONS/err"
}

@test "top: a restart of the dispatcher is outlived" {
	held 4
	top
	shows '^127.0.0.4'
	stop_daemon tarpitd
	shows '^tarpitd does not answer, trying again'
	tarpitd
	wait_for_port tarpitd "$PORT"
	SMTP=5 smtp_connect "$AT" 127.0.0.5
	shows '^127.0.0.5' '^q quit'
}
