#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "last_good: keeps file and drop ins in order" {
	run_case common/last_good_test keeps_file_and_drop_ins_in_order
}

@test "last_good: is for its owner only" {
	run_case common/last_good_test is_for_its_owner_only
}

@test "last_good: does not find half of one" {
	run_case common/last_good_test does_not_find_half_of_one
}

@test "last_good: has nowhere without a directory" {
	run_case common/last_good_test has_nowhere_without_a_directory
}

@test "last_good: full disk keeps the old one" {
	run_case common/last_good_test full_disk_keeps_the_old_one
}

@test "last_good: all cases listed" {
	all_cases_listed common/last_good_test
}
