#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The changes that `make mutate` makes.

bats_require_minimum_version 1.5.0
load ../../helpers/common

# changes: of the C source on standard input, each as "operator: line".
changes() {
	PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$ROOT/tests/mutate python3 -c '
import operators, sys
text = sys.stdin.read()
for s in operators.sites(text):
    m = operators.mutant("x.c", text, s)
    print(s.operator, m.function, m.became, sep=": ")'
}

@test "mutate: each kind of change is made, and only in code" {
	run -0 changes < <(sed 's/^|//' <<'EOF'
|#define NOT 1 + 2
|/* nor here: 3 && 4 */
|static int
|work(struct thing *t)
|{
|	char buf[64];
|
|	if (t->n > 7 && t->m)
|		return -EINVAL;
|	call("1 + 1", t);
|	t->ops->end(t,
|	    t->n);
|	for (;;)
|		break;
|	t->n += t->m << t->k;
|	return t->n;
|}
EOF
	)
	diff -u - <(sort <<<"$output") <<-'EOF'
	call: work: ;
	call: work: ;
	condition: work: if (!(t->n > 7 && t->m))
	constant: work: if (t->n > 8 && t->m)
	error: work: return 0;
	jump: work: continue;
	logic: work: if (t->n > 7 || t->m)
	relation: work: if (t->n >= 7 && t->m)
	sum: work: t->n -= t->m << t->k;
	EOF
}

@test "mutate: a call that is deleted leaves the lines where they were" {
	run -0 env PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$ROOT/tests/mutate" python3 -c '
import operators
text = "f(void)\n{\n\tg(1,\n\t    x);\n}\n"
site = [s for s in operators.sites(text) if s.operator == "call"][0]
print(operators.mutated(text, site).count("\n") - text.count("\n"))'
	[ "$output" = 0 ]
}

@test "mutate: each equivalent change has a reason" {
	run -0 env PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$ROOT/tests/mutate" python3 -c '
import operators, sys
for m, why in operators.parse(open(sys.argv[1]).read()).items():
    if not why: print(m)' "$ROOT/tests/mutate/equivalent"
	[ "$output" = "" ]
}
