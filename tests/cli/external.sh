#!/usr/bin/env bash
# What lies outside a run: the lake changed by hand, psql's view of a table, one warehouse for all commands, no process
# that stays, and a project folder that is moved and copied.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/small_lib.sh"
plan 32

value() { daymill sql --csv "$1" | tail -n +2; }
none_left() { # none_left NAME DIR: within ten seconds
  local left=""
  for _ in $(seq 100); do
    left=$(processes "$2")
    [ -z "$left" ] && break
    sleep 0.1
  done
  [ -z "$left" ] || left=$(ps -o pid,args -p "$(echo $left | tr ' ' ,)")
  is "$1" "$left" ""
}

small_project "$P"
run daymill backfill user_behaviour --from 2010-12-01 --to 2010-12-03
code "three days" 0
is "three days: what they should be" "$(daymill sql --csv "$published")" \
  "$(expected "$tmp/small" | awk -F , 'NR == 1 || $5 <= "2010-12-03"')"

# ---- the lake, changed by hand ----
object=$P/lake/daymill/stage/user_purchase/2010-12-02/user_purchase.csv
purchases="select count(*), sum(cast(quantity as integer)) from spectrum.user_purchase_staging where insert_date = '2010-12-02'"
rows=$(($(wc -l <"$object") - 1))
is "an external table shows the file" "$(value "$purchases")" \
  "$rows,$(python3 -c 'import csv, sys; print(sum(int(r[3]) for r in list(csv.reader(open(sys.argv[1])))[1:]))' "$object")"
head -n 3 "$object" >"$tmp/replaced.csv"
two=$(python3 -c 'import csv, sys; print(sum(int(r[3]) for r in list(csv.reader(open(sys.argv[1])))[1:]))' "$tmp/replaced.csv")
mv -f "$tmp/replaced.csv" "$object"
is "an object replaced by hand shows in the next SELECT" "$(value "$purchases")" "2,$two"
cp "$object" "$P/lake/daymill/stage/user_purchase/2010-12-02/another.csv"
is "an object laid beside it too" "$(value "$purchases")" "4,$((2 * two))"
rm -f "$object"
is "and one removed" "$(value "$purchases")" "2,$two"
is "other days are as they were" \
  "$(value "select count(*) from spectrum.user_purchase_staging where insert_date = '2010-12-03'")" \
  "$(($(wc -l <"$P/lake/daymill/stage/user_purchase/2010-12-03/user_purchase.csv") - 1))"
part=$(ls "$P"/lake/daymill/stage/movie_review/2010-12-02/part-*.parquet)
printf 'cid,review_str\n1001,a good one\n1002,a bad one\n1001,"again, so good"\n' >"$tmp/three.csv"
run daymill classify "$tmp/three.csv" -o "$tmp/three.parquet" --run-id 2010-12-02
if command -v psql >/dev/null; then
  reviews="select cid, positive_review from spectrum.classified_movie_review where ds = '2010-12-02' order by 1, 2"
  printf '%s\n' '\set QUIET on' '\pset format unaligned' '\pset tuples_only on' "select count(*) > 3 from ($reviews) x;" \
    "\\! mv -f $tmp/three.parquet $part" "$reviews;" >"$tmp/session.sql"
  is "within one session of psql, Parquet" "$(daymill psql <"$tmp/session.sql" 2>&1 | tr '\n' ' ')" \
    "t 1001|t 1001|t 1002|f "
else
  skip "within one session of psql, Parquet" "psql is not installed"
fi

# ---- \d as PostgreSQL prints it ----
types=(integer bigint smallint "numeric(12,3)" "character varying(40)" text boolean date "timestamp without time zone"
  "double precision" real "character(3)")
