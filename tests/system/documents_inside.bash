# SPDX-License-Identifier: ISC
# As inside.bash, which it needs: the documents' commands, as they are printed,
# on mail servers as Debian sets them up.
# shellcheck disable=SC2016 # conditions are evaluated by wait_until

DOC=/usr/local/share/doc/tarpit
# The world outside, with some clients and an MX host in it; and we.
CLIENT=198.51.100.7
ABROAD=203.0.113.7
HERE=192.0.2.25

in_world() {
	ip netns exec world "$@"
}

# A network of its own: nothing in it is one of our addresses.
make_world() {
	local i
	ip netns add world
	ip link add mx type veth peer name world netns world
	ip addr add $HERE/32 dev mx
	ip link set mx up
	ip -n world link set world up
	ip -n world link set lo up
	for i in {1..20}; do ip -n world addr add "198.51.100.$i/32" dev world; done
	ip -n world addr add $ABROAD/32 dev world
	ip -n world route add $HERE/32 dev world
	ip route add 198.51.100.0/24 dev mx src $HERE
	ip route add $ABROAD/32 dev mx src $HERE
	install -d -m 777 /run/abroad
	in_world socat "TCP-LISTEN:25,bind=$ABROAD,fork,reuseaddr" \
		"EXEC:$BUILD/tests/helpers/maildir_smtpd /run/abroad,nofork" &
}

# mail_in SUBJECT
mail_in() {
	in_world swaks --server $HERE --local-interface $CLIENT --timeout 60 \
		--ehlo client.test --from a@client.test --to joe@mx.test \
		--header "Subject: $1" --silent 1
	wait_until "grep -q 'Subject: $1' /var/mail/joe"
	echo "in: $1"
}

# mail_out SUBJECT
mail_out() {
	printf 'Subject: %s\n\nhello\n' "$1" |
		sendmail -f joe@mx.test ann@abroad.test
	wait_until "grep -qr 'Subject: $1' /run/abroad/new"
	echo "out: $1"
}

# Ten connections a second from everywhere, until this shell ends.
make_traffic() {
	local i=0
	while :; do
		i=$((i % 19 + 1))
		in_world timeout 1 nc -w 1 -s 198.51.100.$((i + 1)) $HERE 25 \
			</dev/null >/dev/null 2>&1 &
		read -r -t 0.1 _ <><(:) || :
	done &
}

# by_the_book FILE SECTION: its commands, each of which has to succeed.
by_the_book() {
	"$PWD/tests/helpers/doc-commands" "$1" "$2" >/run/commands
	cat /run/commands
	bash -e /run/commands 2>&1
}

# Everything that an administrator has on this machine, but for what mail
# servers write themselves.
take_stock() {
	find /etc ! -type d ! -path '/etc/tarpit/*.new' ! -name '*.db' \
		! -path /etc/resolv.conf -exec md5sum {} + 2>/dev/null |
		sort -k 2 >"$1"
	systemctl list-unit-files --no-legend 'tarpit*' | sort >>"$1"
	systemctl list-units --no-legend --plain 'tarpit*' |
		awk '{ print $1, $3 }' >>"$1"
}

greeting() {
	in_world timeout 20 nc -w 10 -s $CLIENT $HERE 25 </dev/null | head -n 1
}

# the_whole_way DOCUMENT IN OUT: sections of DOCUMENT, and Enforce of BOOK.
the_whole_way() {
	take_stock /run/before
	by_the_book "$1" "$2"
	mail_in observed
	mail_out observed
	record TARPIT_CLIENT=$CLIENT TARPIT_OUTCOME=passed \
		TARPIT_MODE=observe >/dev/null
	by_the_book "$1" "${4-Enforce}"
	mail_in enforced
	mail_out enforced
	record TARPIT_CLIENT=$CLIENT TARPIT_OUTCOME=graduated >/dev/null
	by_the_book "$1" "$3"
	take_stock /run/after
	diff /run/before /run/after && echo "as it was"
	wait_until "in_world nc -z -s $CLIENT $HERE 25"
	fails pgrep -x tarpitd
	mail_in without
	mail_out without
	fails journalctl -q -o cat TARPIT_EVENT=handoff_unserved \
		TARPIT_EVENT=spawn_error --grep .
	systemctl --failed --no-legend
}

