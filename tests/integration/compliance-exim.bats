#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# As compliance.bats has it with Postfix: what clients say, through the throttle
# lane to a real Exim and to it directly.

load ../helpers/common
load ../helpers/daemon
load ../helpers/smtp
load ../helpers/tarpitd

setup() {
	[ "$(id -u)" = 0 ] || skip "a copy of the machine needs root"
	tarpitd_setup
	MTA_PORT=$(free_port)
	DIRECT=$(free_port)
	# Not below a directory of bats': Exim's user must get there.
	SCRATCH=$(mktemp -d /tmp/tarpit-exim.XXXXXX)
	chmod 755 "$SCRATCH"
}

teardown() {
	stop_daemons
	[ -z "${SCRATCH-}" ] || rm -rf "$SCRATCH"
}

@test "compliance: nothing is refused that Exim takes, and in its words" {
	local layer=$ROOT/build/mta/exim-heavy
	"$ROOT/tests/helpers/packages" --unpack "$layer" exim-heavy \
		>"$DAEMONS/unpack.log" 2>&1 || skip "Exim cannot be had here"
	start_daemon exim "$ROOT/tests/helpers/with-layer" "$SCRATCH" \
		"$layer" "$ROOT/tests/servers/exim" "$MTA_PORT" "$DIRECT"
	wait_for_port exim "$DIRECT"
	policy '* action=throttle rate=0 patience=0 score=70 reason=test'
	tarpitd Backend=127.0.0.1:"$MTA_PORT" BackendIdentity=proxy \
		SpoolDirectory="$DAEMONS" MaxPerClient=0
	"$ROOT/tests/helpers/compare-dialogues" \
		"$ROOT/tests/dialogues/odd.table" "$DIRECT" "$PORT" other
	never_logged tarpitd event=backend_down
}
