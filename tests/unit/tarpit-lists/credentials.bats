#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "credentials: one line is for every host" {
	run_case tarpit-lists/credentials_test one_line_is_for_every_host
}

@test "credentials: machines have their own" {
	run_case tarpit-lists/credentials_test machines_have_their_own
}

@test "credentials: machines are told from what looks like them" {
	run_case tarpit-lists/credentials_test machines_are_told_from_what_looks_like_them
}

@test "credentials: odd files are refused" {
	run_case tarpit-lists/credentials_test odd_files_are_refused
}

@test "credentials: headers are lines" {
	run_case tarpit-lists/credentials_test headers_are_lines
}

@test "credentials: as many headers as there may be" {
	run_case tarpit-lists/credentials_test as_many_headers_as_there_may_be
}

@test "credentials: nothing is left behind" {
	run_case tarpit-lists/credentials_test nothing_is_left_behind
}

@test "credentials: every case is here" {
	all_cases_listed tarpit-lists/credentials_test
}
