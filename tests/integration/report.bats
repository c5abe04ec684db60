# SPDX-License-Identifier: ISC
# tarpitctl report: a journal of made-up sessions, and the same figures from
# the same sessions by awk.

load ../helpers/common
load ../helpers/report

N=5000

setup_file() {
	dir=$BATS_FILE_TMPDIR
	export TZ=UTC LC_ALL=C
	"$ROOT/tests/helpers/sessions" -v n=$N >"$dir/sessions"
	make_journal "$dir/sessions.journal" <"$dir/sessions"
	"$BUILD/tarpitctl" report --json --file "$dir/sessions.journal" \
		>"$dir/report.json"
}

setup() {
	dir=$BATS_FILE_TMPDIR
	own=$BATS_TEST_TMPDIR
	export TZ=UTC LC_ALL=C
}

# none COMMAND...: finds nothing; bats does not look at "! COMMAND".
none() {
	if "$@"; then return 1; fi
}

report() {
	run "$BUILD/tarpitctl" report "$@"
}

# json FILTER: of the whole journal's report.
json() {
	jq -r "$1" "$dir/report.json"
}

# by_awk PROGRAM: over the sessions, with names for their columns.
by_awk() {
	awk -F '\t' '
		{
			when = $1; client = $2; lane = $3; verdict = $4
			outcome = $5; score = $6; rate = $7; reason = $8
			country = $9; held = $10; bytes_in = $11; bytes_out = $12
			slowed = lane != "pass"
			gave_up = slowed && (outcome == "abandoned" ||
				lane == "hold" && outcome == "refused")
			patient = slowed &&
				(outcome == "graduated" || outcome == "delivered")
		}
		'"$1" "${2:-$dir/sessions}"
}

# same WHAT FILTER PROGRAM
same() {
	local from_report from_awk
	from_report=$(json "$2")
	from_awk=$(by_awk "$3")
	[ -n "$from_awk" ] && [ "$from_report" = "$from_awk" ] || {
		echo "$1: the report says"
		echo "$from_report"
		echo "and awk says"
		echo "$from_awk"
		return 1
	}
}

@test "report: sums are those of the sessions" {
	same sessions .sessions 'END { print NR }'
	same slowed .slowed 'slowed { n++ } END { print n }'
	same "gave up" .gave_up 'gave_up { n++ } END { print n }'
	same patient .patient 'patient { n++ } END { print n }'
	same "early talkers" .talked_early \
		'lane == "hold" && verdict == "slow" { n++ } END { print n }'
	same "bytes sent" .taken.bytes_out \
		'gave_up { n += bytes_out } END { print n }'
	[ "$(json .complete)" = true ]
	[ "$(json .unreadable)" = 0 ]
}

@test "report: lanes and outcomes are those of the sessions" {
	same lanes '[.lanes | to_entries[] | .key as $l | .value.outcomes |
		to_entries[] | select(.value > 0) | "\($l) \(.key) \(.value)"] |
		sort[]' \
		'{ n[lane " " outcome]++ } END { for (i in n) print i, n[i] | "sort" }'
	same time '[.lanes[].held_seconds] | map(. * 1000 | round) | join(" ")' \
		'{ h[lane] += held / 1000 } END { printf "%d %d %d %d\n",
			h["pass"], h["slow"], h["throttle"], h["hold"] }'
}

@test "report: countries, lists, networks and reasons are those of the sessions" {
	same countries '.countries[] | "\(.sessions) \(.country) \(.suspect) \(.gave_up)"' '
		{ n[country]++; s[country] += slowed; g[country] += gave_up }
		END {
			for (i in n)
				print n[i], i, s[i], g[i] | "sort -k1,1nr -k2 | head -n 10"
		}'
	same lists '.lists[] | "\(.sessions) \(.list)"' '
		{
			n = split(reason, word, " ")
			for (i = 1; i <= n; i++)
				if (sub(/^(list|dnsbl)[.]/, "&", word[i])) {
					sub(/[(].*|[-+][0-9]+$/, "", word[i])
					count[word[i]]++
				}
		}
		END { for (i in count) print count[i], i | "sort -k1,1nr -k2" }'
	same networks '[.networks[] | select(.sessions >= 25)] | .[] |
		"\(.sessions) \(.network)"' '
		client !~ /:/ { sub(/[0-9]+$/, "0/24", client); n[client]++ }
		END {
			for (i in n)
				if (n[i] >= 25)
					print n[i], i | "sort -k1,1nr -k2 | head -n 10"
		}'
}

@test "report: hours are those of the sessions" {
	same hours '.hours | to_entries[] |
		"\(.key) \(.value.sessions) \(.value.suspect)"' '
		{ h = int(when / 3600000000) % 24; n[h]++; s[h] += slowed }
		END { for (h = 0; h < 24; h++) print h, n[h], s[h] }'
	same "the timeline's sums" '.timeline | map(.passed) | add' \
		'outcome == "passed" { n++ } END { print n }'
}

# The estimator by hand: times in half seconds, rounded up, one risk set after
# the other.  FILTER selects sessions.
kaplan_meier() {
	by_awk "$1"' {
		t = int((held + 499999) / 500000)
		n++
		if (gave_up) d[t]++; else c[t]++
		if (t > last) last = t
	}
	END {
		s = 1
		for (t = 0; t <= last && t <= 240; t++) {
			if (d[t])
				s *= 1 - d[t] / n
			if (d[t])
				printf "%s %d %d %.6f\n", t / 2, n, d[t], s
			n -= d[t] + c[t]
		}
	}'
}

