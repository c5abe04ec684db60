# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "rules: empty file gives defaults" {
	run_case policy/rules_test empty_file_gives_defaults
}

@test "rules: shipped file loads" {
	run_case policy/rules_test shipped_file_loads
}

@test "rules: all families" {
	run_case policy/rules_test all_families
}

@test "rules: later line wins and empty takes back" {
	run_case policy/rules_test later_line_wins_and_empty_takes_back
}

@test "rules: many networks" {
	run_case policy/rules_test many_networks
}

@test "rules: bad weights" {
	run_case policy/rules_test bad_weights
}

@test "rules: bad curves" {
	run_case policy/rules_test bad_curves
}

@test "rules: bad lanes" {
	run_case policy/rules_test bad_lanes
}

@test "rules: bad options" {
	run_case policy/rules_test bad_options
}

@test "rules: postfix actions" {
	run_case policy/rules_test postfix_actions
}

@test "rules: named facts print" {
	run_case policy/rules_test named_facts_print
}

@test "rules: list names stay" {
	run_case policy/rules_test list_names_stay
}

@test "rules: every case is listed" {
	all_cases_listed policy/rules_test
}

@test "rules: table of facts agrees with itself" {
	run_case policy/rules_test table_of_facts_agrees_with_itself
}

@test "rules: facts have their roles and names" {
	run_case policy/rules_test facts_have_their_roles_and_names
}

@test "rules: all families are named" {
	run_case policy/rules_test all_families_are_named
}

@test "rules: weights for which the dns is asked" {
	run_case policy/rules_test weights_for_which_the_dns_is_asked
}
