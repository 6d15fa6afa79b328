#!/usr/bin/env bash
# Days whose input or definition has changed: the preview says so, and --rerun stale does them again.
. "$(dirname "$0")/lib.sh"
plan 13

preview() { # preview OPTION…: "01 good keep", a day each
  daymill backfill land --from 2024-01-01 --to 2024-01-04 --dry-run --json "$@" | python3 -c '
import json, sys
print(*(d["day"][-2:] + " " + d["state"] + " " + d["action"] for d in json.load(sys.stdin)), sep=", ")'
}
day() { daymill backfill land --from "2024-01-$1" --quiet; }
write() { echo "$2" >"$P/data/$1" && touch -d "$3" "$P/data/$1"; } # FILE TEXT TIME: written then

bare_project "$P"
cat >"$P/dags/land.yaml" <<'YAML'
land:
  schedule: "@daily"
  start_date: 2024-01-01
  default_args: {operator: file_to_s3, retries: 0, dest_bucket: lake, replace: true}
  tasks:
    - {task_id: one, filename: data/one.csv, dest_key: "{{ ds }}/one.csv"}
    - {task_id: two, filename: "data/{{ 'second' if ds < '2024-01-03' else 'third' }}.csv", dest_key: "{{ ds }}/two.csv"}
YAML
write one.csv one 2020-01-01
write second.csv two 2020-01-01
write third.csv three 2020-01-01
day 01 && day 02 && day 03
is "days are good or missing" "$(preview)" "01 good keep, 02 good keep, 03 good keep, 04 missing create"
touch -d 2020-01-01 "$P/data/one.csv"
is "a file that is as it was changes nothing" "$(preview --rerun stale)" \
  "01 good keep, 02 good keep, 03 good keep, 04 missing create"
write second.csv other 2020-01-02
is "days that read a file that has changed since are stale, whatever is asked" "$(preview)" \
  "01 stale keep, 02 stale keep, 03 good keep, 04 missing create"
is "and done again by --rerun stale" "$(preview --rerun stale)" \
  "01 stale rerun, 02 stale rerun, 03 good keep, 04 missing create"
run daymill backfill land --from 2024-01-01 --to 2024-01-03 --dry-run --rerun stale
has "the preview says which file" "$out" "input changed: data/second.csv"
run daymill backfill land --from 2024-01-01 --to 2024-01-03 --rerun stale
code "so it is done" 0
has "and only that" "$out" "2 days done"
is "after which they are good" "$(preview)" "01 good keep, 02 good keep, 03 good keep, 04 missing create"
is "with what the file has now" "$(cat "$P/lake/lake/2024-01-02/two.csv")" other

mv "$P/data/third.csv" "$P/third.csv"
is "a day whose file is gone stays: it could not be done again" "$(preview --rerun stale)" \
  "01 good keep, 02 good keep, 03 good keep, 04 missing create"
daymill backfill land --from 2024-01-04 --quiet >/dev/null 2>&1
is "one that failed has failed" "$(preview --rerun stale)" \
  "01 good keep, 02 good keep, 03 good keep, 04 failed rerun"
daymill tasks clear land two 2024-01-03 --quiet
sed -i 's|/two.csv|/too.csv|' "$P/dags/land.yaml"
is "a changed definition makes every day stale, an unfinished one is interrupted" "$(preview)" \
  "01 stale keep, 02 stale keep, 03 interrupted resume, 04 failed keep"
run daymill backfill land --from 2024-01-01 --dry-run --rerun stale
has "and the preview says why" "$out" "generation changed"
