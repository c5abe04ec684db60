# SPDX-License-Identifier: ISC
# As inside.bash, which it needs: an administrator's first month.

# Clients of 127.0.0.1, about ten a second, until this shell ends.
clients_at_the_door() {
	while :; do
		(exec 8<>/dev/tcp/127.0.0.1/25 && read -r -t 0.1 <&8) \
			2>/dev/null || :
		read -r -t 0.05 _ <><(:) || :
	done &
}

# restart_20 SOCKET
restart_20() {
	local i ok=0
	for ((i = 0; i < 20; i++)); do
		! systemctl restart "$1" || ok=$((ok + 1))
	done
	echo "$ok of 20: $1"
}

restart_sockets() {
	install_tarpit
	systemctl enable --now tarpitd.socket tarpit-metrics.socket 2>&1
	systemctl start tarpit-handoff.socket
	clients_at_the_door
	for name in tarpitd tarpitd-control tarpit-policyd tarpit-metrics \
		tarpit-handoff; do
		restart_20 $name.socket
	done
	# One that is not there yet, as README.md has it.
	systemctl enable tarpitd-proxy.socket 2>&1
	restart_20 tarpitd-proxy.socket
	ss -Hltn 'sport = :10024' | awk '{ print $4 }'
	wait_until 'systemctl is-active -q tarpitd.service'
	exec 8<>/dev/tcp/127.0.0.1/25 && echo "still served"
	systemctl --failed --no-legend
}

# A stand-in for an MTA: greets with this host's first interface.
netlink_for_mtas() {
	install_tarpit
	cat >/usr/local/sbin/smtpd <<-'END'
		#!/usr/bin/python3
		import socket, sys
		print("220", socket.if_nameindex()[0][1], end=" \r\n", flush=True)
		sys.stdin.readline()
	END
	chmod 755 /usr/local/sbin/smtpd
	printf '%s\n' '[Handoff]' Command=/usr/local/sbin/smtpd \
		>/etc/tarpit/tarpit-handoff.conf
	give_roles inetd:/run/tarpit/handoff
	systemctl enable --now tarpitd.socket tarpit-handoff.socket 2>&1
	exec 8<>/dev/tcp/127.0.0.1/25
	timeout 20 sed -n '/^220 /{p;q}' <&8
	systemctl --failed --no-legend
}

# Twice, with an administrator's changes between, and what is shipped changed as
# well; then removed.
install_twice() {
	local file edited=(/etc/cron.d/tarpit /etc/fail2ban/jail.d/tarpit.conf
		/etc/tarpit/tarpitd.conf)
	install_tarpit
	systemctl is-active -q tarpit-lists.timer && echo "the timer is active"
	[ -s /var/lib/tarpit/lists.cdb ] && echo "there are lists"
	systemctl disable --now tarpit-lists.timer 2>&1
	rm /etc/tarpit/lists.d/known-senders.conf
	for file in "${edited[@]}"; do echo '# mine' >>"$file"; done
	# As an older version had it, and as that was installed.
	for file in /etc/tarpit/policy.conf \
		/usr/local/share/tarpit/shipped/etc/tarpit/policy.conf; do
		echo '# of old' >>"$file"
	done
	install_tarpit
	echo "then: $(systemctl is-enabled tarpit-lists.timer) $(systemctl is-active tarpit-lists.timer)"
	[ -e /etc/tarpit/lists.d/known-senders.conf ] ||
		echo "gone: /etc/tarpit/lists.d/known-senders.conf"
	for file in "${edited[@]}"; do
		[ "$(tail -n 1 "$file")" != '# mine' ] || echo "kept: $file"
	done
	grep -q 'of old' /etc/tarpit/policy.conf || echo "new: /etc/tarpit/policy.conf"
	systemctl enable --now tarpitd.socket 2>&1
	make --silent B="$BUILD" uninstall >/dev/null
	find /etc ! -type d -path '*tarpit*' ! -name '*.pam' |
		grep -Ev '/(group|passwd|shadow|gshadow)' | sed 's/^/left: /'
	find /usr/local -path '*tarpit*' ! -type d
	systemctl list-units --no-legend --plain 'tarpit*'
	systemctl --failed --no-legend
}

