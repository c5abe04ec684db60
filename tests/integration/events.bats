#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Each kind of record in bin/common/events.def is provoked in a real run, and
# has the fields that are declared there: all that it must have, and no other;
# those that only some records have ("?") are seen as well.  The last tests
# see to it that no kind is forgotten, here or in the manual page.

load ../helpers/common
load ../helpers/daemon
load ../helpers/smtp
load ../helpers/tarpitd
load ../helpers/web
load ../helpers/redis

setup() {
	unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY
	tarpitd_setup
}

teardown() {
	smtp_close_all
	stop_daemons
}

# "ID NAME PRIORITY FIELD[?]..." for each kind.
declared() {
	run_case common/journal_test list_events
}

# The names of fields, as text has them, of the records of EVENT in a log: a
# line for each record.  Values in quotes may hold anything.
fields_of() {
	sed -En "s/^.* event=$1( |\$)/ /p" "$2" |
		sed -E 's/="([^"\\]|\\.)*"/=/g; s/=[^ ]*//g'
}

# provoked NAME DAEMON...: their logs have such records, as declared.
provoked() {
	local name=$1 daemon lower=${1,,}
	declared | awk -v name="$name" '$2 == name' >"$DAEMONS/declared"
	[ -s "$DAEMONS/declared" ]
	for daemon in "${@:2}"; do
		wait_for_log "$daemon" " event=$lower( |\$)"
		fields_of "$lower" "$DAEMONS/$daemon.log"
	done >"$DAEMONS/fields"
	awk -v name="$name" '
		NR == FNR {
			for (i = 4; i <= NF; i++) {
				field = tolower(substr($i, 8))
				if (sub(/\?$/, "", field))
					known[field] = "may"
				else
					known[field] = "must"
			}
			next
		}
		function complain(what) {
			print name ": " what ": " $0
			bad = 1
		}
		{
			delete has
			for (i = 1; i <= NF; i++) {
				has[$i] = seen[$i] = 1
				if (!($i in known))
					complain($i " is not declared")
			}
			for (field in known)
				if (known[field] == "must" && !(field in has))
					complain("without " field)
		}
		END {
			for (field in known)
				if (!(field in seen))
					complain(field " was never seen")
			exit bad
		}' "$DAEMONS/declared" "$DAEMONS/fields"
}

# A session of SOURCE that says QUIT when it is greeted.
quit_from() {
	smtp_connect "$AT" "$1"
	smtp_expect_reply 220
	smtp_say QUIT
	smtp_expect '221 '
	smtp_close
}

# handoff [OPTION]... -- COMMAND
handoff() {
	printf '[Handoff]\n' >"$DAEMONS/handoff.conf"
	start_daemon -n handoff "$BUILD/tarpit-handoff" --listen "$DAEMONS/s" \
		--config "$DAEMONS/handoff.conf" "$@"
	wait_for_notify handoff READY=1
}

handoff_client() {
	"$BUILD/tests/helpers/handoff_client" "$@" "$DAEMONS/s"
}

# policyd [LINE]...: with these in its configuration.
policyd() {
	printf '%s\n' '[Data]' "Lists=$DAEMONS/lists.cdb" Country= Asn= \
		History= "$@" >"$DAEMONS/policy.conf"
	start_daemon -n policyd "$BUILD/tarpit-policyd" \
		--config "$DAEMONS/policy.conf" --listen "$POLICY"
	wait_for_notify policyd READY=1
}

# list NAME SOURCE [LINE]...
list() {
	mkdir -p "$DAEMONS/lists.d"
	printf '%s\n' '[List]' "Source=$2" "${@:3}" >"$DAEMONS/lists.d/$1.conf"
	printf '[Lists]\nDirectory=%s\nOutput=%s\nState=%s\nGeoIp=%s\nCaFile=%s\n' \
		"$DAEMONS/lists.d" "$DAEMONS/lists.cdb" "$DAEMONS/state" \
		"$DAEMONS/geoip.conf" "$DAEMONS/ca.pem" >"$DAEMONS/lists.conf"
}

