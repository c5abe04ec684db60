# SPDX-License-Identifier: ISC
# The servers that are measured, all on loopback, all below $DIR: start_NAME
# leaves NAME_pid and NAME_at (ADDRESS:PORT) behind; stop_servers ends all.

SERVERS=() # processes that were started, oldest first
POSTFIX_DIR=''

# wait_until CONDITION...: polls, for at most 20 s.  One word is evaluated, as
# by the helpers of the tests.
wait_until() {
	local until=$((SECONDS + 20))
	until eval "$*"; do
		[ "$SECONDS" -lt "$until" ] || {
			say "not within 20 s: $*"
			return 1
		}
		sleep 0.02
	done
}

free_port() {
	local port
	while :; do
		port=$((10000 + SRANDOM % 20000))
		port_is_used "$port" || break
	done
	echo "$port"
}

# start NAME COMMAND...: in the background, with its output in $DIR/NAME.log;
# it ends with us, however we end.
start() {
	local name=$1
	shift
	setpriv --pdeathsig TERM -- "$@" >>"$DIR/$name.log" 2>&1 </dev/null &
	SERVERS+=($!)
	declare -g "${name}_pid=$!"
}

# A stopped one (SIGSTOP) has to go on to end.
stop() {
	local pid kept=()
	kill -TERM "$1" 2>/dev/null
	kill -CONT "$1" 2>/dev/null
	wait_until is_over "$1" || kill -KILL "$1"
	wait "$1" 2>/dev/null
	for pid in "${SERVERS[@]}"; do
		[ "$pid" = "$1" ] || kept+=("$pid")
	done
	SERVERS=("${kept[@]}")
}

is_over() {
	! pid_is_alive "$1"
}

