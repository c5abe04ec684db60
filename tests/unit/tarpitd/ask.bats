#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "ask: a question says who" {
	run_case tarpitd/ask_test a_question_says_who
}

@test "ask: an answer is all its values" {
	run_case tarpitd/ask_test an_answer_is_all_its_values
}

@test "ask: answers come in any order" {
	run_case tarpitd/ask_test answers_come_in_any_order
}

@test "ask: each question has its own time" {
	run_case tarpitd/ask_test each_question_has_its_own_time
}

@test "ask: while it is silent one question probes" {
	run_case tarpitd/ask_test while_it_is_silent_one_question_probes
}

@test "ask: nobody there is known soon" {
	run_case tarpitd/ask_test nobody_there_is_known_soon
}

@test "ask: a lost connection asks again" {
	run_case tarpitd/ask_test a_lost_connection_asks_again
}

@test "ask: nonsense means the default at once" {
	run_case tarpitd/ask_test nonsense_means_the_default_at_once
}

@test "ask: answers for nobody are ignored" {
	run_case tarpitd/ask_test answers_for_nobody_are_ignored
}

@test "ask: a message without an end costs the connection" {
	run_case tarpitd/ask_test a_message_without_an_end_costs_the_connection
}

@test "ask: a service that does not read fills nothing" {
	run_case tarpitd/ask_test a_service_that_does_not_read_fills_nothing
}

@test "ask: what waited to be asked is given back" {
	run_case tarpitd/ask_test what_waited_to_be_asked_is_given_back
}

@test "ask: a reason is made printable" {
	run_case tarpitd/ask_test a_reason_is_made_printable
}

@test "ask: a client is asked about once" {
	run_case tarpitd/ask_test a_client_is_asked_about_once
}

@test "ask: an answer for one host is not shared" {
	run_case tarpitd/ask_test an_answer_for_one_host_is_not_shared
}

@test "ask: who leaves is forgotten" {
	run_case tarpitd/ask_test who_leaves_is_forgotten
}

@test "ask: at its limit strangers are slowed" {
	run_case tarpitd/ask_test at_its_limit_strangers_are_slowed
}

@test "ask: too late among answers is slow" {
	run_case tarpitd/ask_test too_late_among_answers_is_slow
}

@test "ask: without memory it does not begin" {
	run_case tarpitd/ask_test without_memory_it_does_not_begin
}

@test "ask: reports are gathered" {
	run_case tarpitd/ask_test reports_are_gathered
}

@test "ask: without a connection a report is lost" {
	run_case tarpitd/ask_test without_a_connection_a_report_is_lost
}

@test "ask: reports without room are counted" {
	run_case tarpitd/ask_test reports_without_room_are_counted
}

@test "ask: answers are taken in slices" {
	run_case tarpitd/ask_test answers_are_taken_in_slices
}

@test "ask: every case has a test" {
	all_cases_listed tarpitd/ask_test
}