# Nobody waits twice for the same reason, and enforcing is to be seen.
forget_everybody() {
	mkdir -p /etc/tarpit/policy.conf.d
	printf '%s\n' '[Data]' History= '[Patience]' 20=2s \
		>/etc/tarpit/policy.conf.d/test.conf
}

# Postfix, as its package's questions make it; the answers are those of an
# administrator whose provider takes the mail that goes out.
debian_postfix() {
	rm -f /etc/postfix/main.cf /etc/postfix/master.cf \
		/etc/systemd/system-generators/postfix-instance-generator
	debconf-set-selections <<-END
		postfix postfix/main_mailer_type select Internet with smarthost
		postfix postfix/relayhost string [$ABROAD]
		postfix postfix/mailname string mx.test
		postfix postfix/destinations string mx.test, localhost
	END
	DEBIAN_FRONTEND=noninteractive dpkg-reconfigure postfix >/run/dpkg 2>&1
	newaliases
	systemctl daemon-reload
	systemctl restart postfix
}

# debian_exim DIRECTORY: of packages, which take Postfix's place.
debian_exim() {
	debconf-set-selections <<-END
		exim4-config exim4/dc_eximconfig_configtype select mail sent by smarthost; received via SMTP or fetchmail
		exim4-config exim4/dc_smarthost string $ABROAD
		exim4-config exim4/mailname string mx.test
		exim4-config exim4/dc_other_hostnames string mx.test
		exim4-config exim4/dc_local_interfaces string
	END
	DEBIAN_FRONTEND=noninteractive dpkg -i --no-triggers --force-depends \
		--force-conflicts --force-overwrite "$1"/*.deb >/run/dpkg 2>&1 ||
		{ cat /run/dpkg >&2; return 1; }
}

# prepare HOW PREPARATION...: HOW is idle or busy.
prepare() {
	rm -f /usr/sbin/policy-rc.d
	install_tarpit
	forget_everybody
	make_world
	useradd -m joe
	"${@:2}"
	wait_until "in_world nc -z -s $CLIENT $HERE 25"
	[ "$1" = idle ] || make_traffic
}

inetd_section() {
	by_the_book $DOC/inetd/README "$1"
}

# --- what the tests call ---

# postfix_by_the_book HOW
postfix_by_the_book() {
	prepare "$1" debian_postfix
	the_whole_way $DOC/postfix/README 'Switch on' 'Switch off'
}

readme_by_the_book() {
	prepare "$1" debian_postfix
	the_whole_way "$PWD/README.md" 'In front of Postfix' 'Going back' \
		'Enforcing'
}

# exim_by_the_book HOW DIRECTORY
exim_by_the_book() {
	prepare "$1" debian_exim "$2"
	the_whole_way $DOC/exim/README 'Switch on' 'Switch off'
}

# inetd_by_the_book NAME [DIRECTORY]: inetd, or xinetd from its package, which
# takes inetd's place.
inetd_by_the_book() {
	prepare idle debian_postfix
	printf '%s\n' '[Patience]' 20=2s >/etc/tarpit/policy.conf.d/test.conf
	systemctl mask --now tarpit-policyd.socket 2>&1
	if [ "$1" = xinetd ]; then
		dpkg -i --no-triggers --force-depends --force-conflicts \
			--force-overwrite "$2"/*.deb >/run/dpkg 2>&1
	fi
	take_stock /run/before
	inetd_section Once
	inetd_section 'At each boot, before inetd'
	inetd_section 'Switch on'
	inetd_section "With $1"
	mail_in observed
	mail_out observed
	inetd_section Enforce
	# The first one is known now.
	CLIENT=198.51.100.8
	mail_in enforced
	# Who was slowed has been given to Postfix, and it is in the history.
	grep -A 1 '^Received: from client.test' /var/mail/joe
	ls /var/lib/tarpit/history
	wait_until '[ -n "$(find /var/lib/tarpit/history -type f)" ]'
	mail_out enforced
	inetd_section "Switch off, with $1"
	wait_until "in_world nc -z -s $CLIENT $HERE 25"
	fails pgrep -x tarpitd
	mail_in without
	mail_out without
	take_stock /run/after
	# But for the group of the one user.
	diff <(grep -Ev '/(group|gshadow)-?$' /run/before) \
		<(grep -Ev '/(group|gshadow)-?$' /run/after) && echo "as it was"
	systemctl --failed --no-legend
}
