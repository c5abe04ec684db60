#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "cdbfile: finds the longest prefix of each list" {
	run_case data/cdbfile_test finds_the_longest_prefix_of_each_list
}

@test "cdbfile: buckets inherit wider prefixes" {
	run_case data/cdbfile_test buckets_inherit_wider_prefixes
}

@test "cdbfile: finds the ends of the address space" {
	run_case data/cdbfile_test finds_the_ends_of_the_address_space
}

@test "cdbfile: tells what a list has, prefixes and systems" {
	run_case data/cdbfile_test tells_what_a_list_has
}

@test "cdbfile: keeps families apart" {
	run_case data/cdbfile_test keeps_families_apart
}

@test "cdbfile: neighbours keep their own prefix" {
	run_case data/cdbfile_test neighbours_keep_their_own_prefix
}

@test "cdbfile: agrees with the obvious way" {
	run_case data/cdbfile_test agrees_with_the_obvious_way
}

@test "cdbfile: tells of its lists" {
	run_case data/cdbfile_test tells_of_its_lists
}

@test "cdbfile: takes nothing at all" {
	run_case data/cdbfile_test takes_nothing_at_all
}

@test "cdbfile: holds as many lists as promised" {
	run_case data/cdbfile_test holds_as_many_lists_as_promised
}

@test "cdbfile: removes what a list has twice" {
	run_case data/cdbfile_test removes_what_a_list_has_twice
}

@test "cdbfile: refuses senseless input" {
	run_case data/cdbfile_test refuses_senseless_input
}

@test "cdbfile: refuses every truncation" {
	run_case data/cdbfile_test refuses_every_truncation
}

@test "cdbfile: refuses every flipped byte" {
	run_case data/cdbfile_test refuses_every_flipped_byte
}

@test "cdbfile: survives forged bytes" {
	run_case data/cdbfile_test survives_forged_bytes
}

@test "cdbfile: refuses forged sets" {
	run_case data/cdbfile_test refuses_forged_sets
}

@test "cdbfile: refuses forged ranges" {
	run_case data/cdbfile_test refuses_forged_ranges
}

@test "cdbfile: survives noise" {
	run_case data/cdbfile_test survives_noise
}

@test "cdbfile: names another version" {
	run_case data/cdbfile_test names_another_version
}

@test "cdbfile: outlives truncation in place" {
	run_case data/cdbfile_test outlives_truncation_in_place
}

@test "cdbfile: opens regular files only" {
	run_case data/cdbfile_test opens_regular_files_only
}

@test "cdbfile: finds autonomous systems" {
	run_case data/cdbfile_test finds_autonomous_systems
}

@test "cdbfile: keeps identifiers" {
	run_case data/cdbfile_test keeps_identifiers
}

@test "cdbfile: refuses senseless notes" {
	run_case data/cdbfile_test refuses_senseless_notes
}

@test "cdbfile: refuses forged systems and notes" {
	run_case data/cdbfile_test refuses_forged_systems_and_notes
}

@test "cdbfile: leaves nothing behind" {
	run_case data/cdbfile_test leaves_nothing_behind
}

@test "cdbfile: every case is here" {
	all_cases_listed data/cdbfile_test
}
