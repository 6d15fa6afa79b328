#!/usr/bin/env bash
# The original design runs unmodified: its SQL, DDL, steps JSON and script, cut out of the document, over the first five
# trading days; and again with every name and all white space changed.
. "$(dirname "$0")/lib.sh"
[ -e "$shared/reference/original-design.md" ] || skip_all "../shared/reference is absent"
need_real_data
plan 9

days="2010-12-01 2010-12-02 2010-12-03 2010-12-05 2010-12-06"

five_days() { # five_days TABLE LABEL [--renamed]
  local table=$1 label=$2 day failed=""
  shift 2
  bare_project "$P"
  ln "$real/OnlineRetail.csv" "$P/data/" 2>/dev/null || cp "$real/OnlineRetail.csv" "$P/data/"
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

P=$tmp/renamed
five_days daily_numbers "with other names and white space" --renamed
