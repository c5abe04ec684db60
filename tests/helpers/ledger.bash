# SPDX-License-Identifier: ISC
# The books of who sent what, and of what is in the queue of the Postfix behind,
# for bats files: `load ../helpers/ledger`, after daemon, tarpitd and postfix.
# Postfix has to keep all that it accepts: ledger_setup.

# The MTA's listener at $BACKEND, and nothing leaves its queue.
ledger_setup() {
	BACKEND=$(free_port)
	shipped_listener "$BACKEND" >>"$POSTFIX/etc/master.cf"
	# All that is accepted stays in the queue, where it is counted: neither
	# its delivery nor the log, whose writer is killed too, can lose any.
	echo 'smtpd_data_restrictions = check_client_access static:HOLD' \
		>>"$POSTFIX/etc/main.cf"
}

entries() {
	wc -l <"$DAEMONS/ledger.log"
}

# keep_ledger MESSAGES WORKERS EVERY KILL...: meanwhile the commands KILL are
# run in turn, each about EVERY messages after the last one, at a random moment.
# Leaves the books of both sides.
keep_ledger() {
	local n=$1 every=$3 at=0 kills=("${@:4}") POLL=0.1
	KILLS=0 BEGAN=$SECONDS
	# shellcheck disable=SC2086
	start_daemon ledger "$BUILD/tests/helpers/ledger" "$PORT" "$n" "$2" \
		42 ${STAY-}
	while ((at += every / 2 + SRANDOM % every, at < n)); do
		wait_until -t 600 "[ \$(entries) -ge $at ]"
		"${kills[KILLS++ % ${#kills[@]}]}"
	done
	wait_for_exit ledger 600
	[ "$(entries)" = "$n" ]
	# The dispatcher's last transactions, of clients that have left.
	wait_until 'postfix_takes_nothing'
	postfix_stop
	compare_books
}

# A name with a dot is of a file that a killed cleanup(8) has left.
postfix_takes_nothing() {
	! find "$POSTFIX"/spool/{incoming,active} -type f ! -name '*.*' \
		! -perm -u=x | grep -q .
}

# entered WORD: the messages of which the clients' side says so, sorted.
entered() {
	sed -n "s/^$1 //p" "$DAEMONS/ledger.log" | sort
}

# "ID QUEUE-ID" of all in the MTA's queue, sorted.  cleanup(8) sets the execute
# bit when a file is a message, before it says so; qmgr(8) removes the others.
queue() {
	find "$POSTFIX"/spool/{incoming,active,deferred,hold} -type f \
		-perm -u=x -exec grep -aHoEm1 'ledger-[0-9]+-[0-9]+' {} + |
		sed -E 's/^.*\/([^/:]+):(.*)/\2 \1/' | sort -u
}

compare_books() {
	local fate
	for fate in accepted refused silent unsent; do
		entered $fate >"$DAEMONS/$fate"
	done
	queue >"$DAEMONS/queue"
	cut -d' ' -f1 "$DAEMONS/queue" >"$DAEMONS/queued"
	comm -23 "$DAEMONS/accepted" "$DAEMONS/queued" >"$DAEMONS/lost"
	uniq -d "$DAEMONS/queued" >"$DAEMONS/duplicated"
	for fate in refused silent unsent; do
		comm -12 "$DAEMONS/$fate" "$DAEMONS/queued" \
			>"$DAEMONS/$fate.queued"
	done
}

lines() {
	wc -l <"$DAEMONS/$1"
}

# The books, for who reads along.
show_books() {
	cat <<-END >&3
		# $(lines ledger.log) sessions in $((SECONDS - BEGAN)) s, $KILLS kills; in the queue $(lines queued)
		# accepted $(lines accepted), refused $(lines refused), left unanswered $(lines silent), end never sent $(lines unsent)
		# lost $(lines lost), duplicated $(lines duplicated), queued without an end $(lines unsent.queued)
		# unheard $(lines silent.queued) of clients that left, $(lines refused.queued) told 4xx
	END
}

nothing_lost_nothing_twice() {
	[ ! -s "$DAEMONS/lost" ]
	# Nobody has sent anything a second time.
	[ ! -s "$DAEMONS/duplicated" ]
	[ ! -s "$DAEMONS/unsent.queued" ]
}
