#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "mux and MTA: clients are served in order" {
	run_case tarpitd/mux_mta_test clients_are_served_in_order
}

@test "mux and MTA: there are as many connections as are needed" {
	run_case tarpitd/mux_mta_test there_are_as_many_connections_as_are_needed
}

@test "mux and MTA: the pool shrinks at a reload" {
	run_case tarpitd/mux_mta_test the_pool_shrinks_at_a_reload
}

@test "mux and MTA: connections are changed after refusals" {
	run_case tarpitd/mux_mta_test connections_are_changed_after_refusals
}

@test "mux and MTA: clients wait while the mta is down" {
	run_case tarpitd/mux_mta_test clients_wait_while_the_mta_is_down
}

@test "mux and MTA: who leaves is not answered and delays nobody" {
	run_case tarpitd/mux_mta_test who_leaves_is_not_answered_and_delays_nobody
}

@test "mux and MTA: a lost connection is made good so often" {
	run_case tarpitd/mux_mta_test a_lost_connection_is_made_good_so_often
}

@test "mux and MTA: without the right to xclient it is of no use" {
	run_case tarpitd/mux_mta_test without_the_right_to_xclient_it_is_of_no_use
}

@test "mux and MTA: a client that is refused is refused alone" {
	run_case tarpitd/mux_mta_test a_client_that_is_refused_is_refused_alone
}

@test "mux and MTA: every case has a test" {
	all_cases_listed tarpitd/mux_mta_test
}
