#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "loop: event reaches its handler" {
	run_case common/loop_test event_reaches_its_handler
}

@test "loop: events are level triggered" {
	run_case common/loop_test events_are_level_triggered
}

@test "loop: modify changes what is waited for" {
	run_case common/loop_test modify_changes_what_is_waited_for
}

@test "loop: adding what cannot be is an error" {
	run_case common/loop_test adding_what_cannot_be_is_an_error
}

@test "loop: removed in the same batch is silent" {
	run_case common/loop_test removed_in_the_same_batch_is_silent
}

@test "loop: handler may remove itself" {
	run_case common/loop_test handler_may_remove_itself
}

@test "loop: many events are all served" {
	run_case common/loop_test many_events_are_all_served
}

@test "loop: timer is never early" {
	run_case common/loop_test timer_is_never_early
}

@test "loop: waiting for a timer sleeps" {
	run_case common/loop_test waiting_for_a_timer_sleeps
}

@test "loop: cancelled timer is silent" {
	run_case common/loop_test cancelled_timer_is_silent
}

@test "loop: run once returns at its limit" {
	run_case common/loop_test run_once_returns_at_its_limit
}

@test "loop: after batch comes once and last" {
	run_case common/loop_test after_batch_comes_once_and_last
}

@test "loop: after batch with more work does not sleep" {
	run_case common/loop_test after_batch_with_more_work_does_not_sleep
}

@test "loop: bulk waits for all others" {
	run_case common/loop_test bulk_waits_for_all_others
}

@test "loop: a batch ends by the clock" {
	run_case common/loop_test a_batch_ends_by_the_clock
}

@test "loop: bulk that is removed is not told" {
	run_case common/loop_test bulk_that_is_removed_is_not_told
}

@test "loop: thousands of timers due at once take turns" {
	run_case common/loop_test thousands_of_timers_due_at_once_take_turns
}

@test "loop: worst batch is measured" {
	run_case common/loop_test worst_batch_is_measured
}

@test "loop: signals come through the loop" {
	run_case common/loop_test signals_come_through_the_loop
}

@test "loop: sigpipe is ignored" {
	run_case common/loop_test sigpipe_is_ignored
}

@test "loop: interrupted wait is no error" {
	run_case common/loop_test interrupted_wait_is_no_error
}

@test "loop: free of none is harmless" {
	run_case common/loop_test free_of_none_is_harmless
}

@test "loop: all cases listed" {
	all_cases_listed common/loop_test
}
