#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "tls: a dialogue goes both ways" {
	run_case tarpitd/tls_test a_dialogue_goes_both_ways
}

@test "tls: old versions are refused" {
	run_case tarpitd/tls_test old_versions_are_refused
}

@test "tls: garbage is no handshake" {
	run_case tarpitd/tls_test garbage_is_no_handshake
}

@test "tls: a hello may come in pieces" {
	run_case tarpitd/tls_test a_hello_may_come_in_pieces
}

@test "tls: nothing is said before the handshake" {
	run_case tarpitd/tls_test nothing_is_said_before_the_handshake
}

@test "tls: what is not read is kept" {
	run_case tarpitd/tls_test what_is_not_read_is_kept
}

@test "tls: lines may come in any pieces" {
	run_case tarpitd/tls_test lines_may_come_in_any_pieces
}

@test "tls: more than fits is not lost" {
	run_case tarpitd/tls_test more_than_fits_is_not_lost
}

@test "tls: an end is seen" {
	run_case tarpitd/tls_test an_end_is_seen
}

@test "tls: our end is announced" {
	run_case tarpitd/tls_test our_end_is_announced
}

@test "tls: a forged record breaks it" {
	run_case tarpitd/tls_test a_forged_record_breaks_it
}

@test "tls: renegotiation is refused" {
	run_case tarpitd/tls_test renegotiation_is_refused
}

@test "tls: nothing is kept to resume" {
	run_case tarpitd/tls_test nothing_is_kept_to_resume
}

@test "tls: sessions outlive their certificate" {
	run_case tarpitd/tls_test sessions_outlive_their_certificate
}

@test "tls: a held session is small" {
	run_case tarpitd/tls_test a_held_session_is_small
}

@test "tls: a bad file is named" {
	run_case tarpitd/tls_test a_bad_file_is_named
}

@test "tls: dates are known" {
	run_case tarpitd/tls_test dates_are_known
}

@test "tls: what is missing is missed where it should be" {
	run_case tarpitd/tls_test what_is_missing_is_missed_where_it_should_be
}

@test "tls: all cases are listed" {
	all_cases_listed tarpitd/tls_test
}
