# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "keys of an address" {
	run_case policy/history_test keys_of_an_address
}

@test "amounts fade by halves" {
	run_case policy/history_test amounts_fade_by_halves
}

@test "many times last longer" {
	run_case policy/history_test many_times_last_longer
}

@test "coming again renews" {
	run_case policy/history_test coming_again_renews
}

@test "merging takes the latest" {
	run_case policy/history_test merging_takes_the_latest
}

@test "codec keeps and refuses" {
	run_case policy/history_test codec_keeps_and_refuses
}

@test "full table forgets the least" {
	run_case policy/history_test full_table_forgets_the_least
}

@test "store keeps and deletes" {
	run_case policy/history_test store_keeps_and_deletes
}

@test "killed writer leaves whole batches" {
	run_case policy/history_test killed_writer_leaves_whole_batches
}

@test "truncated store is refused" {
	run_case policy/history_test truncated_store_is_refused
}

@test "patience is lent to the network" {
	run_case policy/history_test patience_is_lent_to_the_network
}

@test "what is bad is kept to the host" {
	run_case policy/history_test what_is_bad_is_kept_to_the_host
}

@test "source survives a restart and a reload" {
	run_case policy/history_test source_survives_a_restart_and_a_reload
}

@test "without a directory it remembers until the end" {
	run_case policy/history_test without_a_directory_it_remembers_until_the_end
}

@test "every case has a test" {
	all_cases_listed policy/history_test
}
