#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "watch: anything that changes is seen once" {
	run_case policy/watch_test anything_that_changes_is_seen_once
}

@test "watch: gone and back is seen" {
	run_case policy/watch_test gone_and_back_is_seen
}

@test "watch: every case is here" {
	all_cases_listed policy/watch_test
}
