#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The clients of the world through the throttle lane at its slowest and with
# default limits: messages of 1 KB, 100 KB and 10 MB by each, all at the same
# time, to a real Postfix.

load ../helpers/common
load ../helpers/daemon
load ../helpers/smtp
load ../helpers/tarpitd
load ../helpers/postfix

SIZES=(1000 100000 10000000)
# Each one has an address of its own, 127.0.5.N.
CLIENTS=(postfix exim sendmail opensmtpd msmtp swaks curl smtplib nodemailer)
MAILERS=$ROOT/build/mta

setup_file() {
	postfix_setup
	tarpitd_setup
	BACKEND=$(free_port)
	shipped_listener "$BACKEND" >>"$POSTFIX/etc/master.cf"
	postconf -c "$POSTFIX/etc" message_size_limit=20000000
	policy '* action=throttle rate=5 patience=25 score=100 reason=test'
	postfix_start
	tarpitd Backend=127.0.0.1:"$BACKEND"
	wait_for_notify tarpitd '1 free'
	start_clients
	export MAIL POSTFIX
}

setup() {
	DAEMONS=$BATS_FILE_TMPDIR
}

teardown_file() {
	stop_daemons
	postfix_remove
}

# What cannot be installed here is skipped, and says so in NAME.missing.
start_clients() {
	local client n=0
	for client in "${CLIENTS[@]}"; do
		n=$((n + 1))
		messages_of "$client"
		"start_$client" 127.0.5.$n "${SIZES[@]/#/$DAEMONS/$client/}"
	done
}

# One a size, whose body is not like any other's.
messages_of() {
	local size
	mkdir "$DAEMONS/$1"
	for size in "${SIZES[@]}"; do
		{
			printf '%s\n' "From: $1@client.test" To:u@mx.test \
				"Subject: $1-$size" "Message-ID: <$1-$size@test>" \
				'Date: Sun, 1 Jan 2023 00:00:00 +0000' ''
			head -c "$size" /dev/urandom | base64 | head -c "$size"
			echo
		} >"$DAEMONS/$1/$size"
	done
}

# The mail servers that put each other out: unpacked, not installed.
start_unpacked() {
	local client=$1 source=$2
	shift 2
	"$ROOT/tests/helpers/packages" --unpack "$MAILERS/$client" "$client" \
		>"$DAEMONS/$client.log" 2>&1 || {
		cp "$DAEMONS/$client.log" "$DAEMONS/$client.missing"
		return 0
	}
	start_in_layer "$client" "$MAILERS/$client" "$source" "$@"
}

start_in_layer() {
	start_daemon "$1" "$ROOT/tests/helpers/with-layer" "$DAEMONS/$1" "$2" \
		"$ROOT/tests/clients/$1" "$3" "$PORT" "${@:4}"
}

start_exim() { start_unpacked exim "$@"; }
start_sendmail() { start_unpacked sendmail "$@"; }
start_opensmtpd() { start_unpacked opensmtpd "$@"; }

start_postfix() {
	mkdir "$DAEMONS/no-layer"
	start_in_layer postfix "$DAEMONS/no-layer" "$@"
}

start_nodemailer() {
	command -v node >/dev/null || {
		echo "no node" >"$DAEMONS/nodemailer.missing"
		return 0
	}
	start_daemon nodemailer env NODE_PATH=/usr/share/nodejs \
		"$ROOT/tests/clients/nodemailer" "$1" "$PORT" "${@:2}"
}

start_smtplib() {
	start_daemon smtplib "$ROOT/tests/clients/smtplib" "$1" "$PORT" "${@:2}"
}

start_msmtp() {
	local file
	for file in "${@:2}"; do
		start_daemon -i "$file" "msmtp-${file##*/}" msmtp \
			--source-ip="$1" --host=127.0.0.1 --port="$PORT" \
			--from=msmtp@client.test u@mx.test
	done
}

# It ends the message with a line end of its own.
start_swaks() {
	local file
	for file in "${@:2}"; do
		head -c -1 "$file" >"$file.data"
		start_daemon "swaks-${file##*/}" swaks --server "$AT" \
			--local-interface "$1" --helo swaks.test \
			--from swaks@client.test --to u@mx.test \
			--silent 2 --data "@$file.data"
	done
}

# Without --crlf it would send bare line feeds, which are refused.
start_curl() {
	local file
	for file in "${@:2}"; do
		start_daemon "curl-${file##*/}" curl -sS --crlf --interface "$1" \
			--mail-from curl@client.test --mail-rcpt u@mx.test \
			--upload-file "$file" "smtp://$AT/curl.test"
	done
}

# delivered CLIENT SIZE: the files in the Maildir.  Only headers are read.
delivered() {
	awk -v line="Subject: $1-$2" '/^$/ { nextfile }
		$0 == line { print FILENAME; found = 1; nextfile }
		END { exit !found }' "$MAIL"/new/*
}

# What follows the header, of a message with either line end.
body_of() {
	tr -d '\r' <"$1" | sed '1,/^$/d' | sha256sum
}

# delivers CLIENT: each of its messages once, and as it was.
delivers() {
	local size
	[ ! -e "$DAEMONS/$1.missing" ] ||
		skip "$1: $(tail -n 1 "$DAEMONS/$1.missing")"
	for size in "${SIZES[@]}"; do
		wait_until -t 200 "delivered $1 $size >/dev/null 2>&1" || {
			show_log tarpitd
			tail -n 50 "$DAEMONS/$1"*.log "$DAEMONS/$1/"*log >&2
			return 1
		}
	done
	for size in "${SIZES[@]}"; do
		[ "$(delivered "$1" "$size" | wc -l)" = 1 ]
		[ "$(body_of "$(delivered "$1" "$size")")" = \
			"$(body_of "$DAEMONS/$1/$size")" ]
	done
}

@test "clients: Postfix delivers 1 KB, 100 KB and 10 MB" {
	delivers postfix
}

@test "clients: Exim delivers 1 KB, 100 KB and 10 MB" {
	delivers exim
}

@test "clients: sendmail delivers 1 KB, 100 KB and 10 MB" {
	delivers sendmail
}

@test "clients: OpenSMTPD delivers 1 KB, 100 KB and 10 MB" {
	delivers opensmtpd
}

@test "clients: msmtp delivers 1 KB, 100 KB and 10 MB" {
	delivers msmtp
}

@test "clients: swaks delivers 1 KB, 100 KB and 10 MB" {
	delivers swaks
}

@test "clients: curl delivers 1 KB, 100 KB and 10 MB" {
	delivers curl
}

@test "clients: smtplib with 30 s of patience delivers 1 KB, 100 KB and 10 MB" {
	delivers smtplib
}

@test "clients: nodemailer delivers 1 KB, 100 KB and 10 MB" {
	delivers nodemailer
}
