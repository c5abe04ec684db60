#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "spark: as high as the value" {
	run_case tarpitctl/spark_test as_high_as_the_value
}

@test "spark: without a maximum there is some or none" {
	run_case tarpitctl/spark_test without_a_maximum_there_is_some_or_none
}

@test "spark: no more than there is room" {
	run_case tarpitctl/spark_test no_more_than_there_is_room
}

@test "spark: every case is here" {
	all_cases_listed tarpitctl/spark_test
}
