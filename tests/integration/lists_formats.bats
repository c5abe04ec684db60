#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What administrators have lists in, told by its content, and compared with what
# the tools say that the formats are of.

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

# list FILE KIND [KEY=VALUE]...: compiles FILE, or standard input, as the list x.
list() {
	local file=$1 kind=$2
	shift 2
	if [ "$file" = - ]; then
		file=$D/list
		cat >"$file"
	fi
	printf '%s\n' "[List]" "Kind=$kind" "Source=$file" AllowWide=yes \
		MaxShrink=100% "$@" \
		>"$D/lists.d/x.conf"
	lists build
}

# The networks that the list has for each address: "ADDRESS=NETWORK", or "-".
hits() {
	local address
	for address; do
		printf '%s=%s ' "$address" \
			"$(lists query "$address" | cut -f3 | sed 's/.* is in.*/-/')"
	done | sed 's/ $//'
}

# Whether exactly these of the addresses are in the list.
in_list() {
	local address r
	for address; do
		r=0
		lists query "${address#!}" >/dev/null || r=$?
		[ "$address" = "${address#!}" ] || r=$((1 - r))
		[ "$r" = 0 ] || { echo "wrong: $address"; return 1; }
	done
}

@test "formats: a Postfix table, for a block list and for an allow list" {
	cat >"$D/table" <<-END
		# the first match counts
		192.0.2.7	permit
		192.0.2.8	OK
		192.0.2.9	DUNNO
		192.0.2.0/24	REJECT spam # and more
		192.0.2.0/25	OK
		198.51.100.0/24
		    554 5.7.1 on a line
		    of its own
		[2001:db8::]/32	reject
		203.0.113.1	PREPEND X-Seen: yes
		203.0.113.0/24	DEFER_IF_PERMIT
		10.0.0.0/8	1234567
	END
	list "$D/table" block
	in_list 192.0.2.1 '!192.0.2.7' '!192.0.2.8' '!192.0.2.9' 192.0.2.10 \
		198.51.100.3 2001:db8::1 '!203.0.113.1' 203.0.113.2 '!10.1.1.1'
	[ "$(hits 198.51.100.3)" = 198.51.100.3=198.51.100.0/24 ]
	list "$D/table" allow
	in_list '!192.0.2.1' 192.0.2.7 192.0.2.8 '!192.0.2.9' '!192.0.2.10' \
		'!198.51.100.3' '!2001:db8::1' 10.1.1.1
}

@test "formats: a Postfix table says what Postfix says" {
	cat >"$D/table" <<-END
		if 192.0.2.0/24
		192.0.2.16/28 OK
		if !192.0.2.128/25
		0.0.0.0/0 REJECT low
		endif
		192.0.2.200 dunno
		192.0.2.192/26 REJECT
		endif
		!192.0.0.0/4 REJECT far
		2001:db8:1::/48 OK
		!2001:db8::/32 REJECT
		2001:db8::/33 REJECT
		192.0.2.0/23 REJECT
	END
	list "$D/table" block Format=postfix-cidr
	local i address addresses said
	mkdir "$D/postfix"
	: >"$D/postfix/main.cf"
	for i in 0 1 15 16 31 32 127 128 191 192 199 200 201 255; do
		addresses+=" 192.0.2.$i"
	done
	for address in $addresses 192.0.3.1 192.0.1.1 191.1.1.1 207.255.255.255 \
		208.0.0.0 8.8.8.8 2001:db8::1 2001:db8:1::1 2001:db8:8000::1 \
		2001:db9::1 ::1; do
		said=$(/usr/sbin/postmap -c "$D/postfix" -q "$address" \
			"cidr:$D/table" || true)
		if [[ $said == REJECT* ]]; then
			in_list "$address"
		else
			in_list "!$address"
		fi
	done
}

@test "formats: bad lines of a Postfix table leave themselves out" {
	{
		seq -f '192.0.2.%.0f REJECT' 1 250
		printf '198.51.100.1 greylist\n198.51.100.2\n198.51.100.3 REJECT\n'
	} >"$D/table"
	run list "$D/table" block MaxBadLines=2
	[ "$status" -eq 0 ]
	[[ $output == *"$D/table:251: 2 lines are left out"*'line 251: "greylist" is no action'*'line 252: no action after the network'* ]]
	in_list 192.0.2.250 '!198.51.100.1' '!198.51.100.2' 198.51.100.3
	run list - block <<<'endif'
	[ "$status" -eq 100 ]
	run list - block <<<'192.0.2.1 554'
	[ "$status" -eq 100 ]
	[[ $output == *"it could be ipsum or postfix-cidr; say so with Format="* ]]
}

