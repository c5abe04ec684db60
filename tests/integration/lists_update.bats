#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# tarpit-lists update against a real web server: whatever the publisher does,
# the lists in use stay as they were or become better.

load ../helpers/common
load ../helpers/daemon
load ../helpers/web

setup() {
	unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY
	D=$BATS_TEST_TMPDIR
	mkdir "$D/lists.d" "$D/var"
	cat >"$D/tarpit-lists.conf" <<-END
		[Lists]
		Directory=$D/lists.d
		Output=$D/var/lists.cdb
		State=$D/var/lists
		GeoIp=$D/geoip.conf
		CaFile=$D/ca.pem
		Timeout=20s
	END
	start_web "$D"
	echo 192.0.2.1 >"$D/www/list.txt"
}

teardown() {
	stop_daemons
}

lists() {
	"$BUILD/tarpit-lists" --config "$D/tarpit-lists.conf" "$@"
}

# remote NAME PATH [KEY=VALUE]...: a list of the web server's.
remote() {
	local name=$1 path=$2
	shift 2
	printf '%s\n' "[List]" "Source=$WEB$path" "$@" >"$D/lists.d/$name.conf"
	# Or it might have changed since the build of the same second.
	touch -d '1 hour ago' "$D/lists.d/$name.conf"
}

# The state of LIST as if its last try were so many seconds ago.
age() {
	local then=$(($(date +%s) - $2))
	sed -i "s/^tried=.*/tried=$then/; s/^fetched=[1-9].*/fetched=$then/
		s/^not_before=.*/not_before=0/" "$D/var/lists/$1.state"
}

requests() {
	wc -l <"$D/access"
}

# One good update; then `lists` must leave it as it is.
good_update() {
	remote a /list.txt
	lists update
	cp "$D/var/lists.cdb" "$D/before.cdb"
	age a 3600
}

nothing_changed() {
	cmp "$D/before.cdb" "$D/var/lists.cdb"
	lists query 192.0.2.1
	echo 192.0.2.1 | cmp - "$D/var/lists/a.copy"
	[ -z "$(find "$D/var" -name '*.tmp')" ]
}

@test "update: fetches over TLS, compiles, and says so once" {
	remote a /list.txt
	run lists update
	[ "$status" -eq 0 ]
	[ "$(grep -c 'event=list_changed list=a' <<<"$output")" -eq 1 ]
	[[ $output == *"fetched $WEB/list.txt: 1 entries"* ]]
	[[ $output == *"compiled 1 lists with 1 entries"* ]]
	lists query 192.0.2.1
	grep -q '^200 GET /list.txt tarpit-lists (' "$D/access"
}

@test "update: the interval is kept however often it is called" {
	remote a /list.txt Interval=1h
	lists update
	for _ in 1 2 3; do
		run lists update
		[ "$status" -eq 0 ]
		[ -z "$output" ]
	done
	[ "$(requests)" -eq 1 ]
	age a 3590
	lists update
	[ "$(requests)" -eq 1 ]
	age a 3600
	lists update
	[ "$(requests)" -eq 2 ]
}

@test "update: what has not changed is not sent again, and not told of" {
	good_update
	run lists update
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	grep -q '^304 GET /list.txt' "$D/access"
	nothing_changed
	lists status | grep -q '^a .* ok '
}

@test "update: a 304 that was not asked for is a failure" {
	remote a /304
	run lists update
	[ "$status" -eq 111 ]
	[[ $output == *"$WEB/304: HTTP status 304 (not modified)"*"there is no copy yet"* ]]
	run lists status
	[ "$status" -eq 1 ]
	[[ $output == *"a "*" failed "* ]]
	# Nor when the copy has gone.
	good_update
	rm "$D/var/lists/a.copy"
	remote a /304
	run lists update
	[ "$status" -ne 0 ]
	[[ $output == *"HTTP status 304"* ]]
}