curve() {
	json '.giving_up[] | select(.name == "'"$1"'") | .points[] |
		select(.seconds <= 120) |
		"\(.seconds) \(.at_risk) \(.gave_up) \(.left)"'
}

@test "report: the survival curves are those of an estimate by hand" {
	local name filter
	while IFS='|' read -r name filter; do
		kaplan_meier "$filter" >"$own/by-hand"
		curve "$name" >"$own/reported"
		[ -s "$own/by-hand" ]
		paste "$own/by-hand" "$own/reported" | awk '
			$1 != $5 || $2 != $6 || $3 != $7 ||
				$4 - $8 > 2e-6 || $8 - $4 > 2e-6 {
				print "'"$name"':", $0
				bad = 1
			}
			END { exit bad }'
	done <<-E
		all slowed|slowed
		slow|lane == "slow"
		throttle|lane == "throttle"
		hold|lane == "hold"
		up to 5 B/s|slowed && rate <= 5
		21 to 60 B/s|slowed && rate > 20 && rate <= 60
	E
}

@test "report: the patience table is that of the sessions" {
	same "caught, and later" '.patience[] |
		"\(.seconds) \(.caught) \(.let_in_besides) \(.delay_seconds)"' '
		patient { p++ }
		gave_up && lane != "hold" {
			g++
			for (s = 0; s <= 60; s++)
				caught[s] += held <= s * 1000000
		}
		END {
			n = split("2 4 6 8 10 15 20 25 30 45 60", at, " ")
			for (i = 1; i <= n; i++)
				print at[i], caught[at[i]], g - caught[at[i]],
					p * at[i]
		}'
}

@test "report: likely false positives come with score, reason and count" {
	same "the first of them" '.likely_false_positives[0] |
		"\(.sessions) \(.client) \(.score) \(.reason) \(.helo)"' '
		patient {
			n[client]++
			last[client] = score " " reason " " $13
		}
		END {
			for (i in n)
				print n[i], i, last[i] | "sort -k1,1nr -k2 | head -n 1"
		}'
}

@test "report: --since and --until choose, and the open ones are censored" {
	local from=1795392000 to=1795395600 # one hour of the second day
	report --json --file "$dir/sessions.journal" --since @$from --until @$to
	[ "$status" = 0 ]
	[ "$(jq .sessions <<<"$output")" = "$(by_awk 'when >= '$from'e6 &&
		when < '$to'e6 { n++ } END { print n }')" ]
	[ "$(jq .open <<<"$output")" = "$(by_awk 'slowed && when >= '$to'e6 &&
		when - held < '$to'e6 { n++ } END { print n + 0 }')" ]
	[ "$(jq .from <<<"$output")" = $from ]
	[ "$(jq '.giving_up[1].sessions' <<<"$output")" -ge \
		"$(jq '.open' <<<"$output")" ]
	# The same span in words.
	report --file "$dir/sessions.journal" --since "2026-11-23 00:00" \
		--until 2026-11-23T01:00
	[[ "$output" == "tarpit report, 2026-11-23 00:00 to 2026-11-23 01:00 (1 h)"* ]]
}

# Figures are printed to some digits, and with them formulas of rounded ones.
@test "report: every figure of the economics follows from its formula" {
	json '.economics | .. | select(type == "object" and has("formula")) |
		select(.formula | test("^[-0-9.*/() ]+$")) |
		"\(.value)\t\(.formula)"' >"$own/formulas"
	[ "$(wc -l <"$own/formulas")" -gt 30 ]
	while IFS=$'\t' read -r value formula; do
		awk "BEGIN {
			v = $value; f = $formula; d = v > f ? v - f : f - v
			exit !(d <= 0.002 * v)
		}" || {
			echo "$formula is not $value"
			return 1
		}
	done <"$own/formulas"
	[ "$(json .economics.messages_per_bot_hour.formula)" = \
		"350000000 / (75800 * 26 * 24)" ]
}

