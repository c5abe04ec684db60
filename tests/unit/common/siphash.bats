#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "siphash: hashes as published" {
	run_case common/siphash_test hashes_as_published
}

@test "siphash: each key is another" {
	run_case common/siphash_test each_key_is_another
}

@test "siphash: every case has a test" {
	all_cases_listed common/siphash_test
}
