#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "fair: who waits alone is served in order" {
	run_case tarpitd/fair_test who_waits_alone_is_served_in_order
}

@test "fair: a crowd is no advantage" {
	run_case tarpitd/fair_test a_crowd_is_no_advantage
}

@test "fair: a network has twice a hosts share" {
	run_case tarpitd/fair_test a_network_has_twice_a_hosts_share
}

@test "fair: who is blamed comes last and has less" {
	run_case tarpitd/fair_test who_is_blamed_comes_last_and_has_less
}

@test "fair: who leaves is forgotten" {
	run_case tarpitd/fair_test who_leaves_is_forgotten
}

@test "fair: limits hold whatever happens" {
	run_case tarpitd/fair_test limits_hold_whatever_happens
}

@test "fair: every case has a test" {
	all_cases_listed tarpitd/fair_test
}
