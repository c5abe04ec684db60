#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Databases of countries and networks as their publishers make them, and what
# people have in their place.

load ../helpers/common
load ../helpers/daemon

setup() {
	dir=$BATS_TEST_TMPDIR
	socket=$dir/policy
	write_config country.CN=15 country.unknown=1 asn.64496=30 asn.unknown=2
}

teardown() {
	stop_daemons
}

write_config() {
	printf '%s\n' '[Data]' Lists= "Country=$dir/country.mmdb" \
		"Asn=$dir/asn.mmdb" History= '[Weights]' "$@" >"$dir/policy.conf"
}

mkmmdb() {
	"$BUILD/tests/helpers/mkmmdb" "$@"
}

# reason ADDRESS: from the files; what cannot be used is in $dir/errors.
reason() {
	"$BUILD/tarpitctl" --config "$dir/policy.conf" --offline --json \
		explain "$1" 2>"$dir/errors" |
		jq -r '[.facts[].fact | select(. != "history.none")] | sort | join(" ")'
}

start_policyd() {
	start_daemon -n policyd "$BUILD/tarpit-policyd" \
		--config "$dir/policy.conf" --listen "$socket"
	wait_for_notify policyd READY=1
}

@test "databases: a country wherever a publisher puts it" {
	local path
	rm -f "$dir/asn.mmdb"
	for path in country.iso_code country_code country country.code \
		countryCode country_iso_code country_short iso_code cc \
		location.country.iso_code location.country.code \
		location.country geo.country_code registered_country.iso_code; do
		mkmmdb "at:$path" "$dir/country.mmdb" 192.0.2.0/24=CN \
			198.51.100.0/24=cn
		echo "$path: $(reason 192.0.2.7), $(reason 198.51.100.7)"
		[ "$(reason 192.0.2.7)" = country.CN ]
		[ "$(reason 198.51.100.7)" = country.CN ]
	done
	mkmmdb at:country "$dir/country.mmdb" '192.0.2.0/24=China' \
		198.51.100.0/24=CN
	[ "$(reason 192.0.2.7)" = country.unknown ]
}

@test "databases: a network's number wherever a publisher puts it" {
	local path value
	for path in autonomous_system_number asn traits.autonomous_system_number \
		as_number as asn.number asn.asn as.number autonomous_system.number \
		connection.asn; do
		for value in '#64496' 64496 AS64496 as64496 'AS64496 Example Nets'; do
			mkmmdb "at:$path" "$dir/asn.mmdb" "192.0.2.0/24=$value"
			echo "$path=$value: $(reason 192.0.2.7)"
			[ "$(reason 192.0.2.7)" = asn.64496 ]
		done
	done
	for value in AS ASx 64496x 42949672960 4294967296 -1; do
		mkmmdb at:asn "$dir/asn.mmdb" "192.0.2.0/24=$value" \
			'198.51.100.0/24=#1'
		[ "$(reason 192.0.2.7)" = asn.unknown ]
	done
}

@test "databases: what begins with thousands of records without the field" {
	mkmmdb at:country.iso_code "$dir/country.mmdb" \
		10.{0..7}.{0..255}.0/24= 192.0.2.0/24=CN
	[ "$(reason 192.0.2.7)" = country.CN ]
	[ "$(reason 10.0.0.1)" = country.unknown ]
	mkmmdb at:country.iso_code "$dir/country.mmdb" 10.{0..7}.{0..255}.0/24=
	[ "$(reason 192.0.2.7)" = "" ]
	grep -q "no country code .*is it a database of countries?" \
		"$dir/errors"
}

@test "databases: of one kind of addresses only, nothing is said of the other" {
	mkmmdb country "$dir/country.mmdb" 2001:db8::/32=CN
	mkmmdb -4 asn "$dir/asn.mmdb" 192.0.2.0/24=64496
	[ "$(reason 2001:db8::7)" = country.CN ]
	[ "$(reason 2001:db9::7)" = country.unknown ]
	[ "$(reason 192.0.2.7)" = asn.64496 ]
	[ "$(reason 198.51.100.7)" = asn.unknown ]
	# In the other's shape, with loopback and the like, which have no value.
	mkmmdb at:country.iso_code "$dir/country.mmdb" 127.0.0.0/8= \
		2001:db8::/32=CN
	mkmmdb asn "$dir/asn.mmdb" 192.0.2.0/24=64496
	[ "$(reason 192.0.2.7)" = asn.64496 ]
	[ "$(reason 2001:db8::7)" = country.CN ]
	start_policyd
	wait_for_log policyd "Loaded $dir/country.mmdb: .*; it has IPv6 only, so nothing is said of IPv4 clients"
	wait_for_log policyd "Loaded $dir/asn.mmdb: .*; it has IPv4 only, so nothing is said of IPv6 clients"
}

