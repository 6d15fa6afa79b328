#!/usr/bin/env bash
# What the house promises of its own tree: includes point downwards, banned functions do not compile, files are
# formatted, every folder has a README, generated pages are current, what pages name exists, no path of a
# machine is in a file.
cd "$(dirname "$0")/../.." || exit 1
n=0
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
check() { # check NAME STATUS: one TAP line
  n=$((n + 1))
  if [ "$2" -eq 0 ]; then echo "ok $n - $1"; else echo "not ok $n - $1"; fi
}
echo "1..10"

python3 tests/tools/layers.py src >"$tmp/layers"
check "includes point downwards only" $?
sed 's/^/# /' "$tmp/layers"

mkdir -p "$tmp/src/base"
echo '#include "cmd/cmd.h"' >"$tmp/src/base/bad.c"
! python3 tests/tools/layers.py "$tmp/src" >/dev/null
check "an upward include is found" $?

compiles() { gcc -std=gnu11 -D_GNU_SOURCE -include src/base/banned.h -Werror=implicit-function-declaration \
  -fsyntax-only -x c - 2>/dev/null; }
echo 'void f(char *d, const char *s); void f(char *d, const char *s) { memcpy(d, s, 1); }' | compiles
check "an ordinary function compiles" $?
! echo 'void f(char *d, const char *s); void f(char *d, const char *s) { strcpy(d, s); }' | compiles
check "a banned function does not compile" $?

script/format --check >"$tmp/format" 2>&1
check "the sources are formatted (script/format)" $?
head -n 10 "$tmp/format" | sed 's/^/# /'

bad=0
for d in src/*/ dags/*/ tests/ tests/*/ script/ tools/ docs/; do
  [ -e "$d/README.md" ] || { echo "# $d has no README.md"; bad=1; }
done
check "every folder has a README" $bad

! grep -rnIE --exclude-dir='build*' --exclude-dir='.[!.]*' --exclude=house.sh '/(work|root|farm)/[a-z.]' ./* >"$tmp/paths"
check "no path of a machine" $?
sed 's/^/# /' "$tmp/paths" | head -n 10

script/docs --check >"$tmp/docs" 2>&1
check "the generated pages are current (script/docs)" $?
sed 's/^/# /' "$tmp/docs"

python3 tests/tools/facts.py . >"$tmp/facts"
check "commands, options and files that the pages name exist" $?
sed 's/^/# /' "$tmp/facts" | head -n 20

mkdir -p "$tmp/wrong"
cp -r docs "$tmp/wrong/"
echo 'Type `daymill bakfill x`, `daymill backfill x --form y`, and see `src/cmd/none.c`.' >"$tmp/wrong/README.md"
is=$(python3 tests/tools/facts.py "$tmp/wrong" | grep -c '^README.md:1:')
[ "$is" = 3 ]
check "a wrong command, option or file in a page is found" $?
