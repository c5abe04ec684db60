# SPDX-License-Identifier: ISC
# tarpitd between a fake policy service and a fake MTA, for bats files: `load
# ../helpers/tarpitd`, after daemon and smtp.
#
#	setup()    { tarpitd_setup; }
#	teardown() { smtp_close_all; stop_daemons; }
#
# $AT is where it listens, $CONF its configuration, $POLICY and $MTA are the
# sockets of its neighbours, and $CONTROL is its own for tarpitctl.  $PEM is
# what `certificate` makes.

tarpitd_setup() {
	PORT=$(free_port)
	AT=127.0.0.1:$PORT
	CONF=$DAEMONS/tarpitd.conf
	POLICY=$DAEMONS/policy
	MTA=$DAEMONS/mta
	CONTROL=$DAEMONS/control
	PEM=$DAEMONS/tls.pem
}

# configure KEY=VALUE...: over what all tests share; a later one counts.  Tls.KEY
# is one of the section Tls.
configure() {
	local line
	declare -A value=([HostName]=mx.test [Policy]=$POLICY
		[Handoff]=postfix:$MTA [HoldGreeting]=0 [OwnNetworks]=""
		[Tls.Certificate]=none)
	for line; do value[${line%%=*}]=${line#*=}; done
	for line in "${!value[@]}"; do
		case $line in
		Tls.*) echo "[Tls]" && echo "${line#Tls.}=${value[$line]}" ;;
		*) echo "[Dispatcher]" && echo "$line=${value[$line]}" ;;
		esac
	done >"$CONF.new"
	mv "$CONF.new" "$CONF"
}

# certificate [NAME [rsa:BITS]]: a new one with its key, in $PEM.
certificate() {
	local kind=(ec -pkeyopt ec_paramgen_curve:P-256)
	[ -z "${2-}" ] || kind=("$2")
	openssl req -x509 -newkey "${kind[@]}" -nodes \
		-subj "/CN=${1-mx.test}" -days 2 -keyout "$PEM.key" \
		-out "$PEM.crt" 2>"$DAEMONS/openssl.log"
	cat "$PEM.key" "$PEM.crt" >"$PEM"
}

# expire_certificate [NAME]: another one for the same key, long expired.  Its
# dates can only be chosen by a certificate authority.
expire_certificate() {
	cat >"$DAEMONS/ca.cnf" <<-END
		[ca]
		default_ca = here
		[here]
		database = $DAEMONS/ca.index
		new_certs_dir = $DAEMONS
		rand_serial = yes
		default_md = sha256
		policy = any
		[any]
		commonName = supplied
	END
	: >"$DAEMONS/ca.index"
	openssl req -new -key "$PEM.key" -subj "/CN=${1-mx.test}" \
		-out "$DAEMONS/csr"
	openssl ca -config "$DAEMONS/ca.cnf" -selfsign -batch -notext \
		-startdate 20200101000000Z -enddate 20200201000000Z \
		-keyfile "$PEM.key" -in "$DAEMONS/csr" -out "$PEM.crt" \
		2>"$DAEMONS/openssl.log"
	cat "$PEM.key" "$PEM.crt" >"$PEM"
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

# tarpitd [KEY=VALUE]...: with these options, on $AT, and for proxies on $FRONT
# if that is set.
tarpitd() {
	configure "$@"
	start_daemon -n tarpitd "$BUILD/tarpitd" --config "$CONF" \
		--listen "$AT" --control "$CONTROL" \
		${FRONT:+--listen-proxy "$FRONT"}
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

# ---- the lane throttle ----

# backend [HABIT]...: the MTA behind it, at port $BACKEND; see fake_backend.c.
backend() {
	: "${BACKEND:=$(free_port)}"
	start_daemon backend "$BUILD/tests/helpers/fake_backend" "$BACKEND" "$@"
	wait_for_port backend "$BACKEND"
}

# greet [SOURCE]: up to the reply to EHLO.
greet() {
	smtp_connect "$AT" "$@"
	smtp_expect '220 mx.test ESMTP'
	smtp_say 'EHLO client.test'
	smtp_expect_reply 250
}

# envelope [RECIPIENT]...: MAIL and RCPT, all accepted.
envelope() {
	local recipient
	smtp_say 'MAIL FROM:<a@b.test>'
	smtp_expect '250 2.1.0'
	for recipient in "${@:-u@dest.test}"; do
		smtp_say "RCPT TO:<$recipient>"
		smtp_expect '250 2.1.5'
	done
}
