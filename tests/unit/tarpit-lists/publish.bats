#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

@test "publish: keeps the old file wherever the disk fills up" {
	run_case tarpit-lists/publish_test keeps_the_old_file_wherever_the_disk_fills_up
}

@test "publish: says why" {
	run_case tarpit-lists/publish_test says_why
}

@test "publish: follows no planted link" {
	run_case tarpit-lists/publish_test follows_no_planted_link
}

@test "publish: locks until closed" {
	run_case tarpit-lists/publish_test locks_until_closed
}

@test "publish: every case is here" {
	all_cases_listed tarpit-lists/publish_test
}