# lists VERB: its log is lists.log, whatever it says of success.
lists() {
	"$BUILD/tarpit-lists" --config "$DAEMONS/lists.conf" "$1" \
		>>"$DAEMONS/lists.log" 2>&1 || :
}

@test "events: SESSION" {
	local i
	backend
	policy '127.0.0.2 action=pass' '127.0.0.3 action=slow rate=0 patience=1' \
		'127.0.0.5 action=throttle rate=0 patience=0 score=70 reason=a+70' \
		'* action=hold rate=0 reason=list.x+100 country=CN asn=64496'
	mta
	certificate
	FRONT=127.0.0.1:$(free_port)
	tarpitd Backend="127.0.0.1:$BACKEND" SpoolDirectory="$DAEMONS" \
		Tls.Certificate="$PEM" ProxyTrusted=127.0.0.1 RecordsPerClient=5
	wait_for_log backend '^connected$'
	SMTP=proxied smtp_connect "$FRONT"
	SMTP=proxied smtp_send 'PROXY TCP4 192.0.2.1 127.0.0.1 1 25\r\n'
	SMTP=proxied smtp_expect '220 mx.test'
	SMTP=proxied smtp_close
	quit_from 127.0.0.2
	quit_from 127.0.0.3
	smtp_play - "$AT" 127.0.0.4 <<-END
		S: 220 mx.test
		C: EHLO "a b" c=d
		S* 250-
		S: 250 
		C: MAIL FROM:<a@b.test>
		S: 250
		C: RCPT TO:<u@dest.test>
		S: 450
		C: QUIT
		S: 221
	END
	smtp_connect_tls "$AT" say=$'no TLS\r\n'
	smtp_expect_eof
	smtp_close
	smtp_connect "$AT" 127.0.0.5
	smtp_play - "$AT" 127.0.0.5 <<-END
		S: 220 mx.test
		C: EHLO client.test
		S* 250-
		S: 250 
		C: MAIL FROM:<a@b.test>
		S: 250
		C: RCPT TO:<u@dest.test>
		S: 250
		C: DATA
		S: 354
		C: .
		S: 250
		C: QUIT
		S: 221
	END
	record_of 127.0.0.2 outcome=passed
	record_of 127.0.0.3 outcome=graduated
	record_of 127.0.0.4 outcome=refused recipients=1 'sender=<a@b.test>'
	record_of 127.0.0.5 outcome=delivered delivered=1
	# More than have records of their own share one, of a minute or its rest.
	for i in 1 2 3 4 5; do quit_from 127.0.0.2; done
	kill -TERM "$(daemon_pid tarpitd)"
	wait_for_exit tarpitd
	record_of 127.0.0.2 sessions=1 folded=127.0.0.2
	provoked SESSION tarpitd
}

@test "events: SUMMARY" {
	policy
	mta
	tarpitd Log=summary
	quit_from 127.0.0.2
	wait_for_notify tarpitd '1 passed'
	stop_daemon tarpitd
	provoked SUMMARY tarpitd
}

@test "events: STARTED" {
	tarpitd
	policyd
	handoff -- /bin/true
	provoked STARTED tarpitd policyd handoff
}

@test "events: STOPPED" {
	tarpitd
	policyd
	handoff -- /bin/true
	stop_daemon tarpitd
	stop_daemon policyd
	stop_daemon handoff
	provoked STOPPED tarpitd policyd handoff
}

@test "events: RELOADED" {
	local name
	tarpitd
	policyd
	handoff -- /bin/true
	for name in tarpitd policyd handoff; do
		kill -HUP "$(daemon_pid $name)"
	done
	provoked RELOADED tarpitd policyd handoff
}

@test "events: CONFIG_ERROR" {
	local name
	tarpitd
	policyd
	handoff -- /bin/true
	for name in tarpitd policy handoff; do
		echo Colour=red >>"$DAEMONS/$name.conf"
	done
	for name in tarpitd policyd handoff; do
		kill -HUP "$(daemon_pid $name)"
	done
	provoked CONFIG_ERROR tarpitd policyd handoff
}

