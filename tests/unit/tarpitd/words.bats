#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "words: what is new replaces the old" {
	run_case tarpitd/words_test what_is_new_replaces_the_old
}

@test "words: long words are cut" {
	run_case tarpitd/words_test long_words_are_cut
}

@test "words: every case is here" {
	all_cases_listed tarpitd/words_test
}
