# SPDX-License-Identifier: ISC
# tarpitd between a fake policy service and a fake MTA, for bats files: `load
# ../helpers/tarpitd`, after daemon and smtp.
#
#	setup()    { tarpitd_setup; }
#	teardown() { smtp_close_all; stop_daemons; }
#
# $AT is where it listens, $CONF its configuration, $POLICY and $MTA are the
# sockets of its neighbours, and $CONTROL is its own for tarpitctl.

tarpitd_setup() {
	PORT=$(free_port)
	AT=127.0.0.1:$PORT
	CONF=$DAEMONS/tarpitd.conf
	POLICY=$DAEMONS/policy
	MTA=$DAEMONS/mta
	CONTROL=$DAEMONS/control
}

# configure KEY=VALUE...: over what all tests share; a later one counts.
configure() {
	local line
	declare -A value=([HostName]=mx.test [Policy]=$POLICY
		[Handoff]=postfix:$MTA [HoldGreeting]=0)
	for line; do value[${line%%=*}]=${line#*=}; done
	echo '[Dispatcher]' >"$CONF.new"
	for line in "${!value[@]}"; do
		echo "$line=${value[$line]}" >>"$CONF.new"
	done
	mv "$CONF.new" "$CONF"
}

# policy [-m MODE] RULE...: see fake_policy.c.
policy() {
	local mode=normal
	[ "${1-}" != -m ] || { mode=$2; shift 2; }
	start_daemon policy "$BUILD/tests/helpers/fake_policy" "$POLICY" \
		"$mode" "$@"
	wait_for_socket policy "$POLICY"
}

# How many questions it has been asked.
questions() {
	grep -c '^tarpit_session ' "$DAEMONS/policy.log" || :
}

# mta [BACKLOG]: see fake_mta.c.
mta() {
	start_daemon mta "$BUILD/tests/helpers/fake_mta" "$MTA" "$@"
	wait_for_socket mta "$MTA"
}

# tarpitd [KEY=VALUE]...: with these options, on $AT.
tarpitd() {
	configure "$@"
	start_daemon -n tarpitd "$BUILD/tarpitd" --config "$CONF" \
		--listen "$AT" --control "$CONTROL"
	wait_for_notify tarpitd READY=1
}

pace() {
	"$BUILD/tests/helpers/pace" "$@"
}

# ask LINE...: what the control socket answers to a message of these lines.
ask() {
	printf '%s\n' "$@" '' | socat -t "$DEADLINE" - "UNIX-CONNECT:$CONTROL"
}

# tarpitctl, talking to this dispatcher, as `ctl status`; for run.
ctl() {
	"$BUILD/tarpitctl" --control "$CONTROL" --socket "$POLICY" \
		--config "${POLICY_CONF:-$DAEMONS/none}" "$@"
}

# The record of the session of CLIENT, once it has ended.
record_of() {
	wait_for_record tarpitd event=session "client=$1" "${@:2}"
}

# The value of FIELD in the record on standard input, as in
# record_of 127.0.0.2 | field bytes_in
field() {
	sed -n "s/.* $1=\([^ ]*\).*/\1/p"
}

# never_logged NAME REGEX: so far.
never_logged() {
	[ "$(grep -Ec -e "$2" "$DAEMONS/$1.log")" = 0 ]
}

# Hundredths of a second that the process of daemon NAME has computed.
cpu_of() {
	local stat
	stat=$(<"/proc/$(daemon_pid "$1")/stat")
	# shellcheck disable=SC2086
	set -- ${stat##*) }
	echo $((${12} + ${13}))
}
