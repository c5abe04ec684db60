# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "economics: the campaign as published" {
	run_case tarpitctl/economics_test the_campaign_as_published
}

@test "economics: published friction" {
	run_case tarpitctl/economics_test published_friction
}

@test "economics: what was observed" {
	run_case tarpitctl/economics_test what_was_observed
}

@test "economics: nothing observed is not known" {
	run_case tarpitctl/economics_test nothing_observed_is_not_known
}

@test "economics: none through is no sale" {
	run_case tarpitctl/economics_test none_through_is_no_sale
}

@test "economics: nobody gains by friction" {
	run_case tarpitctl/economics_test nobody_gains_by_friction
}

@test "economics: assumptions can be changed" {
	run_case tarpitctl/economics_test assumptions_can_be_changed
}

@test "economics: nonsense is not assumed" {
	run_case tarpitctl/economics_test nonsense_is_not_assumed
}

@test "economics: every case is listed" {
	all_cases_listed tarpitctl/economics_test
}