@test "update: a list that is empty on purpose" {
	good_update
	: >"$D/www/list.txt"
	run lists update
	[ "$status" -eq 100 ]
	[[ $output == *"has no entries; if that is right, set MinEntries=0"* ]]
	remote a /list.txt MinEntries=0
	age a 3600
	lists update
	run lists query 192.0.2.1
	[ "$status" -eq 1 ]
}

@test "update: bad lines of a publisher's list are left out, and status shows them" {
	{
		seq -f '192.0.2.%.0f' 1 200
		echo '192.0.2.201.192.0.2.202'
	} >"$D/www/list.txt"
	remote a /list.txt
	run lists update
	[ "$status" -eq 0 ]
	[[ $output == *"$WEB/list.txt:201: 1 line is left out"*"event=lists_warning list=a"* ]]
	lists query 192.0.2.200
	run lists status
	[ "$status" -eq 0 ]
	[[ $output == *"a: 1 line is left out: line 201: "* ]]
}

@test "update: a packed list is kept packed, bounded by MaxSize" {
	seq -f '192.0.2.%.0f' 1 200 | gzip >"$D/www/list.txt"
	good_update
	lists query 192.0.2.200
	lists build
	lists query 192.0.2.200
	head -c 100000000 /dev/zero | gzip >"$D/www/list.txt"
	remote a /list.txt MaxSize=1M
	age a 3600
	run lists update
	[ "$status" -eq 100 ]
	[[ $output == *"$WEB/list.txt: too large when unpacked"* ]]
	lists query 192.0.2.200
}

@test "update: without its copy a list is fetched whole" {
	good_update
	rm "$D/var/lists/a.copy"
	lists update
	[ "$(grep -c '^200' "$D/access")" -eq 2 ]
	cmp "$D/www/list.txt" "$D/var/lists/a.copy"
	lists query 192.0.2.1
}

@test "update: another Source= is fetched at once" {
	good_update
	echo 192.0.2.9 >"$D/www/other.txt"
	remote a /other.txt
	lists update
	lists query 192.0.2.9
}

@test "update: a server that knows of no ETag sends in vain what we have" {
	good_update
	sed -i 's/^etag=.*/etag="other"/; s/^modified=.*/modified=/' \
		"$D/var/lists/a.state"
	run lists update
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	[ "$(grep -c '^200' "$D/access")" -eq 2 ]
	nothing_changed
}

@test "update: a changed list replaces its entries" {
	good_update
	printf '192.0.2.2\n192.0.2.3\n' >"$D/www/list.txt"
	run lists update
	[ "$status" -eq 0 ]
	[[ $output == *"fetched $WEB/list.txt: 2 entries"* ]]
	lists query 192.0.2.3
	run lists query 192.0.2.1
	[ "$status" -eq 1 ]
}

@test "update: redirects are followed, to a limit" {
	remote a /hop
	lists update
	lists query 192.0.2.1
	good_update
	remote b /loop
	run lists update
	[ "$status" -eq 111 ]
	[[ $output == *"$WEB/loop: "*"Maximum (5) redirects followed"* ]]
	lists query 192.0.2.1
}

@test "update: TLS is not given up for a redirect" {
	good_update
	remote b /plain
	run lists update
	[ "$status" -eq 111 ]
	[[ $output == *"$WEB/plain: "*rotocol* ]]
	lists query 192.0.2.1
}

@test "update: a server that nobody vouches for is not believed" {
	good_update
	sed -i '/CaFile/d' "$D/tarpit-lists.conf"
	run lists update
	[ "$status" -eq 111 ]
	[[ $output == *"$WEB/list.txt: "*certificate*"; its last good copy stands"* ]]
	[[ $output == *"event=list_failed list=a"* ]]
	nothing_changed
}

@test "update: a publisher's error page is no list" {
	good_update
	printf '<!DOCTYPE html>\n<p>Sorry\n' >"$D/www/list.txt"
	run lists update
	[ "$status" -eq 100 ]
	[[ $output == *"$WEB/list.txt:1: \"<!DOCTYPE\" is no address"* || $output == *"$WEB/list.txt:1: text after \"<!DOCTYPE\""* ]]
	nothing_changed
}

