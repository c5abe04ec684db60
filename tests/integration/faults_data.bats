#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# tarpit-policyd answers thousands of questions a second while everything is
# done to its files that can be.  Each question has its answer, by the data of
# before or of after, and nothing is said twice.

load ../helpers/common
load ../helpers/daemon

setup() {
	dir=$DAEMONS
	socket=$dir/policy
	mkdir "$dir/lists.d" "$dir/stock"
	cat >"$dir/policy.conf" <<-E
		[Data]
		Lists=$dir/lists.cdb
		Country=$dir/country.mmdb
		Asn=$dir/asn.mmdb
		History=
		[Weights]
		list.drop=100
		country.CN=15
		asn.64496=30
	E
	stock_up
	start_daemon -n policyd "$BUILD/tarpit-policyd" \
		--config "$dir/policy.conf" --listen "$socket"
	wait_for_notify policyd READY=1
}

teardown() {
	stop_daemons
}

# One of each kind of file in stock: good ones, and what they may turn into.
stock_up() {
	local name
	"$BUILD/tests/helpers/mkmmdb" country "$dir/stock/country.mmdb" \
		192.0.2.0/24=CN
	"$BUILD/tests/helpers/mkmmdb" asn "$dir/stock/asn.mmdb" \
		192.0.2.0/24=64496
	"$BUILD/tests/helpers/mkmmdb" deep "$dir/stock/deep.mmdb" \
		192.0.2.0/24=CN
	echo 192.0.2.0/24 >"$dir/lists.d/drop.txt"
	printf '[List]\nKind=block\nSource=%s\nFormat=cidr\n' \
		"$dir/lists.d/drop.txt" >"$dir/lists.d/drop.conf"
	printf '[Lists]\nDirectory=%s\nOutput=%s\nState=%s\n' "$dir/lists.d" \
		"$dir/stock/lists.cdb" "$dir/state" >"$dir/tarpit-lists.conf"
	"$BUILD/tarpit-lists" --config "$dir/tarpit-lists.conf" build
	# Of version 3: the version is the last of four bytes at 2060 + 8.
	cp "$dir/stock/lists.cdb" "$dir/stock/newer.cdb"
	printf '\3' | dd of="$dir/stock/newer.cdb" bs=1 seek=2071 conv=notrunc \
		status=none
	for name in lists.cdb country.mmdb asn.mmdb; do
		cp "$dir/stock/$name" "$dir/$name"
	done
	# A thousand questions.
	for name in {1..1000}; do
		printf 'request=tarpit_session\ninstance=%d\n' "$name"
		printf 'client_address=192.0.2.%d\n\n' $((name % 250 + 1))
	done >"$dir/questions"
}

# A client that asks on and on, and keeps count of what it is told.
start_asking() {
	# shellcheck disable=SC2016
	start_daemon asking bash -c '
		while [ ! -e "$0/enough" ]; do
			socat -t 10 - "UNIX-CONNECT:$0/policy" <"$0/questions" \
				>"$0/answers" || exit
			sort "$0/answers" | grep "^\(action\|reason\)=" | uniq -c
			echo "$(grep -c ^instance= "$0/answers") answers"
		done' "$dir"
	wait_for_log asking ' answers$'
}

rounds() {
	grep -c ' answers$' "$dir/asking.log" || :
}

# Data is looked for each second.
data_says() {
	wait_until "[ \"\$(reason)\" = '$1' ]"
}

reason() {
	printf 'request=tarpit_session\ninstance=1\nclient_address=192.0.2.7\n\n' |
		socat -t 10 - "UNIX-CONNECT:$socket" | sed -n 's/^reason=//p'
}

told() {
	grep -c "$1" "$dir/policyd.log" || :
}

all='list.drop+100 asn.64496+30 country.CN+15'

put() {
	cp "$dir/stock/$1" "$dir/$2.new"
	mv "$dir/$2.new" "$dir/$2"
}

@test "faults: data replaced, overwritten, cut, taken away and locked under load" {
	local file i was
	was=$(reason)
	[[ $was == *"$all"* ]]
	start_asking
	for i in 1 2 3 4; do
		# Replaced by rename, many times a second.
		for file in lists.cdb country.mmdb asn.mmdb; do
			put "$file" "$file"
		done
		# Overwritten in place, with itself, by bytes: halves are seen.
		for file in lists.cdb country.mmdb asn.mmdb; do
			dd if="$dir/stock/$file" of="$dir/$file" bs=64 status=none
		done
		# Cut to nothing under a reader that may have it mapped.
		for file in lists.cdb country.mmdb asn.mmdb; do
			truncate -s 100 "$dir/$file"
			truncate -s 0 "$dir/$file"
		done
		head -c 3000 /dev/urandom >"$dir/lists.cdb"
		head -c 3000 /dev/urandom >"$dir/country.mmdb"
		put deep.mmdb asn.mmdb
		data_says "$was"
	done
	put newer.cdb lists.cdb
	wait_for_log policyd 'format version 3; this program reads version 2'
	rm "$dir/country.mmdb"
	wait_for_log policyd 'country.mmdb: No such file'
	chmod 0 "$dir/asn.mmdb"
	# What it has stays in use.
	[ "$(reason)" = "$was" ]
	chmod 644 "$dir/asn.mmdb"
	for file in lists.cdb country.mmdb asn.mmdb; do
		put "$file" "$file"
	done
	wait_until "[ \$(told 'lists: .*1 lists\|lists.cdb: 1 lists') -ge 1 ]"
	touch "$dir/enough"
	wait_for_exit asking
	echo "$(rounds) thousand questions"
	[ "$(rounds)" -ge 5 ]
	# Whatever happened, a thousand answers each time, all of them hold.
	[ "$(grep ' answers$' "$dir/asking.log" | sort -u)" = "1000 answers" ]
	[ "$(grep ' action=' "$dir/asking.log" | sort -u | tr -s ' ')" = \
		" 1000 action=hold" ]
	[ "$(grep ' reason=' "$dir/asking.log" | sort -u | tr -s ' ')" = \
		" 1000 reason=$was" ]
	daemon_is_alive policyd
	stop_daemon policyd
}

@test "faults: a policy service with RLIMIT_NOFILE 16, and more clients" {
	local i
	stop_daemon policyd
	start_daemon -n small prlimit --nofile=16:16 "$BUILD/tarpit-policyd" \
		--config "$dir/policy.conf" --listen "$socket"
	wait_for_notify small READY=1
	for i in {1..30}; do
		start_daemon "idle$i" socat -u "UNIX-CONNECT:$socket" STDOUT
	done
	wait_for_log small event=accept_paused
	for i in {1..30}; do
		stop_daemon "idle$i" || :
	done
	[[ $(reason) == *list.drop+100* ]]
	# No more than one for each that has made room for another.
	[ "$(grep -c event=accept_paused "$dir/small.log")" -le 31 ]
}