# Standard error is a pipe that is full; then somebody reads.
@test "events: DROPPED" {
	local fd
	policy
	mkfifo "$DAEMONS/pipe"
	exec {fd}<>"$DAEMONS/pipe"
	# With a page and a byte there is no whole page left.
	head -c 61441 /dev/zero >&"$fd"
	configure
	# shellcheck disable=SC2016
	start_daemon -n tarpitd sh -c 'exec "$@" 2>"$0"' "$DAEMONS/pipe" \
		"$BUILD/tarpitd" --config "$CONF" --listen "$AT"
	wait_for_notify tarpitd READY=1
	start_daemon reader cat "$DAEMONS/pipe"
	exec {fd}<&-
	provoked DROPPED reader
	grep -aq ' dropped=1$' "$DAEMONS/reader.log"
}

@test "events: POLICY_DOWN" {
	policy -m silent
	mta
	tarpitd PolicyTimeout=10ms
	quit_from 127.0.0.2
	provoked POLICY_DOWN tarpitd
}

@test "events: POLICY_UP" {
	mta
	tarpitd PolicyTimeout=2s
	quit_from 127.0.0.2
	wait_for_log tarpitd event=policy_down
	policy
	wait_until 'quit_from 127.0.0.2; grep -q event=policy_up "$DAEMONS/tarpitd.log"'
	provoked POLICY_UP tarpitd
}

@test "events: POLICY_OVERLOADED" {
	policy '* action=slow rate=2000 patience=1 overloaded=yes'
	mta
	tarpitd
	quit_from 127.0.0.2
	provoked POLICY_OVERLOADED tarpitd
}

@test "events: POLICY_GARBAGE" {
	policy -m huge
	mta
	tarpitd PolicyTimeout=2s
	quit_from 127.0.0.2
	provoked POLICY_GARBAGE tarpitd
}

@test "events: HANDOFF_DOWN" {
	policy
	tarpitd
	smtp_connect "$AT"
	provoked HANDOFF_DOWN tarpitd
}

@test "events: HANDOFF_UP" {
	policy
	tarpitd
	smtp_connect "$AT"
	wait_for_log tarpitd event=handoff_down
	mta
	smtp_expect '220 mta.test'
	provoked HANDOFF_UP tarpitd
}

@test "events: HANDOFF_UNSERVED" {
	policy
	mta die
	tarpitd HandoffTimeout=1s
	smtp_connect "$AT"
	provoked HANDOFF_UNSERVED tarpitd
}

@test "events: ACCEPT_PAUSED" {
	local i
	start_daemon -n handoff prlimit --nofile=12 "$BUILD/tarpit-handoff" \
		--config /dev/null --listen "$DAEMONS/s" -- /bin/true
	wait_for_notify handoff READY=1
	for i in {1..12}; do
		start_daemon "silent$i" socat -u "UNIX-CONNECT:$DAEMONS/s" STDOUT
	done
	provoked ACCEPT_PAUSED handoff
}

@test "events: SHEDDING" {
	local i
	policy '* action=hold rate=0'
	tarpitd MaxSessions=4 ReserveForPass=50%
	for i in 1 2 3; do
		SMTP=c$i smtp_connect "$AT" "127.0.1.$i"
		SMTP=c$i smtp_expect '220 mx.test'
	done
	provoked SHEDDING tarpitd
}

@test "events: CLIENT_LIMIT" {
	policy '* action=hold rate=0'
	tarpitd MaxPerClient=1
	SMTP=a smtp_connect "$AT" 127.0.1.1
	SMTP=a smtp_expect '220 mx.test'
	SMTP=b smtp_connect "$AT" 127.0.1.1
	SMTP=b smtp_expect '421 4.7.0 mx.test'
	provoked CLIENT_LIMIT tarpitd
}

@test "events: HANDOFF_LIMIT" {
	local i
	mta
	policy '* action=slow rate=2000 patience=1 score=20'
	tarpitd HandoffSessions=1
	smtp_connect "$AT" 127.0.1.1
	smtp_skip 220-
	smtp_expect '220 mta.test'
	SMTP=b smtp_connect "$AT" 127.0.2.1
	wait_for_log tarpitd ' event=handoff_limit client=127.0.2.1$'
	stop_daemon tarpitd
	tarpitd HandoffSessions=4
	for i in 1 2; do SMTP=c$i smtp_connect "$AT" 127.0.1.1; done
	provoked HANDOFF_LIMIT tarpitd
}

