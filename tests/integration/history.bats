# SPDX-License-Identifier: ISC
# What tarpit-policyd remembers, over its socket, restarts and crashes.

load ../helpers/common
load ../helpers/daemon

setup() {
	dir=$BATS_TEST_TMPDIR
	socket=$dir/policy
	write_config
}

teardown() {
	stop_daemons
	! mountpoint -q "$dir/small" || umount -l "$dir/small"
}

# write_config [LINE]...: policy.conf with the history in the test's directory.
write_config() {
	cat >"$dir/policy.conf" <<-E
		[Data]
		Lists=
		Country=
		Asn=
		History=$dir/history
		[Weights]
		history.none=20
		history.abandoned=10
		history.pregreet=40
	E
	[ $# = 0 ] || printf '%s\n' "$@" >>"$dir/policy.conf"
}

start_policyd() {
	start_daemon -n policyd "$BUILD/tarpit-policyd" \
		--config "$dir/policy.conf" --listen "$socket"
	wait_for_notify policyd READY=1
}

stop_policyd() {
	stop_daemon policyd
	stop_daemon policyd-notified || :
	rm -f "$dir"/policyd-notified.log
}

send() {
	socat -t 10 - "UNIX-CONNECT:$socket"
}

# outcome OUTCOME ADDRESS...: reports one of each address.
outcome() {
	local outcome=$1 address
	shift
	for address; do
		printf 'request=tarpit_outcome\nclient_address=%s\n' "$address"
		printf 'outcome=%s\nheld_ms=6000\n\n' "$outcome"
	done | send
}

reason() {
	printf 'request=tarpit_session\nclient_address=%s\n\n' "$1" | send |
		sed -n 's/^reason=//p'
}

@test "who has waited is not made to wait again; its neighbours are" {
	start_policyd
	[ "$(reason 192.0.2.7)" = "history.none+20" ]
	outcome graduated 192.0.2.7 2001:db8::7
	[ "$(reason 192.0.2.7)" = "history.patient+0" ]
	[ "$(reason 192.0.2.8)" = "history.none+20" ]
	[ "$(reason 2001:db8::8)" = "history.patient+0" ]
	[ "$(reason 2001:db8:0:1::8)" = "history.none+20" ]
	outcome delivered 198.51.100.7
	[ "$(reason 198.51.100.7)" = "history.patient+0" ]
}

@test "three hosts lend their network patience, until one is caught" {
	start_policyd
	outcome graduated 192.0.2.7 192.0.2.7 192.0.2.8
	[ "$(reason 192.0.2.9)" = "history.none+20" ]
	outcome graduated 192.0.2.10
	[ "$(reason 192.0.2.9)" = "history.patient+0" ]
	[ "$(reason 192.0.3.9)" = "history.none+20" ]
	stop_policyd
	start_policyd
	[ "$(reason 192.0.2.9)" = "history.patient+0" ]
	printf '%s\n' request=tarpit_outcome client_address=192.0.2.66 \
		outcome=refused lane=hold '' | send
	[ "$(reason 192.0.2.9)" = "history.none+20" ]
	[ "$(reason 192.0.2.8)" = "history.patient+0" ]
}

# It used to take 100 off whatever the lists said.
@test "patience takes away first contact, and nothing else" {
	local line
	printf '%s\n' '[List]' Kind=block "Source=$dir/drop.txt" \
		>"$dir/drop.conf"
	printf '%s\n' 198.51.100.7 >"$dir/drop.txt"
	mkdir "$dir/lists.d"
	mv "$dir/drop.conf" "$dir/lists.d/drop.conf"
	cp "$dir/lists.d/drop.conf" "$dir/lists.d/local-block.conf"
	sed -i "s,drop.txt,block.txt," "$dir/lists.d/local-block.conf"
	echo 192.0.2.0/24 >"$dir/block.txt"
	printf '%s\n' '[Lists]' "Directory=$dir/lists.d" \
		"Output=$dir/lists.cdb" "State=$dir/state" >"$dir/lists.conf"
	"$BUILD/tarpit-lists" --config "$dir/lists.conf" build
	write_config list.drop=100 list.local-block=100 \
		'[Data]' "Lists=$dir/lists.cdb"
	start_policyd
	outcome graduated 198.51.100.7 192.0.2.7 192.0.2.8 192.0.2.9
	[ "$(reason 198.51.100.7)" = "list.drop+100 history.patient+0" ]
	for line in 192.0.2.7 192.0.2.200; do
		[ "$(reason "$line")" = \
			"list.local-block+100 history.patient+0" ]
	done
	[ "$(reason 203.0.113.1)" = "history.none+20" ]
}

@test "passing renews nothing: patience ends, and has to be shown again" {
	write_config '[History]' PatientFor=3s
	start_policyd
	outcome graduated 192.0.2.7
	[ "$(reason 192.0.2.7)" = "history.patient+0" ]
	wait_until 'outcome passed 192.0.2.7; [ "$(reason 192.0.2.7)" = "history.none+20" ]'
	outcome graduated 192.0.2.7
	[ "$(reason 192.0.2.7)" = "history.patient+0" ]
}

# How long patience counts was once called its half-life.
@test "an older policy.conf is understood" {
	write_config '[History]' PatientHalfLife=2s
	start_policyd
	outcome graduated 192.0.2.7
	wait_until '[ "$(reason 192.0.2.7)" = "history.none+20" ]'
}

# It once was what a client's patience was worth.
@test "a weight of history.patient is said to have no effect, once" {
	write_config '[Weights]' history.patient=-100
	run "$BUILD/tarpit-policyd" --check-config --config "$dir/policy.conf"
	[ "$status" = 0 ]
	[[ "$output" = *"history.patient= has no effect"* ]]
	start_policyd
	wait_for_record policyd source=weights >"$dir/said"
	grep -F "history.patient=-100 (has no weight any more)" "$dir/said"
	[ "$(grep -c source=weights "$dir/policyd.log")" = 1 ]

	write_config
	run "$BUILD/tarpit-policyd" --check-config --config "$dir/policy.conf"
	[ "$status:$output" = "0:" ]
}

@test "what is observed is remembered, and proves nothing" {
	write_config history.seen=-5
	start_policyd
	printf '%s\n' request=tarpit_outcome client_address=192.0.2.7 \
		outcome=passed lane=slow mode=observe '' | send
	[ "$(reason 192.0.2.7)" = "history.none+20 history.seen-5" ]
	# Who would have been held has told something of its network.
	outcome graduated 198.51.100.1 198.51.100.2 198.51.100.3
	[ "$(reason 198.51.100.9)" = "history.patient+0" ]
	printf '%s\n' request=tarpit_outcome client_address=198.51.100.8 \
		outcome=passed lane=hold mode=observe '' | send
	[ "$(reason 198.51.100.9)" = "history.none+20" ]
}

@test "who left or talked early has not waited" {
	start_policyd
	outcome abandoned 192.0.2.7
	[ "$(reason 192.0.2.7)" = "history.none+20 history.abandoned+10" ]
	printf '%s\n' request=tarpit_outcome client_address=198.51.100.7 \
		outcome=abandoned behaviour=pregreet '' | send
	[ "$(reason 198.51.100.7)" = "history.pregreet+40 history.none+20" ]
	outcome shed 203.0.113.7
	outcome failed 203.0.113.7
	outcome refused 203.0.113.7
	outcome passed 203.0.113.7
	[ "$(reason 203.0.113.7)" = "history.none+20" ]
}

@test "a fact fades by its half-life, and is forgotten" {
	write_config '[History]' AbandonedHalfLife=1s PatientHalfLife=10min
	start_policyd
	outcome abandoned 192.0.2.7
	wait_until '[ "$(reason 192.0.2.7)" = "history.none+20 history.abandoned+5" ]'
	wait_until '[ "$(reason 192.0.2.7)" = "history.none+20" ]'
}

@test "a restart and a reload forget nothing" {
	start_policyd
	outcome graduated 192.0.2.7
	stop_policyd
	start_policyd
	grep -q "Loaded $dir/history: 2 records" "$dir/policyd.log"
	[ "$(reason 192.0.2.7)" = "history.patient+0" ]
	write_config history.none=50
	kill -HUP "$(daemon_pid policyd)"
	wait_until '[ "$(reason 198.51.100.7)" = "history.none+50" ]'
	[ "$(reason 192.0.2.7)" = "history.patient+0" ]
	outcome graduated 198.51.100.7
	stop_policyd
	start_policyd
	[ "$(reason 198.51.100.7)" = "history.patient+0" ]
}

@test "a crash costs the last second at most" {
	local round since
	for round in 1 2 3 4 5; do
		start_policyd
		outcome graduated "192.0.$round.7"
		since=$(clock_usec)
		wait_until "[ \$((\$(clock_usec) - $since)) -ge 1000000 ]"
		stop_daemon policyd KILL || :
		stop_policyd || :
	done
	start_policyd
	for round in 1 2 3 4 5; do
		[ "$(reason "192.0.$round.7")" = "history.patient+0" ]
	done
}

# kill_rounds N ROUNDS: kills a service of its own, whose store and log are of
# that number, at any moment, so many times; what was there has to stay there.
kill_rounds() {
	local name=policyd$1 place=$dir/$1 round records=0 now
	mkdir "$place"
	sed "s,^History=.*,History=$place/history," "$dir/policy.conf" \
		>"$place/policy.conf"
	socket=$place/policy
	for ((round = 1; round <= $2; round++)); do
		start_daemon "$name" "$BUILD/tarpit-policyd" \
			--config "$place/policy.conf" --listen "$socket"
		wait_for_log "$name" "Answering questions" || return
		now=$(sed -n "s/.*Loaded .*: \([0-9]*\) records.*/\1/p" \
			"$dir/$name.log")
		[ "${now:-0}" -ge "$records" ] || {
			echo "store $1, round $round: $now records of $records"
			return 1
		}
		records=$now
		outcome graduated 10."$round".{0..19}.1
		# Between the first write, after half a second, and well after.
		sleep "0.$((450 + SRANDOM % 200))"
		kill -KILL "$(daemon_pid "$name")"
		wait_for_exit "$name" || :
		rm -f "$dir/$name.log"
	done 2>/dev/null
	echo "$records" >"$place/records"
}

# A hundred of the store alone: history_test, killed_writer_leaves_whole_batches.
@test "kills at any moment damage nothing" {
	local n pids=() written=0
	write_config '[History]' MaxRecords=100000
	# Side by side, since most of the time is waiting.
	for n in {1..5}; do
		kill_rounds "$n" 5 3>&- &
		pids+=($!)
	done
	for n in "${pids[@]}"; do
		wait "$n"
	done
	for n in {1..5}; do
		written=$((written + $(cat "$dir/$n/records")))
	done
	# Not all kills came too early for anything to be written.
	[ "$written" -ge 40 ]
}

@test "a damaged store is said, and the service goes on" {
	start_policyd
	outcome graduated 192.0.2.7
	stop_policyd
	truncate -s 5000 "$dir/history/data.mdb"
	start_policyd
	run cat "$dir/policyd.log"
	[[ "$output" == *"Cannot use $dir/history: "*"remove it to start anew"* ]]
	outcome graduated 192.0.2.7
	[ "$(reason 192.0.2.7)" = "history.patient+0" ]
}

@test "a full disk is said once, and nobody waits for it" {
	[ "$(id -u)" = 0 ] || skip "needs root for a small file system"
	mkdir "$dir/small"
	mount -t tmpfs -o size=256k none "$dir/small" ||
		skip "cannot mount"
	write_config
	sed -i "s,^History=.*,History=$dir/small/history," "$dir/policy.conf"
	start_policyd
	outcome graduated 10.{0..19}.{0..99}.1
	wait_for_log policyd "cannot write: (No space left|Input/output error)"
	outcome graduated 192.0.2.7
	[ "$(reason 192.0.2.7)" = "history.patient+0" ]
	[ "$(grep -c "cannot write" "$dir/policyd.log")" = 1 ]
	mount -o remount,size=8m "$dir/small"
	wait_for_log policyd "written again"
	stop_policyd
	start_policyd
	[ "$(reason 192.0.2.7)" = "history.patient+0" ]
	stop_policyd
	umount "$dir/small"
}

# LMDB would map a lock file without blocks: SIGBUS, at each start.
@test "the first start on a full disk goes on without the store" {
	[ "$(id -u)" = 0 ] || skip "needs root for a small file system"
	mkdir "$dir/small"
	mount -t tmpfs -o size=256k none "$dir/small" ||
		skip "cannot mount"
	mkdir "$dir/small/history"
	cat /dev/zero >"$dir/small/full" 2>/dev/null || :
	write_config
	sed -i "s,^History=.*,History=$dir/small/history," "$dir/policy.conf"
	start_policyd
	grep -q "Cannot use $dir/small/history: No space left" "$dir/policyd.log"
	outcome graduated 192.0.2.7
	[ "$(reason 192.0.2.7)" = "history.patient+0" ]
	rm "$dir/small/full"
	wait_for_log policyd "Loaded $dir/small/history: "
	[ "$(grep -c "Cannot use" "$dir/policyd.log")" = 1 ]
	stop_policyd
	start_policyd
	[ "$(reason 192.0.2.7)" = "history.patient+0" ]
	stop_policyd
	umount "$dir/small"
}

@test "a store that cannot be written is said, and used when it can" {
	[ "$(id -u)" = 0 ] || skip "needs root for a file system"
	mkdir "$dir/small"
	mount -t tmpfs -o size=4m none "$dir/small" || skip "cannot mount"
	write_config
	sed -i "s,^History=.*,History=$dir/small/history," "$dir/policy.conf"
	start_policyd
	outcome graduated 192.0.2.7
	stop_policyd
	mount -o remount,ro "$dir/small"
	start_policyd
	grep -q "Cannot use $dir/small/history: Read-only file system; clients are remembered until" \
		"$dir/policyd.log"
	[ "$(reason 192.0.2.7)" = "history.none+20" ]
	outcome graduated 192.0.2.9
	[ "$(reason 192.0.2.9)" = "history.patient+0" ]
	mount -o remount,rw "$dir/small"
	wait_for_log policyd "Loaded $dir/small/history: "
	[ "$(grep -c "Cannot use" "$dir/policyd.log")" = 1 ]
	# Both what it had and what was learned meanwhile.
	stop_policyd
	start_policyd
	[ "$(reason 192.0.2.7)" = "history.patient+0" ]
	[ "$(reason 192.0.2.9)" = "history.patient+0" ]
	stop_policyd
	umount "$dir/small"
}

@test "a store of another version, or gone" {
	start_policyd
	outcome graduated 192.0.2.7
	stop_policyd
	# The version is behind the magic number, in both of the first pages.
	for at in 20 4116; do
		printf '\x63' | dd of="$dir/history/data.mdb" bs=1 seek="$at" \
			conv=notrunc status=none
	done
	start_policyd
	grep -q "Cannot use $dir/history: data.mdb in it is .*remove it to start anew" \
		"$dir/policyd.log"
	rm -r "$dir/history"
	wait_for_log policyd "Loaded $dir/history: 0 records"
	rm -r "$dir/history"
	outcome graduated 192.0.2.7
	[ "$(reason 192.0.2.7)" = "history.patient+0" ]
	stop_policyd
}
