#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "proxy: reads version 1" {
	run_case tarpitd/proxy_test reads_version_1
}

@test "proxy: reads the longest of version 1" {
	run_case tarpitd/proxy_test reads_the_longest_of_version_1
}

@test "proxy: reads mixed families" {
	run_case tarpitd/proxy_test reads_mixed_families
}

@test "proxy: reads unknown" {
	run_case tarpitd/proxy_test reads_unknown
}

@test "proxy: refuses what is not version 1" {
	run_case tarpitd/proxy_test refuses_what_is_not_version_1
}

@test "proxy: reads version 2" {
	run_case tarpitd/proxy_test reads_version_2
}

@test "proxy: skips tlvs" {
	run_case tarpitd/proxy_test skips_tlvs
}

@test "proxy: reads local and what has no address" {
	run_case tarpitd/proxy_test reads_local_and_what_has_no_address
}

@test "proxy: refuses what is not version 2" {
	run_case tarpitd/proxy_test refuses_what_is_not_version_2
}

@test "proxy: bounds version 2" {
	run_case tarpitd/proxy_test bounds_version_2
}

@test "proxy: prints what it reads" {
	run_case tarpitd/proxy_test prints_what_it_reads
}

@test "proxy: every case has a test" {
	all_cases_listed tarpitd/proxy_test
}
