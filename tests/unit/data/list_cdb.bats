#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "list_cdb: keys of many kinds" {
	run_case data/list_cdb_test keys_of_many_kinds
}

@test "list_cdb: keys of postmap end with a nul" {
	run_case data/list_cdb_test keys_of_postmap_end_with_a_nul
}

@test "list_cdb: rules of tcprules" {
	run_case data/list_cdb_test rules_of_tcprules
}

@test "list_cdb: binary keys have a length" {
	run_case data/list_cdb_test binary_keys_have_a_length
}

@test "list_cdb: what is meant as a network must be one" {
	run_case data/list_cdb_test what_is_meant_as_a_network_must_be_one
}

@test "list_cdb: every cut is noticed" {
	run_case data/list_cdb_test every_cut_is_noticed
}

@test "list_cdb: every flipped bit is noticed" {
	run_case data/list_cdb_test every_flipped_bit_is_noticed
}

@test "list_cdb: our own are no source" {
	run_case data/list_cdb_test our_own_are_no_source
}

@test "list_cdb: nothing is an empty list" {
	run_case data/list_cdb_test nothing_is_an_empty_list
}

@test "list_cdb: every case is here" {
	all_cases_listed data/list_cdb_test
}
