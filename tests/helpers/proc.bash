# SPDX-License-Identifier: ISC
# Who lives and who listens, as /proc tells it: a connection, made to try, would
# be a session.

# A zombie has ended too: its parent may be gone or busy.
pid_is_alive() {
	local stat
	{ read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
	[[ ${stat##*) } != Z* ]]
}

port_is_listening() {
	local hex
	printf -v hex ':%04X ' "$1"
	cat /proc/net/tcp /proc/net/tcp6 2>/dev/null |
		grep -Eq "^ *[0-9]+: [0-9A-F]+${hex}[0-9A-F:]+ 0A "
}

port_is_used() {
	local hex
	printf -v hex ':%04X ' "$1"
	cat /proc/net/tcp /proc/net/tcp6 2>/dev/null |
		grep -Eq "^ *[0-9]+: [0-9A-F]+$hex"
}

# The fourth column has __SO_ACCEPTCON, 0x10000, set.
socket_is_listening() {
	awk -v path="$1" '$8 == path && $4 == "00010000" { found = 1 }
		END { exit !found }' /proc/net/unix
}
