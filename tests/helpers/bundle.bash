# SPDX-License-Identifier: ISC
# The dispatcher with the real policy service and lists of its own, for bats
# files: `load ../helpers/bundle`, after daemon, smtp and tarpitd.

bundle_setup() {
	tarpitd_setup
	dir=$BATS_TEST_TMPDIR
	POLICY_CONF=$dir/policy.conf
}

# A list of two networks that a file has, one that could not be fetched since
# yesterday, and the real policy service: 192.0.2.0/24 is held, 127.0.0.3 is
# slow.
bundle() {
	mkdir "$dir/lists.d" "$dir/lists"
	printf '%s\n' 192.0.2.0/24 127.0.0.4 >"$dir/bad.txt"
	printf '%s\n' 203.0.113.0/24 >"$dir/far.txt"
	printf '[List]\nKind=block\nSource=%s\n' "$dir/bad.txt" \
		>"$dir/lists.d/bad.conf"
	printf '[List]\nKind=allow\nSource=%s\n' "$dir/far.txt" \
		>"$dir/lists.d/far.conf"
	printf '[Lists]\nDirectory=%s\nOutput=%s\nState=%s\n' "$dir/lists.d" \
		"$dir/lists.cdb" "$dir/lists" >"$dir/tarpit-lists.conf"
	"$BUILD/tarpit-lists" --config "$dir/tarpit-lists.conf" build
	printf 'fetched=%s\nfailures=3\n' "$(($(date +%s) - 86400))" \
		>"$dir/lists/far.state"
	printf '[Data]\nLists=%s\nCountry=\nAsn=\nHistory=\n[Weights]\n%s\n' \
		"$dir/lists.cdb" list.bad=100 >"$POLICY_CONF"
	start_daemon -n policyd "$BUILD/tarpit-policyd" \
		--config "$POLICY_CONF" --listen "$POLICY"
	wait_for_notify policyd READY=1
	mta
	tarpitd HoldGreeting=300s "$@"
}
