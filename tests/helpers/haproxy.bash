# SPDX-License-Identifier: ISC
# HAProxy in front of something, for bats files: `load ../helpers/haproxy`,
# after daemon.
#
#	haproxy_start 127.0.0.1:$port 'send-proxy-v2 check inter 100ms'
#
# $VIA is where it listens, on both families; $HAPROXY_STATS its control socket.

# haproxy_start SERVER OPTIONS [BACKEND-LINE]...
haproxy_start() {
	local line port
	port=$(free_port)
	VIA=127.0.0.1:$port
	VIA6="[::1]:$port"
	HAPROXY_STATS=$DAEMONS/haproxy.sock
	{
		cat <<-END
			global
			  stats socket $HAPROXY_STATS mode 600
			  nbthread 1
			defaults
			  mode tcp
			  timeout connect 10s
			  timeout client 60s
			  timeout server 60s
			frontend smtp
			  bind $VIA
			  bind $VIA6 v6only
			  default_backend smtp
			backend smtp
			  server one $1 $2
		END
		for line in "${@:3}"; do echo "  $line"; done
	} >"$DAEMONS/haproxy.cfg"
	start_daemon haproxy haproxy -db -f "$DAEMONS/haproxy.cfg"
	wait_for_port haproxy "$port"
}

# haproxy_says FIELD: of the server, as it counts them (show stat).
haproxy_says() {
	echo 'show stat' | socat -t 5 - "UNIX-CONNECT:$HAPROXY_STATS" |
		awk -F, -v field="$1" '
			NR == 1 { for (i = 1; i <= NF; i++) if ($i == field) n = i }
			$2 == "one" { print $n }'
}
