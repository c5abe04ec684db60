# SPDX-License-Identifier: ISC
# A real name server for tests, on loopback: `load ../../helpers/nsd` after
# daemon.  Zones are written before it starts:
#
#	zone bl.test '2.0.0.127 A 127.0.0.2' '7.2.0.192 A 127.0.0.4'
#	start_nsd; ... "$dns" is its ADDRESS:PORT

# zone NAME [RECORD]...: negative answers are kept for a second.
zone() {
	local name=$1
	shift
	mkdir -p "$DAEMONS/zones"
	{
		printf "\$ORIGIN %s.\n\$TTL 1\n" "$name"
		printf '@ SOA ns.test. root.ns.test. 1 1h 1h 1h 1\n@ NS ns.test.\n'
		[ $# = 0 ] || printf '%s\n' "$@"
	} >"$DAEMONS/zones/$name"
}

start_nsd() {
	local port file name
	port=$(free_port)
	# shellcheck disable=SC2034 # for who loads this
	dns=127.0.0.1:$port
	{
		cat <<-E
			server:
			  ip-address: 127.0.0.1
			  port: $port
			  username: ""
			  chroot: ""
			  zonesdir: "$DAEMONS/zones"
			  database: ""
			  pidfile: "$DAEMONS/nsd.own"
			  xfrdfile: "$DAEMONS/nsd.xfrd"
			  zonelistfile: "$DAEMONS/nsd.zones"
			  xfrdir: "$DAEMONS"
			  cookie-secret-file: ""
			  server-count: 1
			  rrl-ratelimit: 0
			remote-control:
			  control-enable: no
		E
		for file in "$DAEMONS"/zones/*; do
			name=${file##*/}
			printf 'zone:\n  name: "%s"\n  zonefile: "%s"\n' \
				"$name" "$name"
		done
	} >"$DAEMONS/nsd.conf"
	start_daemon nsd nsd -d -c "$DAEMONS/nsd.conf"
	wait_until "udp_port_is_bound $port" || {
		show_log nsd
		return 1
	}
}

udp_port_is_bound() {
	local hex
	printf -v hex ':%04X ' "$1"
	grep -Eq "^ *[0-9]+: [0-9A-F]+$hex" /proc/net/udp
}

# nsd's processes: its main one serves through children of its own.
signal_nsd() {
	local pid
	pid=$(daemon_pid nsd)
	# shellcheck disable=SC2046 # one word a process
	kill -"$1" "$pid" $(children_of "$pid")
}

children_of() {
	local child children
	read -r -a children < <(cat "/proc/$1/task/"*/children 2>/dev/null)
	for child in "${children[@]}"; do
		echo "$child"
		children_of "$child"
	done
}