@test "formats: zones of rbldnsd" {
	list - block <<-'END'
		$SOA 3000 ns.example.org admin.example.org 0 600 300 86400 300
		$NS 3000 ns.example.org
		:127.0.0.2:Listed, see https://example.org/$
		# a comment
		192.0.2.0/24
		!192.0.2.7
		! 192.0.2.16/28
		192.0.2.20 :127.0.0.3:in again
		198.51.100
		203.0.113.5-9 :3:
		203.0.113.20-203.0.113.22
		10.1.2-4
		172.16/12 some text
		2001:db8::/32
		!2001:db8:1::/48
	END
	in_list 192.0.2.1 '!192.0.2.7' '!192.0.2.17' 192.0.2.20 198.51.100.200 \
		203.0.113.5 203.0.113.9 '!203.0.113.10' 203.0.113.21 \
		'!10.1.1.255' 10.1.2.0 10.1.4.255 '!10.1.5.0' 172.31.1.1 \
		2001:db8::1 '!2001:db8:1::1'
	# A plain list until a line says which.
	{
		seq -f '192.0.2.%.0f' 1 200
		echo '!192.0.2.7'
	} | list - block
	in_list 192.0.2.200 192.0.2.8
}

@test "formats: data sets of names in a zone are stepped over" {
	run list - block <<-'END'
		$DATASET dnset:urls @
		example.org
		10.0.0.1
		$DATASET ip4set:ips @
		192.0.2.1
	END
	[ "$status" -eq 0 ]
	[[ $output == *"2 keys or lines are no addresses"* ]]
	in_list 192.0.2.1 '!10.0.0.1'
	# A data set needs no name.
	list - block <<-'END'
		$DATASET dnset @
		example.org
		$DATASET ip4set @
		192.0.2.1
		$DATASET ip4set6 @
		192.0.2.2
	END
	in_list 192.0.2.1 '!192.0.2.2'
}

@test "formats: DShield" {
	printf '%s\n' '# DShield.org Recommended Block List' \
		$'Start\tEnd\tNetmask\tAttacks\tName\tCountry\temail' \
		$'192.0.2.0\t192.0.2.255\t24\t5120\tEXAMPLE, Inc.\tUS\tabuse@example.org' \
		$'198.51.100.0\t198.51.100.255\t24\t77' | list - block
	[ "$(hits 192.0.2.9 198.51.100.255 198.51.101.0)" = \
		"192.0.2.9=192.0.2.0/24 198.51.100.255=198.51.100.0/24 198.51.101.0=-" ]
}

@test "formats: numbers of autonomous systems, as text and in a column" {
	printf 'AS64496\n174\n# x\nas64497 Example Networks, Inc\nAS64498 ; US\n' |
		list - block
	in_list AS64496 AS174 AS64497 AS64498 '!AS64499'
	printf '174\n' | list - block
	in_list AS174
	printf 'ASN,Entity\n174,"Cogent, or so"\n"64496","x"\n' | list - block
	in_list AS174 AS64496
	printf 'name;number\nx;174\ny;AS64496\n' | list - block Column=number
	in_list AS174 AS64496
	run list - block <<<$'AS0\nAS4294967296\nAS\n-1'
	[ "$status" -eq 100 ]
}

@test "formats: a column of a CSV or TSV file, by number, name, or where the addresses are" {
	printf 'id,"address, or so",n\n1,"192.0.2.1",7\n2, 198.51.100.0/24 ,8\n' \
		>"$D/a.csv"
	list "$D/a.csv" block
	in_list 192.0.2.1 198.51.100.9
	list "$D/a.csv" block Column=2
	in_list 192.0.2.1 198.51.100.9
	list "$D/a.csv" block "Column=Address, or so"
	in_list 192.0.2.1
	run list "$D/a.csv" block Column=country
	[ "$status" -eq 100 ]
	[[ $output == *"no column has the name of Column=country"* ]]
	run list "$D/a.csv" block Column=1
	[ "$status" -eq 100 ]
	printf '# "first","dst_ip","port"\n"x","192.0.2.3","80"\n"y","192.0.2.4","81"\n' |
		list - block Column=dst_ip
	in_list 192.0.2.4
	printf 'from\tto\n192.0.2.1\t198.51.100.1\n192.0.2.2\t198.51.100.2\n' \
		>"$D/two.tsv"
	run list "$D/two.tsv" block
	[ "$status" -eq 100 ]
	[[ $output == *"more than one column has addresses; say which with Column="* ]]
	list "$D/two.tsv" block Column=to
	in_list 198.51.100.2 '!192.0.2.2'
	printf 'x,192.0.2.0-192.0.2.9\ny,192.0.2.20\n' | list - block
	in_list 192.0.2.9 192.0.2.20
	printf '"192.0.2.1"\n"198.51.100.0/24"\n' | list - block
	in_list 192.0.2.1 198.51.100.9
}

