#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "watchdog: it is alive again and again" {
	run_case common/watchdog_test it_is_alive_again_and_again
}

@test "watchdog: without one there is nothing to do" {
	run_case common/watchdog_test without_one_there_is_nothing_to_do
}

@test "watchdog: every case is here" {
	all_cases_listed common/watchdog_test
}
