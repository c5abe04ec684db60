#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "room: one message may be large" {
	run_case tarpitd/room_test one_message_may_be_large
}

@test "room: is used up at the part" {
	run_case tarpitd/room_test is_used_up_at_the_part
}

@test "room: a network has its part" {
	run_case tarpitd/room_test a_network_has_its_part
}

@test "room: a network has one message at least" {
	run_case tarpitd/room_test a_network_has_one_message_at_least
}

@test "room: who has most gives way" {
	run_case tarpitd/room_test who_has_most_gives_way
}

@test "room: the slowest gives way" {
	run_case tarpitd/room_test the_slowest_gives_way
}

@test "room: nobody gives way to who is no better" {
	run_case tarpitd/room_test nobody_gives_way_to_who_is_no_better
}

@test "room: only so many give way at a time" {
	run_case tarpitd/room_test only_so_many_give_way_at_a_time
}

@test "room: a full file system is made room in" {
	run_case tarpitd/room_test a_full_file_system_is_made_room_in
}

@test "room: every case has a test" {
	all_cases_listed tarpitd/room_test
}
