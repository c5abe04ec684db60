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