@test "report: assumptions can be changed, and are checked" {
	report --json --file "$dir/sessions.journal" --assume dollars=5200 \
		--assume days=52
	[ "$(jq .economics.dollars_per_day.value <<<"$output")" = 100 ]
	report --assume dollars=none
	[ "$status" = 100 ]
	[[ "$output" == *"dollars is a number above 0"* ]]
	report --assume cents=1
	[ "$status" = 100 ]
	[[ "$output" == *"not NAME=VALUE with one of: messages days"* ]]
}

@test "report: the text has 80 columns, and ASCII where UTF-8 is not spoken" {
	report --file "$dir/sessions.journal"
	[ "$status" = 0 ]
	none grep -nP '[^\x20-\x7e]' <<<"$output"
	none grep -nE '^.{81}' <<<"$output"
	LC_ALL=C.UTF-8 report --file "$dir/sessions.journal"
	grep -q '█' <<<"$output"
	LC_ALL=C.UTF-8 none grep -nE '^.{81}' <<<"$output"
	for heading in LANES WHEN "BY COUNTRY" "BY NETWORK" "BY LIST" "BY REASON" \
		"HOW FAST THEY GIVE UP" PATIENCE "LIKELY FALSE POSITIVES" \
		"SPARED THE MTA" ECONOMICS; do
		grep -q "^$heading" <<<"$output"
	done
}

@test "report: records of anybody's are counted or left, and break nothing" {
	{
		head -n 3 "$dir/sessions" | "$ROOT/tests/helpers/sessions-export"
		printf '%s\n' __REALTIME_TIMESTAMP=1795392000000000 \
			_BOOT_ID=0123456789abcdef0123456789abcdef \
			MESSAGE_ID=4f0d2f7c9a3e4a51b8c6d5e0719f2a10 \
			TARPIT_LANE=hold TARPIT_HELD_USEC=-1 ''
		printf '%s\n' __REALTIME_TIMESTAMP=1795392000000001 \
			_BOOT_ID=0123456789abcdef0123456789abcdef \
			MESSAGE="of another kind" TARPIT_LANE=hold ''
		printf '%s\n' __REALTIME_TIMESTAMP=1795392000000002 \
			_BOOT_ID=0123456789abcdef0123456789abcdef \
			MESSAGE_ID=4f0d2f7c9a3e4a51b8c6d5e0719f2a10 \
			TARPIT_LANE=slow TARPIT_OUTCOME=graduated \
			TARPIT_CLIENT=192.0.2.66 TARPIT_HELD_USEC=1 TARPIT_RATE=9 \
			'TARPIT_HELO=<script>alert(1)</script>' \
			$'TARPIT_REASON="><img src=x>\e[31m' ''
	} | /lib/systemd/systemd-journal-remote -o "$own/odd.journal" - 2>&1
	report --file "$own/odd.journal"
	[ "$status" = 0 ]
	[[ "$output" == *"4 sessions:"*"Unreadable records: 1."* ]]
	none grep -q $'\e' <<<"$output"
	report --file "$own/odd.journal" --html "$own/odd.html"
	[ "$status" = 0 ]
	grep -q '&lt;script&gt;alert(1)&lt;/script&gt;' "$own/odd.html"
	grep -q '&quot;&gt;&lt;img src=x&gt;?\[31m' "$own/odd.html"
	none grep -q '<script\|<img' "$own/odd.html"
}

@test "report: 10,000 sessions in 8 MB of memory of its own" {
	if ldd "$BUILD/tarpitctl" | grep -q libasan; then
		skip "the sanitizer's own is terabytes"
	fi
	"$ROOT/tests/helpers/sessions" -v n=10000 -v seed=2 |
		make_journal "$own/many.journal"
	run bash -c 'ulimit -d 8192 && "$BUILD/tarpitctl" report --json \
		--file "$1"' - "$own/many.journal"
	[ "$status" = 0 ]
	[ "$(jq .sessions <<<"$output")" = 10000 ]
}