@test "events: DATA_ERROR" {
	echo 'no list' >"$DAEMONS/lists.cdb"
	policyd
	provoked DATA_ERROR policyd
}

@test "events: DATA_LOADED" {
	echo 192.0.2.1 >"$DAEMONS/list.txt"
	list a "$DAEMONS/list.txt"
	lists build
	policyd
	provoked DATA_LOADED policyd
}

@test "events: DATA_WARNING" {
	"$BUILD/tests/helpers/mkmmdb" -e 1000000000 country \
		"$DAEMONS/country.mmdb" 192.0.2.0/24=CN
	policyd "Country=$DAEMONS/country.mmdb"
	provoked DATA_WARNING policyd
}

@test "events: QUESTION_ERROR" {
	policyd
	printf 'nonsense\n\n' | socat -t 10 - "UNIX-CONNECT:$POLICY"
	handoff -- /bin/true
	handoff_client --message 'EHLO x\n\n' </dev/null || :
	provoked QUESTION_ERROR policyd handoff
	# Once a minute, however many come; two if this took so long.
	for _ in 1 2 3 4; do
		handoff_client --message 'EHLO x\n\n' </dev/null || :
	done
	[ "$(grep -c event=question_error "$DAEMONS/handoff.log")" -le 2 ]
}

@test "events: SPAWN_ERROR" {
	handoff -- "$DAEMONS/nothing"
	handoff_client </dev/null || :
	provoked SPAWN_ERROR handoff
}

@test "events: MTA_FULL" {
	local fd
	mkfifo "$DAEMONS/in"
	exec {fd}<>"$DAEMONS/in"
	handoff --max 1 -- /bin/cat
	start_daemon -i "$DAEMONS/in" client \
		"$BUILD/tests/helpers/handoff_client" "$DAEMONS/s"
	provoked MTA_FULL handoff
	exec {fd}>&-
}

@test "events: LISTS_BUILT" {
	echo 192.0.2.1 >"$DAEMONS/list.txt"
	list a "$DAEMONS/list.txt"
	lists build
	provoked LISTS_BUILT lists
}

@test "events: LISTS_ERROR" {
	echo '<html>' >"$DAEMONS/list.txt"
	list a "$DAEMONS/list.txt"
	lists build
	provoked LISTS_ERROR lists
}

@test "events: LISTS_WARNING" {
	printf '%s\n' 192.0.2.1 10.0.0.0/8 >"$DAEMONS/list.txt"
	list a "$DAEMONS/list.txt" AllowPrivate=no
	lists build
	provoked LISTS_WARNING lists
}

@test "events: LIST_CHANGED" {
	start_web "$DAEMONS"
	echo 192.0.2.1 >"$DAEMONS/www/list.txt"
	list a "$WEB/list.txt"
	lists update
	provoked LIST_CHANGED lists
}

@test "events: LIST_FAILED" {
	list a "http://127.0.0.1:$(free_port)/list.txt"
	lists update
	provoked LIST_FAILED lists
}

@test "events: BACKEND_DOWN" {
	policy
	tarpitd Backend="127.0.0.1:$(free_port)"
	provoked BACKEND_DOWN tarpitd
}

@test "events: BACKEND_UP" {
	local port
	port=$(free_port)
	policy
	tarpitd Backend="127.0.0.1:$port"
	wait_for_log tarpitd event=backend_down
	start_daemon backend "$BUILD/tests/helpers/fake_backend" "$port"
	provoked BACKEND_UP tarpitd
}

@test "events: TLS_MISSING" {
	policy
	tarpitd Backend="127.0.0.1:$(free_port)" Tls.Certificate=
	provoked TLS_MISSING tarpitd
}

@test "events: TLS_EXPIRED" {
	policy
	certificate
	expire_certificate
	tarpitd Tls.Certificate="$PEM"
	provoked TLS_EXPIRED tarpitd
}

@test "events: NAMES_CUT" {
	policy '* action=hold rate=0'
	tarpitd HoldNames=60
	smtp_connect "$AT"
	smtp_expect '220 '
	smtp_say "EHLO $(printf '%050d' 0)"
	smtp_skip '250 '
	provoked NAMES_CUT tarpitd
}

