# SPDX-License-Identifier: ISC
# What runs inside of the container, as root, under its systemd.  A function
# here is called by `in_container FUNCTION` of a bats file; it prints what it
# finds and fails, for the bats file to judge.
# shellcheck disable=SC2016 # conditions are evaluated by wait_until
set -eu
trap 'echo "inside: line $LINENO: $BASH_COMMAND" >&2' ERR
set -E

SWAKS=(swaks --server 127.0.0.1 --ehlo client.test --from a@client.test
	--to joe@mx.test --timeout 60 --silent 1)

# wait_until CONDITION: evaluated; within 20 s.
wait_until() {
	local until=$((SECONDS + 20))
	until eval "$1"; do
		[ $SECONDS -lt $until ] || {
			echo "not within 20 s: $1" >&2
			journalctl -n 40 --no-pager >&2
			return 1
		}
		sleep 0.05
	done
}

# The programs are those under test; nothing is built in here.
install_tarpit() {
	make --silent B="$BUILD" install-files install-activate >/dev/null
}

# 127.0.0.2 passes, 127.0.0.3 is slowed, 127.0.0.4 is held; quickly.
give_roles() {
	mkdir -p /etc/tarpit/policy.conf.d /etc/tarpit/tarpitd.conf.d
	echo 127.0.0.2 >/etc/tarpit/local-allow.txt
	echo 127.0.0.4 >/etc/tarpit/local-block.txt
	runuser -u tarpit-lists -- tarpit-lists build
	# Who has waited is to wait again.
	printf '%s\n' '[Curve]' 20=400 100=400 '[Patience]' 20=2s 100=2s \
		'[Data]' History= \
		>/etc/tarpit/policy.conf.d/test.conf
	printf '%s\n' '[Dispatcher]' HostName=mx.test HoldGreeting=1s OwnNetworks= \
		"Handoff=$1" >/etc/tarpit/tarpitd.conf.d/test.conf
}

# A Postfix that delivers to /var/mail, as units/postfix/README has it.
install_postfix() {
	useradd -m joe
	printf '%s\n' 'compatibility_level = 3.6' 'myhostname = mx.test' \
		'mydestination = mx.test' 'inet_interfaces = loopback-only' \
		'alias_maps =' 'local_recipient_maps =' 'mynetworks =' \
		'smtpd_relay_restrictions = reject_unauth_destination' \
		>/etc/postfix/main.cf
	cp /usr/share/postfix/master.cf.dist /etc/postfix/master.cf
	postconf -M 'tarpit/pass=tarpit pass n - n - - smtpd'
	postconf -MX smtp/inet
	newaliases 2>/dev/null || :
	# Its generator would have made this instance, had there been a
	# configuration at boot.
	postfix check
	systemctl start postfix@-.service
	mkdir -p /etc/systemd/system/tarpitd.service.d
	cp /usr/local/share/doc/tarpit/postfix/tarpitd.service.d/postfix.conf \
		/etc/systemd/system/tarpitd.service.d/
	systemctl daemon-reload
}

# The command must not succeed; set -e does not look at what follows a "!".
fails() {
	if "$@"; then
		echo "succeeded: $*" >&2
		return 1
	fi
}

# record FIELD=VALUE...: waits for a session's record with these fields and
# prints it as JSON.
record() {
	wait_until "[ -n \"\$(journalctl -q -o json $*)\" ]"
	journalctl -q -o json "$@" | tail -n 1
}

# --- what the tests call ---

activation() {
	install_tarpit
	systemctl enable --now tarpitd.socket 2>&1
	wait_until 'systemctl is-active -q tarpit-policyd.socket'
	systemctl is-active tarpitd.socket tarpit-policyd.socket
	systemctl is-enabled tarpitd.socket tarpit-policyd.socket
	# Whoever connects starts it.
	exec 8<>/dev/tcp/127.0.0.1/25
	wait_until 'systemctl is-active -q tarpitd.service'
	wait_until 'systemctl is-active -q tarpit-policyd.service'
	exec 8>&-
	exec 8<>/dev/tcp/::1/25
	exec 8>&-
	for name in tarpitd tarpit-policyd; do
		wait_until "[ -n \"\$(systemctl show -p StatusText --value $name)\" ]"
	done
	systemctl show -p User,Type,StatusText,NRestarts tarpitd.service
	systemctl show -p User,Type,StatusText,NRestarts tarpit-policyd.service
	journalctl -q -u tarpit-policyd.service -o cat | grep history
	stat -c '%U %a %n' /var/lib/tarpit/history
	memory_of_units
	systemctl --failed --no-legend
}

