#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "reply: finds the end" {
	run_case tarpitd/reply_test finds_the_end
}

@test "reply: waits for the rest" {
	run_case tarpitd/reply_test waits_for_the_rest
}

@test "reply: knows what is no reply" {
	run_case tarpitd/reply_test knows_what_is_no_reply
}

@test "reply: walks lines" {
	run_case tarpitd/reply_test walks_lines
}

@test "reply: copies word for word" {
	run_case tarpitd/reply_test copies_word_for_word
}

@test "reply: cuts from the front" {
	run_case tarpitd/reply_test cuts_from_the_front
}

@test "reply: every case has a test" {
	all_cases_listed tarpitd/reply_test
}
