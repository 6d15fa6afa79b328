#!/usr/bin/env bash
# Every stage bears weight: what is altered between two stages shows in exactly the rows that hang on it, or is refused.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/small_lib.sh"
plan 54

lake=lake/daymill
# alter FILE PROGRAM…: an object of the lake is immutable; by hand another file takes its place.
alter() {
  local file=$1
  shift
  "$@" <"$file" >"$file.altered" && mv -f "$file.altered" "$file"
}
# rerun_from TASK DAY: what follows a stage runs again.
rerun_from() {
  run daymill tasks clear user_behaviour "$1" "$2" --downstream
  [ "$code" = 0 ] && run daymill backfill user_behaviour --from "$2" --to "$2"
}
state_of() { daymill runs show user_behaviour "$1" --json | python3 -c "import json, sys; print(json.load(sys.stdin)['state'])"; }

small_project "$tmp/vendor" # used at the end, when its files are no longer new
base=$tmp/base
P=$base
small_project "$P"
run daymill backfill user_behaviour --from 2010-12-01 --to 2010-12-12
code "twelve days run" 0
published_rows >"$tmp/base.csv"
expected "$tmp/small" >"$tmp/want.csv"
same_file "and give the numbers that the input has" "$tmp/base.csv" "$tmp/want.csv"
# Days run side by side, but for what depends_on_past and wait_for_downstream keep apart.
for day in 01 02 03 04 05 06 07 08 09 10 11 12; do
  daymill runs show user_behaviour 2010-12-$day --json
done | python3 -c "
import json, sys
days = []
for line in sys.stdin:
    last = {}
    for a in json.loads(line)['attempts']:
        if not a['step_id']:
            last.setdefault(a['task_id'], [a['decided_at'], None])[1] = a['ended_at']
    days.append(last)
pairs = list(zip(days, days[1:]))
def apart(before, after):
    return all(d[before][1] <= e[after][0] for d, e in pairs)
print(apart('extract_user_purchase_data', 'extract_user_purchase_data'),
      apart('user_purchase_to_stage_data_lake', 'extract_user_purchase_data'),
      apart('start_emr_movie_classification_script', 'start_emr_movie_classification_script'),
      apart('wait_for_movie_classification_transformation', 'wait_for_movie_classification_transformation'),
      apart('publish_user_behavior_metric', 'movie_review_to_raw_data_lake'))" >"$tmp/apart"
is "a day waits for the one before where the pipeline says so, and nowhere else" "$(cat "$tmp/apart")" "True True True True False"
# fresh NAME: a copy of those twelve days.
fresh() {
  P=$tmp/$1
  copy_project "$base" "$P"
}

# ---- days without purchases
for day in 2010-12-04 2010-12-11; do
  is "the Saturday $day is a success" "$(state_of $day)" success
  is "with a file that has a header only" "$(wc -l <"$P/$lake/stage/user_purchase/$day/user_purchase.csv")" 1
done
run daymill runs show user_behaviour 2010-12-04
has "whose checks say that there were no rows" "$out" "no rows"
run daymill backfill user_behaviour --from 2010-12-25 --to 2010-12-25
code "Christmas is a success" 0
is "with zero rows" "$(published_rows | diff - "$tmp/base.csv")" ""

# ---- purchases in the stage
fresh purchases
day=2010-12-03 stage=$P/$lake/stage/user_purchase/2010-12-03/user_purchase.csv
# The purchase of 1017 on that day: quantity 7 of 0.70 each.
is "the purchase to change is there" "$(grep -c ',7,2010-12-03 .*,0.700,1017,' "$stage")" 1
alter "$stage" sed 's/,7,\(2010-12-03 .*,0.700,1017,\)/,9,\1/'
rerun_from user_purchase_to_rs_stage $day
code "a quantity changed in the stage: what follows runs again" 0
published_rows >"$tmp/after.csv"
is "and changes that customer's row of that day, no other" "$(changes "$tmp/base.csv" "$tmp/after.csv")" \
  "< 1017,4.90000,1,3,2010-12-03
> 1017,6.30000,1,3,2010-12-03"

