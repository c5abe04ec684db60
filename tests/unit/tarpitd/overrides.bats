#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "overrides: the smallest network counts" {
	run_case tarpitd/overrides_test the_smallest_network_counts
}

@test "overrides: all of ipv4 is not all of ipv6" {
	run_case tarpitd/overrides_test all_of_ipv4_is_not_all_of_ipv6
}

@test "overrides: the last word on a network counts" {
	run_case tarpitd/overrides_test the_last_word_on_a_network_counts
}

@test "overrides: an override ends at its time" {
	run_case tarpitd/overrides_test an_override_ends_at_its_time
}

@test "overrides: what was said can be taken back" {
	run_case tarpitd/overrides_test what_was_said_can_be_taken_back
}

@test "overrides: there is room for so many" {
	run_case tarpitd/overrides_test there_is_room_for_so_many
}

@test "overrides: every case has a test" {
	all_cases_listed tarpitd/overrides_test
}
