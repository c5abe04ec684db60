# SPDX-License-Identifier: ISC
# A real Redis for tests, on loopback, keeping nothing: `load
# ../../helpers/redis` after daemon.  $redis_port is its port.

# start_redis [OPTION VALUE]...: on the port of before, if there was one.
start_redis() {
	command -v redis-server >/dev/null ||
		skip "redis-server is not installed"
	: "${redis_port:=$(free_port)}"
	start_daemon redis redis-server --port "$redis_port" --bind 127.0.0.1 \
		--save "" --appendonly no --dir "$DAEMONS" "$@"
	wait_for_port redis "$redis_port"
}

redis() {
	redis-cli -h 127.0.0.1 -p "$redis_port" "$@"
}

# How often the server was given COMMAND since its statistics began.
redis_calls() {
	redis info commandstats |
		sed -n "s/^cmdstat_$1:calls=\([0-9]*\),.*/\1/p"
}