ddl=""
for t in 1 2 3 4; do
  ddl+="create table public.made_up_$t ("
  for c in 1 2 3 4 5; do
    i=$(((t * 5 + c * t) % ${#types[@]}))
    ddl+="$([ $c = 1 ] || echo ', ')$([ $c = 3 ] && echo '"Mixed Case"' || echo "column_$c") ${types[$i]}$([ $(((t + c) % 2)) = 0 ] && echo ' not null')"
  done
  ddl+=");"$'\n'
done
if ! command -v psql >/dev/null || ! command -v pg_config >/dev/null || [ ! -x "$(pg_config --bindir)/initdb" ]; then
  for t in 1 2 3 4 5; do skip "\\d as PostgreSQL prints it, $t" "no PostgreSQL server is installed"; done
elif [ ! -e "$shared/tools/pg.sh" ]; then
  for t in 1 2 3 4 5; do skip "\\d as PostgreSQL prints it, $t" "../shared/tools is absent"; done
else
  pg=$(mktemp -d "${TMPDIR:-/tmp}/daymill-pg.XXXXXX")
  trap 'bash "$shared/tools/pg.sh" stop "$pg" >/dev/null 2>&1; rm -rf "$pg"; cleanup' EXIT
  bash "$shared/tools/pg.sh" start "$pg" >"$tmp/pg.log" 2>&1
  echo "$ddl" >"$tmp/ddl.sql"
  daymill psql <"$tmp/ddl.sql" >"$tmp/ours.log" 2>&1
  PGPASSWORD=secret psql -X -q -h "$pg" -U daymill postgres -f "$tmp/ddl.sql" >>"$tmp/pg.log" 2>&1
  for t in 1 2 3 4; do
    echo "\\d made_up_$t" >"$tmp/d.sql"
    daymill psql <"$tmp/d.sql" >"$tmp/ours" 2>&1
    PGPASSWORD=secret psql -X -h "$pg" -U daymill postgres -f "$tmp/d.sql" >"$tmp/theirs" 2>&1
    same_file "\\d as PostgreSQL prints it, $t" "$tmp/ours" "$tmp/theirs"
  done
  has "\\d as PostgreSQL prints it: there was a table" "$(cat "$tmp/theirs")" 'Table "public.made_up_4"'
fi

# ---- one warehouse for all ----
none_left "a few seconds after the last command no process is left" "$P"
for i in 1 2 3 4 5 6; do
  daymill sql --csv "select $i, count(*) from public.user_behavior_metric" >"$tmp/at-once.$i" 2>&1 &
done
daymill backfill user_behaviour --from 2010-12-04 --to 2010-12-06 >"$tmp/at-once.b" 2>&1 &
last=$!
wait $last
is "a backfill beside six queries, all starting at once" "$?" 0
wait
is "each query has its answer" "$(for i in 1 2 3 4 5 6; do tail -n 1 "$tmp/at-once.$i" | cut -d , -f 1; done | tr '\n' ' ')" "1 2 3 4 5 6 "
# It may have left by now: on a busy machine the lines above take longer than it stays.
is "and there is one server at most" "$(($(processes "$P" | wc -l) <= 1))" 1
is "and the days are what they should be" "$(value "$published" | tail -n +1 | awk -F , '$5 >= "2010-12-04"')" \
  "$(expected "$tmp/small" | awk -F , '$5 >= "2010-12-04" && $5 <= "2010-12-06"')"
daymill backfill user_behaviour --from 2010-12-07 --to 2010-12-07 >"$tmp/first" 2>&1 &
last=$!
run daymill backfill user_behaviour --from 2010-12-07 --to 2010-12-08
code "two backfills at once: one after the other" 0
wait $last
is "two backfills at once: both end well" "$?" 0
is "two backfills at once: no task ran twice" "$(daymill runs show user_behaviour 2010-12-07 --json |
  python3 -c 'import json, sys; print({t["try_number"] for t in json.load(sys.stdin)["tasks"]})')" "{1}"
none_left "again no process is left" "$P"

# ---- moved and copied ----
rows=$(value "$published")
moves() { # moves NAME DIR DAY: the project, now at DIR, answers and goes on
  P=$2
  is "$1: the same rows" "$(value "$published")" "$rows"
  run daymill backfill user_behaviour --from 2010-12-01 --to "$3"
  has "$1: what is done is kept, the next day runs" "$out$err" "$((10#${3##*-} - 1)) days were already done"
  rows=$(value "$published")
  is "$1: the next day is what it should be" "$(awk -F , -v d="$3" '$5 == d' <<<"$rows")" \
    "$(expected "$tmp/small" | awk -F , -v d="$3" '$5 == d')"
}
mv "$P" "$tmp/another place, ü"
moves "mv, to a name with a comma" "$tmp/another place, ü" 2010-12-09
none_left "mv: no process is left" "$P"
deep=$tmp/$(printf 'deep%.0s' $(seq 20))/$(printf 'er%.0s' $(seq 40))
mkdir -p "$deep"
cp -r "$P" "$deep/copy"
moves "cp -r, to a path longer than a socket's" "$deep/copy" 2010-12-10
if command -v psql >/dev/null; then
  is "psql there" "$(echo "select count(*) from public.user_behavior_metric" | daymill psql 2>&1 | sed -n 3p | tr -d ' ')" "$(wc -l <<<"$rows")"
else
  skip "psql there" "psql is not installed"
fi
P="$tmp/another place, ü"
is "the one that was copied has not changed" "$(value "$published" | tail -n 1 | cut -d , -f 5)" 2010-12-09
mv "$P" "$tmp/p"
P=$tmp/p
run daymill sql --csv "select count(*) from public.user_behavior_metric"
is "mv while its server still idles" "$code$(tail -n 1 <<<"$out")" "0$(awk -F , '$5 < "2010-12-10"' <<<"$rows" | wc -l)"
