#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The records of the installed bundle in the journal of a real systemd; see
# journal_inside.bash for what happens there.

load ../helpers/common

setup_file() {
	bats_require_minimum_version 1.5.0
	[ "$(id -u)" = 0 ] || skip "not root"
	type -p systemd-nspawn >/dev/null || skip "no systemd-nspawn"
}

# in_container FUNCTION: of journal_inside.bash.
in_container() {
	local nspawn=${NSPAWN_RUN:-$ROOT/../shared/tools/nspawn-run}
	[ -x "$nspawn" ] || nspawn=$ROOT/tests/helpers/nspawn-run
	run "$nspawn" -t 150 -b "$ROOT:$ROOT" -- env "BUILD=$BUILD" bash -c \
		"cd '$ROOT' && . tests/system/inside.bash &&
		. tests/system/faults_inside.bash &&
		. tests/system/journal_inside.bash && $1"
	echo "$output"
	[ "$status" = 0 ]
}

@test "journal: journalctl -x explains each kind of record" {
	local id name n=0
	in_container every_event
	while read -r id name _; do
		grep -q "this is $name\$" <<<"$output"
		n=$((n + 1))
	done < <(run_case common/journal_test list_events)
	[ "$n" -gt 20 ]
	[ "$(grep -c 'Defined-By: tarpit$' <<<"$output")" = "$n" ]
	# Each in its own words, the program and the fields filled in, so that
	# there are no others than those that are declared.
	diff <(sed -n 's/^.*Subject: //p' <<<"$output" | sort) \
		<(sed -n 's/^Subject: //p' "$ROOT/units/catalog/tarpit.catalog" |
			sed 's/@SYSLOG_IDENTIFIER@/tarpitd/
				s/@\(TARPIT_[A-Z_]*\)@/the \1/g' | sort)
}

@test "journal: fail2ban finds the caught in it, and it may be the dispatcher's own" {
	command -v fail2ban-regex >/dev/null || skip "no fail2ban"
	in_container caught
	[[ $output == *"normal: 127.0.0.4 "* ]]
	[[ $output != *"normal: 127.0.0.4 127"* ]]
	[[ $output == *"aggressive: 127.0.0.3 127.0.0.4 "* ]]
	[[ $output == *"own: 127.0.0.2 was passed to the MTA "* ]]
	# Once in each journal.
	[[ $output == *"both: 2"* ]]
	[[ $output != *" failed "* ]]
}

@test "journal: its rate limit does not cut the dispatcher's records off" {
	local recorded dropped
	in_container beyond_the_limit
	recorded=$(sed -n 's/^recorded: //p' <<<"$output")
	dropped=$(sed -n 's/^dropped: //p' <<<"$output")
	[ "$recorded" -gt 100 ]
	[ $((recorded + dropped)) = 3000 ]
}
