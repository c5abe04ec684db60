# SPDX-License-Identifier: ISC
load ../../helpers/common

@test "secret: what is hidden" {
	run_case common/secret_test what_is_hidden
}

@test "secret: what is shown" {
	run_case common/secret_test what_is_shown
}

@test "secret: is cut to fit" {
	run_case common/secret_test is_cut_to_fit
}

@test "secret: every case is listed" {
	all_cases_listed common/secret_test
}
