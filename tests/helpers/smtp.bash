# SPDX-License-Identifier: ISC
# An SMTP client that plays a part, for bats files: `load ../../helpers/smtp`,
# after daemon.  Either step by step,
#
#	smtp_connect 127.0.0.1:$port 127.0.0.3
#	smtp_expect '220 '
#	smtp_say 'EHLO client.example'
#	smtp_expect_reply 250
#	smtp_close
#
# or from a file, `smtp_play dialogue 127.0.0.1:$port`, whose lines are
#
#	C: text     sends it and CRLF
#	B: text     sends exactly these bytes, \r \n \0 \xHH as in printf %b
#	S: regex    the next line received begins like this (ERE)
#	S* regex    any number of lines that begin like this, none included
#	E:          the server closes the connection
#	H:          closes our direction only
#	# text      a comment; empty lines are ignored
#
# $VARIABLES in a dialogue are not expanded.  Both print the dialogue as it
# happened, and both fail, saying what was expected, when it takes another
# course or no line has come for DEADLINE seconds.  Several sessions at a time:
# SMTP=name smtp_connect ..., SMTP=name smtp_say ...

# -g: bats loads files from within a function.
declare -gA SMTP_IN SMTP_OUT SMTP_PID SMTP_KEPT

# smtp_connect ADDRESS:PORT [SOURCE]
smtp_connect() {
	local host=${1%:*}
	host=${host#[} host=${host%]}
	smtp_start dial "$host" "${1##*:}" ${2:+"$2"}
}

# smtp_connect_tls ADDRESS:PORT [OPTION]...: by STARTTLS, which is over then; the
# options are those of dial_tls.c.
smtp_connect_tls() {
	smtp_start dial_tls "${1%:*}" "${1##*:}" "${@:2}"
}

# smtp_start HELPER [ARGUMENT]...: one that connects.
smtp_start() {
	local s=${SMTP:-client} in out dir
	dir=$(mktemp -d "$DAEMONS/smtp.XXXXXX")
	mkfifo "$dir/in" "$dir/out"
	(
		close_inherited
		exec "$BUILD/tests/helpers/$1" "${@:2}"
	) <"$dir/out" >"$dir/in" &
	SMTP_PID[$s]=$!
	exec {out}>"$dir/out" {in}<"$dir/in"
	rm -r "$dir"
	SMTP_IN[$s]=$in SMTP_OUT[$s]=$out
	unset "SMTP_KEPT[$s]"
}

# smtp_send BYTES: in the notation of printf %b.
smtp_send() {
	local s=${SMTP:-client}
	printf '%b' "$1" >&"${SMTP_OUT[$s]}"
}

smtp_say() {
	local s=${SMTP:-client}
	echo "C: $1"
	printf '%s\r\n' "$1" >&"${SMTP_OUT[$s]}"
}

# Puts the next line, without its CRLF, into the variable LINE.  1 at the end
# of the session, 124 when none comes.
smtp_read() {
	local s=${SMTP:-client} status=0
	if [ "${SMTP_KEPT[$s]+set}" ]; then
		LINE=${SMTP_KEPT[$s]}
		unset "SMTP_KEPT[$s]"
		return 0
	fi
	IFS= read -r -t "$DEADLINE" LINE <&"${SMTP_IN[$s]}" || status=$?
	[ "$status" -le 128 ] || return 124
	[ "$status" = 0 ] || [ -n "$LINE" ] || return 1
	LINE=${LINE%$'\r'}
	echo "S: $LINE"
}

smtp_unexpected() {
	echo "expected: $1"
	return 1
}

# smtp_expect REGEX: of the beginning of the next line, which is left in LINE.
smtp_expect() {
	local status=0
	smtp_read || status=$?
	case $status in
	0) [[ $LINE =~ ^($1) ]] || smtp_unexpected "$1" ;;
	1) smtp_unexpected "$1, not the end of the session" ;;
	*) smtp_unexpected "$1, and nothing came for $DEADLINE s" ;;
	esac
}

# smtp_expect_reply CODE [REGEX]: a whole reply, however many lines; REGEX must
# match its last line behind the code.
smtp_expect_reply() {
	smtp_skip "$1-" && smtp_expect "$1 .*${2-}"
}

# smtp_skip REGEX: all lines that begin like this.
smtp_skip() {
	local s=${SMTP:-client}
	while smtp_read; do
		[[ $LINE =~ ^($1) ]] && continue
		SMTP_KEPT[$s]=$LINE
		return 0
	done
	return 0
}

smtp_expect_eof() {
	local status=0
	smtp_read || status=$?
	case $status in
	0) smtp_unexpected "the end of the session" ;;
	1) echo "E:" ;;
	*) smtp_unexpected "the end of the session within $DEADLINE s" ;;
	esac
}

# Closes our direction; the server's answers can still be read.
smtp_shutdown() {
	local s=${SMTP:-client} fd
	fd=${SMTP_OUT[$s]}
	exec {fd}>&-
}

# Ends the session, whatever state it is in, without waiting for the server.
smtp_close() {
	local s=${SMTP:-client} in out
	in=${SMTP_IN[$s]} out=${SMTP_OUT[$s]}
	exec {in}<&- {out}>&-
	kill "${SMTP_PID[$s]}" 2>/dev/null || :
	wait "${SMTP_PID[$s]}" 2>/dev/null || :
	unset "SMTP_IN[$s]" "SMTP_OUT[$s]" "SMTP_PID[$s]" "SMTP_KEPT[$s]"
}

# For teardown: every session that is still open.
smtp_close_all() {
	local s
	for s in "${!SMTP_PID[@]}"; do
		SMTP=$s smtp_close
	done
}

# smtp_play FILE ADDRESS:PORT [SOURCE]; FILE may be - (standard input).
smtp_play() {
	local file=$1 step status=0 fd
	shift
	[ "$file" != - ] || file=/dev/stdin
	exec {fd}<"$file"
	smtp_connect "$@"
	while IFS= read -r -u "$fd" step; do
		smtp_step "$step" || { status=1; break; }
	done
	exec {fd}<&-
	smtp_close
	return "$status"
}

smtp_step() {
	local step
	case $1 in
	C:*) step=${1#C:}; smtp_say "${step# }" ;;
	'B: '*) echo "$1"; smtp_send "${1#B: }" ;;
	'S: '*) smtp_expect "${1#S: }" ;;
	'S* '*) smtp_skip "${1#S\* }" ;;
	E:*) smtp_expect_eof ;;
	H:*) smtp_shutdown ;;
	'#'* | '') ;;
	*) smtp_unexpected "a step C: B: S: S* E: H:, not \"$1\"" ;;
	esac
}
