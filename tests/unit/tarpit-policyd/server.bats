# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "server: answers at once" {
	run_case tarpit-policyd/server_test answers_at_once
}

@test "server: message in single bytes" {
	run_case tarpit-policyd/server_test message_in_single_bytes
}

@test "server: late answers in any order" {
	run_case tarpit-policyd/server_test late_answers_in_any_order
}

@test "server: closing cancels what waits" {
	run_case tarpit-policyd/server_test closing_cancels_what_waits
}

@test "server: half closed peer gets its answers" {
	run_case tarpit-policyd/server_test half_closed_peer_gets_its_answers
}

@test "server: outcome of a peer that has gone" {
	run_case tarpit-policyd/server_test outcome_of_a_peer_that_has_gone
}

@test "server: garbage is answered" {
	run_case tarpit-policyd/server_test garbage_is_answered
}

@test "server: endless message closes" {
	run_case tarpit-policyd/server_test endless_message_closes
}

@test "server: peer that does not read" {
	run_case tarpit-policyd/server_test peer_that_does_not_read
}

@test "server: connections at their limit" {
	run_case tarpit-policyd/server_test connections_at_their_limit
}

@test "server: outcomes are learned" {
	run_case tarpit-policyd/server_test outcomes_are_learned
}

@test "server: outcomes have circumstances" {
	run_case tarpit-policyd/server_test outcomes_have_circumstances
}

@test "server: only the dispatcher teaches" {
	run_case tarpit-policyd/server_test only_the_dispatcher_teaches
}

@test "server: questions beyond the limit do not wait" {
	run_case tarpit-policyd/server_test questions_beyond_the_limit_do_not_wait
}

@test "server: a network has its share of questions" {
	run_case tarpit-policyd/server_test a_network_has_its_share_of_questions
}

@test "server: who has left is forgotten" {
	run_case tarpit-policyd/server_test who_has_left_is_forgotten
}

@test "server: an answer may be for one host" {
	run_case tarpit-policyd/server_test an_answer_may_be_for_one_host
}

@test "server: without memory there is no server" {
	run_case tarpit-policyd/server_test without_memory_there_is_no_server
}

@test "server: a network beyond its lookups is slowed" {
	run_case tarpit-policyd/server_test a_network_beyond_its_lookups_is_slowed
}

@test "server: every case is listed" {
	all_cases_listed tarpit-policyd/server_test
}
