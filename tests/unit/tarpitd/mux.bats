#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "mux: a fast client has one transaction" {
	run_case tarpitd/mux_test fast_client_has_one_transaction
}

@test "mux: the same client is not introduced again" {
	run_case tarpitd/mux_test same_client_is_not_introduced_again
}

@test "mux: a slow client is not parked" {
	run_case tarpitd/mux_test slow_client_is_not_parked
}

@test "mux: half a transaction is not parked" {
	run_case tarpitd/mux_test half_a_transaction_is_not_parked
}

@test "mux: RSET goes ahead of the next client" {
	run_case tarpitd/mux_test reset_goes_ahead_of_the_next_client
}

@test "mux: HELO is one command at a time" {
	run_case tarpitd/mux_test helo_is_one_command_at_a_time
}

@test "mux: the oldest goes when others wait" {
	run_case tarpitd/mux_test oldest_goes_when_others_wait
}

@test "mux: what is parked is safe for a while" {
	run_case tarpitd/mux_test parked_is_safe_for_a_while
}

@test "mux: what is parked ends after a while" {
	run_case tarpitd/mux_test parked_ends_after_a_while
}

@test "mux: a lost transaction begins anew" {
	run_case tarpitd/mux_test lost_transaction_begins_anew
}

@test "mux: a refused sender ends its group" {
	run_case tarpitd/mux_test refused_sender_ends_its_group
}

@test "mux: a farewell to a parked one loses nothing" {
	run_case tarpitd/mux_test farewell_to_a_parked_one_loses_nothing
}

@test "mux: a reply to nothing ends the connection" {
	run_case tarpitd/mux_test reply_to_nothing_ends_the_connection
}

@test "mux: a client that leaves is forgotten" {
	run_case tarpitd/mux_test client_that_leaves_is_forgotten
}

@test "mux: many recipients fit" {
	run_case tarpitd/mux_test many_recipients_fit
}

@test "mux: one is due and another is not" {
	run_case tarpitd/mux_test one_is_due_and_another_is_not
}

@test "mux: every case has a test" {
	all_cases_listed tarpitd/mux_test
}