@test "update: an HTTP error is told with its status" {
	good_update
	rm "$D/www/list.txt"
	run lists update
	[ "$status" -eq 111 ]
	[[ $output == *"$WEB/list.txt: HTTP status 404 (not found); its last good copy stands"* ]]
	nothing_changed
}

@test "update: an empty file is no list" {
	good_update
	: >"$D/www/list.txt"
	run lists update
	[ "$status" -eq 100 ]
	[[ $output == *"$WEB/list.txt: has no entries"* ]]
	nothing_changed
}

@test "update: a list that has shrunk too much is refused, and taken by force" {
	seq -f '192.0.2.%.0f' 1 10 >"$D/www/list.txt"
	remote a /list.txt
	lists update
	age a 3600
	echo 192.0.2.5 >"$D/www/list.txt"
	run lists update
	[ "$status" -eq 100 ]
	[[ $output == *"1 entries instead of 10 is more than MaxShrink=50%"* ]]
	lists query 192.0.2.10
	run lists --force update
	[ "$status" -eq 0 ]
	run lists query 192.0.2.10
	[ "$status" -eq 1 ]
}

@test "update: private networks of a publisher are dropped, wide ones refuse the list" {
	printf '192.0.2.1\n10.1.0.0/16\n127.0.0.1\n' >"$D/www/list.txt"
	remote a /list.txt
	run lists update
	[ "$status" -eq 0 ]
	[[ $output == *"$WEB/list.txt:2: 2 entries are private"* ]]
	run lists query 127.0.0.1
	[ "$status" -eq 1 ]
	age a 3600
	printf '192.0.2.1\n0.0.0.0/0\n' >"$D/www/list.txt"
	run lists update
	[ "$status" -eq 100 ]
	[[ $output == *"$WEB/list.txt:2: 0.0.0.0/0 is wider than /8"* ]]
	run lists query 8.8.8.8
	[ "$status" -eq 1 ]
}

