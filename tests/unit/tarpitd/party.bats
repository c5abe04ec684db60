#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "party: hosts and networks are told apart" {
	run_case tarpitd/party_test hosts_and_networks_are_told_apart
}

@test "party: gone with the last reference" {
	run_case tarpitd/party_test gone_with_the_last_reference
}

@test "party: without memory there is none" {
	run_case tarpitd/party_test without_memory_there_is_none
}

@test "party: many come and go" {
	run_case tarpitd/party_test many_come_and_go
}

@test "party: every case is here" {
	all_cases_listed tarpitd/party_test
}
