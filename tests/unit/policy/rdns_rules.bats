# SPDX-License-Identifier: ISC
load ../../helpers/common

@test "rdns_rules: addresses in names" {
	run_case policy/rdns_rules_test addresses_in_names
}

@test "rdns_rules: words and suffixes" {
	run_case policy/rdns_rules_test words_and_suffixes
}

@test "rdns_rules: exceptions win" {
	run_case policy/rdns_rules_test exceptions_win
}

@test "rdns_rules: mistakes have a line" {
	run_case policy/rdns_rules_test mistakes_have_a_line
}

@test "rdns_rules: every case is listed" {
	all_cases_listed policy/rdns_rules_test
}
