# SPDX-License-Identifier: ISC
# What several policy services remember together, on a real Redis.

load ../helpers/common
load ../helpers/daemon
load ../helpers/redis

setup() {
	dir=$BATS_TEST_TMPDIR
	redis_port=$(free_port)
	write_config "redis://127.0.0.1:$redis_port/3"
}

teardown() {
	stop_daemons
}

# write_config URL [LINE]...
write_config() {
	local url=$1
	shift
	cat >"$dir/policy.conf" <<-E
		[Data]
		Lists=
		Country=
		Asn=
		History=$url
		[Weights]
		history.none=20
		history.abandoned=10
		history.pregreet=40
		[Dns]
		DnsTimeout=20s
		[History]
		CacheTime=0
	E
	[ $# = 0 ] || printf '%s\n' "$@" >>"$dir/policy.conf"
}

# start_policyd [NAME]: its socket is $dir/NAME.
start_policyd() {
	local name=${1:-one}
	start_daemon "$name" "$BUILD/tarpit-policyd" \
		--config "$dir/policy.conf" --listen "$dir/$name"
	wait_for_socket "$name" "$dir/$name"
}

send() {
	socat -t 10 - "UNIX-CONNECT:$dir/$1"
}

# outcome NAME OUTCOME ADDRESS...: reports one of each address to NAME.
outcome() {
	local name=$1 outcome=$2 address
	shift 2
	for address; do
		printf 'request=tarpit_outcome\nclient_address=%s\n' "$address"
		printf 'outcome=%s\nheld_ms=6000\n\n' "$outcome"
	done | send "$name"
}

# reason NAME ADDRESS: that of the answer of NAME.
reason() {
	printf 'request=tarpit_session\nclient_address=%s\n\n' "$2" |
		send "$1" | sed -n 's/^reason=//p'
}

# comes_to_be NAME ADDRESS REASON: NAME sooner or later says so of ADDRESS.
comes_to_be() {
	wait_until "[ \"\$(reason $1 $2)\" = '$3' ]" || {
		echo "$1 says: $(reason "$1" "$2")"
		return 1
	}
}

@test "redis: who has waited at one host need not wait at another" {
	start_redis
	start_policyd one
	start_policyd two
	[ "$(reason one 192.0.2.7)" = "history.none+20" ]
	[ "$(reason two 192.0.2.7)" = "history.none+20" ]
	outcome one graduated 192.0.2.7 2001:db8::7
	comes_to_be two 192.0.2.7 "history.patient+0"
	comes_to_be two 2001:db8::8 "history.patient+0"
	[ "$(reason two 192.0.2.8)" = "history.none+20" ]
	outcome two abandoned 192.0.2.7
	comes_to_be one 192.0.2.7 "history.abandoned+10 history.patient+0"
	wait_for_log one "history on redis://127.0.0.1:$redis_port/3: it is in use.*event=history_up"
}

# Each of three hosts at another MX.
@test "redis: patience is lent, and withdrawn, across the farm" {
	write_config "redis://127.0.0.1:$redis_port/3" CacheTime=0
	start_redis
	start_policyd one
	start_policyd two
	outcome one graduated 192.0.2.7 2001:db8::7
	outcome two graduated 192.0.2.8 2001:db8:0:1::7
	outcome one graduated 192.0.2.9 2001:db8:0:2::7
	comes_to_be two 192.0.2.99 "history.patient+0"
	comes_to_be one 192.0.2.99 "history.patient+0"
	comes_to_be two 2001:db8:0:99::1 "history.patient+0"
	[ "$(reason two 2001:db8:0:100::1)" = "history.none+20" ]
	printf '%s\n' request=tarpit_outcome client_address=192.0.2.66 \
		outcome=abandoned lane=hold '' | send two
	comes_to_be one 192.0.2.99 "history.none+20"
	[ "$(reason one 192.0.2.7)" = "history.patient+0" ]
}

@test "redis: keys, values and commands are what the manual says" {
	local before ttl
	start_redis
	start_policyd
	redis config resetstat
	[ "$(reason one 192.0.2.7)" = "history.none+20" ]
	[ "$(redis_calls hmget)" = 2 ]
	before=$EPOCHSECONDS
	outcome one graduated 192.0.2.7
	outcome one abandoned 2001:db8:0:1::9
	wait_until '[ "$(redis_calls expire)" = 3 ]'
	[ "$(redis_calls hmget)" = 5 ]
	[ "$(redis_calls hset)" = 3 ]
	[ "$(redis -n 3 keys '*' | sort)" = "$(printf '%s\n' \
		tarpit:192.0.2.0/24 tarpit:192.0.2.7 tarpit:2001:db8:0:1::/64 | sort)" ]
	for key in 192.0.2.7 192.0.2.0/24; do
		run redis -n 3 hgetall "tarpit:$key"
		[ "${#lines[@]}" = 2 ]
		if [ "$key" = 192.0.2.7 ]; then
			[ "${lines[0]}" = patient ]
			[[ ${lines[1]} =~ ^([0-9]+)\ 16$ ]]
		else
			[ "${lines[0]}" = host1 ]
			[[ ${lines[1]} =~ ^([0-9]+)\ 7$ ]]
		fi
		[ "${BASH_REMATCH[1]}" -ge $((before - 1)) ]
		[ "${BASH_REMATCH[1]}" -le "$EPOCHSECONDS" ]
		# PatientFor.
		ttl=$(redis -n 3 ttl "tarpit:$key")
		[ "$ttl" -gt $((29 * 86400)) ]
		[ "$ttl" -le $((30 * 86400)) ]
	done
	[ "$(redis -n 3 hkeys tarpit:2001:db8:0:1::/64)" = abandoned ]
}

@test "redis: what is known already is used for CacheTime" {
	write_config "redis://127.0.0.1:$redis_port" CacheTime=1h
	start_redis
	start_policyd
	[ "$(reason one 192.0.2.7)" = "history.none+20" ]
	redis hset tarpit:192.0.2.7 patient "$EPOCHSECONDS 16"
	redis hset tarpit:198.51.100.7 patient "$EPOCHSECONDS 16"
	[ "$(reason one 192.0.2.7)" = "history.none+20" ]
	[ "$(reason one 198.51.100.7)" = "history.patient+0" ]
	[ "$(redis_calls hmget)" = 4 ]
}

@test "redis: patience of long ago is merged, not written over" {
	local value
	start_redis
	start_policyd
	redis -n 3 hset tarpit:192.0.2.7 patient "$EPOCHSECONDS 112" \
		pregreet "$EPOCHSECONDS 32"
	outcome one graduated 192.0.2.7
	wait_until '[ "$(redis_calls expire)" = 2 ]'
	value=$(redis -n 3 hget tarpit:192.0.2.7 patient)
	# 112 and 16 more, but for what fades in a few seconds.
	[[ ${value#* } =~ ^12[78]$ ]]
	[[ $(redis -n 3 hget tarpit:192.0.2.7 pregreet) == *" 32" ]]
}

@test "redis: what happens while the server is gone is written when it is back" {
	start_redis
	start_policyd
	wait_for_log one event=history_up
	outcome one graduated 192.0.2.7
	wait_until '[ "$(redis_calls expire)" = 2 ]'
	stop_daemon redis KILL || :
	wait_for_log one "127.0.0.1:$redis_port/3: .*event=history_down"
	# With what it has.
	[ "$(reason one 192.0.2.7)" = "history.patient+0 history.unanswered+0" ]
	[ "$(reason one 203.0.113.1)" = "history.none+20 history.unanswered+0" ]
	outcome one graduated 10.0.{0..19}.{0..99}
	start_redis
	wait_until '[ "$(grep -c event=history_up "$dir/one.log")" = 2 ]'
	wait_until '[ "$(redis -n 3 dbsize)" = 2020 ]'
	grep -q "it is in use; .* 0 were lost" "$dir/one.log"
	[ "$(grep -c event=history_down "$dir/one.log")" = 1 ]
	start_policyd two
	[ "$(reason two 10.0.19.99)" = "history.patient+0" ]
}

@test "redis: a start without the server, and an end with it, lose nothing" {
	start_policyd
	wait_for_log one "Connection refused.*event=history_down"
	outcome one graduated 192.0.2.7
	[ "$(reason one 192.0.2.7)" = "history.patient+0 history.unanswered+0" ]
	start_redis
	wait_for_log one event=history_up
	outcome one graduated 198.51.100.{1..200}
	# What it was told before is not forgotten by its end.
	printf 'request=tarpit_session\nclient_address=192.0.2.7\n\n' | send one
	stop_daemon one
	[ "$(redis -n 3 dbsize)" = 203 ]
}

@test "redis: a server that hangs costs one deadline, and nobody after that" {
	local since
	write_config "redis://127.0.0.1:$redis_port/3" '[Dns]' DnsTimeout=300ms
	start_redis
	start_policyd
	comes_to_be one 192.0.2.7 "history.none+20"
	kill -STOP "$(daemon_pid redis)"
	since=$(clock_usec)
	[ "$(reason one 192.0.2.8)" = "history.none+20 history.unanswered+0" ]
	# It was waited for; the rest is a guard.
	[ $(($(clock_usec) - since)) -ge 300000 ]
	[ $(($(clock_usec) - since)) -lt 10000000 ]
	wait_for_log one "no answer for 300 ms.*event=history_down"
	# Hundreds of deadlines would not fit before the wait gives up.
	for i in {1..200}; do
		printf 'request=tarpit_session\nclient_address=10.0.0.%d\n\n' "$i"
	done | send one >"$dir/answers"
	[ "$(grep -c "^reason=.*history.unanswered+0" "$dir/answers")" = 200 ]
	kill -CONT "$(daemon_pid redis)"
	wait_for_log one "it is in use" 60
	comes_to_be one 192.0.2.8 "history.none+20"
}

@test "redis: a wrong password is said, once, and never shown" {
	write_config "redis://:wr%6Fng-secret@127.0.0.1:$redis_port/3"
	start_redis --requirepass right-secret
	start_policyd
	wait_for_log one "WRONGPASS.*event=history_down"
	[ "$(reason one 192.0.2.7)" = "history.none+20 history.unanswered+0" ]
	redis -a right-secret config set requirepass wrong-secret
	wait_for_log one event=history_up 60
	outcome one graduated 192.0.2.7
	wait_until '[ "$(redis -a wrong-secret -n 3 dbsize)" = 2 ]'
	[ "$(grep -c event=history_down "$dir/one.log")" = 1 ]
	run grep secret "$dir/one.log"
	[ "$status" = 1 ]
}

@test "redis: no spelling of a URL gives its password away" {
	local url
	start_redis
	start_policyd
	for url in rediss://:s3cr3t@h 'redis://:s3@cr3t@h:0' \
		redis://:s3cr3t@ redis:/:s3cr3t@h redis://:s3cr3t@h:6379?db=x \
		redis://:s3cr3t@h/1/2 redis://mx:s3cr3t%@h http://:s3cr3t@h \
		redis://h:s3cr3t redis+unix://:s3cr3t@run/s 'redis://:s3cr3t@a b' \
		redis://:s3cr3t valkeys://mx:s3cr3t@h/0; do
		write_config "$url"
		run "$BUILD/tarpit-policyd" --config "$dir/policy.conf" --check-config
		echo "$url: $output"
		[ "$status" = 100 ]
		[[ $output == *'[Data] History=(not shown): '* ]]
		[[ $output != *cr3t* ]]
		kill -HUP "$(daemon_pid one)"
		wait_for_record one event=config_error
	done
	printf '%s\n' '[Data]' 'History redis://:s3cr3t@h' >"$dir/policy.conf"
	run "$BUILD/tarpit-policyd" --config "$dir/policy.conf" --check-config
	[ "$status" = 100 ]
	[[ $output != *cr3t* ]]
	printf '%s\n' '[Weights]' 'History=redis://:s3cr3t@h' >"$dir/policy.conf"
	run "$BUILD/tarpit-policyd" --config "$dir/policy.conf" --check-config
	[ "$status" = 100 ]
	[[ $output != *cr3t* ]]
	run grep cr3t "$dir/one.log"
	[ "$status" = 1 ]
}

@test "redis: a password as it is, ?db=, valkey:// and a unix socket" {
	start_redis --requirepass 's3@cr3t/x?y' --unixsocket "$dir/redis.sock"
	local url
	for url in "redis://:s3@cr3t/x?y@127.0.0.1:$redis_port?db=3" \
		"valkey://:s3@cr3t/x?y@127.0.0.1:$redis_port/3" \
		"redis+unix://:s3@cr3t/x?y@$dir/redis.sock?db=3"; do
		write_config "$url"
		start_policyd
		wait_for_log one event=history_up
		stop_daemon one
	done
	run grep cr3t "$dir/one.log"
	[ "$status" = 1 ]
}

# As Redis 7 says it of a command that was renamed.
@test "redis: a server that repeats what it was sent" {
	printf '%s\n' '#!/bin/sh' 'read -r line' \
		"printf -- \"-ERR unknown command 'AUTH', with args beginning with: 's3cr3t' \\r\\n\"" \
		'sleep 60' >"$dir/parrot"
	chmod +x "$dir/parrot"
	start_daemon parrot socat "TCP-LISTEN:$redis_port,bind=127.0.0.1,reuseaddr,fork" \
		"EXEC:$dir/parrot"
	wait_for_port parrot "$redis_port"
	write_config "redis://:s3cr3t@127.0.0.1:$redis_port/3"
	start_policyd
	wait_for_log one "it refuses AUTH.*event=history_down"
	run grep s3cr3t "$dir/one.log"
	[ "$status" = 1 ]
}

@test "redis: a user of its own, and none" {
	write_config "redis://:@127.0.0.1:$redis_port/3"
	run "$BUILD/tarpit-policyd" --config "$dir/policy.conf" --check-config
	[ "$status" = 100 ]
	write_config "redis://mx:its-secret@127.0.0.1:$redis_port/3"
	start_redis
	redis acl setuser mx on '>its-secret' '~tarpit:*' \
		+ping +select +hmget +hset +expire +del
	redis acl setuser default off
	start_policyd
	wait_for_log one event=history_up
	outcome one graduated 192.0.2.7
	comes_to_be one 192.0.2.7 "history.patient+0"
	stop_daemon one
	write_config "redis://127.0.0.1:$redis_port/3"
	start_policyd
	wait_for_log one "NOAUTH.*event=history_down"
}

@test "redis: a database that is not there is said" {
	write_config "redis://127.0.0.1:$redis_port/99"
	start_redis
	start_policyd
	wait_for_log one "DB index is out of range.*event=history_down"
	outcome one graduated 192.0.2.7
	[ "$(reason one 192.0.2.7)" = "history.patient+0 history.unanswered+0" ]
}

@test "redis: what is no record of ours counts for nothing and is written over" {
	local now=$EPOCHSECONDS
	start_redis
	redis -n 3 set tarpit:192.0.2.7 garbage
	redis -n 3 hset tarpit:198.51.100.7 patient garbage abandoned "$now 16"
	redis -n 3 hset tarpit:198.51.100.8 patient "$now 129" pregreet "-1 16"
	redis -n 3 hset tarpit:198.51.100.9 patient "99999999999 16" other "$now 16"
	start_policyd
	[ "$(reason one 192.0.2.7)" = "history.none+20" ]
	[ "$(reason one 198.51.100.7)" = "history.none+20 history.abandoned+10" ]
	[ "$(reason one 198.51.100.8)" = "history.none+20" ]
	[ "$(reason one 198.51.100.9)" = "history.none+20" ]
	wait_for_log one "key tarpit:192.0.2.7 holds what is no record of ours.*event=data_error"
	outcome one graduated 192.0.2.7 198.51.100.7
	wait_until '[ "$(redis -n 3 type tarpit:192.0.2.7)" = hash ]'
	comes_to_be one 192.0.2.7 "history.patient+0"
	wait_until '[[ "$(redis -n 3 hget tarpit:198.51.100.7 patient)" == *" 16" ]]'
	[ "$(grep -c event=data_error "$dir/one.log")" = 1 ]
}

@test "redis: a clock that is ahead makes nothing everlasting" {
	start_redis
	redis -n 3 hset tarpit:192.0.2.7 abandoned "4294967295 16"
	start_policyd
	[ "$(reason one 192.0.2.7)" = "history.none+20 history.abandoned+10" ]
	outcome one abandoned 192.0.2.7
	wait_until '[ "$(redis_calls expire)" = 1 ]'
	[ "$(redis -n 3 hget tarpit:192.0.2.7 abandoned | cut -d" " -f1)" -le "$EPOCHSECONDS" ]
}

@test "redis: a server that takes no writes is said, and loses none" {
	start_redis
	start_policyd
	wait_for_log one event=history_up
	outcome one graduated 192.0.2.7
	wait_until '[ "$(redis_calls expire)" = 2 ]'
	redis config set min-replicas-to-write 1
	outcome one graduated 10.0.{0..9}.{0..99}
	wait_for_log one "NOREPLICAS.*event=history_down"
	[ "$(reason one 192.0.2.7)" = "history.patient+0" ]
	redis config set min-replicas-to-write 0
	wait_until '[ "$(redis -n 3 dbsize)" = 1012 ]'
	wait_until '[ "$(grep -c event=history_up "$dir/one.log")" = 2 ]'
	[ "$(grep -c event=history_down "$dir/one.log")" = 1 ]
}

@test "redis: a cluster's node with all slots" {
	write_config "redis://127.0.0.1:$redis_port"
	start_redis --cluster-enabled yes --cluster-config-file "$dir/nodes.conf"
	redis cluster addslotsrange 0 16383
	wait_until '[[ "$(redis cluster info)" == *cluster_state:ok* ]]'
	start_policyd one
	start_policyd two
	outcome one graduated 192.0.2.{1..50} 2001:db8::7
	wait_until '[ "$(redis dbsize)" = 53 ]'
	[ "$(reason two 192.0.2.50)" = "history.patient+0" ]
	[ "$(reason two 192.0.2.51)" = "history.patient+0" ]
	[ "$(reason two 2001:db8::1)" = "history.patient+0" ]
	run grep history_down "$dir/one.log" "$dir/two.log"
	[ "$status" = 1 ]
}

@test "redis: by name, by IPv6 address and by unix socket" {
	start_redis --bind '127.0.0.1 ::1' --unixsocket "$dir/redis.sock"
	write_config "redis://localhost:$redis_port/3"
	start_policyd by-name
	write_config "redis://[::1]:$redis_port/3"
	start_policyd by-ipv6
	write_config "redis+unix://$dir/redis.sock?db=3"
	start_policyd by-path
	wait_for_log by-name "history on redis://localhost:$redis_port/3: it is in use"
	wait_for_log by-ipv6 "history on redis://\[::1\]:$redis_port/3: it is in use"
	wait_for_log by-path "history on redis\+unix://$dir/redis.sock\?db=3: it is in use"
	outcome by-name graduated 192.0.2.7
	comes_to_be by-ipv6 192.0.2.7 "history.patient+0"
	comes_to_be by-path 192.0.2.7 "history.patient+0"
}

@test "redis: a name that leads nowhere is said" {
	write_config "redis://nowhere.invalid:$redis_port/3"
	start_policyd
	wait_for_log one "nowhere.invalid: .*event=history_down" 60
	[ "$(reason one 192.0.2.7)" = "history.none+20 history.unanswered+0" ]
}

@test "redis: a reload keeps the connection, or goes to another server" {
	start_redis
	start_policyd
	outcome one graduated 192.0.2.7
	comes_to_be one 192.0.2.7 "history.patient+0"
	write_config "redis://127.0.0.1:$redis_port/3" '[Weights]' history.none=50
	kill -HUP "$(daemon_pid one)"
	comes_to_be one 198.51.100.1 "history.none+50"
	[ "$(reason one 192.0.2.7)" = "history.patient+0" ]
	[ "$(grep -c event=history_up "$dir/one.log")" = 1 ]
	write_config "redis://127.0.0.1:$redis_port/4"
	kill -HUP "$(daemon_pid one)"
	comes_to_be one 192.0.2.7 "history.none+20"
	wait_for_log one "redis://127.0.0.1:$redis_port/4: it is in use"
	[ "$(redis client list | grep -c db=3)" = 0 ]
}

@test "redis: tarpitctl explain says what the server has, and writes nothing" {
	start_redis
	redis -n 3 hset tarpit:192.0.2.7 patient "$EPOCHSECONDS 16"
	start_policyd
	run "$BUILD/tarpitctl" explain --socket "$dir/one" 192.0.2.7
	[ "$status" = 0 ]
	[[ "$output" == *"history.patient: the address, last "*" times, on redis://127.0.0.1:$redis_port/3"* ]]
	run "$BUILD/tarpitctl" explain --offline --config "$dir/policy.conf" 192.0.2.7
	[ "$status" = 0 ]
	[[ "$output" == *"history.patient: the address, "*", on redis://127.0.0.1:$redis_port/3"* ]]
	stop_daemon redis
	run "$BUILD/tarpitctl" explain --offline --config "$dir/policy.conf" 192.0.2.7
	[ "$status" = 0 ]
	[[ "$output" == *"history.unanswered: redis://127.0.0.1:$redis_port/3: Connection refused"* ]]
	[[ "$output" == *"this answer lacks history: "* ]]
}

@test "redis: the DNS is asked as if the history had answered at once" {
	start_redis
	write_config "redis://127.0.0.1:$redis_port/3" '[Weights]' rdns.none=90 \
		'[Dns]' Servers=127.0.0.1:1
	redis -n 3 hset tarpit:192.0.2.7 patient "$EPOCHSECONDS 16"
	start_policyd
	# 0, and what the DNS may add: either lane is possible.
	run reason one 192.0.2.7
	[[ "$output" == *"history.patient+0"* ]]
	[[ "$output" == *"dns.unanswered+0"* ]]
}