alter "$stage" sed '$d'
rerun_from user_purchase_to_rs_stage $day
code "a row removed from the stage: the day fails" 1
has "check_reconciliation says so" "$err" "failed: user_behaviour $day, task check_reconciliation"
has "with what was expected and got" "$err" "check source_is_lake: expected true, got false"
has "and the figures" "$err" "source 7, lake 6, joined "
is "the day stays as published" "$(published_rows | diff - "$tmp/after.csv")" ""
is "and is marked failed" "$(state_of $day)" failed
run_printed
code "the command that the failure printed mends it" 0
is "from the source" "$(published_rows | diff - "$tmp/base.csv")" ""

# ---- reviews in the stage
fresh reviews
day=2010-12-05 stage=$(echo "$P/$lake/stage/movie_review/2010-12-05/"*.parquet)
# One of the reviews of 1005 turns good.
awk '/^1005,"A dull/ && !done { sub(/dull/, "good"); done = 1 } { print }' "$tmp/small/movie_review.csv" >"$tmp/flipped.csv"
is "one review is altered" "$(diff "$tmp/small/movie_review.csv" "$tmp/flipped.csv" | grep -c '^<')" 1
run daymill classify "$tmp/flipped.csv" -o "$tmp/flipped.parquet" --run-id $day --quiet
code "the altered file is classified by hand" 0
mv -f "$tmp/flipped.parquet" "$stage"
rerun_from get_user_behaviour $day
code "a review flipped in the stage: what follows runs again" 0
published_rows >"$tmp/after.csv"
changes "$tmp/base.csv" "$tmp/after.csv" >"$tmp/changes"
awk -F, 'NR == 1 { sub(/^< /, ""); customer = $1; score = $3 }
  NR == 2 { sub(/^> /, ""); print customer, $1, $3 - score, $5 }' "$tmp/changes" >"$tmp/change"
is "and changes that customer's score of that day by one" "$(cat "$tmp/change")" "1005 1005 1 $day"
is "and no other row" "$(wc -l <"$tmp/changes")" 2
awk '/^1005,.*"$/ && !done { done = 1; next } { print }' "$tmp/flipped.csv" >"$tmp/short.csv"
run daymill classify "$tmp/short.csv" -o "$tmp/short.parquet" --run-id $day --quiet
mv -f "$tmp/short.parquet" "$stage"
rerun_from get_user_behaviour $day
code "a review removed from the stage: the day fails" 1
has "check_reconciliation misses it" "$err" "check reviews_are_accounted_for: expected true, got false"
is "the day stays as published" "$(published_rows | diff - "$tmp/after.csv")" ""

# ---- the source
fresh source
run daymill sql oltp "update retail.user_purchase set quantity = quantity + 1 where customer_id = 1017 and invoice_date between '2010-12-03' and '2010-12-04' and quantity = 7"
code "one purchase changes at the source" 0
is "and nothing before a day is run again" "$(published_rows | diff - "$tmp/base.csv")" ""
run daymill backfill user_behaviour --from 2010-12-03 --to 2010-12-03 --rerun all
is "that day run again changes that row" "$(published_rows >"$tmp/after.csv"; changes "$tmp/base.csv" "$tmp/after.csv")" \
  "< 1017,4.90000,1,3,2010-12-03
> 1017,5.60000,1,3,2010-12-03"
run daymill sql oltp "delete from retail.user_purchase where invoice_date >= '2010-12-06' and invoice_date < '2010-12-07'"
run daymill backfill user_behaviour --from 2010-12-06 --to 2010-12-06 --rerun all
code "a day whose source is emptied is a success" 0
is "and is published empty, the others as they were" "$(published_rows)" "$(grep -v 2010-12-06 "$tmp/after.csv")"
daymill sql oltp "insert into retail.user_purchase select * from retail.user_purchase where invoice_date >= '2010-12-07' and invoice_date < '2010-12-08' limit 1" >/dev/null
rerun_from user_purchase_to_stage_data_lake 2010-12-07
code "a file that lacks what the source has since: the day fails" 1
has "before it reaches the stage" "$err" "rows, its source"

