#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "guests: graduates have half of the places" {
	run_case tarpitd/guests_test graduates_have_half
}

@test "guests: a crowd of networks leaves something" {
	run_case tarpitd/guests_test a_crowd_leaves_something
}

@test "guests: a site of IPv6 is one" {
	run_case tarpitd/guests_test a_site_is_one
}

@test "guests: who passes comes first, and is not limited" {
	run_case tarpitd/guests_test who_passes_comes_first
}

@test "guests: what is served at a time there are places for" {
	run_case tarpitd/guests_test what_is_served_are_places
}

@test "guests: who has left is looked for when there is no room" {
	run_case tarpitd/guests_test who_has_left_is_looked_for
}

@test "guests: zero places limit nothing" {
	run_case tarpitd/guests_test zero_places_limit_nothing
}

@test "guests: every case has a test" {
	all_cases_listed tarpitd/guests_test
}
