#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Passwords and tokens of lists and databases: they get to the server that they
# are for, and nowhere else.

load ../helpers/common
load ../helpers/daemon
load ../helpers/web

setup() {
	unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY
	D=$BATS_TEST_TMPDIR
	mkdir "$D/lists.d" "$D/var" "$D/www"
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
	HOST=${WEB#https://}
	echo 192.0.2.1 >"$D/www/list.txt"
	mkdir "$D/www/mine"
	echo 192.0.2.2 >"$D/www/mine/list.txt"
	: >"$D/said"
}

teardown() {
	stop_daemons
}

# What is said is kept, for no_secrets to look at.
lists() {
	"$BUILD/tarpit-lists" --config "$D/tarpit-lists.conf" "$@" \
		> >(tee -a "$D/said") 2> >(tee -a "$D/said" >&2)
}

# source NAME SOURCE [KEY=VALUE]...
source_of() {
	printf '%s\n' "[List]" "Source=$2" "${@:3}" >"$D/lists.d/$1.conf"
	chmod 640 "$D/lists.d/$1.conf"
	touch -d '1 hour ago' "$D/lists.d/$1.conf"
}

again() {
	sed -i 's/^tried=.*/tried=1/' "$D"/var/lists/*.state
}

# Neither in what was said, nor in what is kept, in anything that goes elsewhere.
no_secrets() {
	lists status || true
	! grep -rE 's3cr3t|t0k3n|h3ad3r|s3%63r3t' "$D/var" "$D/said" "$D/other"
}

@test "secrets: user and password in a URL are sent, and shown nowhere" {
	source_of a "https://me:s3cr3t@$HOST/mine/list.txt"
	run lists update
	[ "$status" -eq 0 ]
	[[ $output == *"fetched https://$HOST/mine/list.txt: 1 entries"* ]]
	lists query 192.0.2.2
	lists status | grep "https://$HOST/mine/list.txt"
	no_secrets
	# Nor when it fails: wrong, missing, no server, no such name.
	source_of a "https://me:s3cr3tX@$HOST/mine/list.txt"
	run lists update
	[[ $output == *"https://$HOST/mine/list.txt: HTTP status 401"* ]]
	source_of a "https://me:s3cr3t@127.0.0.1:1/x"
	run lists update
	[[ $output == *"https://127.0.0.1:1/x: "*onnect* ]]
	source_of a "https://me:s3cr3t@no-such-name.invalid/x"
	run lists update
	[ "$status" -eq 111 ]
	source_of a "https://me:s3%63r3t@$HOST/nothing"
	run lists update
	[[ $output == *"HTTP status 404"* ]]
	no_secrets
}

@test "secrets: tokens in a query and fragments are shown nowhere" {
	source_of a "$WEB/token?token=t0k3n"
	source_of b "$WEB/list.txt?x=1&key=t0k3n#s3cr3t"
	run lists update
	[ "$status" -eq 0 ]
	[[ $output == *"fetched $WEB/token?...: 1 entries"* ]]
	echo '<html>' >"$D/www/list.txt"
	again
	run lists update
	[ "$status" -eq 100 ]
	[[ $output == *"$WEB/token?...:1: "* ]]
	no_secrets
	# Two that differ in what is not shown are two.
	echo 192.0.2.9 >"$D/www/list.txt"
	source_of b "$WEB/list.txt?x=2&key=t0k3n"
	lists update
	lists query 192.0.2.9
	no_secrets
}

@test "secrets: a URL that is written wrong is not shown either" {
	local url
	for url in "ftp://me:s3cr3t@$HOST/list" "me:s3cr3t@$HOST/list" \
		"https:/me:s3cr3t@$HOST/list" "HTTPS//me:s3cr3t@$HOST/l"; do
		source_of a "$url"
		run lists --check-config
		echo "$url: $output"
		[ "$status" -eq 100 ]
		[[ $output == *a.conf*Source=* ]]
	done
	# Slashes and the like in a password: the name of the server is a part
	# of it.
	for url in "https://me:s3cr3t/x@$HOST/list" "https://me:12#s3cr3t@h/l" \
		"https://me:12/s3cr3t@h/l" "https://me:s3cr3t@[::1/x" \
		"https://me:s3cr3t?@$HOST/l" "https://me:s3cr3t@h:99999/x" \
		"https://me:s3cr3t@/x" "https://me:s3cr3t@h h/x"; do
		source_of a "$url"
		run lists update
		[ "$status" -ne 0 ]
	done
	printf '[List]\nSource=https://me:s3cr3t@h/%01100d\n' 1 \
		>"$D/lists.d/a.conf"
	run lists --check-config
	[ "$status" -eq 100 ]
	no_secrets
}

@test "secrets: from files, which others must not be able to read" {
	printf 'machine other.example login x password y\n# s3cr3t\nmachine 127.0.0.1\n\tlogin me\n\tpassword "s3cr3t"\n' \
		>"$D/netrc"
	printf '# not a header:\nX-Api-Key: h3ad3r\n' >"$D/headers"
	chmod 644 "$D/netrc"
	source_of a "$WEB/mine/list.txt" Credentials=netrc
	run lists update
	[ "$status" -eq 100 ]
	[[ $output == *"Credentials=: the file can be read or written by everybody"* ]]
	chmod 640 "$D/netrc" "$D/headers"
	again
	lists update
	lists query 192.0.2.2
	source_of b "$WEB/header" "Header=$D/headers"
	run lists update
	[ "$status" -eq 100 ]
	[[ $output == *'Header=: a line of the file is not "Name: value"'* ]]
	sed -i 1d "$D/headers"
	again
	lists update
	lists query 192.0.2.1
	echo 'me:s3cr3t' >"$D/netrc"
	again
	lists --force update
	printf 'default login me password s3cr3t\n' >"$D/netrc"
	lists --force update
	printf 'machine h login me password s3cr3t\n' >"$D/netrc"
	run lists --force update
	[[ $output == *"Credentials=: the file has no password for this host"* ]]
	rm "$D/netrc"
	run lists --force update
	[[ $output == *"Credentials=: No such file or directory"* ]]
	no_secrets
}

@test "secrets: who writes the secret where its file belongs is told so" {
	local key
	for key in 'Credentials=me:s3cr3t' 'Header=X-Api-Key: h3ad3r'; do
		source_of a "$WEB/list.txt" "$key"
		run lists --check-config
		[ "$status" -eq 100 ]
		[[ $output == *"name files"* ]]
	done
	source_of a "$WEB/mine/list.txt" Credentials=s3cr3t
	run lists update
	[ "$status" -eq 100 ]
	source_of a "list.txt" Credentials=netrc
	run lists --check-config
	[[ $output == *"are for URLs"* ]]
	no_secrets
}

@test "secrets: a redirect takes none of them to another server" {
	local dir=$D/www/mine
	printf 'me:s3cr3t\n' >"$D/password"
	printf 'X-Api-Key: h3ad3r\nCookie: h3ad3r\nAuthorization: Bearer t0k3n\n' \
		>"$D/headers"
	chmod 600 "$D/password" "$D/headers"
	source_of a "https://me:s3cr3t@$HOST/away?token=t0k3n"
	source_of b "$WEB/away" Credentials=password
	source_of c "$WEB/away" Header=headers
	run lists update
	[ "$status" -eq 0 ]
	[ "$(cat "$D/other")" = "[-|-|-|-|/list.txt]
[-|-|-|-|/list.txt]
[-|-|-|-|/list.txt]" ]
	no_secrets
}

@test "secrets: what is kept can be read by the owner only, from older versions too" {
	source_of a "https://me:s3cr3t@$HOST/mine/list.txt"
	umask 022
	mkdir "$D/var/lists"
	printf 'source=https://me:s3cr3t@%s/mine/list.txt\ntried=1\n' "$HOST" \
		>"$D/var/lists/a.state"
	echo 192.0.2.9 >"$D/var/lists/a.copy"
	lists update
	[ "$(stat -c %a "$D/var/lists/a.state")" = 600 ]
	[ "$(stat -c %a "$D/var/lists/a.copy")" = 600 ]
	# But for numbers, whatever the umask.
	umask 077
	again
	lists update
	[ "$(stat -c %a "$D/var/lists/a.times")" = 644 ]
	[ "$(sed 's/[0-9]*$//' "$D/var/lists/a.times" | xargs)" = \
		'tried= fetched= failures=' ]
	no_secrets
	# Another's eyes: the table without what they may not see.
	if [ "$(id -u)" -eq 0 ]; then
		chmod 755 "$D" "$BATS_RUN_TMPDIR" "$BATS_TEST_TMPDIR"/..
		chmod 644 "$D/lists.d/a.conf"
		run setpriv --reuid=65534 --clear-groups \
			"$BUILD/tarpit-lists" --config "$D/tarpit-lists.conf" \
			status
		[[ $output == *" ? "* ]]
		[[ $output == *"a: when it was fetched can be read by root"* ]]
	fi
}

@test "secrets: a configuration with a password that everybody can read is told of" {
	source_of a "https://me:s3cr3t@$HOST/mine/list.txt"
	chmod 644 "$D/lists.d/a.conf"
	run lists update
	[ "$status" -eq 0 ]
	[[ $output == *"$D/lists.d/a.conf has a secret in it and can be read by everybody"* ]]
	no_secrets
}

@test "secrets: those of geoip.conf are shown nowhere" {
	local line
	for line in "Country=https://me:s3cr3t@$HOST/x?token=t0k3n" \
		"Country=ftp://me:s3cr3t@$HOST/x" \
		"Asn=https://$HOST/x?license_key=t0k3n#h3ad3r" \
		"Country=me:s3cr3t@$HOST/x" "Country=https://me:s3cr3t@/x" \
		"Colour=s3cr3t" "Key=s3cr3t	x"; do
		printf '[GeoIp]\nCountryFile=%s\nAsnFile=%s\n%s\n' \
			"$D/var/c" "$D/var/a" "$line" >"$D/geoip.conf"
		run lists update
		echo "$line: $output"
		[ "$status" -ne 0 ]
	done
	printf '[GeoIp]\nServer=%s\nAccount=7\nKey=s3cr3t\nCountryFile=%s\nCountry=GeoLite2-Country\n' \
		"$WEB" "$D/var/c" >"$D/geoip.conf"
	chmod 644 "$D/geoip.conf"
	run lists update
	[[ $output == *"GeoLite2-Country: HTTP status 40"* ]]
	[[ $output == *"$D/geoip.conf has a secret in it"* ]]
	printf '[GeoIp]\nKey=s3cr3t\001\n' >"$D/geoip.conf"
	run lists update
	[ "$status" -eq 100 ]
	no_secrets
}
