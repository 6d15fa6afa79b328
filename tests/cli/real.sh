#!/usr/bin/env bash
# The reference pipeline over the real data: all 374 days, read by psql while they are written; run again; run with the
# other metric.
. "$(dirname "$0")/lib.sh"
need_real_data
command -v psql >/dev/null || skip_all "psql is not installed"
golden=$shared/golden/metrics
[ -e "$golden/summary.json" ] || skip_all "../shared/golden is absent"
plan 23
range="--from 2010-12-01 --to 2011-12-09"

# while_read MODE COMMAND…: runs it while psql reads the published table; $reads is what the reader says.
while_read() {
  local mode=$1
  shift
  rm -f "$tmp/stop"
  python3 "$root/tests/tools/reader.py" "$golden/user_behavior_metric.csv" "$tmp/stop" "$mode" \
    "$bin" -C "$P" psql >"$tmp/reads" 2>&1 &
  local reader=$!
  run "$@"
  : >"$tmp/stop"
  wait "$reader"
  read_code=$?
  reads=$(cat "$tmp/reads")
  sed 's/^/# /' "$tmp/reads"
}
enough_reads() {
  is "$1" "$read_code" 0
  if [ "${reads%% *}" -ge 1000 ]; then ok "$1: at least 1,000 reads"; else not_ok "$1: at least 1,000 reads" "$reads"; fi
}
table_is() { # table_is NAME GOLDEN
  daymill sql --csv "$published" >"$tmp/got.csv"
  same_file "$1" "$tmp/got.csv" "$golden/$2"
}
ledgers_are() { # ledgers_are NAME GOLDEN TRY
  local i
  for i in $(seq 0 373); do
    daymill runs show user_behaviour "$(date -u -d "2010-12-01 + $i days" +%F)" --json
  done | python3 "$root/tests/tools/ledgers.py" "$golden/summary.json" "$golden/$2" "$3" >"$tmp/ledgers" 2>&1
  is "$1" "$(cat "$tmp/ledgers")" ""
}

run "$bin" init "$P" --purchases "$real/OnlineRetail.csv" --reviews "$real/movie_review.csv"
code "a project with the real files" 0
run daymill sql oltp --csv "select count(*) from retail.user_purchase"
is "every purchase is loaded" "$(tail -n 1 <<<"$out")" 541908

while_read growing daymill backfill user_behaviour $range
code "374 days" 0
has "374 days: all done" "$out$err" "374 days done"
enough_reads "374 days: a reader sees no row of a day or all of it"
table_is "374 days: the golden table" user_behavior_metric.csv
ledgers_are "374 days: every run's ledger" user_behavior_metric.csv 1
run daymill sql --csv "select cid || ',' || case when positive_review then 'true' else 'false' end
  from spectrum.classified_movie_review where ds = '2011-06-15'"
is "one day's classified reviews" \
  "$(tail -n +2 <<<"$out" | sed 's/^"\(.*\)"$/\1/' | LC_ALL=C sort | sha256sum | cut -d ' ' -f 1)" \
  "$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["classified_sha256"])' "$golden/summary.json")"
run daymill runs show user_behaviour 2010-12-01
has "runs show: the purchases add up" "$out" "source 1450 = lake 1450 = joined "
has "runs show: the reviews add up" "$out" "reviews in 100000 = classified 100000 + rejected 0"
size=$(du -sm "$P" | cut -f 1)
echo "# the project folder has $size MB"
if [ "$size" -le 1024 ]; then ok "the project folder is at most 1 GB"; else not_ok "the project folder is at most 1 GB" "$size MB"; fi

run daymill backfill user_behaviour $range
code "the same again" 0
has "the same again runs nothing" "$out$err" "374 days were already done"
is "the same again: no task has run twice" "$(for day in 2010-12-01 2011-12-09; do
  daymill runs show user_behaviour $day --json | python3 -c 'import json, sys
print({t["try_number"] for t in json.load(sys.stdin)["tasks"]})'; done | sort -u)" "{1}"
table_is "the same again leaves the table as it was" user_behavior_metric.csv

# A fast machine is through before a slow reader is: it does it again.
tries=1
total=0
while [ $total -lt 1000 ] && [ $tries -lt 5 ]; do
  while_read whole daymill backfill user_behaviour $range --rerun all
  tries=$((tries + 1))
  total=$((total + ${reads%% *}))
  [ "$code" = 0 ] && [ "$read_code" = 0 ] || break
done
reads="$total reads in all"
code "--rerun all" 0
enough_reads "--rerun all: a reader sees every day whole"
table_is "--rerun all: the same table" user_behavior_metric.csv
ledgers_are "--rerun all: every task of every day has run again" user_behavior_metric.csv $tries

run daymill backfill user_behaviour $range --rerun all --conf '{"metric": "fanout"}'
code "the other metric" 0
table_is "the other metric: its golden table" user_behavior_metric_fanout.csv
