#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "texts: replies are rendered" {
	run_case tarpitd/texts_test replies_are_rendered
}

@test "texts: a percent sign is one" {
	run_case tarpitd/texts_test a_percent_sign_is_one
}

@test "texts: a session keeps what it began with" {
	run_case tarpitd/texts_test a_session_keeps_what_it_began_with
}

@test "texts: what nobody holds goes at once" {
	run_case tarpitd/texts_test what_nobody_holds_goes_at_once
}

@test "texts: held by two goes with the second" {
	run_case tarpitd/texts_test held_by_two_goes_with_the_second
}

@test "texts: all generations held is busy" {
	run_case tarpitd/texts_test all_generations_held_is_busy
}

@test "texts: every case has a test" {
	all_cases_listed tarpitd/texts_test
}
