#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "state: what is saved is loaded" {
	run_case tarpit-lists/state_test what_is_saved_is_loaded
}

@test "state: what cannot be read is nothing" {
	run_case tarpit-lists/state_test what_cannot_be_read_is_nothing
}

@test "state: copies are replaced whole" {
	run_case tarpit-lists/state_test copies_are_replaced_whole
}

@test "state: old files are protected" {
	run_case tarpit-lists/state_test old_files_are_protected
}

@test "state: failures are tried again ever later" {
	run_case tarpit-lists/state_test failures_are_tried_again_ever_later
}

@test "state: stale after three intervals" {
	run_case tarpit-lists/state_test stale_after_three_intervals
}

@test "state: every case is here" {
	all_cases_listed tarpit-lists/state_test
}
