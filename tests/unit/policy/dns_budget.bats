# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "dns budget: a network of 64 bits has its lookups" {
	run_case policy/dns_budget_test a_network_of_64_bits_has_its_lookups
}

@test "dns budget: larger networks have more" {
	run_case policy/dns_budget_test larger_networks_have_more
}

@test "dns budget: addresses of ipv4 are free" {
	run_case policy/dns_budget_test addresses_of_ipv4_are_free
}

@test "dns budget: who has spent most is remembered" {
	run_case policy/dns_budget_test who_has_spent_most_is_remembered
}

@test "dns budget: three in a row speak for all" {
	run_case policy/dns_budget_test three_in_a_row_speak_for_all
}

@test "dns budget: who differ do not" {
	run_case policy/dns_budget_test who_differ_do_not
}

@test "dns budget: failures and ipv4 are not noted" {
	run_case policy/dns_budget_test failures_and_ipv4_are_not_noted
}

@test "dns budget: every case is listed" {
	all_cases_listed policy/dns_budget_test
}
