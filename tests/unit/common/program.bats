#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "program: defaults without a file" {
	run_case common/program_test defaults_without_a_file
}

@test "program: own arguments in order" {
	run_case common/program_test own_arguments_in_order
}

@test "program: config file is read" {
	run_case common/program_test config_file_is_read
}

@test "program: config file given must exist" {
	run_case common/program_test config_file_given_must_exist
}

@test "program: config error names file line and key" {
	run_case common/program_test config_error_names_file_line_and_key
}

@test "program: drop ins over a missing default file" {
	run_case common/program_test drop_ins_over_a_missing_default_file
}

@test "program: operands keep their dashes" {
	run_case common/program_test operands_keep_their_dashes
}

@test "program: usage errors" {
	run_case common/program_test usage_errors
}

@test "program: help lists everything" {
	run_case common/program_test help_lists_everything
}

@test "program: version is name and version" {
	run_case common/program_test version_is_name_and_version
}

@test "program: program without a file" {
	run_case common/program_test program_without_a_file
}

@test "program: help to a full disk" {
	run_case common/program_test help_to_a_full_disk
}

@test "program: dying says why" {
	run_case common/program_test dying_says_why
}

@test "program: every case has a test" {
	all_cases_listed common/program_test
}
