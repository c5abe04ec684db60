#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "option: defaults stand" {
	run_case common/option_test defaults_stand
}

@test "option: file sets every type" {
	run_case common/option_test file_sets_every_type
}

@test "option: empty value is a value" {
	run_case common/option_test empty_value_is_a_value
}

@test "option: indented key is a key" {
	run_case common/option_test indented_key_is_a_key
}

@test "option: empty file and byte order mark" {
	run_case common/option_test empty_file_and_byte_order_mark
}

@test "option: unknown names are refused" {
	run_case common/option_test unknown_names_are_refused
}

@test "option: garbage is refused" {
	run_case common/option_test garbage_is_refused
}

@test "option: bad values say what would be good" {
	run_case common/option_test bad_values_say_what_would_be_good
}

@test "option: string length at the limit" {
	run_case common/option_test string_length_at_the_limit
}

@test "option: line length at the limit" {
	run_case common/option_test line_length_at_the_limit
}

@test "option: nul byte is refused" {
	run_case common/option_test nul_byte_is_refused
}

@test "option: unreadable file is refused" {
	run_case common/option_test unreadable_file_is_refused
}

@test "option: drop ins override in order" {
	run_case common/option_test drop_ins_override_in_order
}

@test "option: drop in errors name the drop in" {
	run_case common/option_test drop_in_errors_name_the_drop_in
}

@test "option: drop in directory that is none" {
	run_case common/option_test drop_in_directory_that_is_none
}

@test "option: drop ins without the file" {
	run_case common/option_test drop_ins_without_the_file
}

@test "option: valid part of a broken one" {
	run_case common/option_test valid_part_of_a_broken_one
}

@test "option: valid part of what cannot be read" {
	run_case common/option_test valid_part_of_what_cannot_be_read
}

@test "option: set from the command line" {
	run_case common/option_test set_from_the_command_line
}

@test "option: booleans in all spellings" {
	run_case common/option_test booleans_in_all_spellings
}

@test "option: times" {
	run_case common/option_test times
}

@test "option: sizes" {
	run_case common/option_test sizes
}

@test "option: help has a line for each option" {
	run_case common/option_test help_has_a_line_for_each_option
}

@test "option: a bound of 0 is a bound" {
	run_case common/option_test a_bound_of_0_is_a_bound
}

@test "option: every case has a test" {
	all_cases_listed common/option_test
}