@test "events: TLS_BUSY" {
	policy '* action=hold rate=0'
	certificate
	tarpitd Tls.Certificate="$PEM" Tls.MaxHandshakes=2
	smtp_connect "$AT"
	smtp_send 'STARTTLS\r\n'
	smtp_expect '220 mx'
	smtp_expect '220 2.0.0'
	SMTP=other smtp_connect "$AT"
	SMTP=other smtp_send 'STARTTLS\r\n'
	provoked TLS_BUSY tarpitd
}

@test "events: SPOOL_IN_MEMORY" {
	tarpitd SpoolDirectory=/proc
	wait_for_log tarpitd 'SpoolDirectory=/proc is not on a tmpfs'
	provoked SPOOL_IN_MEMORY tarpitd
}

@test "events: MESSAGE_UNSURE" {
	backend drops-dot
	policy '* action=throttle rate=0 patience=0'
	tarpitd Backend="127.0.0.1:$BACKEND" SpoolDirectory="$DAEMONS"
	wait_for_log backend '^connected$'
	greet
	envelope
	smtp_say DATA
	smtp_expect '354 '
	smtp_send 'Subject: x\r\n.\r\n'
	smtp_expect '451 4.3.0'
	provoked MESSAGE_UNSURE tarpitd
	ctl status | grep -q ' 1 messages unsure$'
	ctl metrics | grep -q '^tarpit_messages_unsure_total 1$'
}

@test "events: BACKEND_SLOW" {
	backend
	policy '* action=throttle rate=0 patience=0'
	tarpitd Backend="127.0.0.1:$BACKEND" BackendTimeout=1s
	wait_for_log backend '^connected$'
	greet
	smtp_say 'MAIL FROM:<a@b.test>'
	smtp_expect '250 '
	smtp_say 'RCPT TO:<slow@d.test>'
	smtp_expect '451 4.4.2'
	provoked BACKEND_SLOW tarpitd
}

@test "events: SPOOL_FULL" {
	backend
	policy '* action=throttle rate=0 patience=0'
	tarpitd Backend="127.0.0.1:$BACKEND" SpoolMax=1
	wait_for_log backend '^connected$'
	greet
	envelope
	smtp_say DATA
	smtp_expect '354 '
	smtp_send 'Subject: x\r\n.\r\n'
	smtp_expect '452 4.3.1'
	smtp_say QUIT
	smtp_expect '221 '
	smtp_expect_eof
	wait_for_log tarpitd "in memory: SpoolMax= is used up; clients"
	provoked SPOOL_FULL tarpitd
}

@test "events: PROXY_REFUSED" {
	policy
	FRONT=127.0.0.1:$(free_port)
	tarpitd
	smtp_connect "$FRONT"
	smtp_expect_eof
	provoked PROXY_REFUSED tarpitd
}

# order LINE...: to the control socket.
order() {
	ask "$@" seconds=1 by=joe
}

@test "events: OVERRIDE_SET" {
	policy
	tarpitd
	order request=hold address=192.0.2.0/24
	provoked OVERRIDE_SET tarpitd
}

@test "events: OVERRIDE_ENDED" {
	policy
	tarpitd
	order request=release address=192.0.2.1
	provoked OVERRIDE_ENDED tarpitd
}

@test "events: HISTORY_DOWN" {
	policyd "History=redis://127.0.0.1:$(free_port)"
	provoked HISTORY_DOWN policyd
}

@test "events: HISTORY_UP" {
	start_redis
	policyd "History=redis://127.0.0.1:$redis_port"
	provoked HISTORY_UP policyd
}

@test "events: every kind has a test" {
	local name
	for name in $(declared | cut -d' ' -f2); do
		grep -qx "@test \"events: $name\" {" "$BATS_TEST_FILENAME" ||
			echo "no test provokes $name"
		grep -q "provoked $name " "$BATS_TEST_FILENAME" ||
			echo "the fields of $name are not looked at"
	done >"$DAEMONS/missing"
	cat "$DAEMONS/missing"
	[ ! -s "$DAEMONS/missing" ]
}