# heard: what a client at the door hears.
heard() {
	timeout 20 sed -n '/^220 /{p;q}' < <(exec 8<>/dev/tcp/127.0.0.1/25; cat <&8)
}

# A service that passes on at once to an MTA, and is watched by traffic.
serve_greetings() {
	install_tarpit
	printf '#!/bin/sh\necho "220 mta"\nread -r line\n' >/usr/local/sbin/smtpd
	chmod 755 /usr/local/sbin/smtpd
	printf '%s\n' '[Handoff]' Command=/usr/local/sbin/smtpd \
		>/etc/tarpit/tarpit-handoff.conf
	give_roles inetd:/run/tarpit/handoff
	systemctl enable --now tarpitd.socket tarpit-handoff.socket 2>&1
	heard
}

# Each mistake is in CONF while everything starts anew.
broken_start() {
	local mistake conf=/etc/tarpit/tarpitd.conf.d/zz.conf
	serve_greetings
	for mistake in Hostname=x MaxSessions=many 'Handoff=inetd/run' '[Nonsense]' \
		'what is this'; do
		printf '[Dispatcher]\n%s\n' "$mistake" >$conf
		fails systemctl reload tarpitd 2>&1
		heard
		tarpitctl status >/run/status || echo "status says $?"
		head -n 4 /run/status
		systemctl restart tarpitd.service
		heard
		tarpitctl status >/run/status || echo "status says $?"
		head -n 4 /run/status
	done
	echo "state: $(tarpitctl status --json | jq -r '.mode, .config.source' | xargs)"
	# Without a copy of better times.
	systemctl stop tarpitd.service
	rm /var/lib/tarpit/dispatcher/tarpitd.last-good
	echo 'TLS=no' >$conf
	heard
	echo "state: $(tarpitctl status --json | jq -r '.mode, .config.source' | xargs)"
	rm $conf
	systemctl reload tarpitd
	tarpitctl status >/dev/null && echo "mended"
	echo "state: $(tarpitctl status --json | jq -r '.mode, .config.source' | xargs)"
	# The others, and a key that may not be read.
	echo '[Nonsense]' >/etc/tarpit/policy.conf.d/zz.conf
	echo '[Nonsense]' >>/etc/tarpit/tarpit-handoff.conf
	printf '[Tls]\nCertificate=/etc/shadow\n' >$conf
	# Root may read it, the service may not.
	fails tarpitd --check-config 2>&1
	for name in tarpitd tarpit-policyd tarpit-handoff; do
		fails systemctl reload $name 2>&1
		systemctl restart $name
	done
	heard
	tarpitctl status | grep 'NO TLS'
	journalctl -q -o cat TARPIT_EVENT=config_error | grep 'going on'
	systemctl --failed --no-legend
}

# A disk without room, from the first start on.
full_disk() {
	install_tarpit
	mount -t tmpfs -o size=64k tmpfs /var/lib/tarpit
	systemd-tmpfiles --create tarpit.conf 2>&1
	dd if=/dev/zero of=/var/lib/tarpit/full bs=1k 2>/dev/null || :
	printf '#!/bin/sh\necho "220 mta"\nread -r line\n' >/usr/local/sbin/smtpd
	chmod 755 /usr/local/sbin/smtpd
	printf '%s\n' '[Handoff]' Command=/usr/local/sbin/smtpd \
		>/etc/tarpit/tarpit-handoff.conf
	printf '[Dispatcher]\nHandoff=inetd:/run/tarpit/handoff\n' \
		>/etc/tarpit/tarpitd.conf
	systemctl enable --now tarpitd.socket tarpit-handoff.socket 2>&1
	heard
	systemctl is-active tarpitd.service
	systemctl restart tarpitd.service
	heard
}
