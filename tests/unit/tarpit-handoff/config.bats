#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "config: the command line is over the file" {
	run_case tarpit-handoff/config_test command_line_is_over_the_file
}

@test "config: no MTA is refused" {
	run_case tarpit-handoff/config_test no_mta_is_refused
}

@test "config: ends without a rest" {
	run_case tarpit-handoff/config_test ends_without_a_rest
}

@test "config: every case is here" {
	all_cases_listed tarpit-handoff/config_test
}
