# SPDX-License-Identifier: ISC
# What was measured, kept until the end: a line of $DIR/figures for each row of
# the table, fields separated by '|'.

# figure NAME TITLE UNIT BASIS LIMITS OURS [PEER THEIRS]
#   BASIS   what must reach the limits: `most` or `least` of our own figure, or
#           of its `ratio-most`, `ratio-least` to the peer's
#   LIMITS  "must stretch"
#   OURS, THEIRS  the figures of all runs; those of one run belong together
figure() {
	printf '%s|' "${@:1:6}" "${7-}" "${8-}" >>"$DIR/figures"
	echo >>"$DIR/figures"
}

# Functions for both ways of printing: run I's figures are a[I].
STATISTICS='
	function sort(a, n,   i, j, t) {
		for (i = 2; i <= n; i++)
			for (j = i; j > 1 && a[j] < a[j - 1]; j--) {
				t = a[j]; a[j] = a[j - 1]; a[j - 1] = t
			}
	}
	# Sets low, middle and high.
	function summarize(list,   a, n, i) {
		n = split(list, a, " ")
		for (i = 1; i <= n; i++)
			a[i] += 0
		sort(a, n)
		low = a[1]
		high = a[n]
		middle = n % 2 ? a[(n + 1) / 2] : (a[n / 2] + a[n / 2 + 1]) / 2
	}
	# Run by run: what they share of the machine falls out.
	function ratios(ours, theirs,   a, b, n, i, list) {
		n = split(ours, a, " ")
		split(theirs, b, " ")
		for (i = 1; i <= n; i++)
			if (b[i] > 0)
				list = list " " a[i] / b[i]
		return list
	}
	function reached(basis, limits, value,   l) {
		split(limits, l, " ")
		if (l[1] == "")
			return ""
		if (basis ~ /most/)
			return value <= l[2] ? "stretch" : \
			    value <= l[1] ? "must" : "missed"
		return value >= l[2] ? "stretch" : value >= l[1] ? "must" : \
		    "missed"
	}
	function show(x) {
		return x >= 1000 ? sprintf("%.0f", x) : sprintf("%.4g", x)
	}
'

print_table() {
	printf '%s, %s CPUs, Linux %s, %s; medians of %s runs [least-most]\n' \
		"$(cpu_model)" "$(nproc)" "$(uname -r)" "$(date -I)" "$RUNS"
	awk -F '|' "$STATISTICS"'
		function range(list) {
			summarize(list)
			if (list == "")
				return "-"
			return show(middle) (low == high ? "" : \
			    " [" show(low) "-" show(high) "]")
		}
		BEGIN {
			OFS = "|"
			print "row", "figure", "ours", "peer", "theirs", \
			    "ours/peer", "must", "stretch", "reached"
		}
		{
			split($5, limit, " ")
			ratio = $8 == "" ? "" : ratios($6, $8)
			summarize($4 ~ /ratio/ ? ratio : $6)
			verdict = reached($4, $5, middle)
			sign = $4 ~ /most/ ? "<=" : ">="
			times = $4 ~ /ratio/ ? "x" : ""
			print $1, $2 ($3 == "" ? "" : ", " $3), range($6), \
			    $7 == "" ? "-" : $7, range($8), range(ratio), \
			    $5 == "" ? "-" : sign limit[1] times, \
			    $5 == "" ? "-" : sign limit[2] times, \
			    verdict
		}' "$DIR/figures" | column -t -s '|'
}

cpu_model() {
	sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1
}

# write_results FILE
write_results() {
	touch "$DIR/figures"
	{
		printf '{\n  "date": "%s",\n  "cpu": "%s",\n' \
			"$(date -Iseconds)" "$(cpu_model)"
		printf '  "cpus": %s,\n  "kernel": "%s",\n  "version": "%s",\n' \
			"$(nproc)" "$(uname -r)" \
			"$("$BUILD/tarpitd" --version | head -n 1)"
		printf '  "figures": ['
		awk -F '|' "$STATISTICS"'
			function runs(list) {
				gsub(/^ +| +$/, "", list)
				gsub(/ +/, ", ", list)
				return "[" list "]"
			}
			function summary(key, list) {
				summarize(list)
				printf ",\n      \"%s\": {\"median\": %s, " \
				    "\"least\": %s, \"most\": %s, \"runs\": %s}", \
				    key, middle, low, high, runs(list)
			}
			{
				split($5, limit, " ")
				printf "%s\n    {\n      \"row\": \"%s\",\n" \
				    "      \"figure\": \"%s\",\n" \
				    "      \"unit\": \"%s\"", \
				    (NR > 1 ? "," : ""), $1, $2, $3
				summary("ours", $6)
				if ($8 != "") {
					printf ",\n      \"peer\": \"%s\"", $7
					summary("theirs", $8)
					summary("ratio", ratios($6, $8))
				}
				summarize($4 ~ /ratio/ ? ratios($6, $8) : $6)
				if ($5 != "")
					printf ",\n      \"basis\": \"%s\",\n" \
					    "      \"must\": %s,\n" \
					    "      \"stretch\": %s,\n" \
					    "      \"reached\": \"%s\"", $4, \
					    limit[1], limit[2], \
					    reached($4, $5, middle)
				printf "\n    }"
			}' "$DIR/figures"
		printf '\n  ]\n}\n'
	} >"$1"
}
