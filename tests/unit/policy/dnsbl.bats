# SPDX-License-Identifier: ISC
load ../../helpers/common

@test "dnsbl: names to ask for" {
	run_case policy/dnsbl_test names_to_ask_for
}

@test "dnsbl: only 127 is a listing" {
	run_case policy/dnsbl_test only_127_is_a_listing
}

@test "dnsbl: filters" {
	run_case policy/dnsbl_test filters
}

@test "dnsbl: filters with brackets" {
	run_case policy/dnsbl_test filters_with_brackets
}

@test "dnsbl: filters of all sizes" {
	run_case policy/dnsbl_test filters_of_all_sizes
}

@test "dnsbl: filters that are none" {
	run_case policy/dnsbl_test filters_that_are_none
}

@test "dnsbl: every case is listed" {
	all_cases_listed policy/dnsbl_test
}
