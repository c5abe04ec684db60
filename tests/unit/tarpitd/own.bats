#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "own: auto is loopback and the host" {
	run_case tarpitd/own_test auto_is_loopback_and_the_host
}

@test "own: auto is nobody where only the host can come" {
	run_case tarpitd/own_test auto_is_nobody_where_only_the_host_can_come
}

@test "own: named networks count in any case" {
	run_case tarpitd/own_test named_networks_count_in_any_case
}

@test "own: loopback is exempt without the kernels word" {
	run_case tarpitd/own_test loopback_is_exempt_without_the_kernels_word
}
