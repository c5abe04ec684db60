#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "upstream: a message goes with its identity" {
	run_case tarpitd/upstream_test a_message_goes_with_its_identity
}

@test "upstream: one client after another" {
	run_case tarpitd/upstream_test one_client_after_another
}

@test "upstream: a reply is the same in any pieces" {
	run_case tarpitd/upstream_test a_reply_is_the_same_in_any_pieces
}

@test "upstream: goodbye in each phase" {
	run_case tarpitd/upstream_test goodbye_in_each_phase
}

@test "upstream: a lost connection in each phase" {
	run_case tarpitd/upstream_test a_lost_connection_in_each_phase
}

@test "upstream: garbage in each phase" {
	run_case tarpitd/upstream_test garbage_in_each_phase
}

@test "upstream: a refusal in each phase" {
	run_case tarpitd/upstream_test a_refusal_in_each_phase
}

@test "upstream: nothing is delivered for who has left" {
	run_case tarpitd/upstream_test nothing_is_delivered_for_who_has_left
}

@test "upstream: abandoned in each phase" {
	run_case tarpitd/upstream_test abandoned_in_each_phase
}

@test "upstream: what is committed runs to its end" {
	run_case tarpitd/upstream_test what_is_committed_runs_to_its_end
}

@test "upstream: silence is not waited for for ever" {
	run_case tarpitd/upstream_test silence_is_not_waited_for_for_ever
}

@test "upstream: an mta that does not want us" {
	run_case tarpitd/upstream_test an_mta_that_does_not_want_us
}

@test "upstream: an mta without xclient" {
	run_case tarpitd/upstream_test an_mta_without_xclient
}

@test "upstream: a refusal of xclient is told from one of the client" {
	run_case tarpitd/upstream_test a_refusal_of_xclient_is_told_from_one_of_the_client
}

@test "upstream: a goodbye has words for the client" {
	run_case tarpitd/upstream_test a_goodbye_has_words_for_the_client
}

@test "upstream: every case has a test" {
	all_cases_listed tarpitd/upstream_test
}
