#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The records of the installed bundle in the journal of a real systemd; see
# journal_inside.bash for what happens there.

load ../helpers/common
load ../helpers/container

INSIDE=(inside.bash faults_inside.bash journal_inside.bash)

setup_file() {
	require_container
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
	nothing_failed
}

@test "journal: its rate limit does not cut the dispatcher's records off" {
	local recorded dropped
	in_container beyond_the_limit
	recorded=$(sed -n 's/^recorded: //p' <<<"$output")
	dropped=$(sed -n 's/^dropped: //p' <<<"$output")
	[ "$recorded" -gt 100 ]
	[ $((recorded + dropped)) = 3000 ]
}
