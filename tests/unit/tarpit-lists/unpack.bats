#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "unpack: what is neither stays" {
	run_case tarpit-lists/unpack_test what_is_neither_stays
}

@test "unpack: the first wanted member is taken" {
	run_case tarpit-lists/unpack_test the_first_wanted_member_is_taken
}

@test "unpack: only regular members are taken" {
	run_case tarpit-lists/unpack_test only_regular_members_are_taken
}

@test "unpack: members of whole blocks" {
	run_case tarpit-lists/unpack_test members_of_whole_blocks
}

@test "unpack: a binary size is read" {
	run_case tarpit-lists/unpack_test a_binary_size_is_read
}

@test "unpack: damage is refused" {
	run_case tarpit-lists/unpack_test damage_is_refused
}

@test "unpack: packed archives are unpacked" {
	run_case tarpit-lists/unpack_test packed_archives_are_unpacked
}

@test "unpack: several packed files are one" {
	run_case tarpit-lists/unpack_test several_packed_files_are_one
}

@test "unpack: what is too large is refused" {
	run_case tarpit-lists/unpack_test what_is_too_large_is_refused
}

@test "unpack: nothing is left behind" {
	run_case tarpit-lists/unpack_test nothing_is_left_behind
}

@test "unpack: every case is here" {
	all_cases_listed tarpit-lists/unpack_test
}
