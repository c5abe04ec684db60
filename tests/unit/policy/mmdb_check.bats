# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "mmdb_check: plain values pass" {
	run_case policy/mmdb_check_test plain_values_pass
}

@test "mmdb_check: values past the end" {
	run_case policy/mmdb_check_test values_past_the_end
}

@test "mmdb_check: long sizes" {
	run_case policy/mmdb_check_test long_sizes
}

@test "mmdb_check: pointers" {
	run_case policy/mmdb_check_test pointers
}

@test "mmdb_check: loops end" {
	run_case policy/mmdb_check_test loops_end
}

@test "mmdb_check: depth is bounded" {
	run_case policy/mmdb_check_test depth_is_bounded
}

@test "mmdb_check: tangles are refused" {
	run_case policy/mmdb_check_test tangles_are_refused
}

@test "mmdb_check: records are bounded" {
	run_case policy/mmdb_check_test records_are_bounded
}

@test "mmdb_check: tree bounds" {
	run_case policy/mmdb_check_test tree_bounds
}

@test "mmdb_check: record sizes" {
	run_case policy/mmdb_check_test record_sizes
}

@test "mmdb_check: metadata" {
	run_case policy/mmdb_check_test metadata
}

@test "mmdb_check: every case is listed" {
	all_cases_listed policy/mmdb_check_test
}
