# SPDX-License-Identifier: ISC
# make fresh where it cannot work: a failure with a reason, and nothing left.

bats_require_minimum_version 1.5.0
load ../../helpers/common

setup() {
	[ "$(id -u)" = 0 ] || skip "not root"
	export FRESH_WORK=$BATS_TEST_TMPDIR/fresh
	unset TEST_SUMMARY
	mkdir "$BATS_TEST_TMPDIR/bin"
	PATH=$BATS_TEST_TMPDIR/bin:$PATH
}

@test "fresh: a release that is not known" {
	FRESH=99 run "$ROOT/tests/helpers/fresh"
	[ "$status" = 1 ]
	[[ $output == *'fresh: no release "99"'* ]]
	[ "${lines[-1]}" = "0 passed, 1 failed, 0 skipped" ]
}

@test "fresh: a mirror that does not have the release" {
	printf '#!/bin/sh\necho "E: no such mirror"\nexit 1\n' \
		>"$BATS_TEST_TMPDIR/bin/mmdebstrap"
	chmod +x "$BATS_TEST_TMPDIR/bin/mmdebstrap"
	FRESH="12 13" run "$ROOT/tests/helpers/fresh"
	[ "$status" = 1 ]
	[[ $output == *'E: no such mirror'*'no root of Debian 12 (bookworm)'* ]]
	[[ $output == *'Debian 13: 0 passed, 1 failed, 0 skipped'* ]]
	[ "${lines[-1]}" = "0 passed, 2 failed, 0 skipped" ]
	run ! compgen -G "$FRESH_WORK/*.new"
}
