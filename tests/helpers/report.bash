# SPDX-License-Identifier: ISC
# Journals of made-up sessions, and a browser for the page: `load
# ../helpers/report`.

# make_journal FILE <SESSIONS: a journal's file of the lines that
# tests/helpers/sessions prints.
make_journal() {
	"$ROOT/tests/helpers/sessions-export" |
		/lib/systemd/systemd-journal-remote -o "$1" - 2>&1
}

# browser DIR ARGUMENT... URL: Chromium without a window, its files in DIR; what
# it logs is on standard error.  It finds no host, so that what it asks its
# maker at every start stays here.
browser() {
	local dir=$1
	shift
	HOME=$dir XDG_RUNTIME_DIR=$dir timeout -k 10 120 chromium --headless \
		--no-sandbox --disable-gpu --no-first-run --disable-breakpad \
		--disable-background-networking --disable-component-update \
		--host-resolver-rules='MAP * ~NOTFOUND' --hide-scrollbars \
		--user-data-dir="$dir/chromium" "$@" 3>&-
}

# asked_for NETLOG: the URLs that a page made a browser (--log-net-log) ask for;
# those of the browser's own maker are left out.
asked_for() {
	grep -oE '"url":"(https?|wss?)://[^"]*"' "$1" |
		grep -vE '//[^/]*(google|googleapis|gstatic|gvt1)\.com/'
}
