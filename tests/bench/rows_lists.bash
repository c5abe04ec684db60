# SPDX-License-Identifier: ISC
# The row of the compiled lists: a million networks like those of real lists,
# kept as we do, as .mmdb, and as sorted ranges.  All of it in CPU time: it needs
# no server, and says the same on a busy machine.

row_lists() {
	local i out compile='' cdb='' mmdb='' ranges='' gap=''
	for ((i = 0; i < RUNS; i++)); do
		out=$("$BUILD/tests/bench/lists/lists" 1000000 "$DIR") || return
		compile+=" $(value_of compile_ms "$out")"
		cdb+=" $(value_of cdb_random_ns "$out")"
		mmdb+=" $(value_of mmdb_random_ns "$out")"
		ranges+=" $(value_of ranges_random_ns "$out")"
		gap+=" $(value_of swap_gap_cpu_usec "$out")"
	done
	figure lists "compiling 1,000,000 networks" "ms" most "5000 1000" \
		"$compile"
	figure lists "look-up in 1,000,000 networks" "ns" most "2000 1000" \
		"$cdb" "as .mmdb" "$mmdb"
	figure lists "the same against sorted ranges" "ns" most "2000 1000" \
		"$cdb" "sorted ranges" "$ranges"
	figure lists "an answer held up by a swap" "usec" most "1000 500" "$gap"
	row_lists_formats
}

# A million entries in each format, against as many plain addresses as they were
# read before there were others, in turns: nothing may take half as long again.
row_lists_formats() {
	local i out format formats
	declare -A ms before
	make_foreign_cdb || return
	for ((i = 0; i < RUNS; i++)); do
		out=$("$BUILD/tests/bench/lists/read" 1000000 "$DIR/foreign.cdb") ||
			return
		formats=$(sed -n 's/_before_ms=.*//p' <<<"$out")
		for format in $formats; do
			# Not value_of: "cidr" is the end of another's name.
			ms[$format]+=" $(sed -n "s/^${format}_ms=//p" <<<"$out")"
			before[$format]+=" $(sed -n \
				"s/^${format}_before_ms=//p" <<<"$out")"
		done
	done
	for format in $formats; do
		figure lists "reading 1,000,000 in $format" "ms" ratio-most \
			"1.5 1" "${ms[$format]}" "plain, before" "${before[$format]}"
	done
}

make_foreign_cdb() {
	seq 0 999999 | awk '{ printf "%d.%d.%d.%d x\n", 1 + $1 * 7919 % 220,
		$1 * 31 % 256, $1 * 17 % 251, $1 % 256 }' |
		cdb -c -m "$DIR/foreign.cdb"
}
