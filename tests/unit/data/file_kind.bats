#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "file_kind: archives by their first bytes" {
	run_case data/file_kind_test archives_by_their_first_bytes
}

@test "file_kind: archives by what is in the middle" {
	run_case data/file_kind_test archives_by_what_is_in_the_middle
}

@test "file_kind: nothing at all" {
	run_case data/file_kind_test nothing_at_all
}

@test "file_kind: pages and documents" {
	run_case data/file_kind_test pages_and_documents
}

@test "file_kind: texts by their first line" {
	run_case data/file_kind_test texts_by_their_first_line
}

@test "file_kind: messages at their limit" {
	run_case data/file_kind_test messages_at_their_limit
}

@test "file_kind: every case is here" {
	all_cases_listed data/file_kind_test
}
