#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "mux: clients are served in order" {
	run_case tarpitd/mux_test clients_are_served_in_order
}

@test "mux: there are as many connections as are needed" {
	run_case tarpitd/mux_test there_are_as_many_connections_as_are_needed
}

@test "mux: the pool shrinks at a reload" {
	run_case tarpitd/mux_test the_pool_shrinks_at_a_reload
}

@test "mux: connections are changed after refusals" {
	run_case tarpitd/mux_test connections_are_changed_after_refusals
}

@test "mux: clients wait while the mta is down" {
	run_case tarpitd/mux_test clients_wait_while_the_mta_is_down
}

@test "mux: who leaves is not answered and delays nobody" {
	run_case tarpitd/mux_test who_leaves_is_not_answered_and_delays_nobody
}

@test "mux: a lost connection is made good so often" {
	run_case tarpitd/mux_test a_lost_connection_is_made_good_so_often
}

@test "mux: without the right to xclient it is of no use" {
	run_case tarpitd/mux_test without_the_right_to_xclient_it_is_of_no_use
}

@test "mux: every case has a test" {
	all_cases_listed tarpitd/mux_test
}
