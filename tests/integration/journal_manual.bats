#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# tarpit-journal(7): each of its queries, as it is printed, put to a journal
# with known sessions; and its lists of records and fields against the table.

load ../helpers/common

PAGE=$ROOT/bin/common/tarpit-journal.7
TO_JOURNAL=/lib/systemd/systemd-journal-remote

# printed SECTION: as it is read in a terminal.
printed() {
	mandoc -T ascii -O width=100 "$PAGE" | col -bx |
		sed -n "/^$1\$/,/^[A-Z]/p"
}

# query TITLE: the commands below it.
query() {
	printed QUERIES | awk -v title="   $1" '
		/^   [^ ]/ { on = $0 == title; next }
		on && /^           / { print substr($0, 12) }'
}

# ask TITLE: what they print about the known sessions, into $output.
ask() {
	query "$1" >"$BATS_TEST_TMPDIR/query"
	[ -s "$BATS_TEST_TMPDIR/query" ]
	cat "$BATS_TEST_TMPDIR/query"
	run bash -o pipefail -eu "$BATS_TEST_TMPDIR/query"
	echo "$output"
	[ "$status" = 0 ]
}

# With counts or columns closed up, and without times.
squeezed() {
	sed -E 's/^ +//; s/[ \t]+/ /g; s/^[-0-9]+T[^ ]* //' <<<"$output"
}

# --- the known sessions ---

# entry FIELD=VALUE...: one in the journal's export format, a second after the
# one before.
entry() {
	REALTIME=$((REALTIME + 1000000))
	printf '%s\n' "__REALTIME_TIMESTAMP=$REALTIME" \
		"__MONOTONIC_TIMESTAMP=$((REALTIME - START))" \
		_BOOT_ID=0123456789abcdef0123456789abcdef _HOSTNAME=mx \
		_MACHINE_ID=0123456789abcdef0123456789abcdef "$@" ''
}

# event UNIT NAME PRIORITY TEXT [FIELD=VALUE]...
event() {
	entry "_SYSTEMD_UNIT=$1.service" "SYSLOG_IDENTIFIER=$1" \
		"TARPIT_EVENT=$2" "PRIORITY=$3" "MESSAGE=$4" "${@:5}"
}

# session CLIENT LANE OUTCOME SECONDS SCORE REASON [COUNTRY [ASN [MODE]]]
session() {
	event tarpitd session 6 "$1 $3 after $4 s ($2: $6)" "TARPIT_CLIENT=$1" \
		"TARPIT_LANE=$2" "TARPIT_OUTCOME=$3" \
		"TARPIT_HELD_USEC=${4}000000" "TARPIT_SCORE=$5" \
		"TARPIT_REASON=$6" "TARPIT_COUNTRY=${7-unknown}" \
		"TARPIT_ASN=${8-}" "TARPIT_MODE=${9-enforce}"
}

known_sessions() {
	event tarpitd started 6 'serving on 2 sockets'
	event tarpit-lists lists_built 6 'compiled 2 lists' TARPIT_LISTS=2
	session 192.0.2.7 slow abandoned 3 20 history.none+20 NL
	session 192.0.2.7 slow graduated 6 20 history.none+20 NL
	session 198.51.100.9 hold abandoned 5400 120 'list.drop+100 history.none+20' CN 64496
	session 198.51.100.77 hold refused 900 200 'behaviour:pregreet+100 list.drop+100' CN 64496
	session 203.0.113.5 hold abandoned 900 100 list.local-block+100 BR 64497
	session 203.0.113.6 pass passed 0 -980 'list.known-senders-1000 history.none+20' US
	session 203.0.113.6 pass passed 0 -980 'list.known-senders-1000 history.none+20' US
	session 2001:db8::1 throttle delivered 60 70 rdns.none+50 DE
	session 2001:db8::1 throttle delivered 50 70 rdns.none+50 DE
	session 203.0.113.8 slow abandoned 2 20 'history.none+20' FR
	session 203.0.113.8 hold abandoned 20 120 'behaviour:pregreet+100 history.none+20' FR
	session 203.0.113.8 hold abandoned 20 120 'behaviour:pregreet+100 history.none+20' FR
	event tarpitd handoff_down 3 'the MTA does not take sessions'
	session 203.0.113.6 pass failed 20 -1000 list.known-senders-1000 US
	event tarpitd handoff_up 5 'the MTA takes sessions again'
	event tarpitd backend_down 3 'the MTA at 127.0.0.1:10025 is away'
	event tarpitd backend_up 5 'the MTA at 127.0.0.1:10025 is back'
	event tarpitd policy_down 4 'no answer for 3 s'
	session 203.0.113.6 pass passed 3 0 policy:unanswered ''
	event tarpitd policy_up 5 'the policy service answers again'
	event tarpitd policy_garbage 4 'no name=value'
	event tarpitd dropped 4 '7 records were dropped' TARPIT_DROPPED=7
	event tarpitd dropped 4 '5 records were dropped' TARPIT_DROPPED=5
	event tarpitd reloaded 6 'the configuration was read again'
	event tarpitd config_error 3 'tarpitd.conf:7: Colour'
	session 203.0.113.9 hold passed 0 100 list.drop+100 CN 64496 observe
	session 203.0.113.6 pass passed 0 -1000 list.known-senders-1000 US '' observe
	event tarpit-policyd data_error 3 'Cannot use asn.mmdb'
	event tarpit-lists list_changed 6 'drop has changed' TARPIT_LIST=drop
	event tarpit-lists list_failed 4 'feed: 404' TARPIT_LIST=feed
	event tarpit-lists lists_error 3 'block.txt:1: no address'
	event tarpit-lists lists_warning 4 'wide.txt:2: private networks'
	event tarpitd override_set 5 'release of 192.0.2.7/32 for 1 d' TARPIT_OPERATOR=joe
	event tarpitd override_ended 6 'release of 192.0.2.7/32 has expired' TARPIT_OPERATOR=joe
	# Somebody else's.
	entry _SYSTEMD_UNIT=cron.service PRIORITY=3 MESSAGE='cron is unwell'
}

