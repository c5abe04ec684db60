#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "intern: equal bytes are kept once" {
	run_case common/intern_test equal_bytes_are_kept_once
}

@test "intern: the last reference frees" {
	run_case common/intern_test the_last_reference_frees
}

@test "intern: none is nothing" {
	run_case common/intern_test none_is_nothing
}

@test "intern: empty and binary bytes are some" {
	run_case common/intern_test empty_and_binary_bytes_are_some
}

@test "intern: too long is refused" {
	run_case common/intern_test too_long_is_refused
}

@test "intern: bytes are aligned" {
	run_case common/intern_test bytes_are_aligned
}

@test "intern: thousands come and go" {
	run_case common/intern_test thousands_come_and_go
}

@test "intern: names made to collide do not" {
	run_case common/intern_test names_made_to_collide_do_not
}

@test "intern: it grows bucket by bucket" {
	run_case common/intern_test it_grows_bucket_by_bucket
}

@test "intern: every case has a test" {
	all_cases_listed common/intern_test
}
