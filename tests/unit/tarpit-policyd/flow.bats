# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "flow: every event in every state" {
	run_case tarpit-policyd/flow_test every_event_in_every_state
}

@test "flow: what is done in each state" {
	run_case tarpit-policyd/flow_test what_is_done_in_each_state
}

@test "flow: closed is the end" {
	run_case tarpit-policyd/flow_test closed_is_the_end
}

@test "flow: every case is listed" {
	all_cases_listed tarpit-policyd/flow_test
}