@test "formats: two columns that begin and end ranges" {
	printf '%s\n' 'start,end,cc' '"192.0.2.0","192.0.2.255","DE"' \
		198.51.100.8,198.51.100.19,DE 203.0.113.7,203.0.113.7,DE \
		2001:db8::,2001:db8::ff,FR | list - block
	in_list 192.0.2.200 198.51.100.19 203.0.113.7 2001:db8::fe \
		'!198.51.100.20' '!203.0.113.8' '!2001:db8::100'
	# Backwards in one line of many: that one is left out.
	{
		seq -f 'x;192.0.2.%.0f;192.0.2.200' 1 99
		echo 'x;198.51.100.9;198.51.100.1'
		echo 'x;198.51.100.9'
	} >"$D/back.csv"
	run list "$D/back.csv" block MaxBadLines=1
	[ "$status" -eq 100 ]
	[[ $output == *'"198.51.100.9" and "198.51.100.1" are no ends of a range'* ]]
	run list "$D/back.csv" block MaxBadLines=2
	[ "$status" -eq 0 ]
	[[ $output == *'2 lines are left out'* ]]
	in_list 192.0.2.150 '!198.51.100.9'
	# What two columns have besides is said, and no range is guessed.
	printf '192.0.2.9,192.0.2.1\n192.0.2.1,192.0.2.9\n' >"$D/pairs.csv"
	run list "$D/pairs.csv" block
	[ "$status" -eq 100 ]
	[[ $output == *"more than one column has addresses"* ]]
	list "$D/pairs.csv" block Column=2
	in_list 192.0.2.9 '!192.0.2.5'
}

@test "formats: addresses as whole numbers are not taken for autonomous systems" {
	printf '"16777216","16777471","US"\n"3221225984","3221226239","DE"\n' \
		>"$D/numbers.csv"
	run list "$D/numbers.csv" block
	[ "$status" -eq 100 ]
	[[ $output == *"is no address or prefix"* ]]
	printf '64496\n4200000000\nAS16777216\n' | list - block
	[ "$("$BUILD/tarpit-lists" --config "$D/tarpit-lists.conf" status |
		grep -c ' 3 ')" -ge 1 ]
}

@test "formats: PeerGuardian" {
	printf '%s\n' '# list' 'Example: a, b:192.0.2.1-192.0.2.9' \
		'x:198.51.100.0-198.51.100.255' | list - block
	in_list 192.0.2.9 '!192.0.2.10' 198.51.100.1
}

@test "formats: sets of ipset and nft" {
	list - block <<-'END'
		create bad hash:net family inet hashsize 1024 maxelem 65536 comment
		add bad 192.0.2.0/24 timeout 0 comment "a nomatch"
		add bad 192.0.2.7 nomatch
		add bad 198.51.100.1-198.51.100.9
		create ports hash:ip,port family inet
		add ports 203.0.113.1,tcp:25
		create six hash:net family inet6
		add six 2001:db8::/32
	END
	in_list 192.0.2.1 '!192.0.2.7' 198.51.100.9 '!203.0.113.1' 2001:db8::1
	list - block <<-'END'
		table inet filter {
			set bad {
				type ipv4_addr
				flags interval,timeout
				elements = { 192.0.2.0/24, 198.51.100.1-198.51.100.9 timeout 1h expires 59m58s,
					     203.0.113.1 comment "x, 8.8.8.8 }", 203.0.113.2 counter packets 0 bytes 0 }
			}
			set six { type ipv6_addr; elements = { 2001:db8::/32 } }
			set pairs {
				type ipv4_addr . inet_service
				elements = { 203.0.113.77 . 25 }
			}
			chain input {
				ip saddr 203.0.113.99 drop
			}
		}
	END
	in_list 192.0.2.1 198.51.100.9 203.0.113.1 203.0.113.2 2001:db8::1 \
		'!203.0.113.77' '!203.0.113.99' '!8.8.8.8'
	list - block <<-'END'
		#!/usr/sbin/nft -f
		define bad = {
			192.0.2.1, # one
			192.0.2.2
		}
		add element inet filter bad { 198.51.100.1,
			198.51.100.2 }
	END
	in_list 192.0.2.1 192.0.2.2 198.51.100.1 198.51.100.2
	run list - block <<<'add element inet filter bad { 198.51.100.1,'
	[ "$status" -eq 100 ]
	[[ $output == *"the elements have no end: the file was cut short"* ]]
}

