#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "waiting: clients wait behind their first" {
	run_case tarpitd/waiting_test clients_wait_behind_their_first
}

@test "waiting: there is room for so many" {
	run_case tarpitd/waiting_test there_is_room_for_so_many
}

@test "waiting: a network has its share" {
	run_case tarpitd/waiting_test a_network_has_its_share
}

@test "waiting: any order of arrivals and ends" {
	run_case tarpitd/waiting_test any_order_of_arrivals_and_ends
}

@test "waiting: what a crowd had is given back" {
	run_case tarpitd/waiting_test what_a_crowd_had_is_given_back
}

@test "waiting: a place is given back once" {
	run_case tarpitd/waiting_test a_place_is_given_back_once
}

@test "waiting: every case has a test" {
	all_cases_listed tarpitd/waiting_test
}