@test "databases: codes that are no countries" {
	local code
	for code in EU ZZ AP A1 A2 O1 XX T1 QQ AA XZ eu zz -- - ''; do
		mkmmdb at:country.iso_code "$dir/country.mmdb" \
			"192.0.2.0/24=$code" 198.51.100.0/24=CN
		echo "$code: $(reason 192.0.2.7)"
		[ "$(reason 192.0.2.7)" = country.unknown ]
	done
	write_config country.XK=3 country.GB=4 country.EU=5
	mkmmdb country "$dir/country.mmdb" 192.0.2.0/24=XK 198.51.100.0/24=gb \
		203.0.113.0/24=EU
	[ "$(reason 192.0.2.7)" = country.XK ]
	[ "$(reason 198.51.100.7)" = country.GB ]
	[ "$(reason 203.0.113.7)" = country.unknown ]
	start_policyd
	wait_for_log policyd "EU is no country: the weight country.EU counts for nothing"
}

@test "databases: what is none is called by its name" {
	local file=$dir/country.mmdb whole
	check() {
		local expected=$1
		reason 192.0.2.7 >"$dir/reason"
		grep -qF "cannot use $file: $expected" "$dir/errors" || {
			cat "$dir/errors"
			return 1
		}
	}
	printf '\n<!DOCTYPE html><HTML><body>Sign in</body></html>' >"$file"
	check 'not a .mmdb file but an HTML page: fetch it again; does it need a login, a licence key'
	printf 'PK\003\004\024\000\000\000\010\000' >"$file"
	check 'not a .mmdb file but a zip archive: unpack it first (unzip)'
	echo x | gzip >"$file"
	check 'not a .mmdb file but a gzip file: unpack it first (gunzip)'
	tar -C "$dir" -cf "$dir/t" policy.conf && mv "$dir/t" "$file"
	check 'not a .mmdb file but a tar archive: unpack it first'
	printf '\3757zXZ\0\0' >"$file"
	check 'not a .mmdb file but an xz file'
	echo 'Invalid license key' >"$file"
	check 'not a .mmdb file but a message: "Invalid license key"'
	: >"$file"
	check 'empty: fetch it again'
	head -c 100000 /dev/zero >"$file"
	check 'not a .mmdb file but nothing but zero bytes: fetch it again'
	printf '1.0.0.0,1.0.0.255,AU\n1.0.1.0,1.0.3.255,CN\n' >"$file"
	check 'not a .mmdb file but a text of comma-separated values (CSV)'
	printf '1.0.0.0\t1.0.0.255\t13335\n' >"$file"
	check 'not a .mmdb file but a text of tab-separated values (TSV)'
	printf '\357\273\277{"error": "no"}' >"$file"
	check 'not a .mmdb file but a JSON text'
	printf '<?xml version="1.0"?><Error>AccessDenied</Error>' >"$file"
	check 'not a .mmdb file but an XML document: fetch it again'
	mkmmdb country "$dir/whole" 192.0.2.0/24=CN
	head -c 500 "$dir/whole" >"$file"
	check 'no metadata: truncated, or not a .mmdb file'
	tail -c +200 "$dir/whole" >"$file"
	check 'a pointer leads past the end'
}

@test "databases: an old one is warned about, once" {
	mkmmdb -e $(($(date +%s) - 61 * 86400)) country "$dir/country.mmdb" \
		192.0.2.0/24=CN
	mkmmdb -e $(($(date +%s) - 59 * 86400)) asn "$dir/asn.mmdb" \
		192.0.2.0/24=64496
	start_policyd
	wait_for_log policyd "Using $dir/country.mmdb, but country was built 61 d ago"
	mkmmdb country "$dir/next" 192.0.2.0/24=CN
	mv "$dir/next" "$dir/country.mmdb"
	wait_until '[ "$(grep -c "Loaded $dir/country.mmdb" "$dir/policyd.log")" = 2 ]' || {
		show_log policyd
		return 1
	}
	run grep -c 'event=data_warning' "$dir/policyd.log"
	[ "$output" = 1 ]
}