# ---- staged rows
fresh staged
day=2010-12-08
run daymill tasks clear user_behaviour publish_user_behavior_metric $day
run daymill sql "update staging.user_behavior_metric set amount_spent = amount_spent + 1 where insert_date = '$day' and customerid = 1005"
run daymill tasks test user_behaviour publish_user_behavior_metric $day
code "staged rows altered after the checks are refused" 1
has "and the refusal says so" "$err" "not published: the staged rows are not those that check_columns checked"
has "at once: another try would not help" "$err" "publish_user_behavior_metric  failed (try 2 of 3)"
is "the published rows are as they were" "$(published_rows | diff - "$tmp/base.csv")" ""
run daymill sql "delete from staging.user_behavior_metric where insert_date = '$day' and customerid = 1005"
run daymill tasks clear user_behaviour publish_user_behavior_metric $day
run daymill backfill user_behaviour --from $day
code "so are rows taken away" 1
is "and nothing changes" "$(published_rows | diff - "$tmp/base.csv")" ""
rerun_from get_user_behaviour $day
code "staged and checked anew, the day is published" 0

# ---- a failed check
sed -i 's/SUM(CASE WHEN positive_review THEN 1 ELSE 0 END) AS integer/SUM(CASE WHEN positive_review THEN 1 ELSE 0 END) - 2 AS integer/' \
  "$P/dags/user_behaviour/sql/user_behavior_metric.sql"
rerun_from get_user_behaviour $day
code "a metric that is wrong: the checks fail" 1
has "the failing rows are shown as lines" "$err" "1005 "
has "with the SQL that finds them" "$err" "found by: SELECT * FROM staging.user_behavior_metric WHERE (insert_date = '$day') AND "
is "and the published rows are as they were" "$(published_rows | diff - "$tmp/base.csv")" ""

# ---- the vendor's file is rewritten in place between two days
P=$tmp/vendor
# A file that changed a moment ago may change again unseen: only after that is it known to be the same.
until [ $(($(date +%s) - $(stat -c %Z "$P/data/movie_review.csv"))) -gt 3 ]; do sleep 0.2; done
run daymill backfill user_behaviour --from 2010-12-01 --to 2010-12-03
code "three days with one file of reviews" 0
is "which is copied once" "$(stat -c %i "$P/$lake/raw/movie_review"/*/movie.csv | sort -u | wc -l)" 1
# As long as before, and with the same times: nothing but the bytes tells.
touch -r "$P/data/movie_review.csv" "$tmp/times"
sed 's/A good film/A xxxx film/; s/A dull film/A good film/' "$tmp/small/movie_review.csv" >"$tmp/other.csv"
cat "$tmp/other.csv" >"$P/data/movie_review.csv"
touch -r "$tmp/times" "$P/data/movie_review.csv"
run daymill backfill user_behaviour --from 2010-12-05 --to 2010-12-07
code "three more after it was rewritten in place" 0
same_file "the first days keep their file" "$P/$lake/raw/movie_review/2010-12-02/movie.csv" "$tmp/small/movie_review.csv"
same_file "the later ones have the other" "$P/$lake/raw/movie_review/2010-12-06/movie.csv" "$tmp/other.csv"
is "the vendor's own file was never linked" "$(stat -c %h "$P/data/movie_review.csv")" 1
mkdir "$tmp/two"
cp "$tmp/small/reviews.txt" "$tmp/two/"
grep -E '^2010-12-0[123]' "$tmp/small/purchases.txt" >"$tmp/two/purchases.txt"
expected "$tmp/two" >"$tmp/want.csv"
awk '{ print $1, 1 - $2 }' "$tmp/small/reviews.txt" >"$tmp/two/reviews.txt"
grep -E '^2010-12-0[567]' "$tmp/small/purchases.txt" >"$tmp/two/purchases.txt"
expected "$tmp/two" | tail -n +2 >>"$tmp/want.csv"
published_rows >"$tmp/got.csv"
same_file "each day has its own numbers" "$tmp/got.csv" "$tmp/want.csv"
