#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# tarpit-lists update keeps the databases of countries and networks fresh.

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
	END
	start_web "$D"
	"$BUILD/tests/helpers/mkmmdb" country "$D/country.mmdb" 192.0.2.0/24=CN
	"$BUILD/tests/helpers/mkmmdb" asn "$D/asn.mmdb" 192.0.2.0/24=64497
}

teardown() {
	stop_daemons
}

lists() {
	"$BUILD/tarpit-lists" --config "$D/tarpit-lists.conf" "$@"
}

geoip() {
	printf '%s\n' "[GeoIp]" "CountryFile=$D/var/country.mmdb" \
		"AsnFile=$D/var/asn.mmdb" "$@" >"$D/geoip.conf"
}

again() {
	sed -i 's/^tried=.*/tried=1/' "$D"/var/lists/geoip.*.state
}

@test "geoip: any URL, packed or not; what is not due is not asked for" {
	gzip -c "$D/country.mmdb" >"$D/www/country.mmdb.gz"
	cp "$D/asn.mmdb" "$D/www"
	geoip "Country=$WEB/country.mmdb.gz" "Asn=$WEB/asn.mmdb"
	run lists update
	[ "$status" -eq 0 ]
	[[ $output == *"fetched $WEB/country.mmdb.gz: "*"list=geoip.country"* ]]
	cmp "$D/country.mmdb" "$D/var/country.mmdb"
	cmp "$D/asn.mmdb" "$D/var/asn.mmdb"
	[ "$(stat -c %a "$D/var/asn.mmdb")" = 644 ]
	run lists update
	[ -z "$output" ]
	[ "$(wc -l <"$D/access")" -eq 2 ]
	again
	run lists update
	[ -z "$output" ]
	[ "$(grep -c ^304 "$D/access")" -eq 2 ]
}

@test "geoip: MaxMind's edition by account and key, which a URL never sees" {
	local dir=$D/www/geoip/databases/GeoLite2-Country
	mkdir -p "$dir" "$D/tar/GeoLite2-Country_20261122"
	echo terms >"$D/tar/GeoLite2-Country_20261122/LICENSE.txt"
	cp "$D/country.mmdb" "$D/tar/GeoLite2-Country_20261122/GeoLite2-Country.mmdb"
	tar -C "$D/tar" -czf "$dir/download" GeoLite2-Country_20261122
	geoip "Server=$WEB" Account=7 Key=key Country=GeoLite2-Country
	lists update
	cmp "$D/country.mmdb" "$D/var/country.mmdb"
	geoip "Server=$WEB" Account=7 Key=wrong Country=GeoLite2-Country
	again
	run lists update
	[ "$status" -eq 111 ]
	[[ $output == *"HTTP status 401 (not allowed); its last good copy stands"* ]]
	[[ $output != *wrong* ]]
	geoip "Server=$WEB" Account=7 Key=key \
		"Country=$WEB/geoip/databases/GeoLite2-Country/download"
	run lists update
	[[ $output == *"HTTP status 401"* ]]
	cmp "$D/country.mmdb" "$D/var/country.mmdb"
}

