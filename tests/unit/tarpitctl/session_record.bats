# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "session_record: a whole record" {
	run_case tarpitctl/session_record_test a_whole_record
}

@test "session_record: what is missing makes it unreadable" {
	run_case tarpitctl/session_record_test what_is_missing_makes_it_unreadable
}

@test "session_record: nonsense makes it unreadable" {
	run_case tarpitctl/session_record_test nonsense_makes_it_unreadable
}

@test "session_record: texts are printable and cut" {
	run_case tarpitctl/session_record_test texts_are_printable_and_cut
}

@test "session_record: fields without a name are passed over" {
	run_case tarpitctl/session_record_test fields_without_a_name_are_passed_over
}

@test "session_record: what lane and outcome mean" {
	run_case tarpitctl/session_record_test what_lane_and_outcome_mean
}

@test "session_record: the observed are not slowed" {
	run_case tarpitctl/session_record_test the_observed_are_not_slowed
}

@test "session_record: every case is listed" {
	all_cases_listed tarpitctl/session_record_test
}
