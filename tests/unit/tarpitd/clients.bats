#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "clients: ipv4 is counted by address and 24" {
	run_case tarpitd/clients_test ipv4_is_counted_by_address_and_24
}

@test "clients: ipv6 is counted by 64 56 and 48" {
	run_case tarpitd/clients_test ipv6_is_counted_by_64_56_and_48
}

@test "clients: the narrowest limit that is exceeded" {
	run_case tarpitd/clients_test the_narrowest_limit_that_is_exceeded
}

@test "clients: amounts are added up" {
	run_case tarpitd/clients_test amounts_are_added_up
}

@test "clients: a prefix is printed as one counts it" {
	run_case tarpitd/clients_test a_prefix_is_printed_as_one_counts_it
}

@test "clients: nothing is left of a crowd" {
	run_case tarpitd/clients_test nothing_is_left_of_a_crowd
}