@test "formats: gzip is unpacked, what else is packed is called by its name" {
	seq -f '192.0.2.%.0f' 1 200 >"$D/plain"
	{ head -100 "$D/plain" | gzip; tail -100 "$D/plain" | gzip; } >"$D/list.gz"
	list "$D/list.gz" block
	in_list 192.0.2.1 192.0.2.200
	head -c 200 "$D/list.gz" >"$D/cut.gz"
	run list "$D/cut.gz" block
	[ "$status" -eq 100 ]
	[[ $output == *"$D/cut.gz: damaged gzip file, or cut short"* ]]
	head -c 300000000 /dev/zero | gzip -1 >"$D/bomb.gz"
	run list "$D/bomb.gz" block
	[ "$status" -eq 100 ]
	[[ $output == *"too large when unpacked"* ]]
	local packer
	for packer in bzip2 xz; do
		"$packer" -c "$D/plain" >"$D/list.$packer"
		run list "$D/list.$packer" block
		[ "$status" -eq 100 ]
		[[ $output == *"$packer"* ]]
	done
	iconv -t UTF-16 "$D/plain" >"$D/wide"
	run list "$D/wide" block
	[ "$status" -eq 100 ]
	[[ $output == *"UTF-16"* ]]
	iconv -t UTF-16BE "$D/plain" >"$D/wide"
	run list "$D/wide" block
	[[ $output == *"UTF-16"* ]]
	head -c 10000 /dev/urandom >"$D/noise"
	run list "$D/noise" block
	[ "$status" -eq 100 ]
}

@test "formats: line ends, marks and spaces of all kinds" {
	printf '\xef\xbb\xbf192.0.2.1\r\n\xc2\xa0192.0.2.2\xc2\xa0 # x\r\n192.0.2.3\xe2\x80\x8b\r\n' |
		list - block
	in_list 192.0.2.1 192.0.2.2 192.0.2.3
	printf '192.0.2.1\r192.0.2.2\r' | list - block
	in_list 192.0.2.1 192.0.2.2
	{
		printf '# %05000d\n' 1
		echo 192.0.2.1
	} | list - block
	in_list 192.0.2.1
	run list - block <<<$'192.0.2.1\xa0'
	[ "$status" -eq 100 ]
	[[ $output == *'"192.0.2.1\xa0" is no address'* ]]
}

@test "formats: a million bytes without a line end, and NUL bytes, are told of" {
	{
		seq -f '192.0.2.%.0f' 1 250
		head -c 1000000 /dev/zero | tr '\0' x
		printf '\n192.0.2.251\0\n'
	} >"$D/odd"
	run list "$D/odd" block MaxBadLines=2
	[ "$status" -eq 0 ]
	[[ $output == *"line 251: line of more than 1024 bytes; line 252: NUL byte"* ]]
	in_list 192.0.2.250 '!192.0.2.251'
}

@test "formats: CDB files of tinycdb" {
	cat >"$D/text" <<-END
		192.0.2.1 1
		192.0.2.0/28 REJECT
		192.0.2.5 OK
		198.51.100.1-198.51.100.9 some reason
		2001:db8::/32
		AS64496 x
		mail.example.org REJECT
	END
	cdb -c -m "$D/bad.cdb" "$D/text"
	run list "$D/bad.cdb" block
	[ "$status" -eq 0 ]
	[[ $output == *"$D/bad.cdb:7: 1 keys or lines are no addresses"* ]]
	in_list 192.0.2.1 192.0.2.2 '!192.0.2.5' 198.51.100.9 2001:db8::1 AS64496
	list "$D/bad.cdb" allow
	in_list 192.0.2.1 '!192.0.2.2' 192.0.2.5 198.51.100.9
}

