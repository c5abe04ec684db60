#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "server: a message may take its time" {
	run_case tarpit-handoff/server_test a_message_may_take_its_time
}

@test "server: but not for ever" {
	run_case tarpit-handoff/server_test but_not_for_ever
}

@test "server: beyond max they wait" {
	run_case tarpit-handoff/server_test beyond_max_they_wait
}

@test "server: a reload makes room" {
	run_case tarpit-handoff/server_test a_reload_makes_room
}

@test "server: so many connections at a time" {
	run_case tarpit-handoff/server_test so_many_connections_at_a_time
}

@test "server: what is taken back meets no mta" {
	run_case tarpit-handoff/server_test what_is_taken_back_meets_no_mta
}

@test "server: what is none is reset" {
	run_case tarpit-handoff/server_test what_is_none_is_reset
}

@test "server: nothing is left behind" {
	run_case tarpit-handoff/server_test nothing_is_left_behind
}

@test "server: every case is here" {
	all_cases_listed tarpit-handoff/server_test
}
