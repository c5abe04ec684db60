# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "human: counts" {
	run_case tarpitctl/human_test counts
}

@test "human: durations" {
	run_case tarpitctl/human_test durations
}

@test "human: bytes" {
	run_case tarpitctl/human_test bytes
}

@test "human: figures and shares" {
	run_case tarpitctl/human_test figures_and_shares
}

@test "human: sparks" {
	run_case tarpitctl/human_test sparks
}

@test "human: times" {
	run_case tarpitctl/human_test times
}

@test "human: no times" {
	run_case tarpitctl/human_test no_times
}

@test "human: every case is listed" {
	all_cases_listed tarpitctl/human_test
}
