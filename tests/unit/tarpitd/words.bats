#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "words: what is new replaces the old" {
	run_case tarpitd/words_test what_is_new_replaces_the_old
}

@test "words: long words are cut" {
	run_case tarpitd/words_test long_words_are_cut
}

@test "words: there is room for so many" {
	run_case tarpitd/words_test there_is_room_for_so_many
}

@test "words: in a crowd names are short" {
	run_case tarpitd/words_test in_a_crowd_names_are_short
}

@test "words: every case is here" {
	all_cases_listed tarpitd/words_test
}
