#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "journal: native fields" {
	run_case common/journal_test native_fields
}

@test "journal: event without fields" {
	run_case common/journal_test event_without_fields
}

@test "journal: hostile bytes become question marks" {
	run_case common/journal_test hostile_bytes_become_question_marks
}

@test "journal: readable utf8 is kept" {
	run_case common/journal_test readable_utf8_is_kept
}

@test "journal: field that does not fit is left out" {
	run_case common/journal_test field_that_does_not_fit_is_left_out
}

@test "journal: message that does not fit is cut" {
	run_case common/journal_test message_that_does_not_fit_is_cut
}

@test "journal: full queue drops and tells later" {
	run_case common/journal_test full_queue_drops_and_tells_later
}

@test "journal: report may take the last room" {
	run_case common/journal_test report_may_take_the_last_room
}

@test "journal: receiver that comes and goes" {
	run_case common/journal_test receiver_that_comes_and_goes
}

@test "journal: drops are told of without another record" {
	run_case common/journal_test drops_are_told_of_without_another_record
}

@test "journal: drops are told of at the end" {
	run_case common/journal_test drops_are_told_of_at_the_end
}

@test "journal: stderr is one line" {
	run_case common/journal_test stderr_is_one_line
}

@test "journal: stderr line fits a pipe write" {
	run_case common/journal_test stderr_line_fits_a_pipe_write
}

@test "journal: stderr that is full drops" {
	run_case common/journal_test stderr_that_is_full_drops
}

@test "journal: stderr in a file is appended to" {
	run_case common/journal_test stderr_in_a_file_is_appended_to
}

@test "journal: syslog datagram" {
	run_case common/journal_test syslog_datagram
}

@test "journal: nowhere is no crash" {
	run_case common/journal_test nowhere_is_no_crash
}

@test "journal: one record in a pause" {
	run_case common/journal_test one_record_in_a_pause
}

@test "journal: init chooses by what stderr is" {
	run_case common/journal_test init_chooses_by_what_stderr_is
}

@test "journal: event table is sound" {
	run_case common/journal_test event_table_is_sound
}

@test "journal: every case has a test" {
	all_cases_listed common/journal_test
}

catalog() {
	printf '%s\n' "$ROOT/units/catalog/tarpit.catalog"
}

@test "journal: the catalog has an entry for each event, in the same order" {
	run_case common/journal_test list_events \
		>"$BATS_TEST_TMPDIR/events"
	[ -s "$BATS_TEST_TMPDIR/events" ]
	sed -n 's/^-- //p' "$(catalog)" |
		diff <(cut -d' ' -f1 "$BATS_TEST_TMPDIR/events") -
}

@test "journal: each entry of the catalog has its headers and says what was lost" {
	awk '
	function complain(why) { print "line " NR ": " why; bad = 1 }
	function finish() {
		if (id != "" && (lines < 3 || !lost))
			complain("entry " id " lacks text, or what was lost")
	}
	length > 80 { complain("longer than 80") }
	/^-- / {
		finish()
		id = $2; at = lines = lost = 0
		if ($0 !~ /^-- [0-9a-f]+$/ || length(id) != 32)
			complain("bad id")
		next
	}
	id == "" { if (!/^(#.*)?$/) complain("text before any entry"); next }
	{ at++ }
	at == 1 && !/^Subject: ./ { complain("no Subject") }
	at == 2 && !/^Defined-By: tarpit$/ { complain("no Defined-By") }
	at == 3 && !/^Support: ./ { complain("no Support") }
	at == 4 && !/^$/ { complain("no empty line") }
	at > 4 && /./ { lines++ }
	/[Nn]othing was lost|lost\. No session|No mail was lost|will try again/ { lost = 1 }
	END { finish(); exit bad }' "$(catalog)"
}

@test "journal: journalctl compiles the catalog and explains an event" {
	command -v journalctl >/dev/null || skip "no journalctl"
	local tree=$BATS_TEST_TMPDIR/root
	mkdir -p "$tree/usr/lib/systemd/catalog" "$tree/var/lib/systemd/catalog"
	cp "$(catalog)" "$tree/usr/lib/systemd/catalog/"
	journalctl --root="$tree" --update-catalog
	run journalctl --root="$tree" --list-catalog
	echo "$output"
	[ "$status" -eq 0 ]
	[ "${#lines[@]}" -eq "$(grep -c '^-- ' "$(catalog)")" ]
	run journalctl --root="$tree" --dump-catalog 5ad84c3be1f94d6c97e0b2f6318da515
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output == *"Subject: Journal records were dropped"* ]]
}

@test "journal: what alternates has a pair of records in a pause" {
	run_case common/journal_test what_alternates_has_a_pair_in_a_pause
}
