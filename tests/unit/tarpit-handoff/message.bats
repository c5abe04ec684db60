#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "message: complete message" {
	run_case tarpit-handoff/message_test complete_message
}

@test "message: order is free and others are ignored" {
	run_case tarpit-handoff/message_test order_is_free_and_others_are_ignored
}

@test "message: mapped address is ipv4" {
	run_case tarpit-handoff/message_test mapped_address_is_ipv4
}

@test "message: incomplete wants more" {
	run_case tarpit-handoff/message_test incomplete_wants_more
}

@test "message: endless message is refused" {
	run_case tarpit-handoff/message_test endless_message_is_refused
}

@test "message: missing attribute is refused" {
	run_case tarpit-handoff/message_test missing_attribute_is_refused
}

@test "message: attribute given twice is refused" {
	run_case tarpit-handoff/message_test attribute_given_twice_is_refused
}

@test "message: a port may be 0" {
	run_case tarpit-handoff/message_test a_port_may_be_0
}

@test "message: wrong values are refused" {
	run_case tarpit-handoff/message_test wrong_values_are_refused
}

@test "message: bytes after the end are refused" {
	run_case tarpit-handoff/message_test bytes_after_the_end_are_refused
}

@test "message: garbage is refused" {
	run_case tarpit-handoff/message_test garbage_is_refused
}

@test "message: every case is listed" {
	all_cases_listed tarpit-handoff/message_test
}
