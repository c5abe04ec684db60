#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "spawn: splits at blanks" {
	run_case tarpit-handoff/spawn_test splits_at_blanks
}

@test "spawn: splits nothing" {
	run_case tarpit-handoff/spawn_test splits_nothing
}

@test "spawn: environment is cleaned" {
	run_case tarpit-handoff/spawn_test environment_is_cleaned
}

@test "spawn: environment tells the session" {
	run_case tarpit-handoff/spawn_test environment_tells_the_session
}

@test "spawn: only three descriptors" {
	run_case tarpit-handoff/spawn_test only_three_descriptors
}

@test "spawn: socket is blocking" {
	run_case tarpit-handoff/spawn_test socket_is_blocking
}

@test "spawn: signals are fresh" {
	run_case tarpit-handoff/spawn_test signals_are_fresh
}

@test "spawn: exec failure is told" {
	run_case tarpit-handoff/spawn_test exec_failure_is_told
}

@test "spawn: an environment of any size has room" {
	run_case tarpit-handoff/spawn_test environment_has_room
}

@test "spawn: every case is listed" {
	all_cases_listed tarpit-handoff/spawn_test
}
