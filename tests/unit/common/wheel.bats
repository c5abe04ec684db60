#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "wheel: fires at its time" {
	run_case common/wheel_test fires_at_its_time
}

@test "wheel: fractions round up" {
	run_case common/wheel_test fractions_round_up
}

@test "wheel: cascades at each level" {
	run_case common/wheel_test cascades_at_each_level
}

@test "wheel: parks beyond the horizon" {
	run_case common/wheel_test parks_beyond_the_horizon
}

@test "wheel: never is never" {
	run_case common/wheel_test never_is_never
}

@test "wheel: empty wheel has no next" {
	run_case common/wheel_test empty_wheel_has_no_next
}

@test "wheel: cancelled does not fire" {
	run_case common/wheel_test cancelled_does_not_fire
}

@test "wheel: armed again moves" {
	run_case common/wheel_test armed_again_moves
}

@test "wheel: the past fires next time" {
	run_case common/wheel_test the_past_fires_next_time
}

@test "wheel: handler arming for now waits" {
	run_case common/wheel_test handler_arming_for_now_waits
}

@test "wheel: handler cancels others" {
	run_case common/wheel_test handler_cancels_others
}

@test "wheel: time standing still is harmless" {
	run_case common/wheel_test time_standing_still_is_harmless
}

@test "wheel: agrees with a naive model" {
	run_case common/wheel_test agrees_with_a_naive_model
}

@test "wheel: next leads there" {
	run_case common/wheel_test next_leads_there
}

@test "wheel: all cases listed" {
	all_cases_listed common/wheel_test
}
