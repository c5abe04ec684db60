#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "url: shows server and path" {
	run_case tarpit-lists/url_test shows_server_and_path
}

@test "url: shows nothing where a password may be taken for a server" {
	run_case tarpit-lists/url_test shows_nothing_where_a_password_may_be_taken_for_a_server
}

@test "url: knows what has a secret" {
	run_case tarpit-lists/url_test knows_what_has_a_secret
}

@test "url: every case is listed" {
	all_cases_listed tarpit-lists/url_test
}
