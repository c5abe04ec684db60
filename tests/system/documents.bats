#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The documents' commands, as they are printed, under a real systemd: on Postfix
# and Exim as Debian's packages set them up, in, observed, enforced, and out
# again, with mail in both directions.  See documents_inside.bash.

load ../helpers/common
load ../helpers/container

INSIDE=(inside.bash documents_inside.bash)

setup_file() {
	require_container
	# Outside of the container, where the network is.
	DEBS=$BUILD/debs-documents
	export DEBS
	download exim4-daemon-light
	download exim4-daemon-heavy
	download xinetd
}

# download PACKAGE: with what it depends on that is not here, into
# $DEBS/PACKAGE, unless it is there.
download() {
	compgen -G "$DEBS/$1/$1_*.deb" >/dev/null || {
		mkdir -p "$DEBS/$1/partial"
		DEBIAN_FRONTEND=noninteractive apt-get install -q -y \
			--download-only --no-install-recommends \
			-o DPkg::Lock::Timeout=120 \
			-o Dir::Cache::archives="$DEBS/$1" "$1" \
			</dev/null >"$DEBS/$1/log" 2>&1 || :
	}
}

need_packages() {
	compgen -G "$DEBS/$1/$1_*.deb" >/dev/null || skip "no package $1"
}

went_the_whole_way() {
	local what
	for what in observed enforced without; do
		grep -qx "in: $what" <<<"$output"
		grep -qx "out: $what" <<<"$output"
	done
	grep -qx "as it was" <<<"$output"
	nothing_failed
}

@test "documents: README.md on Debian's Postfix, with clients at the door" {
	[ -x /usr/sbin/postfix ] || skip "no Postfix"
	in_container readme_by_the_book busy
	went_the_whole_way
}

@test "documents: units/postfix/README on Debian's Postfix" {
	[ -x /usr/sbin/postfix ] || skip "no Postfix"
	in_container postfix_by_the_book idle
	went_the_whole_way
}

@test "documents: units/exim/README on exim4-daemon-light" {
	need_packages exim4-daemon-light
	in_container exim_by_the_book idle "$DEBS/exim4-daemon-light"
	went_the_whole_way
}

@test "documents: units/exim/README on exim4-daemon-heavy, with clients at the door" {
	need_packages exim4-daemon-heavy
	in_container exim_by_the_book busy "$DEBS/exim4-daemon-heavy"
	went_the_whole_way
}

@test "documents: units/inetd/README with inetd" {
	[ -x /usr/sbin/postfix ] || skip "no Postfix"
	type -p inetd >/dev/null || skip "no inetd"
	in_container inetd_by_the_book inetd
	went_the_whole_way
}

@test "documents: units/inetd/README with xinetd" {
	[ -x /usr/sbin/postfix ] || skip "no Postfix"
	need_packages xinetd
	in_container inetd_by_the_book xinetd "$DEBS/xinetd"
	went_the_whole_way
}

# --- what needs no container ---

# commands FILE SECTION: with the paths of an installation.
commands() {
	"$ROOT/tests/helpers/doc-commands" "$ROOT/$1" "$2" |
		sed 's,@DOCDIR@,/usr/local/share/doc/tarpit,g; s,@SYSCONFDIR@,/etc,g'
}

@test "documents: README.md and units/postfix/README have the same commands" {
	diff <(commands README.md 'In front of Postfix') \
		<(commands units/postfix/README 'Switch on')
	diff <(commands README.md Enforcing) \
		<(commands units/postfix/README Enforce)
	diff <(commands README.md 'Going back') \
		<(commands units/postfix/README 'Switch off')
}
