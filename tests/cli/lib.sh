# What the command-line tests share.  A test sources this, calls `plan N`, and ends each check with ok or not_ok.
#
#   daymill …        the program under test, in the project $P
#   run COMMAND…     runs it; $out, $err and $code hold what came
#   is NAME GOT WANT; has NAME TEXT PIECE; code NAME WANT
#   poll COMMAND…    until it succeeds, at most a minute
#   processes DIR    the ids of the processes of the projects below DIR
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
shared=$root/../shared
bin=${DAYMILL_BIN:-$root/build/daymill}
tmp=$(mktemp -d "${TMPDIR:-/tmp}/daymill-cli.XXXXXX")
P=$tmp/p
n=0
# The ids of the processes that have a folder in their command line (as project) or open.
processes() {
  local p
  for p in /proc/[0-9]*; do
    [ "${p#/proc/}" = $$ ] && continue
    { cat "$p/cmdline" | tr '\0' ' ' | grep -qF -- " -C $1" || readlink "$p/cwd" "$p"/fd/* | grep -qF "$1/"; } \
      2>/dev/null && echo "${p#/proc/}"
  done
}
cleanup() {
  # Servers of the test's projects leave by themselves; a test does not wait for that.
  kill $(processes "$tmp") 2>/dev/null
  chmod -R u+w "$tmp" 2>/dev/null
  rm -rf "$tmp"
}
trap cleanup EXIT

poll() {
  local i
  for ((i = 0; i < 3000; i++)); do
    "$@" 2>/dev/null && return 0
    sleep 0.02
  done
  return 1
}

plan() { echo "1..$1"; }
ok() { n=$((n + 1)); echo "ok $n - $1"; }
not_ok() { n=$((n + 1)); echo "not ok $n - $1"; shift; printf '%s\n' "$@" | sed 's/^/# /'; }
skip() { n=$((n + 1)); echo "ok $n - $1 # SKIP $2"; }
skip_all() { echo "1..1"; skip "$(basename "$0" .sh)" "$1"; exit 0; }

daymill() { "$bin" -C "$P" "$@"; }
run() {
  out=$("$@" 2>"$tmp/err" </dev/null)
  code=$?
  err=$(cat "$tmp/err")
}
is() { if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "got:  $2" "want: $3"; fi; }
has() { if [[ $2 == *"$3"* ]]; then ok "$1"; else not_ok "$1" "$2" "does not contain: $3"; fi; }
lacks() { if [[ $2 != *"$3"* ]]; then ok "$1"; else not_ok "$1" "$2" "contains: $3"; fi; }
code() { if [ "$code" = "$2" ]; then ok "$1"; else not_ok "$1" "exit status $code, want $2" "$out" "$err"; fi; }
same_file() { if cmp -s "$2" "$3"; then ok "$1"; else not_ok "$1" "$(diff "$2" "$3" | head -n 10)"; fi; }

# The real data, unpacked once for all tests of this machine.
need_real_data() {
  [ -e "$shared/data/OnlineRetail.csv.zst" ] || skip_all "../shared/data is absent"
  real=${TMPDIR:-/tmp}/daymill-real-data
  mkdir -p "$real"
  local f
  for f in OnlineRetail.csv movie_review.csv; do
    [ -e "$real/$f" ] || { zstd -q -dc "$shared/data/$f.zst" >"$real/$f.$$" && mv "$real/$f.$$" "$real/$f"; }
  done
}
# A bare project without DAGs.
bare_project() {
  mkdir -p "$1/dags" "$1/data"
  cp "$root/src/cmd/project/daymill.yaml" "$root/src/cmd/project/connections.yaml" "$1/"
}
published="select * from public.user_behavior_metric order by insert_date, customerid"
