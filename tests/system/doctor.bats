#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What tarpitctl doctor finds of a bundle as it is installed, in a container;
# see doctor_inside.bash for what happens there.

load ../helpers/common
load ../helpers/container

INSIDE=(inside.bash doctor_inside.bash)

setup_file() {
	require_container
}

# found SECTION WORD: in the findings printed under that heading.
found() {
	sed -n "/^== $1\$/,/^== /p" <<<"$output" | grep -q "($2)" || {
		echo "no $2 in $1"
		return 1
	}
}

@test "doctor: an installed bundle, and what happens to it" {
	[ -x /usr/sbin/postfix ] || skip "no Postfix"
	in_container doctor_of_units
	[[ $output == *$'== well\nexit 0'* || $output == *$'== well\n'*'nothing is wrong'* ]]
	found timer timer-off # found timer-off
	found changed unit-changed # found unit-changed
	found failed unit-failed # found unit-failed
	found foreign port-foreign
	found rights mta-rights
}
