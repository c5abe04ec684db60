#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "geoip_fields: systems in texts" {
	run_case policy/geoip_fields_test systems_in_texts
}

@test "geoip_fields: systems in numbers" {
	run_case policy/geoip_fields_test systems_in_numbers
}

@test "geoip_fields: countries" {
	run_case policy/geoip_fields_test countries
}

@test "geoip_fields: facts of values" {
	run_case policy/geoip_fields_test facts_of_values
}

@test "geoip_fields: every case is here" {
	all_cases_listed policy/geoip_fields_test
}
