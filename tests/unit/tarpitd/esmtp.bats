#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "esmtp: runs a transaction" {
	run_case tarpitd/esmtp_test runs_a_transaction
}

@test "esmtp: keeps the order" {
	run_case tarpitd/esmtp_test keeps_the_order
}

@test "esmtp: never offers what is the mtas" {
	run_case tarpitd/esmtp_test never_offers_what_is_the_mtas
}

@test "esmtp: offers starttls once" {
	run_case tarpitd/esmtp_test offers_starttls_once
}

@test "esmtp: learns what the mta does" {
	run_case tarpitd/esmtp_test learns_what_the_mta_does
}

@test "esmtp: asks about odd senders" {
	run_case tarpitd/esmtp_test asks_about_odd_senders
}

@test "esmtp: leaves recipients to the mta" {
	run_case tarpitd/esmtp_test leaves_recipients_to_the_mta
}

@test "esmtp: says what is expected" {
	run_case tarpitd/esmtp_test says_what_is_expected
}

@test "esmtp: takes any name" {
	run_case tarpitd/esmtp_test takes_any_name
}

@test "esmtp: takes whole clean lines only" {
	run_case tarpitd/esmtp_test takes_whole_clean_lines_only
}

@test "esmtp: counts chunks" {
	run_case tarpitd/esmtp_test counts_chunks
}

@test "esmtp: limits recipients" {
	run_case tarpitd/esmtp_test limits_recipients
}

@test "esmtp: limits errors" {
	run_case tarpitd/esmtp_test limits_errors
}

@test "esmtp: limits commands" {
	run_case tarpitd/esmtp_test limits_commands
}

@test "esmtp: limits junk" {
	run_case tarpitd/esmtp_test limits_junk
}

@test "esmtp: messages pay for their commands" {
	run_case tarpitd/esmtp_test messages_pay_for_their_commands
}

@test "esmtp: messages pay for few errors" {
	run_case tarpitd/esmtp_test messages_pay_for_few_errors
}

@test "esmtp: every case has a test" {
	all_cases_listed tarpitd/esmtp_test
}
