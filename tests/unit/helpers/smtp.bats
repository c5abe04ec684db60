#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The SMTP client of the tests must notice every departure from its part.

load ../../helpers/common
load ../../helpers/daemon
load ../../helpers/smtp

# A server that says its lines whatever it hears, waiting for a line before the
# later ones, and closes.
setup() {
	DEADLINE=5
	port=$(free_port)
	cat >"$BATS_TEST_TMPDIR/server" <<-'END'
		echo "from $SOCAT_PEERADDR" >&2
		printf '220-a\r\n220-b\r\n220 c ready\r\n'
		read -r heard
		echo "heard $heard" >&2
		printf '250 fine\r\n'
		read -r heard
		printf '221 bye\r\n'
	END
	start_daemon server socat \
		"TCP-LISTEN:$port,bind=127.0.0.1,reuseaddr,fork" \
		"EXEC:sh $BATS_TEST_TMPDIR/server"
	wait_for_port server "$port"
}

teardown() {
	smtp_close_all
	stop_daemons
}

@test "a dialogue that goes as written passes" {
	run smtp_play - "127.0.0.1:$port" 127.0.0.7 <<-END
		# a comment
		S* 220-
		S: 220 c
		C: EHLO client.example
		S: 250 fi
		B: QU\x49T\r\n

		S: 221
		E:
	END
	echo "$output"
	[ "$status" = 0 ]
	[[ $output == *"C: EHLO client.example"* && $output == *"S: 221 bye"* ]]
	wait_for_log server '^from 127\.0\.0\.7$'
	wait_for_log server '^heard EHLO client\.example'
}

@test "another reply fails and says which was expected" {
	run smtp_play - "127.0.0.1:$port" <<-END
		S* 220-
		S: 554
	END
	[ "$status" = 1 ]
	[ "${lines[-1]}" = "expected: 554" ]
	[ "${lines[-2]}" = "S: 220 c ready" ]
}

@test "a match begins at the beginning of the line" {
	run smtp_play - "127.0.0.1:$port" <<<'S: 20-a'
	[ "$status" = 1 ]
}

@test "an end where a line is expected fails, and the other way round" {
	run smtp_play - "127.0.0.1:$port" <<-END
		S* 220
		H:
		S* 2
		S: 250
	END
	[ "$status" = 1 ]
	[[ ${lines[-1]} == "expected: 250, not the end"* ]]
	run smtp_play - "127.0.0.1:$port" <<<'E:'
	[ "$status" = 1 ]
	[ "${lines[-1]}" = "expected: the end of the session" ]
}

@test "silence fails at the deadline" {
	DEADLINE=1
	smtp_connect "127.0.0.1:$port"
	smtp_expect_reply 220 ready
	run smtp_expect 250
	[ "$status" = 1 ]
	[[ $output == *"nothing came for 1 s" ]]
}

@test "a reply of several lines is taken whole" {
	smtp_connect "127.0.0.1:$port"
	smtp_expect_reply 220 'ready$'
	smtp_say 'NOOP'
	smtp_expect_reply 250
	[ "$LINE" = '250 fine' ]
}

@test "two sessions at a time are kept apart" {
	SMTP=a smtp_connect "127.0.0.1:$port" 127.0.0.2
	SMTP=b smtp_connect "127.0.0.1:$port" 127.0.0.3
	SMTP=a smtp_expect_reply 220
	SMTP=a smtp_say one
	SMTP=a smtp_expect '250 fine'
	SMTP=b smtp_expect_reply 220
	SMTP=b smtp_say two
	SMTP=b smtp_expect '250 fine'
	SMTP=a smtp_say more
	SMTP=a smtp_expect 221
	SMTP=a smtp_expect_eof
}

@test "an unknown step is an error, not a comment" {
	run smtp_play - "127.0.0.1:$port" <<<'X: 220'
	[ "$status" = 1 ]
	[[ $output == *'not "X: 220"'* ]]
}