@test "update: a download that is cut short is no list" {
	WEB=$WEB_PLAIN
	good_update
	stop_daemon nginx
	cat >"$D/cut.sh" <<-'END'
		while IFS= read -r line && [ ${#line} -gt 1 ]; do :; done
		printf 'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n192.0.2.7\n'
	END
	start_daemon cut socat \
		"TCP-LISTEN:$WEB_PORT,bind=127.0.0.1,reuseaddr,fork" \
		"EXEC:sh $D/cut.sh"
	wait_for_port cut "$WEB_PORT"
	run lists update
	[ "$status" -eq 111 ]
	echo "$output"
	[[ $output == *"$WEB_PLAIN/list.txt: "*"remaining to read"* ]]
	nothing_changed
}

@test "update: a gzip bomb is given up at MaxSize" {
	good_update
	head -c 100000000 /dev/zero | gzip >"$D/www/packed/bomb"
	[ "$(stat -c %s "$D/www/packed/bomb")" -lt 200000 ]
	remote b /packed/bomb MaxSize=1M
	run lists update
	[ "$status" -eq 100 ]
	[[ $output == *"$WEB/packed/bomb: larger than 1048576 bytes, its MaxSize="* ]]
	nothing_changed
}

@test "update: what is sent packed is unpacked" {
	gzip -c "$D/www/list.txt" >"$D/www/packed/list"
	remote a /packed/list
	lists update
	lists query 192.0.2.1
}

@test "update: after failures it waits longer, and as long as it is told" {
	good_update
	rm "$D/www/list.txt"
	run lists update
	[ "$status" -eq 111 ]
	run lists update
	[ "$status" -eq 0 ]
	[ "$(requests)" -eq 2 ]
	age a 300
	run lists update
	[ "$status" -eq 111 ]
	age a 300
	lists update
	[ "$(requests)" -eq 3 ]
	age a 600
	run lists update
	[ "$status" -eq 111 ]
	remote a /busy
	run lists update
	[ "$status" -eq 111 ]
	[[ $output == *"HTTP status 429 (asked too often)"* ]]
	[ "$(sed -n 's/^not_before=//p' "$D/var/lists/a.state")" -gt \
		$(($(date +%s) + 7100)) ]
}

@test "update: lists that fail keep none of the others back" {
	remote a /list.txt
	remote bad /nothing.txt
	run lists update
	[ "$status" -eq 111 ]
	[[ $output == *"$WEB/nothing.txt: HTTP status 404"*"there is no copy yet"* ]]
	lists query 192.0.2.1
	age a 3600
	age bad 3600
	echo 192.0.2.22 >"$D/www/list.txt"
	run lists update
	[ "$status" -eq 111 ]
	lists query 192.0.2.22
}

@test "update: status shows a stale list, why, and exits 1" {
	good_update
	lists status
	rm "$D/www/list.txt"
	run lists update
	sed -i "s/^fetched=.*/fetched=$(($(date +%s) - 4 * 86400))/" \
		"$D/var/lists/a.state"
	run lists status
	[ "$status" -eq 1 ]
	[[ $output == *"a "*" 4 d  STALE "* ]]
	[[ $output == *"a: failed 1 times since it was last fetched 4 d: $WEB/list.txt: HTTP status 404 (not found); next try in "* ]]
}

@test "update: build uses the copies and asks nobody" {
	remote a /list.txt
	run lists build
	[ "$status" -eq 0 ]
	[[ $output == *"$WEB/list.txt: not fetched yet, left out"* ]]
	lists update
	rm "$D/var/lists.cdb"
	lists build
	lists query 192.0.2.1
	[ "$(requests)" -eq 1 ]
}

@test "update: on a full disk the lists in use and their copies stay" {
	[ "$(id -u)" -eq 0 ] || skip "mounting needs root"
	local full
	for full in 8 16 24 40; do
		rm -rf "${D:?}/var" && mkdir "$D/var"
		export -f lists remote age good_update nothing_changed
		export D WEB full
		echo 192.0.2.1 >"$D/www/list.txt"
		unshare -m bash -e <<-'END'
			mount -t tmpfs -o size=64k none "$D/var"
			good_update
			seq 0 1999 | awk '{ print int($1 / 256) + 1 "." $1 % 256 ".1.1" }' \
				>"$D/www/list.txt"
			head -c "${full}k" /dev/zero >"$D/var/ballast" 2>/dev/null || :
			r=0
			lists update 2>"$D/errors" || r=$?
			cat "$D/errors"
			[ $r -ne 0 ]
			grep -q 'No space left on device' "$D/errors"
			cmp "$D/before.cdb" "$D/var/lists.cdb"
			lists query 192.0.2.1
		END
	done
}

@test "update: two at once do no harm" {
	remote a /list.txt
	local pids=() i r
	for i in 1 2 3 4; do
		lists update 2>/dev/null 3>&- &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		r=0
		wait "$i" || r=$?
		[ $r -eq 0 ] || [ $r -eq 111 ]
	done
	lists query 192.0.2.1
	[ "$(requests)" -eq 1 ]
}

@test "update: a progress bar on a terminal, nothing from cron" {
	remote a /list.txt
	script -qec "$BUILD/tarpit-lists --config $D/tarpit-lists.conf update" \
		/dev/null >"$D/terminal" </dev/null
	grep -q 'a  *\[.*\] .* KB' "$D/terminal"
	age a 3600
	run lists update
	[ -z "$output" ]
}

@test "update: as root it works as the owner of the output" {
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	chown nobody:nogroup "$D/var"
	chmod 755 "$D" "${D%/*}" "${D%/*/*}"
	remote a /list.txt
	chmod 644 "$D/ca.pem"
	lists update
	[ "$(stat -c %U "$D/var/lists.cdb" "$D/var/lists/a.copy" |
		sort -u)" = nobody ]
}
