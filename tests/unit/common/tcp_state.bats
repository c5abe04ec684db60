#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "tcp_state: counts what anybody writes" {
	run_case common/tcp_state_test counts_what_anybody_writes
}

@test "tcp_state: counts what waits for the window" {
	run_case common/tcp_state_test counts_what_waits_for_the_window
}

@test "tcp_state: knows ends" {
	run_case common/tcp_state_test knows_ends
}

@test "tcp_state: refuses others" {
	run_case common/tcp_state_test refuses_others
}

@test "tcp_state: counts what anybody reads" {
	run_case common/tcp_state_test counts_what_anybody_reads
}

@test "tcp_state: all cases listed" {
	all_cases_listed common/tcp_state_test
}
