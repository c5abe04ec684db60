#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "linebuf: pieces become one" {
	run_case common/linebuf_test pieces_become_one
}

@test "linebuf: nothing yet and end of file" {
	run_case common/linebuf_test nothing_yet_and_end_of_file
}

@test "linebuf: full is an error that reads nothing" {
	run_case common/linebuf_test full_is_an_error_that_reads_nothing
}

@test "linebuf: never a short room while half is free" {
	run_case common/linebuf_test never_a_short_room_while_half_is_free
}

@test "linebuf: a long stream stays whole" {
	run_case common/linebuf_test a_long_stream_stays_whole
}

@test "linebuf: every case has a test" {
	all_cases_listed common/linebuf_test
}