# What each unit is allowed and worth, and that the dispatcher plans with less
# when its unit allows less.
memory_of_units() {
	local name
	for name in tarpitd tarpit-policyd tarpit-handoff tarpit-lists \
		tarpit-metrics; do
		echo "memory of $name:" "$(systemctl show --value -p MemoryMax \
			$name.service)" "$(systemctl show --value \
			-p OOMScoreAdjust $name.service)"
	done
	limit_memory 67108864
	systemctl restart tarpitd.service
	tarpitctl status | grep -A1 ^limits
	mkdir -p /etc/tarpit/tarpitd.conf.d
	printf '%s\n' '[Dispatcher]' Backend=127.0.0.1:2525 \
		>/etc/tarpit/tarpitd.conf.d/backend.conf
	systemctl restart tarpitd.service
	tarpitctl status | grep ^limits
}

# In the tarpitd.service to come; where this kernel has no memory controller of
# version 2, by what one would say.
limit_memory() {
	local group=/sys/fs/cgroup/system.slice/tarpitd.service
	mkdir -p /run/systemd/system/tarpitd.service.d /run/group
	printf '[Service]\nMemoryMax=%s\n' "$1" \
		>/run/systemd/system/tarpitd.service.d/memory.conf
	if [ ! -e "$group/memory.max" ]; then
		echo "$1" >/run/group/memory.max
		echo "BindReadOnlyPaths=/run/group:$group" \
			>>/run/systemd/system/tarpitd.service.d/memory.conf
	fi
	systemctl daemon-reload
}

verify() {
	install_tarpit
	cp -r /usr/local/share/doc/tarpit/postfix/tarpit* \
		/usr/local/share/doc/tarpit/exim/tarpit* /etc/systemd/system/
	install -m 755 /bin/true /usr/sbin/exim4
	systemd-analyze verify --man=no /usr/local/lib/systemd/system/tarpit* \
		/etc/systemd/system/tarpit-*.socket \
		/etc/systemd/system/tarpit-*.path 2>&1
}