@test "report: sessions that were only observed stand apart" {
	head -n 100 "$dir/sessions" |
		"$ROOT/tests/helpers/sessions-export" -v mode=observe |
		/lib/systemd/systemd-journal-remote -o "$own/observed.journal" - 2>&1
	report --json --file "$own/observed.journal"
	[ "$(jq -c '[.sessions, .slowed, (.observed | add)]' <<<"$output")" = \
		"[100,0,100]" ]
	report --file "$own/observed.journal"
	[[ "$output" == *"100 sessions were only observed (Mode=observe): pass "* ]]
}

@test "report: a directory of journals, and none with sessions" {
	mkdir "$own/journals"
	head -n 10 "$dir/sessions" | make_journal "$own/journals/a.journal"
	tail -n 7 "$dir/sessions" | make_journal "$own/journals/b.journal"
	report --json --file "$own/journals"
	[ "$(jq .sessions <<<"$output")" = 17 ]
	report --file "$own/journals" --since 2030-01-01
	[ "$status" = 0 ]
	[[ "$output" == *"0 sessions: 0 passed"*"observed        not known"* ]]
	report --json --file "$own/journals" --since 2030-01-01
	[ "$(jq -c '[.sessions, .patience[0].share]' <<<"$output")" = "[0,null]" ]
}

@test "report: a damaged journal gives what can be read, and says so" {
	head -n 2000 "$dir/sessions" | make_journal "$own/damaged.journal"
	# Zeros over a stretch in the middle, where records are.
	at=$(grep -abo 'TARPIT_HELD_USEC=' "$own/damaged.journal" |
		sed -n '400s/:.*//p')
	dd if=/dev/zero of="$own/damaged.journal" bs=4096 count=32 \
		seek=$((at / 4096)) conv=notrunc status=none
	run bash -c '"$BUILD/tarpitctl" report --json --file "$1" 2>"$2"' - \
		"$own/damaged.journal" "$own/errors"
	[ "$status" = 111 ]
	grep -q 'the journal cannot be read to its end' "$own/errors"
	[ "$(jq .complete <<<"$output")" = false ]
	sessions=$(jq .sessions <<<"$output")
	[ "$sessions" -gt 100 ]
	[ "$sessions" -lt 2000 ]
	report --file "$own/damaged.journal"
	[[ "$output" == *"The journal could not be read to its end."* ]]
}

@test "report: says what is wrong" {
	report --file "$own/none.journal"
	[ "$status" = 100 ]
	[[ "$output" == *"none.journal: No such file"* ]]
	yes nonsense | head -c 100000 >"$own/text"
	report --file "$own/text"
	[ "$status" = 100 ]
	[[ "$output" == *"text is no journal"* ]]
	report --since soon
	[ "$status" = 100 ]
	[[ "$output" == *"--since soon: not a time such as"* ]]
	report --since now --until yesterday
	[ "$status" = 100 ]
	[[ "$output" == *"--since is not before --until"* ]]
	report everything
	[ "$status" = 100 ]
	[[ "$output" == *"usage: tarpitctl report"* ]]
	report --file "$dir/sessions.journal" >/dev/full
	run bash -c '"$BUILD/tarpitctl" report --file "$1" >/dev/full' - \
		"$dir/sessions.journal"
	[ "$status" = 111 ]
	[[ "$output" == *"standard output"* ]]
}

@test "report: without gnuplot there is no page, and everything else" {
	mkdir "$own/bin"
	PATH=$own/bin run "$BUILD/tarpitctl" report --html "$own/page.html" \
		--file "$dir/sessions.journal"
	[ "$status" = 100 ]
	[[ "$output" == *"need gnuplot"*gnuplot-nox* ]]
	[ ! -e "$own/page.html" ]
	PATH=$own/bin run "$BUILD/tarpitctl" report --file "$dir/sessions.journal"
	[ "$status" = 0 ]
	# One that fails half-way leaves the old page, and no other file.
	printf '#!/bin/sh\n[ -n "$(/bin/cat)" ] && exit 1\nexit 0\n' \
		>"$own/bin/gnuplot"
	chmod +x "$own/bin/gnuplot"
	echo old >"$own/page.html"
	PATH=$own/bin run "$BUILD/tarpitctl" report --html "$own/page.html" \
		--file "$dir/sessions.journal"
	[ "$status" = 111 ]
	[ "$(cat "$own/page.html")" = old ]
	[ "$(find "$own" -name 'page.html*' | wc -l)" = 1 ]
}