setup_file() {
	export JOURNAL=$BATS_FILE_TMPDIR/known.journal
	local hour
	# An hour ago; the time zone is one where it is about noon, since some
	# ask for today's.
	START=$(($(date +%s) * 1000000 - 3600000000)) REALTIME=$START
	hour=$(date -u +%-H)
	export TZ=TEST$((hour - 12))
	# Not from a pipe, whose end it takes for a fault at times.
	known_sessions >"$BATS_FILE_TMPDIR/known.export"
	"$TO_JOURNAL" -o "$JOURNAL" "$BATS_FILE_TMPDIR/known.export"
	mkdir "$BATS_FILE_TMPDIR/bin"
	# shellcheck disable=SC2016
	printf '#!/bin/sh\nexec %s --file "$JOURNAL" --no-pager -q "$@"\n' \
		"$(command -v journalctl)" >"$BATS_FILE_TMPDIR/bin/journalctl"
	chmod 755 "$BATS_FILE_TMPDIR/bin/journalctl"
	export PATH=$BATS_FILE_TMPDIR/bin:$PATH
}

# --- the queries ---

@test "manual: What became of one sender, and why?" {
	ask "What became of one sender, and why?"
	[ "$output" = "192.0.2.7 abandoned after 3 s (slow: history.none+20)
192.0.2.7 graduated after 6 s (slow: history.none+20)" ]
}

@test "manual: Why was this sender slowed?" {
	ask "Why was this sender slowed?"
	[ "$(squeezed)" = "slow 20 history.none+20
slow 20 history.none+20" ]
}

@test "manual: All sessions of a network" {
	ask "All sessions of a network"
	[ "$(cut -d' ' -f1 <<<"$output")" = "198.51.100.9
198.51.100.77
198.51.100.9
198.51.100.77
203.0.113.9" ]
}

@test "manual: Which lanes did today's sessions take?" {
	ask "Which lanes did today's sessions take?"
	[ "$(squeezed)" = "6 hold
5 pass
3 slow
2 throttle" ]
}

@test "manual: And how did they end?" {
	ask "And how did they end?"
	[ "$(squeezed)" = "4 hold abandoned
1 hold passed
1 hold refused
1 pass failed
4 pass passed
2 slow abandoned
1 slow graduated
2 throttle delivered" ]
}

@test "manual: Who was held longest?" {
	ask "Who was held longest?"
	[ "$(squeezed | head -n 2)" = "5400 198.51.100.9 list.drop+100 history.none+20
900 203.0.113.5 list.local-block+100" ]
	[ "${#lines[@]}" = 6 ]
}

@test "manual: How much of spammers' time was taken?" {
	ask "How much of spammers' time was taken?"
	# 3 + 5400 + 900 + 900 + 2 + 20 + 20 s
	[ "$output" = "2.0 hours" ]
}

@test "manual: Was a real sender slowed?" {
	ask "Was a real sender slowed?"
	[ "$(squeezed)" = "2 2001:db8::1 rdns.none+50
1 192.0.2.7 history.none+20" ]
}

@test "manual: Who gave up first and was let in later?" {
	ask "Who gave up first and was let in later?"
	[ "$output" = 192.0.2.7 ]
}

@test "manual: Who talked before being greeted?" {
	ask "Who talked before being greeted?"
	[ "$(squeezed)" = "2 203.0.113.8
1 198.51.100.77" ]
}

@test "manual: How many sessions did each list catch?" {
	ask "How many sessions did each list catch?"
	[ "$(squeezed)" = "4 known-senders
3 drop
1 local-block" ]
}

@test "manual: Which countries were held?" {
	ask "Which countries were held?"
	[ "$(squeezed)" = "3 CN
2 FR
1 BR" ]
}

@test "manual: What would it have done?" {
	ask "What would it have done?"
	[ "$output" = "203.0.113.9 passed after 0 s (hold: list.drop+100)" ]
}

@test "manual: When was the MTA away?" {
	ask "When was the MTA away?"
	[ "$(squeezed)" = "mx tarpitd: the MTA does not take sessions
mx tarpitd: the MTA takes sessions again
mx tarpitd: the MTA at 127.0.0.1:10025 is away
mx tarpitd: the MTA at 127.0.0.1:10025 is back" ]
	[[ ${lines[0]} =~ ^[0-9]{4}-[0-9]{2}-[0-9]{2}T ]]
}

@test "manual: Whom did that hurt?" {
	ask "Whom did that hurt?"
	[ "$output" = "203.0.113.6 failed after 20 s (pass: list.known-senders-1000)" ]
}

@test "manual: When did the policy service fail?" {
	ask "When did the policy service fail?"
	[ "$(squeezed)" = "mx tarpitd: no answer for 3 s
mx tarpitd: the policy service answers again
mx tarpitd: no name=value
203.0.113.6 passed after 3 s (pass: policy:unanswered)" ]
}

@test "manual: What is wrong with the data?" {
	ask "What is wrong with the data?"
	[ "$output" = "Cannot use asn.mmdb
feed: 404
block.txt:1: no address
wide.txt:2: private networks" ]
}

@test "manual: What changed?" {
	ask "What changed?"
	[ "$(squeezed)" = "mx tarpitd: serving on 2 sockets
mx tarpit-lists: compiled 2 lists
mx tarpitd: the configuration was read again
mx tarpitd: tarpitd.conf:7: Colour
mx tarpit-lists: drop has changed" ]
}

@test "manual: Who intervened?" {
	ask "Who intervened?"
	[ "$(squeezed)" = "mx tarpitd: release of 192.0.2.7/32 for 1 d
mx tarpitd: release of 192.0.2.7/32 has expired" ]
}

@test "manual: Is something missing here?" {
	ask "Is something missing here?"
	[ "$output" = "12 records dropped" ]
}

@test "manual: What needs me?" {
	ask "What needs me?"
	# Explanations stand between, where the catalog is installed.
	[ "$(grep -c ' mx tarpit' <<<"$output")" = 11 ]
	[[ $output == *"the MTA does not take sessions"* ]]
	[[ $output != *"cron is unwell"* ]]
	[[ $output != *"serving on"* ]]
}

# --- the page against the table and this file ---

@test "manual: every query has a test" {
	local title titles
	mapfile -t titles < <(printed QUERIES | sed -n 's/^   \([^ ]\)/\1/p')
	[ ${#titles[@]} -ge 12 ]
	for title in "${titles[@]}"; do
		grep -Fqx "@test \"manual: $title\" {" "$BATS_TEST_FILENAME" ||
			{ echo "no test of: $title"; return 1; }
	done
}

# "EVENT FIELD[?]..." of the page: fields follow in brackets, or not.
page_records() {
	sed -n '/^\.Sh RECORDS/,/^\.Sh FIELDS/p' "$PAGE" | awk '
		function flush(   i) {
			for (i = 1; i <= n; i++)
				print name[i] fields
			n = 0
			fields = ""
		}
		/^\.It Li/ {
			flush()
			for (i = 3; i <= NF; i++)
				if ($i ~ /^[a-z_]+$/)
					name[++n] = $i
			next
		}
		/TARPIT_[A-Z]/ {
			for (i = 2; i <= NF; i++)
				if ($i ~ /^TARPIT_/)
					fields = fields " " $i (/^\.Bq/ ? "?" : "")
		}
		/^\.El/ { flush() }' | sort
}

@test "manual: it has each kind of record with the fields that are declared" {
	run_case common/journal_test list_events |
		awk '{
			$1 = $3 = ""
			$2 = tolower($2)
			gsub(/ +/, " ")
			print substr($0, 2)
		}' | sed 's/ *$//' | sort >"$BATS_TEST_TMPDIR/declared"
	page_records >"$BATS_TEST_TMPDIR/page"
	sort_fields() {
		awk '{
			n = split($0, f, " ")
			for (i = 2; i <= n; i++)
				print f[1], f[i]
			if (n == 1)
				print f[1], "-"
		}' "$1" | sort
	}
	diff <(sort_fields "$BATS_TEST_TMPDIR/declared") \
		<(sort_fields "$BATS_TEST_TMPDIR/page")
}

@test "manual: each field is explained once, and no other" {
	diff <(grep -o 'TARPIT_[A-Z_]*[A-Z]' "$ROOT/bin/common/events.def" |
		sort -u) \
		<(sed -n '/^\.Sh FIELDS/,/^\.Sh QUERIES/p' "$PAGE" |
			sed -n '/^\.It /,$p' | grep -E '^\.(It )?Li TARPIT' |
			grep -o 'TARPIT_[A-Z_]*[A-Z]' | sort)
}

@test "manual: queries use fields that there are" {
	comm -13 <(grep -o 'TARPIT_[A-Z_]*[A-Z]' "$ROOT/bin/common/events.def" |
		sort -u) \
		<(printed QUERIES | grep -o 'TARPIT_[A-Z_]*[A-Z]' | sort -u) \
		>"$BATS_TEST_TMPDIR/unknown"
	cat "$BATS_TEST_TMPDIR/unknown"
	[ ! -s "$BATS_TEST_TMPDIR/unknown" ]
}
