#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The installed bundle under a real systemd, in a container; see inside.bash
# for what happens there.

load ../helpers/common
load ../helpers/container

INSIDE=(inside.bash)

setup_file() {
	require_container
	# Outside of the container, where the network is.
	DEBS=$BUILD/debs
	export DEBS
	mkdir -p "$DEBS"
	compgen -G "$DEBS/exim4-daemon-light_*.deb" >/dev/null ||
		(cd "$DEBS" && apt-get download -q exim4-base exim4-config \
			exim4-daemon-light >"$DEBS/log" 2>&1) || :
}

# memory_of NAME PERCENT SCORE: in $output, of this machine's memory to a page.
memory_of() {
	awk -v "name=$1:" -v part="$2" -v score="$3" '
		FNR == NR { if ($1 == "MemTotal:") total = $2 * 1024; next }
		$3 == name { got = $4; at = $5 }
		END {
			off = got - total * part / 100
			exit !(got > 0 && off * off < 4e10 && at == score)
		}' /proc/meminfo - <<<"$output"
}

@test "units: systemctl enable --now tarpitd.socket is enough" {
	in_container activation
	[ "$(grep -cx active <<<"$output")" = 2 ]
	[ "$(grep -cx enabled <<<"$output")" = 2 ]
	grep -qx User=tarpitd <<<"$output"
	grep -qx User=tarpit-policy <<<"$output"
	[ "$(grep -cx Type=notify <<<"$output")" = 2 ]
	[ "$(grep -c 'StatusText=.' <<<"$output")" = 2 ]
	[ "$(grep -cx NRestarts=0 <<<"$output")" = 2 ]
	grep -q '^Loaded /var/lib/tarpit/history: 0 records' <<<"$output"
	grep -qx 'tarpit-policy 700 /var/lib/tarpit/history' <<<"$output"
	# Each unit has its bound of memory and its place among the victims.
	memory_of tarpitd 75 -500
	memory_of tarpit-policyd 50 -400
	memory_of tarpit-handoff 75 -100
	grep -qx 'memory of tarpit-lists: 2147483648 500' <<<"$output"
	grep -qx 'memory of tarpit-metrics: 67108864 200' <<<"$output"
	# Of 64 MB: 16 for what is no session, and 24 KB for each.
	[[ $output == *limits*\ 2,048\ sessions,* ]]
	# Besides messages, which have a quarter of it.
	[[ $output == *limits*\ 1,365\ sessions,* ]]
	[[ $output == *'by          memory.max of /system.slice/tarpitd.service'* ]]
	nothing_failed
}

@test "units: lists are fetched by their own user, by a timer that is enabled" {
	in_container lists_updated
	[[ $output == enabled* || $output == *$'\n'enabled* ]]
	[[ $output == *"web	block	192.0.2.0/24"* ]]
	[ "$(grep -cx 'tarpit-lists 644' <<<"$output")" -eq 1 ]
	[ "$(grep -cx 'tarpit-lists 600' <<<"$output")" -eq 1 ]
	[[ $output == *'"TARPIT_EVENT":"list_changed"'* || $output == *'list_changed'* ]]
	[[ $output == *$'\nactive'* ]]
	nothing_failed
}

@test "units: exposure is at most 2.0" {
	in_container exposure
	[ "$(grep -c 'Overall exposure level' <<<"$output")" = 5 ]
}

@test "units: exposure is at most 2.0 with Exim as well" {
	in_container exposure exim
	[ "$(grep -c 'Overall exposure level' <<<"$output")" = 5 ]
}

@test "units: a mail through each lane to Postfix" {
	[ -x /usr/sbin/postfix ] || skip "no Postfix"
	in_container lanes_with_postfix
	[[ $output == *'"TARPIT_LANE":"pass"'* || $output == *'"TARPIT_LANE" : "pass"'* ]]
	[[ $output == *"unknown [127.0.0.2]"* ]]
	[[ $output == *"unknown [127.0.0.3]"* ]]
	[[ $output != *"unknown [127.0.0.4]"* ]]
	[[ $output == *"connect from unknown[127.0.0.2]"* ]]
	[[ $output == *"connect from unknown[127.0.0.3]"* ]]
	[[ $output != *"connect from unknown[127.0.0.4]"* ]]
	# journalctl -x has our catalog.
	[[ $output == *"Defined-By: tarpit"* || $output == *"man:tarpitd(8)"* ]]
	# The report finds all three.
	[[ $output == *"3 sessions: 1 passed to the MTA at once, 2 slowed."* ]]
	nothing_failed
}

@test "units: a proxy in front, and Postfix by TCP behind" {
	[ -x /usr/sbin/postfix ] || skip "no Postfix"
	in_container proxied_and_relayed
	[[ $output == *"unknown [127.0.0.2]"* ]]
	[[ $output == *"unknown [127.0.0.3]"* ]]
	[[ $output == *"; relayed: "*" KB to the MTA"* ]]
	nothing_failed
}

@test "units: reload and restarts lose no session and no mail" {
	[ -x /usr/sbin/postfix ] || skip "no Postfix"
	in_container reload_and_restart
	[[ $output == *"before: 220-"*"after: "* ]]
	nothing_failed
}