@test "report: a progress bar on a terminal, and nothing of it elsewhere" {
	script -qec "'$BUILD/tarpitctl' report --json --file '$dir/sessions.journal' \
		>/dev/null" /dev/null >"$own/terminal" </dev/null
	grep -qE $'\r\\[#* *\\] +[0-9]+ % [0-9]+ sessions' "$own/terminal"
	# It is wiped off.
	[ -z "$(tr '\r' '\n' <"$own/terminal" | tail -n 1 | tr -d ' \n')" ]
	"$BUILD/tarpitctl" report --json --file "$dir/sessions.journal" \
		2>"$own/errors" >/dev/null
	[ ! -s "$own/errors" ]
}

@test "report: a pipe or a device is written to, and not replaced" {
	mkfifo "$own/pipe"
	timeout 20 cat "$own/pipe" >"$own/through" 3>&- &
	report --file "$dir/sessions.journal" --html "$own/pipe"
	[ "$status" = 0 ]
	wait $!
	[ -p "$own/pipe" ]
	[ "$(tail -n 1 "$own/through")" = "</html>" ]
	report --file "$dir/sessions.journal" --html -
	[ "$status" = 0 ]
	diff - "$own/through" <<<"$output"
	# Reports cannot be written there.
	report --file "$dir/sessions.journal" --html "$own/none/page.html"
	[ "$status" = 111 ]
	[[ "$output" == *"page.html: No such file"* ]]
}

# look_at NAME: in a browser; what became of it is in NAME.dom, .log and .net.
look_at() {
	browser "$own" --enable-logging=stderr --log-net-log="$own/$1.net" \
		--dump-dom "file://$own/$1.html" >"$own/$1.dom" 2>"$own/$1.log"
}

@test "report: the page in a browser has all its pictures, and asks for nothing" {
	report --file "$dir/sessions.journal" --html "$own/page.html"
	[ "$status" = 0 ]
	[ "$(stat -c %a "$own/page.html")" = "$(printf %o $((0666 & ~$(umask))))" ]
	# First that such things are seen at all.
	echo '<img src="http://tarpit.invalid/x"><script>console.error(1)</script>' \
		>"$own/control.html"
	look_at control
	grep -q CONSOLE "$own/control.log"
	asked_for "$own/control.net" | grep -q //tarpit.invalid/x
	look_at page
	[ "$(grep -o '<svg' "$own/page.dom" | wc -l)" = 6 ]
	[ "$(grep -o '<figcaption>' "$own/page.dom" | wc -l)" = 6 ]
	# Each picture has lines or bars in colours of ours, and text.
	awk 'BEGIN { RS = "</svg>" } /<svg/ && (!/<(path|polygon)[^>]*rgb/ || !/<text/)' \
		"$own/page.dom" >"$own/empty"
	[ ! -s "$own/empty" ]
	# No two elements have one id, which is how pictures disturb each other.
	[ -z "$(grep -o ' id="[^"]*"' "$own/page.dom" | sort | uniq -d)" ]
	none grep -E 'CONSOLE|Refused to' "$own/page.log"
	none asked_for "$own/page.net"
	grep -q "Content-Security-Policy\" content=\"default-src 'none';" \
		"$own/page.html"
	none grep -nE '(src|href)=("[^#]|[^"])|@import|url\(' "$own/page.html"
}

# shot NAME WIDTH SCHEME URL; SCHEME 0 is dark, 1 light.
shot() {
	browser "$own" --window-size="$2,2400" \
		--blink-settings="preferredColorScheme=$3" \
		--screenshot="$own/$1.png" "$4" 2>"$own/$1.log"
	[ "$(head -c 8 "$own/$1.png" | od -An -tx1 | tr -d ' \n')" = \
		89504e470d0a1a0a ]
}

@test "report: the page is not blank, on a phone either, light and dark" {
	report --file "$dir/sessions.journal" --html "$own/page.html"
	[ "$status" = 0 ]
	shot blank 1200 1 about:blank
	blank=$(stat -c %s "$own/blank.png")
	shot desk 1200 1 "file://$own/page.html"
	shot phone 390 1 "file://$own/page.html"
	shot dark 390 0 "file://$own/page.html"
	for name in desk phone dark; do
		[ "$(stat -c %s "$own/$name.png")" -gt $((blank * 5)) ]
	done
	none cmp -s "$own/phone.png" "$own/dark.png"
}
