# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "question: session" {
	run_case tarpit-policyd/question_test session
}

@test "question: behaviour" {
	run_case tarpit-policyd/question_test behaviour
}

@test "question: addresses" {
	run_case tarpit-policyd/question_test addresses
}

@test "question: other requests" {
	run_case tarpit-policyd/question_test other_requests
}

@test "question: refused ones keep their instance" {
	run_case tarpit-policyd/question_test refused_ones_keep_their_instance
}

@test "question: instance at its limit" {
	run_case tarpit-policyd/question_test instance_at_its_limit
}

@test "question: last of a name counts" {
	run_case tarpit-policyd/question_test last_of_a_name_counts
}

@test "question: answer fields" {
	run_case tarpit-policyd/question_test answer_fields
}

@test "question: unknown origin is empty" {
	run_case tarpit-policyd/question_test unknown_origin_is_empty
}

@test "question: largest answers fit" {
	run_case tarpit-policyd/question_test largest_answers_fit
}

@test "question: other answers" {
	run_case tarpit-policyd/question_test other_answers
}

@test "question: actions are filled in" {
	run_case tarpit-policyd/question_test actions_are_filled_in
}

@test "question: every case is listed" {
	all_cases_listed tarpit-policyd/question_test
}
