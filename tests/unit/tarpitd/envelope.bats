#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "envelope: finds the path" {
	run_case tarpitd/envelope_test finds_the_path
}

@test "envelope: knows what is plain" {
	run_case tarpitd/envelope_test knows_what_is_plain
}

@test "envelope: asks about what is not offered" {
	run_case tarpitd/envelope_test asks_about_what_is_not_offered
}
