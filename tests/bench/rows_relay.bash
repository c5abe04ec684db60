# SPDX-License-Identifier: ISC
# Handoff=proxy: against HAProxy as a TCP proxy, before the same sink that does
# nothing but read; README.md has the method.

start_sink() {
	sink_at=127.0.0.1:$(free_port)
	start sink "$LOAD" sink "$sink_at"
	wait_until port_is_listening "${sink_at#*:}"
}

# One thread, as we have, and its way of splicing.
start_haproxy() {
	local port
	port=$(free_port)
	haproxy_at=127.0.0.1:$port
	cat >"$DIR/haproxy.cfg" <<-END
		global
		  nbthread 1
		  maxconn 4000
		defaults
		  mode tcp
		  option splice-auto
		  timeout connect 10s
		  timeout client 60s
		  timeout server 60s
		listen smtp
		  bind $haproxy_at
		  server sink $sink_at send-proxy-v2
	END
	start haproxy haproxy -db -f "$DIR/haproxy.cfg"
	wait_until port_is_listening "$port"
}

# relay_run NAME: bytes, and the CPU time of a gigabyte; then sessions.
relay_run() {
	local at=${1}_at pid=${1}_pid used output
	used=$(cpu_used "${!pid}")
	output=$("$LOAD" push "${!at}" 20 200) || return
	MBPS[$1]+=" $(value_of mbps "$output")"
	CPU[$1]+=" $(calculate "($(cpu_used "${!pid}") - $used) / 4")"
	output=$("$LOAD" clean "${!at}" 20 4 127.2.0.0) || return
	SESSIONS[$1]+=" $(value_of rate "$output")"
}

row_relay() {
	declare -A MBPS=() CPU=() SESSIONS=()
	local i what
	command -v haproxy >/dev/null || { say "needs haproxy"; return 1; }
	start_sink && start_haproxy && start_policyd 5 &&
		start_tarpitd ours "Handoff=proxy:$sink_at" || return
	for ((i = 0; i < RUNS; i++)); do
		for what in ours haproxy; do
			relay_run "$what" || return
		done
	done
	figure relay "relayed, 20 clients" "MB/s" ratio-least "" \
		"${MBPS[ours]}" haproxy "${MBPS[haproxy]}"
	figure relay "CPU to relay a gigabyte" usec ratio-most "" \
		"${CPU[ours]}" haproxy "${CPU[haproxy]}"
	figure relay "relayed sessions, 20 clients" "per s" ratio-least "" \
		"${SESSIONS[ours]}" haproxy "${SESSIONS[haproxy]}"
}
