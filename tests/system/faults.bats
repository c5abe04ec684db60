#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The installed bundle under a real systemd, restarted, killed and stopped with
# sessions in every lane; see faults_inside.bash for what happens there.

load ../helpers/common

setup_file() {
	bats_require_minimum_version 1.5.0
	[ "$(id -u)" = 0 ] || skip "not root"
	type -p systemd-nspawn >/dev/null || skip "no systemd-nspawn"
}

# in_container FUNCTION: of faults_inside.bash.
in_container() {
	local nspawn=${NSPAWN_RUN:-$ROOT/../shared/tools/nspawn-run}
	[ -x "$nspawn" ] || nspawn=$ROOT/tests/helpers/nspawn-run
	run "$nspawn" -t 150 -b "$ROOT:$ROOT" -- env "BUILD=$BUILD" bash -c \
		"cd '$ROOT' && . tests/system/inside.bash &&
		. tests/system/faults_inside.bash && $1"
	echo "$output"
	[ "$status" = 0 ]
	[[ $output != *" failed "* ]]
}

@test "faults: systemctl restart with sessions in every lane" {
	in_container restart_with_sessions
	[[ $output == *"slow heard: 421 4.3.2 "* ]]
	[[ $output == *"hold heard: 421 4.3.2 "* ]]
	[[ $output == *"the MTA's session lives"* ]]
}

@test "faults: each daemon killed with sessions in every lane" {
	in_container kill_with_sessions
	[[ $output == *"mails: 5"* ]]
	[[ $output == *"up: active active active"* ]]
}

@test "faults: the policy service stands still and goes on" {
	in_container stopped_policyd
	[[ $output == *"does not answer"*"answers again"* ]]
}
