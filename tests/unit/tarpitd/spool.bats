#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "spool: is in memory while there is any" {
	run_case tarpitd/spool_test is_in_memory_while_there_is_any
}

@test "spool: moves to a file when large" {
	run_case tarpitd/spool_test moves_to_a_file_when_large
}

@test "spool: moves to a file when memory is short" {
	run_case tarpitd/spool_test moves_to_a_file_when_memory_is_short
}

@test "spool: says when it is full" {
	run_case tarpitd/spool_test says_when_it_is_full
}

@test "spool: says when there is no directory" {
	run_case tarpitd/spool_test says_when_there_is_no_directory
}

@test "spool: needs no directory" {
	run_case tarpitd/spool_test needs_no_directory
}

@test "spool: a disk is not prompt" {
	run_case tarpitd/spool_test a_disk_is_not_prompt
}

@test "spool: every case has a test" {
	all_cases_listed tarpitd/spool_test
}
