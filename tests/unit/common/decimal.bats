#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "decimal: digits are a number" {
	run_case common/decimal_test digits_are_a_number
}

@test "decimal: anything else is none" {
	run_case common/decimal_test anything_else_is_none
}

@test "decimal: ranges have their ends" {
	run_case common/decimal_test ranges_have_their_ends
}

@test "decimal: every case is here" {
	all_cases_listed common/decimal_test
}
