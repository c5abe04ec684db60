#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "sockbuf: a small window that can grow" {
	run_case tarpitd/sockbuf_test a_small_window_that_can_grow
}

@test "sockbuf: a shrunk client pushes little" {
	run_case tarpitd/sockbuf_test a_shrunk_client_pushes_little
}

@test "sockbuf: restoring unlocks the buffers" {
	run_case tarpitd/sockbuf_test restoring_unlocks_the_buffers
}

@test "sockbuf: after restoring the window opens" {
	run_case tarpitd/sockbuf_test after_restoring_the_window_opens
}

@test "sockbuf: the rest of a line comes through" {
	run_case tarpitd/sockbuf_test the_rest_of_a_line_comes_through
}

@test "sockbuf: every case has a test" {
	all_cases_listed tarpitd/sockbuf_test
}
