# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "engine: lanes begin at their score" {
	run_case policy/engine_test lanes_begin_at_their_score
}

@test "engine: pass has no pace" {
	run_case policy/engine_test pass_has_no_pace
}

@test "engine: slowed by the curves" {
	run_case policy/engine_test slowed_by_the_curves
}

@test "engine: nothing known passes" {
	run_case policy/engine_test nothing_known_passes
}

@test "engine: weights add up" {
	run_case policy/engine_test weights_add_up
}

@test "engine: score is clamped at the end" {
	run_case policy/engine_test score_is_clamped_at_the_end
}

@test "engine: each pair of classes" {
	run_case policy/engine_test each_pair_of_classes
}

@test "engine: patience cancels first contact alone" {
	run_case policy/engine_test patience_cancels_first_contact_alone
}

@test "engine: by hand wins" {
	run_case policy/engine_test by_hand_wins
}

@test "engine: what cancels is named" {
	run_case policy/engine_test what_cancels_is_named
}

@test "engine: no fact turns round" {
	run_case policy/engine_test no_fact_turns_round
}

@test "engine: decided when nothing can change" {
	run_case policy/engine_test decided_when_nothing_can_change
}

@test "engine: every case is listed" {
	all_cases_listed policy/engine_test
}

@test "engine: seen makes up for first contact alone" {
	run_case policy/engine_test seen_makes_up_for_first_contact_alone
}
