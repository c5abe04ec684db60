#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "config: defaults are the designs" {
	run_case tarpitd/config_test defaults_are_the_designs
}

@test "config: handoff is a kind and a path" {
	run_case tarpitd/config_test handoff_is_a_kind_and_a_path
}

@test "config: trust is a list of networks" {
	run_case tarpitd/config_test trust_is_a_list_of_networks
}

@test "config: own networks add to auto" {
	run_case tarpitd/config_test own_networks_add_to_auto
}

@test "config: reserve is a number or a share" {
	run_case tarpitd/config_test reserve_is_a_number_or_a_share
}

@test "config: hold reply is a refusal" {
	run_case tarpitd/config_test hold_reply_is_a_refusal
}

@test "config: times and numbers have ranges" {
	run_case tarpitd/config_test times_and_numbers_have_ranges
}

@test "config: unknown keys are errors" {
	run_case tarpitd/config_test unknown_keys_are_errors
}

@test "config: the host has a name" {
	run_case tarpitd/config_test the_host_has_a_name
}

@test "config: every case has a test" {
	all_cases_listed tarpitd/config_test
}
