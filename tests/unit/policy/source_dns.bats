#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "source_dns: a reload keeps what is known" {
	run_case policy/source_dns_test a_reload_keeps_what_is_known
}

@test "source_dns: another resolver knows nothing" {
	run_case policy/source_dns_test another_resolver_knows_nothing
}

@test "source_dns: each address of an answer counts" {
	run_case policy/source_dns_test each_address_of_an_answer_counts
}

@test "source_dns: refusals are seen wherever they stand" {
	run_case policy/source_dns_test refusals_are_seen_wherever_they_stand
}

@test "source_dns: a zone that refuses is left" {
	run_case policy/source_dns_test a_zone_that_refuses_is_left
}

@test "source_dns: a look up that does not begin leaves nothing" {
	run_case policy/source_dns_test a_look_up_that_does_not_begin_leaves_nothing
}

@test "source_dns: every case is here" {
	all_cases_listed policy/source_dns_test
}