exposure() {
	install_tarpit
	if [ "${1-}" = exim ]; then
		cp -r /usr/local/share/doc/tarpit/exim/* /etc/systemd/system/
		useradd -r Debian-exim
		systemctl daemon-reload
	fi
	for name in tarpitd tarpit-policyd tarpit-handoff tarpit-lists \
		tarpit-metrics; do
		systemd-analyze security --no-pager --threshold=20 $name.service |
			tail -n 1
	done
}

# The updater as its own user in its sandbox: from a list that a server on
# loopback publishes to the policy service's data.
lists_updated() {
	local web
	install_tarpit
	systemctl is-enabled tarpit-lists.timer
	rm /etc/tarpit/lists.d/known-senders.conf
	cat >/run/web <<-'END'
		#!/bin/sh
		while IFS= read -r line && [ ${#line} -gt 1 ]; do :; done
		printf 'HTTP/1.0 200 OK\r\nContent-Length: 13\r\n\r\n192.0.2.0/24\n'
	END
	chmod 755 /run/web
	systemd-run -q --unit=web -p SuccessExitStatus=143 socat \
		TCP-LISTEN:8080,bind=127.0.0.1,reuseaddr,fork EXEC:/run/web
	wait_until '(exec 8<>/dev/tcp/127.0.0.1/8080) 2>/dev/null'
	printf '[List]\nSource=http://127.0.0.1:8080/web\n' \
		>/etc/tarpit/lists.d/web.conf
	# By hand first, as root: what it leaves must not be in the way.
	tarpit-lists build
	systemctl start tarpit-lists.service
	tarpit-lists query 192.0.2.9
	stat -c '%U %a' /var/lib/tarpit/lists.cdb /var/lib/tarpit/lists/web.copy
	journalctl -q -o json TARPIT_LIST=web
	systemctl start tarpit-lists.timer
	systemctl is-active tarpit-lists.timer
	systemctl stop tarpit-lists.timer web
	systemctl --failed --no-legend
}

lanes_with_postfix() {
	install_tarpit
	install_postfix
	give_roles postfix:/var/spool/postfix/public/tarpit
	systemctl enable --now tarpitd.socket 2>&1
	"${SWAKS[@]}" --local-interface 127.0.0.2 --header 'Subject: pass'
	record TARPIT_CLIENT=127.0.0.2 TARPIT_LANE=pass TARPIT_OUTCOME=passed
	"${SWAKS[@]}" --local-interface 127.0.0.3 --header 'Subject: slow'
	record TARPIT_CLIENT=127.0.0.3 TARPIT_LANE=slow TARPIT_OUTCOME=graduated
	fails "${SWAKS[@]}" --local-interface 127.0.0.4 --header 'Subject: hold'
	record TARPIT_CLIENT=127.0.0.4 TARPIT_LANE=hold
	wait_until 'grep -q "Subject: pass" /var/mail/joe'
	wait_until 'grep -q "Subject: slow" /var/mail/joe'
	fails grep 'Subject: hold' /var/mail/joe
	grep -E '^Received: from client.test' -A 1 /var/mail/joe
	journalctl -q -u 'postfix@-.service' -o cat | grep 'connect from'
	journalctl -q -x -n 1 TARPIT_CLIENT=127.0.0.2
	tarpitctl report --since today >/tmp/report
	head -n 6 /tmp/report
	systemctl --failed --no-legend
}

# Both sockets, a proxy in front of one of them, and Postfix by TCP.
proxied_and_relayed() {
	install_tarpit
	install_postfix
	give_roles proxy:127.0.0.1:10026
	printf '%s\n' '[Dispatcher]' ProxyTrusted=127.0.0.1 \
		>/etc/tarpit/tarpitd.conf.d/proxy.conf
	postconf -M 'localhost:10026/inet=localhost:10026 inet n - y - - smtpd -o smtpd_upstream_proxy_protocol=haproxy'
	systemctl reload postfix@-.service
	wait_until '(exec 8<>/dev/tcp/127.0.0.1/10026) 2>/dev/null'
	systemctl enable --now tarpitd-proxy.socket tarpitd.socket 2>&1
	"${SWAKS[@]}" --local-interface 127.0.0.2 --header 'Subject: pass'
	record TARPIT_CLIENT=127.0.0.2 TARPIT_OUTCOME=passed
	"${SWAKS[@]}" --port 10024 --header 'Subject: slow' \
		--proxy 'TCP4 127.0.0.3 127.0.0.1 40000 25'
	record TARPIT_CLIENT=127.0.0.3 TARPIT_PROXY=127.0.0.1 \
		TARPIT_OUTCOME=graduated
	wait_until 'grep -q "Subject: pass" /var/mail/joe'
	wait_until 'grep -q "Subject: slow" /var/mail/joe'
	grep -E '^Received: from client.test' -A 1 /var/mail/joe
	systemctl show -p StatusText --value tarpitd.service
	systemctl --failed --no-legend
}

reload_and_restart() {
	install_tarpit
	install_postfix
	give_roles postfix:/var/spool/postfix/public/tarpit
	systemctl enable --now tarpitd.socket 2>&1
	# A session in hold lives through a reload, and a policy restart.
	exec 8< <(sleep 60 | nc -s 127.0.0.4 127.0.0.1 25)
	wait_until 'systemctl is-active -q tarpitd.service'
	read -r -t 20 line <&8
	echo "before: $line"
	systemctl reload tarpitd.service tarpit-policyd.service
	systemctl restart tarpit-policyd.service
	read -r -t 20 line <&8
	echo "after: $line"
	# Killed: systemd starts it again, and the next mail goes through.
	systemctl kill -s KILL tarpitd.service
	wait_until '[ "$(systemctl show -p NRestarts --value tarpitd.service)" = 1 ]'
	"${SWAKS[@]}" --local-interface 127.0.0.2
	systemctl stop tarpitd.service
	"${SWAKS[@]}" --local-interface 127.0.0.2
	wait_until '[ $(grep -c ^From: /var/mail/joe) = 2 ]'
	systemctl --failed --no-legend
}

# Who may look, what they see, and what the metrics' service may.
live_view() {
	install_tarpit
	give_roles inetd:/run/tarpit/handoff
	useradd -m -G tarpit ann
	useradd -m bob
	systemctl enable --now tarpitd.socket tarpit-metrics.socket 2>&1
	# Which is wanted by the other one, and not waited for.
	systemctl start tarpitd-control.socket
	stat -c '%U %G %a' /run/tarpit/control
	exec 8<>/dev/tcp/127.0.0.1/25
	wait_until 'tarpitctl status | grep -q "^tarpitd "'
	runuser -u ann -- tarpitctl hold 127.0.0.1 --for 10min
	runuser -u ann -- tarpitctl overrides
	fails runuser -u bob -- tarpitctl status 2>&1
	stat -c '%U %G %a' /run/tarpit/explain
	runuser -u ann -- tarpitctl explain 127.0.0.1 | sed 's/^score/ann hears: &/'
	fails runuser -u bob -- tarpitctl explain 127.0.0.1 2>&1
	exec 9<>/dev/tcp/127.0.0.1/9725
	printf 'GET /metrics HTTP/1.0\r\n\r\n' >&9
	cat <&9
	systemctl show -p User,Type tarpit-metrics.service
	journalctl -q -o cat TARPIT_OVERRIDE=hold
	exec 8>&- 9>&-
	systemctl --failed --no-legend
	# The control socket goes with the one that it belongs to.
	systemctl disable --now tarpitd.socket tarpitd.service 2>&1
	wait_until '! systemctl is-active -q tarpitd-control.socket'
	fails tarpitctl status 2>&1
}

# Postfix asks at RCPT as well, through the second socket.
policy_for_postfix() {
	install_tarpit
	install_postfix
	give_roles postfix:/var/spool/postfix/public/tarpit
	printf '%s\n' '[Postfix]' \
		'Hold=REJECT 5.7.1 listed: %{score} %{reason}' \
		'Slow=PREPEND X-Tarpit: %{score} %{reason} %{country}' \
		>>/etc/tarpit/policy.conf.d/test.conf
	cp /usr/local/share/doc/tarpit/postfix/tarpit-policyd-postfix.socket \
		/etc/systemd/system/
	systemctl daemon-reload
	systemctl enable --now tarpit-policyd-postfix.socket tarpit-policyd.socket 2>&1
	postconf -M '2525/inet=2525 inet n - n - - smtpd'
	postconf -e 'smtpd_recipient_restrictions = reject_unauth_destination, check_policy_service { unix:private/tarpit-policy, default_action=DUNNO }'
	systemctl restart postfix@-.service
	"${SWAKS[@]}" --port 2525 --local-interface 127.0.0.2
	"${SWAKS[@]}" --port 2525 --local-interface 127.0.0.4 --silent 0 2>&1 || :
	"${SWAKS[@]}" --port 2525 --local-interface 127.0.0.3 --header 'Subject: slow'
	wait_until 'grep -q "^X-Tarpit:" /var/mail/joe'
	grep '^X-Tarpit:' /var/mail/joe
	# And when the client connects.
	postconf -e 'smtpd_client_restrictions = check_policy_service { unix:private/tarpit-policy, default_action=DUNNO }'
	postconf -X smtpd_recipient_restrictions
	postconf -e 'smtpd_delay_reject = no'
	postfix reload
	"${SWAKS[@]}" --port 2525 --local-interface 127.0.0.4 --silent 0 2>&1 |
		sed -n 's/^.*554 /at connect: /p' || :
	systemctl --failed --no-legend
}

# tarpit-handoff with an MTA that needs no rights.
handoff_with_maildir() {
	install_tarpit
	install -m 755 "$BUILD/tests/helpers/maildir_smtpd" /usr/local/sbin
	printf '%s\n' '[Handoff]' \
		'Command=/usr/local/sbin/maildir_smtpd /var/lib/tarpit-handoff/Maildir' \
		>/etc/tarpit/tarpit-handoff.conf
	give_roles inetd:/run/tarpit/handoff
	systemctl enable --now tarpitd.socket tarpit-handoff.socket 2>&1
	"${SWAKS[@]}" --local-interface 127.0.0.2
	"${SWAKS[@]}" --local-interface 127.0.0.3
	cat /var/lib/tarpit-handoff/Maildir/new/*
	# A session that an MTA has survives the restart of its starter.
	exec 8<>/dev/tcp/127.0.0.1/25
	wait_until '[ "$(pgrep -c maildir_smtpd)" = 1 ]'
	systemctl restart tarpit-handoff.service
	printf 'QUIT\r\n' >&8
	cat <&8
	systemctl show -p User,StatusText tarpit-handoff.service
	systemctl --failed --no-legend
}

# $1: a directory with Exim's packages.
lanes_with_exim() {
	install_tarpit
	install_exim "$1"
	printf '%s\n' '[Handoff]' 'Command=/usr/sbin/exim4 -bs -odq' \
		>/etc/tarpit/tarpit-handoff.conf
	give_roles inetd:/run/tarpit/handoff
	cp -r /usr/local/share/doc/tarpit/exim/tarpit-* /etc/systemd/system/
	systemctl daemon-reload
	systemctl enable --now tarpit-exim-queue.path tarpit-handoff.socket \
		tarpitd.socket 2>&1
	"${SWAKS[@]}" --local-interface 127.0.0.2 --header 'Subject: pass'
	"${SWAKS[@]}" --local-interface 127.0.0.3 --header 'Subject: slow'
	fails "${SWAKS[@]}" --local-interface 127.0.0.4 --header 'Subject: hold'
	wait_until 'grep -q "Subject: pass" /var/mail/joe'
	wait_until 'grep -q "Subject: slow" /var/mail/joe'
	fails grep 'Subject: hold' /var/mail/joe
	stat -c 'mailbox of %U' /var/mail/joe
	cat /var/log/exim4/mainlog
	systemctl show -p User tarpit-handoff.service
	systemctl --failed --no-legend
}

# Unpacked rather than installed: as packages, Exim and Postfix exclude each
# other.
install_exim() {
	local deb
	for deb in "$1"/exim4*.deb; do
		dpkg-deb --fsys-tarfile "$deb" |
			tar -x -C / --keep-directory-symlink
	done
	useradd -r -U -d /var/spool/exim4 Debian-exim
	useradd -m joe
	mkdir -p /var/spool/exim4/input /var/log/exim4
	chown -R Debian-exim: /var/spool/exim4 /var/log/exim4
	cat >/etc/exim4/exim4.conf <<-X
		primary_hostname = mx.test
		domainlist local_domains = mx.test
		acl_smtp_rcpt = accept
		pipelining_connect_advertise_hosts =
		keep_environment =
		begin routers
		forward:
		  driver = redirect
		  check_local_user
		  file = \$home/.forward
		local:
		  driver = accept
		  domains = +local_domains
		  check_local_user
		  transport = mailbox
		begin transports
		mailbox:
		  driver = appendfile
		  file = /var/mail/\$local_part_data
		  group = mail
		  mode = 0660
	X
}

# As the example for inetd has it, without systemd's help: $1 is wait or nowait.
inetd() {
	local conf=/usr/local/share/doc/tarpit/inetd/inetd.conf
	install_tarpit
	install -m 755 "$BUILD/tests/helpers/maildir_smtpd" /usr/local/sbin
	give_roles inetd:/run/tarpit/handoff
	install -d -o tarpit-policy /run/tarpit
	runuser -u tarpit-policy -g tarpitd -- \
		tarpit-policyd --listen /run/tarpit/policy &
	runuser -u root -g tarpitd -- tarpit-handoff \
		--listen /run/tarpit/handoff -- \
		/usr/local/sbin/maildir_smtpd /tmp/Maildir &
	wait_until '[ -S /run/tarpit/handoff ] && [ -S /run/tarpit/policy ]'
	case $1 in
	wait) grep '^smtp' $conf >/tmp/inetd.conf ;;
	nowait) sed -n 's/^#smtp/smtp/p' $conf >/tmp/inetd.conf ;;
	esac
	command inetd -i /tmp/inetd.conf &
	wait_until "ss -Hltn 'sport = :25' | grep -q :25"
	"${SWAKS[@]}" --local-interface 127.0.0.2
	"${SWAKS[@]}" --local-interface 127.0.0.3
	"${SWAKS[@]}" --server ::1 --local-interface ::1
	if [ "$1" = nowait ]; then
		wait_until '! pgrep -x tarpitd >/dev/null'
		echo "no tarpitd stays"
	fi
	ps -o user:20=,args= -C tarpitd || :
	cat /tmp/Maildir/new/*
	kill %1 %2 %3
}
