#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "config: sources are told apart" {
	run_case tarpit-lists/config_test sources_are_told_apart
}

@test "config: no source is refused" {
	run_case tarpit-lists/config_test no_source_is_refused
}

@test "config: secrets are of urls" {
	run_case tarpit-lists/config_test secrets_are_of_urls
}

@test "config: names at their limit" {
	run_case tarpit-lists/config_test names_at_their_limit
}

@test "config: names are of few letters" {
	run_case tarpit-lists/config_test names_are_of_few_letters
}

@test "config: lists are in order of their names" {
	run_case tarpit-lists/config_test lists_are_in_order_of_their_names
}

@test "config: as many lists as can be compiled" {
	run_case tarpit-lists/config_test as_many_lists_as_can_be_compiled
}

@test "config: a broken list leaves nothing behind" {
	run_case tarpit-lists/config_test a_broken_list_leaves_nothing_behind
}

@test "config: no directory is said" {
	run_case tarpit-lists/config_test no_directory_is_said
}

@test "config: limits of numbers" {
	run_case tarpit-lists/config_test limits_of_numbers
}

@test "config: every case is here" {
	all_cases_listed tarpit-lists/config_test
}
