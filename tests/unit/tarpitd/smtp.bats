#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "smtp: every command has its reply" {
	run_case tarpitd/smtp_test every_command_has_its_reply
}

@test "smtp: case and trailing blanks do not matter" {
	run_case tarpitd/smtp_test case_and_trailing_blanks_do_not_matter
}

@test "smtp: starttls is offered once" {
	run_case tarpitd/smtp_test starttls_is_offered_once
}

@test "smtp: words are what was said" {
	run_case tarpitd/smtp_test words_are_what_was_said
}

@test "smtp: bare lf and nul are errors" {
	run_case tarpitd/smtp_test bare_lf_and_nul_are_errors
}

@test "smtp: the longest line is one" {
	run_case tarpitd/smtp_test the_longest_line_is_one
}

@test "smtp: no byte disturbs it" {
	run_case tarpitd/smtp_test no_byte_disturbs_it
}

@test "smtp: random lines are answered" {
	run_case tarpitd/smtp_test random_lines_are_answered
}

@test "smtp: replies are well formed" {
	run_case tarpitd/smtp_test replies_are_well_formed
}

@test "smtp: replies have status codes" {
	run_case tarpitd/smtp_test replies_have_status_codes
}

@test "smtp: every case has a test" {
	all_cases_listed tarpitd/smtp_test
}