stop_servers() {
	while [ ${#SERVERS[@]} != 0 ]; do
		stop "${SERVERS[-1]}"
	done
	stop_postfix
}

#
# tarpit
#

# 100,000 addresses that a blocklist has: a real one if there is one, else
# made up; always the same.
list_addresses() {
	local real=$ROOT/../shared/data/ipsum.txt
	if [ -r "$real" ]; then
		grep -Eo '^[0-9.]+' "$real"
	else
		awk 'BEGIN {
			srand(1)
			while (n++ < 150000)
				printf "%d.%d.%d.%d\n", 1 + rand() * 222,
				    rand() * 256, rand() * 256, rand() * 256
		}' | grep -v '^127\.' | awk '!seen[$0]++'
	fi | awk 'NR <= 100000'
}

# Whoever comes from 127.1.0.0/16 is listed, and from 127.2.0.0/16 is known.
build_lists() {
	[ ! -e "$DIR/lists.cdb" ] || return 0
	mkdir -p "$DIR/lists.d"
	list_addresses >"$DIR/block.txt"
	echo 127.1.0.0/16 >"$DIR/held.txt"
	echo 127.2.0.0/16 >"$DIR/known.txt"
	printf '[List]\nKind=%s\nSource=%s\nMaxShrink=100%%\n' \
		block "$DIR/block.txt" >"$DIR/lists.d/block.conf"
	printf '[List]\nKind=%s\nSource=%s\nMaxShrink=100%%\n' \
		block "$DIR/held.txt" >"$DIR/lists.d/held.conf"
	printf '[List]\nKind=%s\nSource=%s\nMaxShrink=100%%\n' \
		allow "$DIR/known.txt" >"$DIR/lists.d/known.conf"
	printf '[Lists]\nDirectory=%s\nOutput=%s\nState=%s\n' \
		"$DIR/lists.d" "$DIR/lists.cdb" "$DIR/state" >"$DIR/lists.conf"
	"$BUILD/tarpit-lists" --config "$DIR/lists.conf" build \
		>"$DIR/lists.log" 2>&1 || {
		tail "$DIR/lists.log" >&2
		return 1
	}
}

# For the helpers of the tests that are used here.
start_daemon() {
	start "$@"
}

show_log() {
	tail "$DIR/$1.log" >&2
}

# start_policyd RATE [LINES]: held sessions get so many bytes a second; with
# these LINES in its configuration.
start_policyd() {
	build_lists || return
	cat >"$DIR/policy.conf" <<-END
		[Data]
		Lists=$DIR/lists.cdb
		Country=$ROOT/build/data/country.mmdb
		Asn=
		History=
		[Curve]
		100=$1
		[Weights]
		list.block=100
		list.held=100
		list.known=-1000
		country.CN=5
		country.unknown=5
		[Answers]
		Ttl=0
		${2-}
	END
	rm -f "$DIR/policy"
	start policyd "$BUILD/tarpit-policyd" --config "$DIR/policy.conf" \
		--listen "$DIR/policy"
	wait_until socket_is_listening "$DIR/policy"
}

# start_tarpitd NAME [LINE...]: with these lines in [Dispatcher]; by way of the
# command UNDER.
UNDER=()
start_tarpitd() {
	local name=$1 port
	shift
	port=$(free_port)
	{
		printf '[Tls]\nCertificate=none\n'
		printf '[Dispatcher]\nHostName=mx.example.org\nMaxPerClient=0\n'
		printf 'ReserveForPass=2%%\nPolicy=%s\nHandoff=postfix:%s\n' \
			"$DIR/policy" "$DIR/postfix/queue/public/tarpit"
		[ $# = 0 ] || printf '%s\n' "$@"
	} >"$DIR/$name.conf"
	start "$name" "${UNDER[@]}" "$BUILD/tarpitd" --config "$DIR/$name.conf" \
		--listen "127.0.0.1:$port"
	declare -g "${name}_at=127.0.0.1:$port"
	wait_until port_is_listening "$port"
}

# Everyone is throttled, at full speed.
start_fake_policy() {
	rm -f "$DIR/policy"
	start fake_policy "$BUILD/tests/helpers/fake_policy" "$DIR/policy" \
		normal '* action=throttle rate=0 patience=0 score=70 reason=bench'
	wait_until socket_is_listening "$DIR/policy"
}

#
# Peers
#

# start_endlessh: lines of 3 to 7 bytes, 5 on average, one a second.
start_endlessh() {
	local port
	port=$(free_port)
	start endlessh endlessh -4 -d 1000 -l 7 -m 20000 -p "$port" -f /dev/null
	endlessh_at=127.0.0.1:$port
	wait_until port_is_listening "$port"
}

# start_haraka: relays to smtpd_at, with as many processes as there are CPUs.
# Installed once, by npm.  It pins two libraries to versions that not every
# registry has.
start_haraka() {
	local dir=$RESULTS/haraka port
	command -v npm >/dev/null || {
		say "needs npm: the row beside Haraka is left out"
		return 1
	}
	mkdir -p "$dir"
	echo '{ "private": true, "dependencies": { "Haraka": "3.3.4" },
		"overrides": { "encoding-japanese": "2.x", "libqp": "x" } }' \
		>"$dir/package.json"
	[ -d "$dir/node_modules/Haraka" ] ||
		npm install --prefix "$dir" --no-audit --no-fund \
			--omit=optional >"$DIR/npm.log" 2>&1 || {
		tail "$DIR/npm.log" >&2
		return 1
	}
	port=$(free_port)
	write_haraka_config "$port" "$dir/node_modules/Haraka/config"
	start haraka node "$dir/node_modules/Haraka/bin/haraka" -c "$DIR/haraka"
	haraka_at=127.0.0.1:$port
	wait_until port_is_listening "$port"
}

# write_haraka_config PORT DEFAULTS
write_haraka_config() {
	local config=$DIR/haraka/config
	mkdir -p "$DIR/haraka/plugins"
	cp -r "$2" "$config"
	printf '[main]\nlisten=127.0.0.1:%s\nnodes=cpus\n' "$1" \
		>"$config/smtp.ini"
	printf '%s\n' rcpt_to.in_host_list queue/smtp_forward \
		>"$config/plugins"
	echo example.org >"$config/host_list"
	echo mx.example.org >"$config/me"
	echo LOGCRIT >"$config/loglevel"
	printf 'host=127.0.0.1\nport=%s\n' "${smtpd_at#*:}" \
		>"$config/smtp_forward.ini"
}

can_start_postfix() {
	[ "$(id -u)" = 0 ] && command -v postfix >/dev/null && return
	say "needs root and Postfix: the rows beside it are left out"
	return 1
}

# start_postfix: one instance of its own with
#   postscreen_at   postscreen, the clients of 127.2.0.0/16 allow-listed
#   smtpd_at        smtpd on a port of its own
#   greetwait_at    postscreen for everyone, that keeps them in its greet wait
#   engine_at       postscreen for everyone, with its tests in the dialogue
#   backend_at      smtpd for tarpitd's throttle lane, as units/postfix has it
#   public/tarpit   smtpd for descriptors that tarpitd passes
# and mail for example.org is thrown away by its discard(8).
# default_process_limit is also the length of its listeners' queues.  One
# smtpd process serves any number of sessions, so that not the starting of
# processes is measured; names are not looked up; all as in each of the rows.
start_postfix() {
	local port=() i
	can_start_postfix || return
	for i in 0 1 2 3 4; do
		port[i]=$(free_port)
	done
	POSTFIX_DIR=$DIR/postfix
	mkdir -p "$POSTFIX_DIR"/{config,queue,data}
	chmod 755 "$POSTFIX_DIR" "$POSTFIX_DIR"/{config,queue}
	chown postfix "$POSTFIX_DIR/data"
	chmod 700 "$POSTFIX_DIR/data"
	write_main_cf >"$POSTFIX_DIR/config/main.cf"
	write_master_cf "${port[@]}" >"$POSTFIX_DIR/config/master.cf"
	printf '%s permit\n' 127.0.0.0/24 127.2.0.0/16 \
		>"$POSTFIX_DIR/config/permit"
	postfix -c "$POSTFIX_DIR/config" start >"$DIR/postfix.log" 2>&1 || {
		tail "$DIR/postfix.log" >&2
		return 1
	}
	postscreen_at=127.0.0.1:${port[0]} smtpd_at=127.0.0.1:${port[1]}
	greetwait_at=127.0.0.1:${port[2]} engine_at=127.0.0.1:${port[3]}
	backend_at=127.0.0.1:${port[4]}
	wait_until port_is_listening "${port[4]}"
	guard_postfix "$(postfix_pid)"
}

write_main_cf() {
	cat <<-END
		compatibility_level = 3.6
		queue_directory = $POSTFIX_DIR/queue
		data_directory = $POSTFIX_DIR/data
		maillog_file = $POSTFIX_DIR/maillog
		maillog_file_prefixes = $POSTFIX_DIR
		myhostname = mx.example.org
		mydestination =
		inet_interfaces = loopback-only
		inet_protocols = ipv4
		mynetworks = 127.0.0.0/8
		alias_maps =
		local_recipient_maps =
		default_process_limit = 4096
		max_use = 1000000
		smtpd_peername_lookup = no
		postscreen_access_list = cidr:$POSTFIX_DIR/config/permit
		postscreen_greet_action = ignore
		postscreen_cache_map =
		smtpd_tls_security_level = none
		smtpd_client_connection_count_limit = 0
		virtual_mailbox_domains = example.org
		virtual_transport = discard:
	END
}

write_master_cf() {
	local held="-o postscreen_access_list= -o postscreen_pre_queue_limit=20000"
	held+=" -o postscreen_post_queue_limit=20000"
	cat <<-END
		postlog unix-dgram n - n - 1 postlogd
		smtpd pass - - n - 100 smtpd
		tarpit pass n - n - 100 smtpd
		127.0.0.1:$1 inet n - n - 1 postscreen
		127.0.0.1:$2 inet n - n - 100 smtpd
		127.0.0.1:$3 inet n - n - 1 postscreen $held -o postscreen_greet_wait=600s
		127.0.0.1:$4 inet n - n - 1 postscreen $held -o postscreen_greet_wait=2s
		  -o postscreen_bare_newline_enable=yes -o postscreen_command_time_limit=600s
		cleanup unix n - n - 0 cleanup
		qmgr unix n - n 300 1 qmgr
		rewrite unix - - n - - trivial-rewrite
		bounce unix - - n - 0 bounce
		defer unix - - n - 0 bounce
		trace unix - - n - 0 bounce
		anvil unix - - n - 1 anvil
		discard unix - - n - - discard
	END
	sed -n '/^127.0.0.1:10025/,$p' "$ROOT/units/postfix/master.cf" |
		sed "s/^127.0.0.1:10025\(.*\) 20  *smtpd/127.0.0.1:$5\1 100 smtpd/"
}

# The one postscreen process that serves ADDRESS:PORT.
postscreen_pid() {
	pgrep -P "$(postfix_pid)" -f "postscreen .*-n $1( |\$)"
}

postfix_pid() {
	tr -d ' \n' <"$POSTFIX_DIR/queue/pid/master.pid"
}

# All mail has been thrown away.
queue_is_empty() {
	! find "$POSTFIX_DIR"/queue/{incoming,active,deferred} -type f |
		grep -q .
}

# How many messages have been, so far.
count_mail() {
	grep -c 'status=sent' "$POSTFIX_DIR/maillog"
}

# master makes itself independent of us: this ends it when we have ended,
# however we did.
guard_postfix() {
	[ -p "$DIR/never" ] || mkfifo "$DIR/never"
	# shellcheck disable=SC2016
	start postfix_guard bash -c '
		trap "kill -TERM $1; exit" TERM
		read -r _ <>"$2"' guard "$1" "$DIR/never"
}

stop_postfix() {
	local pid
	[ -n "$POSTFIX_DIR" ] || return 0
	pid=$(postfix_pid 2>/dev/null)
	[ -z "${postfix_guard_pid-}" ] || stop "$postfix_guard_pid"
	[ -z "$pid" ] || kill -TERM "$pid" 2>/dev/null
	wait_until is_over "$pid" || kill -KILL "$pid"
	postfix_guard_pid=''
	rm -rf "$POSTFIX_DIR"
	POSTFIX_DIR=''
}
