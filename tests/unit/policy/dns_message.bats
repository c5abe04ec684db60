# SPDX-License-Identifier: ISC
load ../../helpers/common

@test "dns_message: addresses" {
	run_case policy/dns_message_test addresses
}

@test "dns_message: names" {
	run_case policy/dns_message_test names
}

@test "dns_message: nothing for how long" {
	run_case policy/dns_message_test nothing_for_how_long
}

@test "dns_message: failures" {
	run_case policy/dns_message_test failures
}

@test "dns_message: damaged messages" {
	run_case policy/dns_message_test damaged_messages
}

@test "dns_message: every case is listed" {
	all_cases_listed policy/dns_message_test
}
