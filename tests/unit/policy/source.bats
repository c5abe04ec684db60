# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "source: lists of an address" {
	run_case policy/source_test lists_of_an_address
}

@test "source: missing file is said once" {
	run_case policy/source_test missing_file_is_said_once
}

@test "source: damaged file keeps the old" {
	run_case policy/source_test damaged_file_keeps_the_old
}

@test "source: lists renumbered by a new file" {
	run_case policy/source_test lists_renumbered_by_a_new_file
}

@test "source: reload inherits the data" {
	run_case policy/source_test reload_inherits_the_data
}

@test "source: watch sees each change once" {
	run_case policy/source_test watch_sees_each_change_once
}

@test "source: lists of a network with identifier" {
	run_case policy/source_test lists_of_a_network_with_identifier
}

@test "source: answers while new data is loaded" {
	run_case policy/source_test answers_while_new_data_is_loaded
}

@test "source: every case is listed" {
	all_cases_listed policy/source_test
}

@test "source: manual names all sources" {
	run_case policy/source_test manual_names_all_sources
}
