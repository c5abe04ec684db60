#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The installed bundle under a real systemd, restarted, killed and stopped with
# sessions in every lane; see faults_inside.bash for what happens there.

load ../helpers/common
load ../helpers/container

INSIDE=(inside.bash faults_inside.bash)

setup_file() {
	require_container
}

@test "faults: systemctl restart with sessions in every lane" {
	in_container restart_with_sessions
	nothing_failed
	[[ $output == *"slow heard: 421 4.3.2 "* ]]
	[[ $output == *"hold heard: 421 4.3.2 "* ]]
	[[ $output == *"the MTA's session lives"* ]]
}

@test "faults: each daemon killed with sessions in every lane" {
	in_container kill_with_sessions
	nothing_failed
	[[ $output == *"mails: 5"* ]]
	[[ $output == *"up: active active active"* ]]
}

@test "faults: the policy service stands still and goes on" {
	in_container stopped_policyd
	nothing_failed
	[[ $output == *"does not answer"*"answers again"* ]]
}
