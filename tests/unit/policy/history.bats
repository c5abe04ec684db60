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

@test "what is bad is kept to the host" {
	run_case policy/history_test what_is_bad_is_kept_to_the_host
}

@test "source survives a restart and a reload" {
	run_case policy/history_test source_survives_a_restart_and_a_reload
}

@test "without a directory it remembers until the end" {
	run_case policy/history_test without_a_directory_it_remembers_until_the_end
}

@test "patience lasts from its proof" {
	run_case policy/history_test patience_lasts_from_its_proof
}

@test "who is caught is patient no more" {
	run_case policy/history_test who_is_caught_is_patient_no_more
}

@test "networks count their hosts" {
	run_case policy/history_test networks_count_their_hosts
}

@test "networks are merged by host" {
	run_case policy/history_test networks_are_merged_by_host
}

@test "old records are read" {
	run_case policy/history_test old_records_are_read
}

@test "patience is lent by several hosts" {
	run_case policy/history_test patience_is_lent_by_several_hosts
}

@test "patience is lent within a 56" {
	run_case policy/history_test patience_is_lent_within_a_56
}

@test "lend after is an option" {
	run_case policy/history_test lend_after_is_an_option
}

@test "seen is known and weighs what the rules say" {
	run_case policy/history_test seen_is_known_and_weighs_what_the_rules_say
}

@test "a busy store is left without waiting" {
	run_case policy/history_test a_busy_store_is_left_without_waiting
}

@test "a reload takes the new times" {
	run_case policy/history_test a_reload_takes_the_new_times
}

@test "every case has a test" {
	all_cases_listed policy/history_test
}