# Each kind of tar has something before the database that is named like it.
@test "geoip: archives of all kinds: the database is known by its content" {
	local long archive d=$D/tar/GeoLite2_20261122
	long=$d/$(printf 'a-rather-long-name-%.0s' {1..8})
	mkdir -p "$d/a.mmdb" "$long"
	ln -s nowhere "$d/b.mmdb"
	echo 'no database' >"$d/c.mmdb"
	ln "$d/c.mmdb" "$d/d.mmdb"
	cp "$D/country.mmdb" "$d/e.mmdb"
	ln "$d/e.mmdb" "$d/f.mmdb"
	cp "$D/country.mmdb" "$long/x.mmdb"
	cp "$D/country.mmdb" "$D/tar/GeoIP.dat"
	pack() {
		tar -C "$D/tar" --sort=name -czf "$D/$1" "${@:2}"
	}
	pack posix --format=posix --pax-option=comment:=x GeoLite2_20261122
	pack gnu --format=gnu GeoLite2_20261122
	pack ustar --format=ustar GeoLite2_20261122/{a,b,c,d,e}.mmdb
	pack v7 --format=v7 GeoLite2_20261122/{a,b,c,d,e}.mmdb
	pack long-posix --format=posix "${long#"$D/tar/"}"
	pack long-gnu --format=gnu "${long#"$D/tar/"}"
	pack other-name GeoIP.dat
	gunzip <"$D/gnu" >"$D/unpacked"
	# As pigz -i and bgzip write it.
	{ head -c 1000 "$D/unpacked" | gzip && tail -c +1001 "$D/unpacked" | gzip; } >"$D/pieces"
	tar -tzf "$D/posix" >"$D/names"
	grep -q 'e.mmdb$' "$D/names"
	geoip "Country=$WEB/c"
	for archive in posix gnu ustar v7 long-posix long-gnu other-name \
		unpacked pieces; do
		cp "$D/$archive" "$D/www/c"
		rm -rf "$D/var/country.mmdb" "$D/var/lists"
		run lists update
		echo "$archive: $output"
		[ "$status" -eq 0 ]
		cmp "$D/country.mmdb" "$D/var/country.mmdb"
	done
}

@test "geoip: what tarpit-policyd could not use never takes its place" {
	cp "$D/country.mmdb" "$D/www/c"
	geoip "Country=$WEB/c"
	lists update
	local bad
	head -c 200 "$D/country.mmdb" >"$D/cut"
	"$BUILD/tests/helpers/mkmmdb" deep "$D/deep" 192.0.2.0/24=CN
	echo '<html>' >"$D/page"
	: >"$D/empty"
	gzip -c "$D/country.mmdb" | head -c 100 >"$D/half"
	head -c 300000000 /dev/zero | gzip -1 >"$D/bomb"
	tar -C "$D" -czf "$D/other" page
	for bad in cut deep page empty asn.mmdb half bomb other; do
		cp "$D/$bad" "$D/www/c"
		again
		run lists update
		echo "$bad: $output"
		[ "$status" -eq 100 ]
		[[ $output == *"list=geoip.country"* ]]
		[[ $output == *"its last good copy stands"* ]]
		cmp "$D/country.mmdb" "$D/var/country.mmdb"
		[ ! -e "$D/var/country.mmdb.tmp" ]
	done
}

@test "geoip: an edition without a key, and nonsense, are errors" {
	geoip Country=GeoLite2-Country
	run lists --check-config
	[ "$status" -eq 100 ]
	[[ $output == *"$D/geoip.conf: GeoLite2-Country needs Account= and Key="* ]]
	geoip 'Country=../x'
	run lists --check-config
	[ "$status" -eq 100 ]
	[[ $output == *"neither an https URL nor an edition"* ]]
	geoip Colour=red
	run lists update
	[ "$status" -eq 100 ]
}

@test "geoip: the shipped file is right, and every key is in the manual" {
	cp "$ROOT/bin/tarpit-lists/geoip.conf" "$D/geoip.conf"
	lists --check-config
	mandoc -Tlint -Wwarning "$ROOT/bin/tarpit-lists/geoip.conf.5"
	mandoc -Tascii "$ROOT/bin/tarpit-lists/geoip.conf.5" | col -b >"$D/page"
	local key
	while read -r key; do
		grep -q "$key=" "$D/page"
	done < <(grep -oE '(TEXT\(|\.key = )"[A-Z][A-Za-z]+"' \
		"$ROOT/bin/tarpit-lists/geoip.c" | cut -d'"' -f2)
	[ "$(grep -cE '(TEXT\(|\.key = )"' "$ROOT/bin/tarpit-lists/geoip.c")" -eq 8 ]
}