@test "formats: CDB files of tcprules" {
	cat >"$D/tcp.smtp" <<-'END'
		127.:allow,RELAYCLIENT=""
		192.0.2.:deny
		192.0.2.7:allow
		198.51.100.1-9:deny
		203.0.113.5:allow,RBLSMTPD="-Blocked"
		=.example.org:deny
		user@192.0.2.9:deny
		:allow
	END
	tcprules "$D/tcp.smtp.cdb" "$D/tcp.tmp" <"$D/tcp.smtp"
	list "$D/tcp.smtp.cdb" block
	in_list 192.0.2.1 '!192.0.2.7' 198.51.100.9 '!198.51.100.10' \
		203.0.113.5 '!127.0.0.1' '!8.8.8.8'
	list "$D/tcp.smtp.cdb" allow
	in_list '!192.0.2.1' 192.0.2.7 127.0.0.1 '!198.51.100.9' '!8.8.8.8'
}

@test "formats: CDB files of Postfix" {
	mkdir "$D/postfix"
	: >"$D/postfix/main.cf"
	cat >"$D/access" <<-END
		192.0.2	REJECT
		192.0.2.7	OK
		198.51.100.1	554 5.7.1 no
		2001:db8	REJECT
		2001:db8:0:1	DUNNO
		example.org	REJECT
	END
	local flag
	for flag in '' -N; do
		rm -f "$D/access.cdb"
		# shellcheck disable=SC2086
		/usr/sbin/postmap -c "$D/postfix" $flag "cdb:$D/access"
		list "$D/access.cdb" block
		in_list 192.0.2.1 '!192.0.2.7' 198.51.100.1 2001:db8::1 \
			'!2001:db8:0:1::1'
		list "$D/access.cdb" allow
		in_list 192.0.2.7 '!192.0.2.1'
	done
}

@test "formats: a CDB file in which records were replaced has what is left" {
	local flag
	for flag in -r -0; do
		printf '%s x\n' 192.0.2.1 192.0.2.2 192.0.2.1 192.0.2.3 |
			cdb -c -m "$flag" "$D/replaced.cdb"
		list "$D/replaced.cdb" block
		in_list 192.0.2.1 192.0.2.2 192.0.2.3 '!192.0.2.0'
	done
}

@test "formats: a damaged CDB file, and one of our own, are told of" {
	seq -f '192.0.2.%.0f x' 1 200 >"$D/text"
	cdb -c -m "$D/bad.cdb" "$D/text"
	list "$D/bad.cdb" block
	in_list 192.0.2.200
	cp "$D/var/lists.cdb" "$D/before.cdb"
	head -c 5000 "$D/bad.cdb" >"$D/cut.cdb"
	run list "$D/cut.cdb" block
	[ "$status" -eq 100 ]
	[[ $output == *"$D/cut.cdb: damaged CDB file, cut short: 5000 bytes instead of"* ]]
	local at
	cp "$D/bad.cdb" "$D/flipped.cdb"
	# A digit of a key; then a length.
	printf 9 | dd of="$D/flipped.cdb" bs=1 seek=2064 conv=notrunc 2>/dev/null
	run list "$D/flipped.cdb" block
	[ "$status" -eq 100 ]
	[[ $output == *"damaged CDB file: a hash table does not agree"* ]]
	printf '\377\377' | dd of="$D/flipped.cdb" bs=1 seek=2048 conv=notrunc 2>/dev/null
	run list "$D/flipped.cdb" block
	[ "$status" -eq 100 ]
	[[ $output == *"damaged CDB file: record 1 leaves it"* ]]
	# A place of a hash table that leads to another record.
	cp "$D/bad.cdb" "$D/moved.cdb"
	at=$(od -An -tu4 -j0 -N4 "$D/bad.cdb")
	printf '\1' | dd of="$D/moved.cdb" bs=1 seek=$((at + 4)) conv=notrunc 2>/dev/null
	cmp -s "$D/bad.cdb" "$D/moved.cdb" && return 1
	run list "$D/moved.cdb" block
	[ "$status" -eq 100 ]
	[[ $output == *"damaged CDB file: "*"the "*table* ]]
	cp "$D/before.cdb" "$D/ours.cdb"
	run list "$D/ours.cdb" block
	[ "$status" -eq 100 ]
	[[ $output == *"compiled by tarpit-lists itself"* ]]
	cmp "$D/before.cdb" "$D/var/lists.cdb"
	run list - block Format=cdb <<<192.0.2.1
	[ "$status" -eq 100 ]
	[[ $output == *"not a CDB file"* ]]
}
