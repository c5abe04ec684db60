# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "curve: flat outside" {
	run_case policy/curve_test flat_outside
}

@test "curve: exact at points" {
	run_case policy/curve_test exact_at_points
}

@test "curve: linear between" {
	run_case policy/curve_test linear_between
}

@test "curve: rises too" {
	run_case policy/curve_test rises_too
}

@test "curve: extreme points do not overflow" {
	run_case policy/curve_test extreme_points_do_not_overflow
}

@test "curve: one point is flat" {
	run_case policy/curve_test one_point_is_flat
}

@test "curve: points in any order" {
	run_case policy/curve_test points_in_any_order
}

@test "curve: same score replaces" {
	run_case policy/curve_test same_score_replaces
}

@test "curve: remove point" {
	run_case policy/curve_test remove_point
}

@test "curve: full at 16" {
	run_case policy/curve_test full_at_16
}

@test "curve: every case is listed" {
	all_cases_listed policy/curve_test
}
