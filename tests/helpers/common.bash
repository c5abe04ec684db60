# SPDX-License-Identifier: ISC
# Loaded by every bats file: `load ../../helpers/common`.
# BUILD is the directory of the binaries under test (set by the Makefile).

ROOT=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)
: "${BUILD:=$ROOT/build/release}"
export ROOT BUILD

# run_case COMPONENT/PROGRAM CASE: one case of a unit test program.
run_case() {
	"$BUILD/tests/unit/$1" "$2"
}

# all_cases_listed COMPONENT/PROGRAM: every case of the program has a @test in
# the calling bats file, so that a case cannot be written and never run.
all_cases_listed() {
	local name missing=0
	for name in $("$BUILD/tests/unit/$1"); do
		grep -q "run_case $1 $name\$\|run_case $1 $name " "$BATS_TEST_FILENAME" ||
			grep -q "run_case $1 $name;" "$BATS_TEST_FILENAME" || {
			echo "no @test runs case $name of $1"
			missing=1
		}
	done
	return $missing
}
