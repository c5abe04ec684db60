# SPDX-License-Identifier: ISC
# A journald of a test's own and a dispatcher that writes to it, for bats
# files: `load ../helpers/journald`, after daemon and tarpitd.

# Skips where there can be none.
start_journald() {
	[ "$(id -u)" = 0 ] || skip "not root"
	[ -x /lib/systemd/systemd-journald ] || skip "no journald"
	unshare --mount --net true 2>/dev/null || skip "no namespaces"
	start_daemon journald "$ROOT/tests/helpers/journald-run"
	# The name in the namespace; its socket is seen from everywhere.
	wait_until "in_journal test -S /run/systemd/journal/socket" ||
		skip "journald does not start here"
}

in_journal() {
	nsenter --mount -t "$(daemon_pid journald)" -- "$@" 2>/dev/null
}

# journal [FIELD=VALUE]...: the records of tarpitd with these, as JSON.
journal() {
	in_journal journalctl --sync
	in_journal journalctl -q -o json SYSLOG_IDENTIFIER=tarpitd "$@"
}

# start_tarpitd_as_a_service [KEY=VALUE]...: JOURNAL_STREAM names its standard
# error.
start_tarpitd_as_a_service() {
	configure MaxPerClient=0 "$@"
	# shellcheck disable=SC2016
	start_daemon -n tarpitd nsenter --mount -t "$(daemon_pid journald)" -- \
		bash -c 'JOURNAL_STREAM=$(stat -Lc %d:%i /dev/stderr) exec "$@"' - \
		"$BUILD/tarpitd" --config "$CONF" --listen "$AT" \
		--control "$CONTROL"
	wait_for_notify tarpitd READY=1
}