@test "units: tarpitctl for a group, metrics for Prometheus" {
	in_container live_view
	grep -q '^127.0.0.1/32 is held for 10 min' <<<"$output"
	grep -Eq '^hold +127.0.0.1/32 .* ann$' <<<"$output"
	[[ $output == *"no permission for /run/tarpit/control: "* ]]
	[ "$(grep -cx 'root tarpit 660' <<<"$output")" = 2 ]
	grep -q '^ann hears: score ' <<<"$output"
	[[ $output == *"no permission for /run/tarpit/explain: tarpit-explain.socket lets "* ]]
	[[ $output == *"HTTP/1.1 200 OK"* || $output == *"HTTP/1.0 200 OK"* ]]
	grep -qx 'tarpit_up{program="tarpitd"} 1' <<<"$output"
	grep -qx 'tarpit_up{program="tarpit-policyd"} 1' <<<"$output"
	grep -qx 'tarpit_lists_up 1' <<<"$output"
	grep -qx User=tarpit-metrics <<<"$output"
	grep -q '^hold of 127.0.0.1/32 for 600 s, says ann' <<<"$output"
	[[ $output == *"tarpitd is not running: nobody answers at /run/tarpit/control"* ]]
	nothing_failed
}

@test "units: Postfix asks the policy service itself" {
	[ -x /usr/sbin/postfix ] || skip "no Postfix"
	in_container policy_for_postfix
	[[ $output == *"5.7.1"*"listed: 120 list.local-block+100 history.none+20"* ]]
	grep -qx 'X-Tarpit: 20 history.none+20 unknown' <<<"$output"
	grep -q '^at connect: .*listed: 120' <<<"$output"
	nothing_failed
}

@test "units: hand-off to an MTA without rights, which outlives a restart" {
	in_container handoff_with_maildir
	[[ $output == *"Received: from client.test ([127.0.0.2])"* ]]
	[[ $output == *"Received: from client.test ([127.0.0.3])"* ]]
	[[ $output == *"221 2.0.0 Bye"* ]]
	grep -qx User=tarpit-handoff <<<"$output"
	nothing_failed
}

@test "units: a mail through each lane to Exim, which is never root on the network" {
	compgen -G "$DEBS/exim4-daemon-light_*.deb" >/dev/null ||
		skip "Exim's packages cannot be had"
	in_container lanes_with_exim "$DEBS"
	[[ $output == *"mailbox of joe"* ]]
	[[ $output == *"<= a@client.test H=(client.test) [127.0.0.2]"* ]]
	[[ $output == *"<= a@client.test H=(client.test) [127.0.0.3]"* ]]
	[[ $output != *"H=(client.test) [127.0.0.4]"* ]]
	grep -qx User=Debian-exim <<<"$output"
	nothing_failed
}

@test "units: inetd, wait: one dispatcher serves all" {
	type -p inetd >/dev/null || skip "no inetd"
	in_container inetd wait
	[[ $output == *"Received: from client.test ([127.0.0.2])"* ]]
	[[ $output == *"Received: from client.test ([127.0.0.3])"* ]]
	[[ $output == *"Received: from client.test ([IPv6:::1])"* ]]
	[ "$(grep -cE '^tarpitd +tarpitd' <<<"$output")" = 2 ]
}

@test "units: inetd, nowait: a dispatcher for each session" {
	type -p inetd >/dev/null || skip "no inetd"
	in_container inetd nowait
	[[ $output == *"Received: from client.test ([127.0.0.2])"* ]]
	[[ $output == *"Received: from client.test ([127.0.0.3])"* ]]
	[[ $output == *"Received: from client.test ([IPv6:::1])"* ]]
	[[ $output == *"no tarpitd stays"* ]]
}

# systemd's own opinion of the files, with the paths of an installation.
@test "units: systemd-analyze verify finds nothing" {
	in_container verify
	[ -z "$(sed '/^Creating /d' <<<"$output")" ]
}

# --- what needs no container ---

# install GOAL: into a directory of its own.
into_destdir() {
	make -C "$ROOT" --silent B="$BUILD" DESTDIR="$BATS_TEST_TMPDIR/root" \
		PREFIX=/usr "$@"
}

@test "units: install honours DESTDIR and PREFIX, and uninstall leaves nothing" {
	local dest=$BATS_TEST_TMPDIR/root name
	into_destdir install-files install-activate
	for name in tarpitd tarpit-policyd tarpit-handoff tarpit-lists; do
		[ -x "$dest/usr/sbin/$name" ]
		[ -s "$dest/usr/share/man/man8/$name.8" ]
	done
	grep -qx ExecStart=/usr/sbin/tarpitd \
		"$dest/usr/lib/systemd/system/tarpitd.service"
	run ! grep -rI '@[A-Z]*@' "$dest"
	[ -e "$dest/usr/lib/systemd/catalog/tarpit.catalog" ]
	[ -e "$dest/usr/lib/sysusers.d/tarpit.conf" ]
	jq -e .panels "$dest/usr/share/doc/tarpit/grafana/tarpit.json"
	into_destdir uninstall
	[ -z "$(find "$dest" ! -type d)" ]
}

@test "units: install never overwrites an edited configuration" {
	local conf=$BATS_TEST_TMPDIR/root/etc/tarpit/policy.conf
	into_destdir install-files
	echo '# mine' >>"$conf"
	run into_destdir install-files
	[ "$status" = 0 ]
	[[ $output == *"/etc/tarpit/policy.conf stays as it is"* ]]
	[ "$(tail -n 1 "$conf")" = '# mine' ]
	cmp "$ROOT/policy/policy.conf" "$conf.new"
	# Back to what is shipped: the copy is not needed any more.
	cp "$ROOT/policy/policy.conf" "$conf"
	into_destdir install-files
	[ ! -e "$conf.new" ]
	echo '# mine' >>"$conf"
	into_destdir uninstall
	[ "$(tail -n 1 "$conf")" = '# mine' ]
	[ "$(find "$BATS_TEST_TMPDIR/root" ! -type d)" = "$conf" ]
}
