# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "keys are addresses and networks" {
	run_case policy/history_text_test keys_are_addresses_and_networks
}

@test "values are read as written" {
	run_case policy/history_text_test values_are_read_as_written
}

@test "values of others are refused" {
	run_case policy/history_text_test values_of_others_are_refused
}

@test "times to come are now" {
	run_case policy/history_text_test times_to_come_are_now
}

@test "merging counts what was added" {
	run_case policy/history_text_test merging_counts_what_was_added
}

@test "answers become records" {
	run_case policy/history_text_test answers_become_records
}

@test "queue is bounded and in order" {
	run_case policy/history_text_test queue_is_bounded_and_in_order
}

@test "networks have fields of their own" {
	run_case policy/history_text_test networks_have_fields_of_their_own
}

@test "every case has a test" {
	all_cases_listed policy/history_text_test
}
