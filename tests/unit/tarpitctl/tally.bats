# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "tally: lanes and outcomes" {
	run_case tarpitctl/tally_test lanes_and_outcomes
}

@test "tally: networks are 24 or 64" {
	run_case tarpitctl/tally_test networks_are_24_or_64
}

@test "tally: reasons lose their weights" {
	run_case tarpitctl/tally_test reasons_lose_their_weights
}

@test "tally: odd reasons are counted as they are" {
	run_case tarpitctl/tally_test odd_reasons_are_counted_as_they_are
}

@test "tally: the patient are kept with their last reason" {
	run_case tarpitctl/tally_test the_patient_are_kept_with_their_last_reason
}

@test "tally: talkers were on their way in" {
	run_case tarpitctl/tally_test talkers_were_on_their_way_in
}

@test "tally: observed sessions stand apart" {
	run_case tarpitctl/tally_test observed_sessions_stand_apart
}

@test "tally: the open are censored" {
	run_case tarpitctl/tally_test the_open_are_censored
}

@test "tally: patience that was not asked for" {
	run_case tarpitctl/tally_test patience_that_was_not_asked_for
}

@test "tally: every case is listed" {
	all_cases_listed tarpitctl/tally_test
}
