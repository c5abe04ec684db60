# SPDX-License-Identifier: ISC
# A Postfix of one's own, for bats files: `load ../helpers/postfix`, after
# daemon.  It listens nowhere but on its `pass` service, delivers into a
# Maildir, and shares nothing with an installed one but the programs.
#
#	setup()    { postfix_setup; postfix_start; }
#	teardown() { postfix_remove; }
#
# $PASS is its socket, $MAIL the Maildir, $POSTFIX/log its log.  Needs root.

postfix_setup() {
	[ "$(id -u)" = 0 ] || skip "Postfix needs root"
	command -v postfix >/dev/null || skip "no Postfix"
	# Not below a directory of bats': Postfix's users must get there.
	POSTFIX=$(mktemp -d /tmp/tarpit-postfix.XXXXXX)
	PASS=$POSTFIX/spool/public/tarpit
	MAIL=$POSTFIX/mail/all
	chmod 755 "$POSTFIX"
	mkdir "$POSTFIX"/{etc,spool,data,mail}
	chown postfix "$POSTFIX/data"
	chown nobody:nogroup "$POSTFIX/mail"
	# postsuper warns about what a kill has left, not being root by then.
	install -o postfix -m 644 /dev/null "$POSTFIX/log"
	postfix_main_cf >"$POSTFIX/etc/main.cf"
	postfix_master_cf >"$POSTFIX/etc/master.cf"
}

postfix_main_cf() {
	cat <<-END
		compatibility_level = 3.6
		queue_directory = $POSTFIX/spool
		data_directory = $POSTFIX/data
		maillog_file = $POSTFIX/log
		maillog_file_prefixes = $POSTFIX
		myhostname = mta.test
		enable_long_queue_ids = yes
		mydestination =
		inet_interfaces = loopback-only
		smtpd_peername_lookup = no
		smtpd_tls_security_level = none
		mynetworks = 127.0.0.0/8 [::1]/128
		smtpd_client_connection_count_limit = 0
		alias_maps =
		alias_database =
		local_recipient_maps =
		virtual_mailbox_domains = mx.test
		virtual_mailbox_base = $POSTFIX/mail
		virtual_mailbox_maps = static:all/
		virtual_uid_maps = static:$(id -u nobody)
		virtual_gid_maps = static:$(id -g nobody)
		virtual_alias_maps =
		default_transport = error:no mail leaves this test
	END
}

postfix_master_cf() {
	cat <<-END
		tarpit    pass  n  -  n  -     ${POSTFIX_PROCESSES:--}  smtpd
		cleanup   unix  n  -  n  -     0  cleanup
		qmgr      unix  n  -  n  300   1  qmgr
		rewrite   unix  -  -  n  -     -  trivial-rewrite
		bounce    unix  -  -  n  -     0  bounce
		defer     unix  -  -  n  -     0  bounce
		trace     unix  -  -  n  -     0  bounce
		proxymap  unix  -  -  n  -     -  proxymap
		error     unix  -  -  n  -     -  error
		virtual   unix  -  n  n  -     -  virtual
		anvil     unix  -  -  n  -     1  anvil
		tlsmgr    unix  -  -  n  1000? 1  tlsmgr
		postlog   unix-dgram n - n - 1 postlogd
	END
}

# shipped_listener PORT: the services of units/ for the throttle lane.
shipped_listener() {
	sed -n '/^127.0.0.1:10025/,$p' "$ROOT/units/postfix/master.cf" |
		sed "s/^127.0.0.1:10025/127.0.0.1:$1/"
}

postfix_start() {
	postfix -c "$POSTFIX/etc" start >>"$POSTFIX/out" 2>&1 3>&- || {
		cat "$POSTFIX/out" "$POSTFIX/log" >&2
		return 1
	}
	# It listens by now: `start` waits for that.
	[ -S "$PASS" ]
}

postfix_stop() {
	postfix -c "$POSTFIX/etc" stop >>"$POSTFIX/out" 2>&1 3>&-
}

postfix_pid() {
	tr -d ' ' <"$POSTFIX/spool/pid/master.pid"
}

# wait_for_mail N: until so many have been delivered.
wait_for_mail() {
	wait_until "[ \$(find $MAIL/new -type f 2>/dev/null | wc -l) -ge $1 ]" || {
		tail -n 40 "$POSTFIX/log" >&2
		return 1
	}
	[ "$(find "$MAIL/new" -type f | wc -l)" = "$1" ]
}

postfix_remove() {
	[ -n "${POSTFIX-}" ] || return 0
	if [ -e "$POSTFIX/spool/pid/master.pid" ]; then
		kill -CONT "$(postfix_pid)" 2>/dev/null || :
		postfix_stop || :
	fi
	rm -rf "$POSTFIX"
}
