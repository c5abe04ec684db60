# SPDX-License-Identifier: ISC
# The rows of the policy service alone.  In the first, PRIORITY=... stands before
# the commands of the service and of who asks it, such as `chrt -r 1` on a
# machine that has other work: then each has its core.

: "${PRIORITY:=}"

# DNS at a distance: questions of one client take this long each, msec.
RESOLVER_DELAY=50
NEW_CLIENTS=5000 # a second

# The autonomous systems of the real Internet, from the npm package below (its
# sources are RouteViews and DB-IP); without npm or a registry the tiny ones
# that are made up here.
fetch_asn() {
	local package=@ip-location-db/asn to=$ROOT/build/data scratch=$DIR/asn
	[ ! -s "$to/asn.mmdb" ] || return 0
	mkdir -p "$scratch" "$to"
	if (cd "$scratch" && timeout 120 npm pack --cache "$scratch/cache" \
		--fetch-retries=0 --loglevel=error "$package" >/dev/null 2>&1) &&
		tar -xzf "$scratch"/*.tgz -C "$scratch" package/asn-ipv4.csv; then
		"$LOAD" asn "$to/asn.mmdb" <"$scratch/package/asn-ipv4.csv" || return
	else
		say "policy: no $package; a made-up database takes its place"
		awk 'BEGIN {
			for (i = 0; i < 60000; i++)
				printf "%d.%d.0.0,%d.%d.255.255,%d,x\n", 1 + i / 256,
				    i % 256, 1 + i / 256, i % 256, 1 + i
		}' | "$LOAD" asn "$DIR/asn.mmdb"
	fi
	rm -rf "$scratch"
}

asn_database() {
	[ -s "$ROOT/build/data/asn.mmdb" ] && echo "$ROOT/build/data/asn.mmdb" ||
		echo "$DIR/asn.mmdb"
}

# A million networks as in the row `lists`; addresses to ask about: half are in
# them, and half of the others have been patient.
write_million() {
	awk 'BEGIN {
		srand(1)
		for (i = 0; i < 1000000; i++) {
			p = rand() * 100
			len = p < 80 ? 32 : p < 92 ? 24 : p < 96 ? 22 : \
			    16 + int(rand() * 5)
			printf "%d.%d.%d.%d/%d\n", 1 + rand() * 222,
			    rand() * 256, rand() * 256, rand() * 256, len
		}
	}' >"$DIR/million.txt"
	awk 'BEGIN { srand(2) }
		NR % 5 == 0 {
			sub("/.*", "")
			print
			printf "%d.%d.%d.%d\n", 1 + rand() * 222,
			    rand() * 256, rand() * 256, rand() * 256
		}' "$DIR/million.txt" >"$DIR/asked.txt"
	awk 'NR % 4 == 0 {
		printf "request=tarpit_outcome\nclient_address=%s\n", $1
		printf "outcome=graduated\nheld_ms=6000\n\n"
	}' "$DIR/asked.txt" >"$DIR/outcomes.txt"
}

compile_million() {
	mkdir -p "$DIR/million.d"
	printf '[List]\nKind=block\nSource=%s\nMaxShrink=100%%\n' \
		"$DIR/million.txt" >"$DIR/million.d/million.conf"
	printf '[Lists]\nDirectory=%s\nOutput=%s\nState=%s\n' "$DIR/million.d" \
		"$DIR/million.cdb" "$DIR/million.state" >"$DIR/million-lists.conf"
	"$BUILD/tarpit-lists" --config "$DIR/million-lists.conf" build \
		>"$DIR/lists.log" 2>&1 || {
		tail "$DIR/lists.log" >&2
		return 1
	}
}

# run_policyd: with policy.conf from standard input, on the first core.
run_policyd() {
	cat >"$DIR/policy.conf"
	rm -f "$DIR/policy"
	# shellcheck disable=SC2086 # words
	start policyd $PRIORITY taskset -c 0 "$BUILD/tarpit-policyd" \
		--config "$DIR/policy.conf" --listen "$DIR/policy"
	wait_until socket_is_listening "$DIR/policy"
}

# ask_policyd COMMAND...: of the load generator, on the other core if there is
# one.
ask_policyd() {
	# shellcheck disable=SC2086 # words
	$PRIORITY taskset -c $(($(nproc) > 1)) "$LOAD" "$@"
}

outcomes_are_known() {
	grep -q history.patient <<<"$(tail -n 1 "$DIR/asked.txt" | awk '{
		printf "request=tarpit_session\nclient_address=%s\n\n", $1
	}' | socat -t 5 - "UNIX-CONNECT:$DIR/policy")"
}

start_full_policyd() {
	fetch_asn && write_million && compile_million || return
	run_policyd <<-END
		[Data]
		Lists=$DIR/million.cdb
		Country=$ROOT/build/data/country.mmdb
		Asn=$(asn_database)
		History=$DIR/history
		[Weights]
		list.million=100
		country.CN=5
		country.unknown=5
		asn.13335=5
		asn.unknown=1
		history.none=20
		[Answers]
		Ttl=0
	END
	socat -u "OPEN:$DIR/outcomes.txt" "UNIX-CONNECT:$DIR/policy" &&
		wait_until outcomes_are_known
}

row_policy() {
	local i out rates='' costs='' p99s='' before used seconds=4
	start_full_policyd || return
	for ((i = 0; i < RUNS; i++)); do
		before=$(cpu_used "$policyd_pid")
		out=$(ask_policyd ask "$DIR/policy" $seconds "$DIR/asked.txt") ||
			return
		used=$(($(cpu_used "$policyd_pid") - before))
		rates+=" $(value_of rate "$out")"
		costs+=" $(calculate "$(value_of rate "$out") * $seconds * 1e6 / $used")"
		out=$(ask_policyd pace "$DIR/policy" $seconds "$DIR/asked.txt" 50000) ||
			return
		say "policy: $out"
		p99s+=" $(value_of p99 "$out")"
	done
	figure policy "policy answers on one core" "per s" least \
		"100000 300000" "$rates"
	figure policy "policy answers" "per s of CPU time" least \
		"100000 300000" "$costs"
	figure policy "answer at 50,000/s, p99" "usec" most "200 200" "$p99s"
	figure policy "memory of the policy service then" "bytes PSS" most "" \
		"$(pss "$policyd_pid")"
}

#
# New clients, all of whom the DNS is asked about
#

# clients FORMAT: a line for each, with the numbers of its address in $1 to $4.
clients() {
	awk -v n=$((NEW_CLIENTS * 5)) -v format="$1" 'BEGIN {
		for (i = 0; i < n; i++) {
			line = format
			gsub(/\$2/, int(i / 65536), line)
			gsub(/\$3/, int(i / 256) % 256, line)
			gsub(/\$4/, i % 256, line)
			print line
		}
	}'
}

# Each client has a name, which leads back, and a twentieth is in each list.
write_zones() {
	local records list
	mapfile -t records < <(clients '$4.$3.$2 PTR h-$2-$3-$4.mx.test.')
	zone 10.in-addr.arpa "${records[@]}"
	mapfile -t records < <(clients 'h-$2-$3-$4 A 10.$2.$3.$4')
	zone mx.test "${records[@]}"
	for list in a b c; do
		mapfile -t records < <(clients '$4.$3.$2.10 A 127.0.0.2' |
			awk -v seed=$list 'BEGIN { srand(seed) } rand() < 0.05')
		zone $list.test '2.0.0.127 A 127.0.0.2' \
			'255.255.255.10 A 127.0.0.2' "${records[@]}"
	done
}

# One that is in all lists is found in all of them.
zones_are_in_use() {
	local reason
	reason=$(printf '%s\n' request=tarpit_session \
		client_address=10.255.255.255 '' |
		socat -t 5 - "UNIX-CONNECT:$DIR/policy" | grep ^reason)
	[[ $reason == *dnsbl.a.test* && $reason == *dnsbl.b.test* &&
		$reason == *dnsbl.c.test* ]]
}

start_distant_resolver() {
	local port
	write_zones
	start_nsd || return
	port=$(free_port)
	start relay "$LOAD" delay "127.0.0.1:$port" "$dns" "$RESOLVER_DELAY"
	dns=127.0.0.1:$port
	wait_until udp_port_is_bound "$port"
}

row_dns() {
	# All of the servers have to get on.
	local i out full='' p99s='' costs='' before used seconds=5 PRIORITY=''
	clients '10.$2.$3.$4' >"$DIR/clients.txt"
	for ((i = 0; i < RUNS; i++)); do
		start_distant_resolver || return
		run_policyd <<-END || return
			[Data]
			Lists=
			Country=
			Asn=
			History=
			[Dns]
			Servers=$dns
			GenericNames=$ROOT/policy/rdns-generic.conf
			[Weights]
			rdns.none=25
			rdns.unconfirmed=25
			rdns.generic=25
			dnsbl.a.test=30
			dnsbl.b.test=30
			dnsbl.c.test=30
		END
		wait_until zones_are_in_use || return
		before=$(cpu_used "$policyd_pid")
		out=$(ask_policyd pace "$DIR/policy" $seconds \
			"$DIR/clients.txt" "$NEW_CLIENTS") || return
		used=$(($(cpu_used "$policyd_pid") - before))
		say "dns: $out"
		full+=" $(calculate "($(value_of answered "$out") - \
			$(value_of unanswered "$out")) / $seconds")"
		p99s+=" $(calculate "$(value_of p99 "$out") / 1000")"
		costs+=" $(calculate "$used / $seconds / $NEW_CLIENTS")"
		stop "$policyd_pid"
		stop "$relay_pid"
		stop "$nsd_pid"
	done
	figure dns "new clients, name and three zones, at 50 ms" \
		"answered in full per s" least "5000 5000" "$full"
	figure dns "their answers, p99" "msec" most "" "$p99s"
	figure dns "CPU of the policy service for one" "usec" most "" "$costs"
}
