#!/usr/bin/env bash
# The original design runs unmodified: its SQL, DDL, steps JSON and script, cut out of the document, over the first five
# trading days; and again with every name and all white space changed.
. "$(dirname "$0")/lib.sh"
[ -e "$shared/reference/original-design.md" ] || skip_all "../shared/reference is absent"
need_real_data
plan 24

days="2010-12-01 2010-12-02 2010-12-03 2010-12-05 2010-12-06"

five_days() { # five_days TABLE LABEL [--renamed]
  local table=$1 label=$2 day failed=""
  shift 2
  bare_project "$P"
  cp "$real/OnlineRetail.csv" "$P/data/"
  cp "$real/movie_review.csv" "$P/data/"
  python3 "$root/tests/tools/original.py" "$shared/reference/original-design.md" "$P" "$@"
  run daymill setup
  code "$label: its DDL and COPY load the real file" 0
  for day in $days; do
    run daymill dags test original "$day"
    [ "$code" = 0 ] || failed="$failed $day: $out $err"
  done
  is "$label: five trading days run" "$failed" ""
  daymill sql --csv "select * from public.$table order by 5, 1" >"$tmp/got.csv"
  { head -n 1 "$tmp/got.csv"; tail -n +2 "$shared/golden/metrics/original_five_days.csv"; } >"$tmp/want.csv"
  same_file "$label: the original's own numbers" "$tmp/got.csv" "$tmp/want.csv"
}

P=$tmp/original
five_days user_behavior_metric "as it stands"
run daymill sql --csv "select count(*), sum(case when positive_review then 1 else 0 end) from spectrum.classified_movie_review"
is "Spark's reading of the reviews, five days" "$(tail -n 1 <<<"$out")" "500000,117725"
run daymill sql oltp --csv "select count(*) from retail.user_purchase"
is "every purchase was loaded" "$(tail -n 1 <<<"$out")" 541908
run daymill sql --csv "select count(*) from spectrum.user_purchase_staging where insert_date = '2010-12-01'"
is "the staged file is read with its quotes" "$(tail -n 1 <<<"$out")" 1450

# What the script wrote, against Spark's own answer: sorted lines of cid, US, true|false.
written_is() { # written_is NAME DAY SCHEMA.TABLE
  daymill sql --csv "select cid, positive_review from $3 where insert_date = '$2'" >"$tmp/written.csv"
  is "$1" "$(python3 - "$tmp/written.csv" <<'PY'
import csv, hashlib, sys
with open(sys.argv[1], newline='') as f:
    rows = list(csv.reader(f))[1:]
lines = sorted(f"{cid}\x1f{ {'t': 'true', 'f': 'false'}[positive] }\n".encode() for cid, positive in rows)
print(len(lines), sum(line.endswith(b'true\n') for line in lines), hashlib.sha256(b''.join(lines)).hexdigest())
PY
)" "$(python3 -c 'import json, sys
run = json.load(open(sys.argv[1]))["runs"]["movie_review"]
print(run["rows"], run["positive"], run["hash_sorted_cid_positive"])' "$shared/golden/spark/full.json")"
}
written_is "the script's answers are Spark's, review by review" 2010-12-03 spectrum.classified_movie_review
run daymill sql --csv "select count(*), sum(case when positive_review then 1 else 0 end) from spectrum.movie_review_clean_stage
  where insert_date = '2010-12-06'"
is "the table's other name shows the same" "$(tail -n 1 <<<"$out")" "100000,23545"

# A second run of a day: every task runs again, and ADD PARTITION without IF NOT EXISTS fails as on Redshift, before
# get_user_behaviour could insert the day a second time.
run daymill dags test original 2010-12-06
has "a second run of a day: the partition is there" "$err" '(insert_date=2010-12-06) of "spectrum.user_purchase_staging" already exists'
has "a second run of a day: what to write instead" "$err" "ADD IF NOT EXISTS PARTITION"
is "a second run of a day: every task has run again" \
  "$(daymill runs show original 2010-12-06 --json | python3 -c 'import json, sys
print(sorted({t["try_number"] for t in json.load(sys.stdin)["tasks"] if t["task_id"] != "get_user_behaviour"}))')" "[2]"
daymill sql --csv "select * from public.user_behavior_metric order by 5, 1" | tail -n +2 >"$tmp/again.csv"
same_file "a second run of a day: no row is doubled" "$tmp/again.csv" <(tail -n +2 "$shared/golden/metrics/original_five_days.csv")

# COPY in a person's SQL.
run daymill sql oltp "copy (select distinct country from retail.user_purchase order by 1) to '/data/out/countries.csv' (format csv, header)"
has "COPY TO: rows are counted" "$out" "COPY 38"
is "COPY TO: the file is the project's" "$(wc -l <"$P/data/out/countries.csv") $(head -n 2 "$P/data/out/countries.csv" | tr '\n' ' ')" "39 country Australia "
run daymill sql oltp "create table countries (name varchar(20)); copy countries from '/data/out/countries.csv' csv header;
  select count(*) from countries"
has "COPY FROM reads it again" "$out" "COPY 38"
run daymill sql oltp "copy countries from '/data/../connections.yaml' csv"
has "COPY: .. is refused" "$err" ".. could leave its folder"
run daymill sql oltp "copy countries from '/etc/passwd' csv"
has "COPY: other places are refused" "$err" "below /data/"
run daymill sql oltp "copy countries from '/data/none.csv' csv"
has "COPY: a missing file is named" "$err" "there is no file data/none.csv"

# Setting up again: the original's CREATE has no IF NOT EXISTS.
run daymill setup
has "its set-up cannot run twice, and the place is named" "$err" 'schema "retail" already exists
  at dags/original/setup/oltp.sql:1:1'
run daymill sql oltp --csv "select count(*) from retail.user_purchase"
is "a second set-up loses nothing" "$(tail -n 1 <<<"$out")" 541908

P=$tmp/renamed
five_days daily_numbers "with other names and white space" --renamed
written_is "with other names and white space: the script's answers" 2010-12-01 outside.judged_texts
