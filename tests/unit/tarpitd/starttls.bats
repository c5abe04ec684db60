#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "starttls: as many as memory affords" {
	run_case tarpitd/starttls_test as_many_as_memory_affords
}

@test "starttls: certificates are looked at once a day" {
	run_case tarpitd/starttls_test certificates_are_looked_at_once_a_day
}

@test "starttls: every case is here" {
	all_cases_listed tarpitd/starttls_test
}
