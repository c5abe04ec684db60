#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# tarpit-lists as the administrator uses it.

load ../helpers/common

setup() {
	D=$BATS_TEST_TMPDIR
	mkdir "$D/lists.d" "$D/var"
	cat >"$D/tarpit-lists.conf" <<-END
		[Lists]
		Directory=$D/lists.d
		Output=$D/var/lists.cdb
		State=$D/var/lists
	END
}

lists() {
	"$BUILD/tarpit-lists" --config "$D/tarpit-lists.conf" "$@"
}

# list NAME KIND [KEY=VALUE]...: configures a list; its entries are standard
# input, one a line.
list() {
	local name=$1 kind=$2
	shift 2
	cat >"$D/$name.txt"
	printf '%s\n' "[List]" "Kind=$kind" "Source=$name.txt" "$@" \
		>"$D/lists.d/$name.conf"
}

# Builds what works, and keeps a copy to compare with.
good_build() {
	list good block <<<'192.0.2.0/24'
	lists build
	cp "$D/var/lists.cdb" "$D/before.cdb"
}

# The file in use is what good_build left, and nothing lies beside it.
nothing_changed() {
	cmp "$D/before.cdb" "$D/var/lists.cdb"
	[ "$(ls "$D/var")" = "lists.cdb
lists.cdb.lock" ]
}

@test "lists: build compiles, query answers with every list and its longest prefix" {
	list drop block <<-END
		# comment
		10.0.0.0/8
		10.1.2.0/24 ; SBL1
		2001:db8::/32
	END
	list known-senders allow <<<'10.1.2.3'
	run lists build
	[ "$status" -eq 0 ]
	[[ $output == *"compiled 2 lists with 4 entries into $D/var/lists.cdb"* ]]
	[ "$(lists query 10.1.2.3)" = "drop	block	10.1.2.0/24	SBL1
known-senders	allow	10.1.2.3/32" ]
	[ "$(lists query 10.2.0.0)" = "drop	block	10.0.0.0/8" ]
	[ "$(lists query 2001:db8:ffff::1)" = "drop	block	2001:db8::/32" ]
	[ "$(lists query ::ffff:10.2.0.0)" = "drop	block	10.0.0.0/8" ]
}

@test "lists: query of an address in no list exits 1, of nonsense 100" {
	good_build
	run lists query 192.0.3.1
	[ "$status" -eq 1 ]
	[ "$output" = "192.0.3.1 is in no list" ]
	run lists query 192.0.2
	[ "$status" -eq 100 ]
	[[ $output == *"'192.0.2' is no IPv4 or IPv6 address"* ]]
}

@test "lists: query answers while a list's file is broken" {
	good_build
	echo nonsense >"$D/lists.d/good.conf"
	run lists query 192.0.2.1
	[ "$status" -eq 0 ]
}

@test "lists: query without a compiled file says so" {
	run lists query 192.0.2.1
	[ "$status" -eq 100 ]
	[[ $output == *"$D/var/lists.cdb: No such file or directory"* ]]
}

@test "lists: status is a table with what is compiled and what is not" {
	list b allow <<<'192.0.2.1'
	list a block < <(seq -f '192.0.2.%.0f' 1 7)
	lists build
	touch -d '3 days ago' "$D/a.txt"
	lists build
	list new block <<<''
	rm "$D/lists.d/b.conf"
	run lists status
	[ "$status" -eq 0 ]
	[[ ${lines[0]} =~ ^LIST\ +KIND\ +ENTRIES\ +AGE\ +LAST\ +SOURCE$ ]]
	[[ ${lines[1]} =~ ^a\ +block\ +7\ +3\ d\ +file\ +"$D/a.txt"$ ]]
	[[ ${lines[2]} =~ ^b\ +allow\ +1\ +[0-9]+\ s\ +-\ +"$D/b.txt"$ ]]
	[[ ${lines[3]} =~ ^new\ +block\ +-\ +-\ +file\ +"configured, not compiled yet"$ ]]
	[[ ${lines[4]} == "b is no longer configured"* ]]
	[[ ${lines[5]} == "$D/var/lists.cdb, compiled "*" ago" ]]
}

@test "lists: update does what build does while all sources are files" {
	list a block <<<'192.0.2.1'
	lists update
	lists query 192.0.2.1
}

@test "lists: an error names file and line, and the file in use stays" {
	good_build
	printf '192.0.2.1\n<html>\n' >"$D/good.txt"
	run lists build
	[ "$status" -eq 100 ]
	[[ $output == *"$D/good.txt:2: \"<html>\" is no address or prefix"* ]]
	[[ $output == *"list=good"* ]]
	nothing_changed
}

@test "lists: every bad list is told of, not only the first" {
	good_build
	list one block <<<'1.2.3'
	list two block <<<'::/129'
	rm "$D/good.txt"
	run lists build
	[ "$status" -eq 100 ]
	[[ $output == *"$D/one.txt:1: "* ]]
	[[ $output == *"$D/two.txt:1: "* ]]
	[[ $output == *"$D/good.txt: No such file or directory"* ]]
	nothing_changed
}

@test "lists: what a given format does not know is an error" {
	list ipsum block Format=cidr <<<'192.0.2.1	10'
	run lists build
	[ "$status" -eq 100 ]
	[[ $output == *"ipsum.txt:1: text after"* ]]
}

@test "lists: host bits are cleared and told of" {
	list a block < <(printf '192.0.2.1\n192.0.2.99/25\n')
	run lists build
	[ "$status" -eq 0 ]
	[[ $output == *"$D/a.txt:2: 1 entries have bits set past"* ]]
	[ "$(lists query 192.0.2.5)" = "a	block	192.0.2.0/25" ]
}

@test "lists: a source that is none of the three kinds is an error" {
	printf '[List]\nSource=ftp://lists.example.org/drop.txt\n' \
		>"$D/lists.d/web.conf"
	run lists update
	[ "$status" -eq 100 ]
	[[ $output == *"$D/lists.d/web.conf: [List] Source=ftp://lists.example.org/drop.txt: neither an https URL, a file, nor spf:DOMAIN"* ]]
}

@test "lists: ranges, netset, DROP, ASN-DROP and IPsum are told by their content" {
	list ranges block <<<'192.0.2.1-192.0.2.6'
	list netset block <<<'# ipset
198.51.100.0/24
203.0.113.7'
	list drop block <<-'END'
		{"cidr":"1.10.16.0/20","sblid":"SBL256894","rir":"apnic"}
		{"type":"metadata","timestamp":1755820800,"size":9,"records":1,"copyright":"(c)"}
	END
	list drop6 block <<-'END'
		{"cidr":"2a06:e480::/29","sblid":"SBL301771","rir":"ripencc"}
		{"type":"metadata","timestamp":1755820800,"size":9,"records":1,"copyright":"(c)"}
	END
	list asndrop block <<-'END'
		{"asn":64496,"rir":"arin","domain":"example.org","cc":"US","asname":"EXAMPLE"}
		{"type":"metadata","timestamp":1755820800,"size":9,"records":1,"copyright":"(c)"}
	END
	list ipsum block MinCount=3 < <(printf '# IPsum\n8.8.4.1\t9\n8.8.4.2\t2\n')
	lists build
	[ "$(lists query 192.0.2.5)" = "ranges	block	192.0.2.4/31" ]
	[ "$(lists query 198.51.100.9)" = "netset	block	198.51.100.0/24" ]
	[ "$(lists query 1.10.31.255)" = "drop	block	1.10.16.0/20	SBL256894" ]
	[ "$(lists query 2a06:e487::1)" = "drop6	block	2a06:e480::/29	SBL301771" ]
	[ "$(lists query 8.8.4.1)" = "ipsum	block	8.8.4.1/32" ]
	run lists query 8.8.4.2
	[ "$status" -eq 1 ]
	[ "$(lists query AS64496)" = "asndrop	block	AS64496" ]
	[ "$(lists query 64496)" = "asndrop	block	AS64496" ]
	run lists query AS64497
	[ "$status" -eq 1 ]
}

@test "lists: a DROP list that was cut short between two lines is refused" {
	good_build
	list drop block <<<'{"cidr":"1.10.16.0/20","sblid":"SBL256894"}'
	run lists build
	[ "$status" -eq 100 ]
	[[ $output == *'drop.txt:2: the list ends without its "metadata" record'* ]]
	nothing_changed
}

@test "lists: a network wider than /8 or ::/16 is refused unless allowed" {
	good_build
	list wide block <<<'64.0.0.0/7'
	run lists build
	[ "$status" -eq 100 ]
	[[ $output == *"$D/wide.txt:1: 64.0.0.0/7 is wider than /8 or ::/16"* ]]
	list wide block <<<'2000::/15'
	run lists build
	[ "$status" -eq 100 ]
	nothing_changed
	list wide block AllowWide=yes <<<'64.0.0.0/7'
	lists build
	lists query 65.0.0.1
}

@test "lists: private networks are left out with a warning where they are not allowed" {
	list a block AllowPrivate=no < <(printf '192.0.2.1\n10.0.0.0/8\n::1\n127.0.0.4\nfd00::/8\n224.0.0.0/3\n')
	run lists build
	[ "$status" -eq 0 ]
	[[ $output == *"$D/a.txt:2: 5 entries are private"* ]]
	run lists query 10.0.0.1
	[ "$status" -eq 1 ]
	lists query 192.0.2.1
}

@test "lists: update goes on with the last good copy of a file that is bad, build does not" {
	list a block <<<'192.0.2.1'
	list b block <<<'192.0.2.2'
	lists update
	echo '<html>' >"$D/a.txt"
	echo '192.0.2.3' >"$D/b.txt"
	run lists update
	[ "$status" -eq 100 ]
	[[ $output == *"$D/a.txt:1: "*"; its last good copy stands"* ]]
	lists query 192.0.2.1
	lists query 192.0.2.3
	cp "$D/var/lists.cdb" "$D/before.cdb"
	run lists build
	[ "$status" -eq 100 ]
	cmp "$D/before.cdb" "$D/var/lists.cdb"
}

@test "lists: a bad key, value, name or no source is an error, with --check-config too" {
	good_build
	printf '[List]\nSource=good.txt\nKind=grey\n' >"$D/lists.d/x.conf"
	run lists --check-config
	[ "$status" -eq 100 ]
	[[ $output == *"$D/lists.d/x.conf:3: "*Kind* ]]
	printf '[List]\nSource=good.txt\nMaxShrink=101%%\n' >"$D/lists.d/x.conf"
	run lists build
	[ "$status" -eq 100 ]
	[[ $output == *"x.conf:3: "*"not a percentage from 0% to 100%"* ]]
	printf '[List]\nKind=block\n' >"$D/lists.d/x.conf"
	run lists build
	[ "$status" -eq 100 ]
	[[ $output == *"x.conf: [List] Source= is missing"* ]]
	mv "$D/lists.d/x.conf" "$D/lists.d/X_y.conf"
	run lists build
	[ "$status" -eq 100 ]
	[[ $output == *"X_y.conf: a list's name is 1 to 63 of a-z, 0-9 and - or _"* ]]
	rm "$D/lists.d/X_y.conf"
	lists --check-config
	nothing_changed
}

@test "lists: names sort as names, whatever their files do" {
	list a block <<<'192.0.2.1'
	list a-b block <<<'192.0.2.1'
	lists build
	[ "$(lists query 192.0.2.1 | cut -f1 | xargs)" = "a a-b" ]
}

@test "lists: fewer entries than MinEntries are refused, unless forced" {
	list a block MinEntries=2 < <(printf '192.0.2.1\n192.0.2.1\n')
	run lists build
	[ "$status" -eq 100 ]
	[[ $output == *"$D/a.txt: 1 entries, fewer than MinEntries=2"* ]]
	[ ! -e "$D/var/lists.cdb" ]
	lists --force build
	lists query 192.0.2.1
}

@test "lists: shrinking to exactly MaxShrink is allowed, by one more is not" {
	list a block MaxShrink=30% < <(seq -f '192.0.2.%.0f' 1 10)
	lists build
	list a block MaxShrink=30% < <(seq -f '192.0.2.%.0f' 1 7)
	lists build
	cp "$D/var/lists.cdb" "$D/before.cdb"
	list a block MaxShrink=30% < <(seq -f '192.0.2.%.0f' 1 4)
	run lists build
	[ "$status" -eq 100 ]
	[[ $output == *"4 entries instead of 7 is more than MaxShrink=30% allows"* ]]
	nothing_changed
	lists --force build
	run lists query 192.0.2.5
	[ "$status" -eq 1 ]
}

@test "lists: a damaged file in use is told of and replaced" {
	good_build
	truncate -s 3000 "$D/var/lists.cdb"
	run lists query 192.0.2.1
	[ "$status" -eq 100 ]
	[[ $output == *"lists.cdb: damaged: 3000 bytes instead of"* ]]
	run lists build
	[ "$status" -eq 0 ]
	[[ $output == *"cannot be compared with: damaged: "* ]]
	lists query 192.0.2.1
}

@test "lists: what a killed build left is cleared away" {
	echo half >"$D/var/lists.cdb.tmp"
	good_build
	nothing_changed
}

@test "lists: the compiled file is readable by all whatever the umask" {
	umask 077
	good_build
	[ "$(stat -c %a "$D/var/lists.cdb")" = 644 ]
}

@test "lists: one of two at once says so and tries nothing" {
	good_build
	list good block <<<'192.0.3.0/24'
	exec 9<"$D/var/lists.cdb.lock"
	flock 9
	run lists build 9<&-
	exec 9<&-
	[ "$status" -eq 111 ]
	[[ $output == *"lists.cdb.lock: another tarpit-lists is at work"* ]]
	nothing_changed
	lists build
	lists query 192.0.3.1
}

@test "lists: many at once leave one good file, and readers never see another" {
	good_build
	local i pids=()
	for i in {1..20}; do
		lists build 2>/dev/null 3>&- &
		pids+=($!)
		lists query 192.0.2.1
	done
	for i in "${pids[@]}"; do
		local r=0
		wait "$i" || r=$?
		[ $r -eq 0 ] || [ $r -eq 111 ]
	done
	lists build
	lists query 192.0.2.1
	[ "$(ls "$D/var" | wc -l)" -eq 2 ]
}

@test "lists: on a full disk the file in use stays" {
	[ "$(id -u)" -eq 0 ] || skip "mounting needs root"
	export -f lists list good_build nothing_changed
	export D
	unshare -m bash -e <<-'END'
		mount -t tmpfs -o size=32k none "$D/var"
		good_build
		seq 0 1999 | awk '{ print int($1 / 256) "." $1 % 256 ".1.1" }' |
			list more block
		r=0
		lists build 2>"$D/errors" || r=$?
		[ $r -eq 111 ]
		grep 'lists.cdb: No space left on device' "$D/errors"
		nothing_changed
		lists query 192.0.2.1
	END
}

@test "lists: a real list of 120,000 addresses compiles, and all of it is found" {
	local real=$ROOT/../shared/data/ipsum.txt
	if [ -r "$real" ]; then
		list ipsum block MinEntries=100000 <"$real"
	else
		seq 0 119999 | awk '{ printf "%d.%d.%d.%d\n", 1 + $1 % 200,
			$1 / 251 % 256, $1 * 7 % 256, $1 % 253 }' |
			list ipsum block
	fi
	lists build
	local first last
	grep -v '^#' "$D/ipsum.txt" | cut -f1 | sort -u >"$D/addresses"
	first=$(head -1 "$D/addresses") last=$(tail -1 "$D/addresses")
	[ "$(lists query "$first")" = "ipsum	block	$first/32" ]
	[ "$(lists query "$last")" = "ipsum	block	$last/32" ]
	[ "$(lists status | awk '$1 == "ipsum" { print $3 }')" -eq \
		"$(wc -l <"$D/addresses")" ]
}

@test "lists: a bad line among thousands is left out, shown, and costs nothing else" {
	{
		seq 1 1999 | awk '{ print "198.18." int($1 / 256) "." $1 % 256 }'
		echo '192.0.2.1 192.0.2.2'
		echo 203.0.113.7
	} | list big block
	run lists build
	[ "$status" -eq 0 ]
	[[ $output == *"$D/big.txt:2000: 1 line is left out, see MaxBadLines=: line 2000: text after \"192.0.2.1\""*"event=lists_warning list=big"* ]]
	lists query 203.0.113.7
	run lists status
	[ "$status" -eq 0 ]
	[[ $output == *"big: 1 line is left out: line 2000: text after"* ]]
	echo "more" >>"$D/big.txt"
	printf '[List]\nSource=big.txt\nMaxBadLines=1\n' >"$D/lists.d/big.conf"
	run lists build
	[ "$status" -eq 100 ]
	[[ $output == *"big.txt:2000: "*"; 2 such lines are more than MaxBadLines= allows"* ]]
	sed -i 's/=1$/=2/' "$D/lists.d/big.conf"
	lists build
	sed -i 's/=2$/=0/' "$D/lists.d/big.conf"
	run lists build
	[ "$status" -eq 100 ]
	sed -i 's/=0$/=x%/' "$D/lists.d/big.conf"
	run lists --check-config
	[ "$status" -eq 100 ]
	[[ $output == *"neither a number nor a percentage"* ]]
}

@test "lists: what is allowed is a share of all lines, but one at least and less than the good ones" {
	local bad good r
	for bad in 1:1:100 1:2:0 2:100:100 2:198:0 3:297:0 4:297:100; do
		IFS=: read -r bad good r <<<"$bad"
		{
			yes nonsense | head -"$bad"
			seq 1 "$good" | awk '{ print "198.18." int($1 / 256) "." $1 % 256 }'
		} | list a block MaxShrink=100%
		run lists build
		echo "$bad of $good: $status: $output"
		[ "$status" -eq "$r" ]
	done
}

@test "lists: a list that never got in is shown as failed, with the reason, exit 1" {
	list new block < <(printf '192.0.2.1\nnonsense\n')
	run lists build
	[ "$status" -eq 100 ]
	run lists status
	[ "$status" -eq 1 ]
	[[ $output == *"new "*" failed "* ]]
	[[ $output == *"new: cannot be compiled: $D/new.txt:2: \"nonsense\" is no address"* ]]
	[[ $output == *"$D/var/lists.cdb is not there: no list is in use"* ]]
	# Beside others that are in use, too.
	list good block <<<'192.0.2.1'
	lists update || true
	run lists status
	[ "$status" -eq 1 ]
	[[ $output == *"new: cannot be compiled"* ]]
	echo 192.0.2.1 >"$D/new.txt"
	lists update
	lists status
	rm "$D/good.txt"
	run lists status
	[ "$status" -eq 1 ]
	[[ $output == *"good: cannot be compiled: $D/good.txt: No such file"* ]]
}

@test "lists: one that is empty on purpose is taken if MinEntries=0 says so" {
	list a block < <(seq -f '192.0.2.%.0f' 1 10)
	lists build
	: >"$D/a.txt"
	run lists build
	[ "$status" -eq 100 ]
	[[ $output == *"0 entries instead of 10"*"set MinEntries=0"* ]]
	echo MinEntries=0 >>"$D/lists.d/a.conf"
	lists build
	run lists query 192.0.2.1
	[ "$status" -eq 1 ]
	lists status
}

@test "lists: FireHOL level 1 as a file is read, and the advice is AllowPrivate=no" {
	printf '%s\n' '# firehol_level1' 0.0.0.0/8 10.0.0.0/8 127.0.0.0/8 \
		192.0.2.0/24 224.0.0.0/3 198.51.100.0/24 | list firehol_level1 block
	run lists build
	[ "$status" -eq 0 ]
	[[ $output == *"line 6: 224.0.0.0/3 is wider than /8"*"AllowPrivate=no"* ]]
	[[ $output != *AllowWide* ]]
	lists query 198.51.100.7 | grep '^firehol_level1'
	echo AllowPrivate=no >>"$D/lists.d/firehol_level1.conf"
	run lists build
	[[ $output != *"left out, see MaxBadLines="* ]]
}

@test "lists: DROP ends with its metadata record, and with no other" {
	good_build
	list drop block <<-'END'
		{"cidr":"1.10.16.0/20","sblid":"SBL256894"}
		{"type":"error","message":"too many requests"}
	END
	run lists build
	[ "$status" -eq 100 ]
	[[ $output == *'drop.txt:2: a record of type "error" instead of an entry'* ]]
	list drop block <<<'{"type":"error","message":"denied"}'
	run lists build
	[ "$status" -eq 100 ]
	list drop block <<<'{"type":1}'
	run lists build
	[ "$status" -eq 100 ]
	nothing_changed
	# A bad record is a bad line; the end counts it.
	{
		echo '{"cidr":"1.10.16.0/99"}'
		seq -f '{"cidr":"192.0.2.%.0f"}' 1 200
		echo '{"type":"metadata","records":201}'
	} | list drop block
	lists build
	lists query 192.0.2.200
}

@test "lists: what is shipped compiles as it is installed" {
	cp "$ROOT"/data/lists.d/*.conf "$D/lists.d"
	cp "$ROOT"/data/seed/local-*.txt "$D"
	run lists build
	[ "$status" -eq 0 ]
	[[ $output == *"compiled 2 lists with 0 entries"* ]]
	echo 127.0.0.9 >>"$D/local-block.txt"
	lists build
	: >"$D/local-block.txt"
	lists build
	run lists query 127.0.0.9
	[ "$status" -eq 1 ]
}

@test "lists: the demo's lists give the loopback addresses their roles" {
	list demo-block block <"$ROOT/data/seed/demo-block.txt"
	list demo-allow allow <"$ROOT/data/seed/demo-allow.txt"
	lists build
	[ "$(lists query 127.0.0.4)" = "demo-block	block	127.0.0.4/32" ]
	[ "$(lists query 127.0.0.2)" = "demo-allow	allow	127.0.0.2/32" ]
}

@test "lists: a command that is none, or has too much or too little, exits 100" {
	local args
	for args in "" "compile" "query" "query ::1 ::2" "build now"; do
		# shellcheck disable=SC2086
		run lists $args
		[ "$status" -eq 100 ]
	done
}

@test "lists: every option of --help is in the manual pages" {
	local option key
	lists --help >"$D/help"
	mandoc -Tascii "$ROOT/bin/tarpit-lists/tarpit-lists.8" | col -b >"$D/page"
	mandoc -Tascii "$ROOT/bin/tarpit-lists/tarpit-lists.conf.5" |
		col -b >"$D/conf"
	grep -oE '^  --[a-z-]+' "$D/help" >"$D/options"
	[ "$(wc -l <"$D/options")" -ge 5 ]
	while read -r option; do
		grep -qe "$option" "$D/page"
	done <"$D/options"
	{
		grep -oE '\[Lists\] [A-Za-z]+' "$D/help" | cut -d' ' -f2
		# The keys of each list's own file are not in --help.
		grep -oE '"[A-Z][A-Za-z]+", (ENUM|STRING|TIME|INT|CUSTOM|SIZE|BOOL)' \
			"$ROOT/bin/tarpit-lists/config.c" | cut -d'"' -f2
	} >"$D/keys"
	[ "$(wc -l <"$D/keys")" -eq 21 ]
	while read -r key; do
		grep -q "$key=" "$D/conf"
	done <"$D/keys"
}

@test "lists: the manual pages are clean" {
	mandoc -Tlint -Wwarning "$ROOT/bin/tarpit-lists/tarpit-lists.8" \
		"$ROOT/bin/tarpit-lists/tarpit-lists.conf.5"
}
