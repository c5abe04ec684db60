# SPDX-License-Identifier: ISC
# The container that system tests run in, for bats files: `load
# ../helpers/container`, after common.  The array INSIDE names the files of
# tests/system whose functions run there.

# shellcheck disable=SC2154 # output, status: of bats' run

# For setup_file.
require_container() {
	bats_require_minimum_version 1.5.0
	[ "$(id -u)" = 0 ] || skip "not root"
	type -p systemd-nspawn >/dev/null || skip "no systemd-nspawn"
}

# in_container FUNCTION [ARGUMENT]...: leaves what it prints in $output.  The
# checkout is bound, since the container has a /tmp of its own and a clone may
# lie there.
in_container() {
	local nspawn=${NSPAWN_RUN:-$ROOT/../shared/tools/nspawn-run}
	[ -x "$nspawn" ] || nspawn=$ROOT/tests/helpers/nspawn-run
	run "$nspawn" -t 150 -b "$ROOT:$ROOT" -- env "BUILD=$BUILD" bash -c \
		"cd '$ROOT' &&$(printf ' . tests/system/%s &&' "${INSIDE[@]}") $*"
	echo "$output"
	[ "$status" = 0 ]
}

# None of the units that `systemctl --failed` would list.
nothing_failed() {
	[[ $output != *" failed "* ]]
}
