#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "memory: the least of all groups above" {
	run_case tarpitd/memory_test the_least_of_all_groups_above
}

@test "memory: version 1 has them elsewhere" {
	run_case tarpitd/memory_test version_1_has_them_elsewhere
}

@test "memory: without groups it is the machine" {
	run_case tarpitd/memory_test without_groups_it_is_the_machine
}

@test "memory: sessions have at least half of it" {
	run_case tarpitd/memory_test sessions_have_at_least_half_of_it
}

@test "memory: messages have a quarter of it" {
	run_case tarpitd/memory_test messages_have_a_quarter_of_it
}

@test "memory: held sessions with TLS have an eighth of it" {
	run_case tarpitd/memory_test held_sessions_with_tls_have_an_eighth_of_it
}
