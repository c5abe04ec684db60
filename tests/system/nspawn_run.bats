#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Our own container runner keeps its word.

load ../helpers/common

setup() {
	bats_require_minimum_version 1.5.0
	[ "$(id -u)" = 0 ] || skip "not root"
	type -p systemd-nspawn >/dev/null || skip "no systemd-nspawn"
	NSPAWN=$ROOT/tests/helpers/nspawn-run
}

@test "nspawn-run: a real systemd, and the command's status" {
	run "$NSPAWN" -- sh -c 'cat /proc/1/comm; systemctl is-system-running --wait; exit 7'
	[ "$status" = 7 ]
	[ "$output" = $'systemd\nrunning' ]
}

@test "nspawn-run: arguments arrive as they are" {
	run "$NSPAWN" -- printf '<%s>' 'a b' '' "it's" '$HOME' $'two\nlines'
	[ "$status" = 0 ]
	[ "$output" = $'<a b><><it\'s><$HOME><two\nlines>' ]
}

@test "nspawn-run: only what is bound outlives it" {
	mkdir "$BATS_TEST_TMPDIR/bound"
	run "$NSPAWN" -b "$BATS_TEST_TMPDIR/bound:/mnt" -- \
		sh -c "pwd; echo kept >file; echo lost >'$BATS_TEST_TMPDIR/file' || :; echo lost >/etc/tarpit-test"
	[ "$status" = 0 ]
	[ "${lines[0]}" = /mnt ]
	[ "$(cat "$BATS_TEST_TMPDIR/bound/file")" = kept ]
	[ ! -e "$BATS_TEST_TMPDIR/file" ]
	[ ! -e /etc/tarpit-test ]
}

@test "nspawn-run: a time limit, and wrong usage" {
	run "$NSPAWN" -t 2 -- sleep 100
	[ "$status" = 124 ]
	run "$NSPAWN" -t 2
	[ "$status" = 2 ]
	run "$NSPAWN" -b relative:/mnt -- true
	[ "$status" = 2 ]
}

@test "nspawn-run: nothing stays when it is terminated" {
	local pid
	"$NSPAWN" -- sleep 1234567 3>&- &
	pid=$!
	for _ in {1..500}; do
		! pgrep -f '^sleep 1234567' >/dev/null || break
		sleep 0.02
	done
	pgrep -f '^sleep 1234567'
	kill "$pid"
	wait "$pid" || [ $? = 143 ]
	run ! pgrep -f '^sleep 1234567'
	[ -z "$(find /sys/fs/cgroup -maxdepth 2 -name "tarpit-test.$pid")" ]
	run ! grep tarpit-test /proc/mounts
}
