#!/usr/bin/env bash
# Bad input and bad luck: each gives a clear error with the place and what to do, a non-zero exit, and nothing is lost or
# half-published.
. "$(dirname "$0")/lib.sh"

# A project with one good day, copied for every case.
P=$tmp/good
"$bin" datagen --scale 0.05 --seed 7 --out "$tmp/vendor" -q >/dev/null
run "$bin" init "$P" --purchases "$tmp/vendor/OnlineRetail.csv" --reviews "$tmp/vendor/movie_review.csv"
sed -i 's/retry_delay: 2/retry_delay: 0/' "$P/dags/user_behaviour/user_behaviour.yaml"
yaml=dags/user_behaviour/user_behaviour.yaml
first=2010-12-01 bad=2010-12-02 last=2010-12-03

plan 84
code "a project is made" 0
run daymill backfill user_behaviour --from $first --to $first
code "its first day runs" 0
good=$(daymill sql --csv "$published")
is "the first day has rows" "$(($(wc -l <<<"$good") > 1))" 1

# ---- what every failure has in common ----

# case_of NAME: a fresh copy of the good project.
case_of() {
  label=$1 P=$tmp/$(tr -c 'a-z0-9\n' _ <<<"$1")
  cp -r "$tmp/good" "$P"
  find "$P/run" -maxdepth 1 ! -type d -delete
}
backfill() { run daymill backfill user_behaviour --from $bad --to $last "$@"; }
# failed PIECE…: the last command failed, said each piece, within eight lines, and published nothing new.
failed() {
  local piece missing=""
  for piece in "$@"; do [[ $err == *"$piece"* ]] || missing="$missing [$piece]"; done
  [ "$code" -ne 0 ] || missing="$missing [a non-zero exit]"
  if [ -z "$missing" ]; then ok "$label: said where and what to do"; else not_ok "$label: missing$missing" "$out" "$err"; fi
}
report_is_short() {
  local lines
  lines=$(sed -n '/^failed: /,$p' <<<"$err" | wc -l)
  if [ "$lines" -ge 4 ] && [ "$lines" -le 8 ]; then ok "$label: the report has at most eight lines"; else not_ok "$label: the report has $lines lines" "$err"; fi
}
nothing_new() {
  is "$label: published is what was" "$(daymill sql --csv "$published")" "$good"
  # What is known of a vendor's file (landing-…) is no temporary file.
  is "$label: no temporary file is left" \
    "$(find "$P/lake/.tmp" "$P/cluster/.tmp" -type f ! -name 'landing-*' 2>/dev/null)" ""
}
# mended: the command that the failure printed does the rest.
mended() {
  local command
  command=$(sed -n 's/^then: //p' <<<"$err")
  run eval "$command"
  code "$label: mended, the printed command does the rest" 0
  is "$label: all days are there" "$(daymill runs list user_behaviour --json | grep -c '"state": "success"')" 3
}

# ---- files of the vendor ----

case_of "a missing file"
mv "$P/data/movie_review.csv" "$P/aside.csv"
backfill
failed "task movie_review_to_raw_data_lake, try 2 of 2" 'no file "data/movie_review.csv"' OnlineRetail.csv \
  "Put the file at data/movie_review.csv" "log: logs/" "not published: $bad and 1 later day" \
  "then: $bin -C $P backfill user_behaviour --from $bad --to $last --rerun failed"
report_is_short
nothing_new
mv "$P/aside.csv" "$P/data/movie_review.csv"
mended

case_of "an unreadable review"
records=$(($(daymill sql --csv "select count(*) from spectrum.classified_movie_review" | tail -n 1)))
cp "$P/data/movie_review.csv" "$P/aside.csv"
printf '99,"good" but\r\n' >>"$P/data/movie_review.csv"
backfill
failed "Classify the reviews" "1 of $((records + 1)) records were rejected" "max_rejected" "text after a closing quote" "movie.csv:$((records + 2))"
report_is_short
nothing_new
run daymill runs show user_behaviour $bad
has "$label: runs show names the line" "$out" "movie.csv:"
rejects=$(sed -n 's/.*They are in \(.*\.csv\), each.*/\1/p' <<<"$out" | head -n 1)
has "$label: the record is kept with its reason" "$(cat "$P/$rejects")" "text after a closing quote"
run daymill classify "$P/data/movie_review.csv" -o "$tmp/one.parquet"
code "classify refuses it" 9
run daymill classify "$P/data/movie_review.csv" -o "$tmp/one.parquet" --max-rejected 1 --json
has "classify bears one" "$out" '"rejected": 1'
backfill --rerun failed --conf '{"max_rejected": "1%"}'
code "$label: max_rejected bears it" 0

case_of "a wrong header of the reviews"
cp "$P/data/movie_review.csv" "$P/aside.csv"
sed -i '1s/review_str/review/' "$P/data/movie_review.csv"
backfill
failed "Classify the reviews" 'no column "review_str"' "cid" "not published: $bad"
nothing_new
mv "$P/aside.csv" "$P/data/movie_review.csv"
mended

# load LABEL FILE PIECE…: init refuses the purchases in FILE, saying each piece.
header='InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country'
load() {
  label=$1
  shift
  run "$bin" init "$tmp/load" --purchases "$tmp/load.csv" --reviews "$tmp/vendor/movie_review.csv"
  failed "$@"
  P=$tmp/load
  is "$label: nothing is loaded" "$(daymill sql oltp --csv 'select count(*) from retail.user_purchase' 2>/dev/null | tail -n 1)" 0
  rm -rf "$tmp/load"
}
printf '%s\r\n' "${header/Country/Land}" '1,2,3,4,12/1/2010 8:26,5,6,7' >"$tmp/load.csv"
load "a wrong header of the purchases" '"Land"' "OnlineRetail.csv:1"
printf '%s\r\n' "$header" '1,2,3,4,12/1/2010 8:26,5,6,7' '1,2,3,4,13/1/2010 8:26,5,6,7' >"$tmp/load.csv"
load "a date that is not month first" "OnlineRetail.csv:3" "13/1/2010 8:26"
printf '%s\r\n' "$header" '1,2,3,six,12/1/2010 8:26,5,6,7' >"$tmp/load.csv"
load "a quantity that is no number" "line 2" quantity '"six"'
printf '%s\r\n' "$header" '1,2,3,4,12/1/2010 8:26,5,6' >"$tmp/load.csv"
load "a row that is short" "line 2" country
P=$tmp/good

# ---- YAML ----

# yaml_case LABEL LINE PIECE… <<TEXT: check shows the place and each piece, and backfill does not start.
yaml_case() {
  label="YAML: $1" line=$2
  shift 2
  cat >"$tmp/yaml/dags/d.yaml"
  P=$tmp/yaml
  run daymill check
  err=$out
  failed "dags/d.yaml:$line" "$@"
}
mkdir "$tmp/yaml"
bare_project "$tmp/yaml"
tasks='  tasks:
    - task_id: a
      operator: empty'
yaml_case "a tab" 3:1 "a tab" "spaces only" <<<$'d:\n  start_date: 2020-01-01\n\ttasks:\n'
yaml_case "wrong indentation" 3: "indentation" <<<$'d:\n  start_date: 2020-01-01\n   schedule: "@daily"\n'"$tasks"
yaml_case "an unclosed quote" "" "started in line 3, column 13" "not closed" <<<$'d:\n  start_date: 2020-01-01\n  schedule: "@daily\n'"$tasks"
yaml_case "an unknown key" 3:3 'no key "shedule"' 'Did you mean "schedule"' 'no key "retrys"' <<<$'d:\n  start_date: 2020-01-01\n  shedule: "@daily"\n'"$tasks"$'\n      retrys: 2'
yaml_case "a wrong type" 3:12 "catchup must be true or false" "retries of task \"a\" must be a whole number" <<<$'d:\n  start_date: 2020-01-01\n  catchup: maybe\n'"$tasks"$'\n      retries: many'
yaml_case "a missing field" 4:7 'task "a" (bash) needs bash_command' <<<$'d:\n  start_date: 2020-01-01\n'"${tasks/empty/bash}"
yaml_case "an unknown operator" 5:17 'no operator "bsh"' 'Did you mean "bash"' <<<$'d:\n  start_date: 2020-01-01\n'"${tasks/empty/bsh}"
yaml_case "an operator that nothing here can run" 5:17 "PythonVirtualenvOperator" "python" <<<$'d:\n  start_date: 2020-01-01\n'"${tasks/empty/PythonVirtualenvOperator}"
yaml_case "an unknown dependency" 8:22 'depends on "ab"' 'Did you mean "a"' <<<$'d:\n  start_date: 2020-01-01\n'"$tasks"$'\n    - task_id: b\n      operator: empty\n      dependencies: [ab]'
yaml_case "a circle" 6:21 "a >> b >> a" <<<$'d:\n  start_date: 2020-01-01\n'"$tasks"$'\n      dependencies: [b]\n    - task_id: b\n      operator: empty\n      dependencies: [a]'
yaml_case "a wrong cron expression" 3:13 'minute "61" is not within 0-59' <<<$'d:\n  start_date: 2020-01-01\n  schedule: "61 * * * *"\n'"$tasks"
yaml_case "a date that does not exist" 2:15 "no date 2020-02-31" <<<$'d:\n  start_date: 2020-02-31\n'"$tasks"
yaml_case "a missing file" 7:12 'no file "sql/nothing.sql"' <<<$'d:\n  start_date: 2020-01-01\n'"${tasks/empty/sql}"$'\n      conn_id: warehouse\n      sql: sql/nothing.sql'
yaml_case "a template's syntax" 6: "expected '}}'" <<<$'d:\n  start_date: 2020-01-01\n'"${tasks/empty/bash}"$'\n      bash_command: "echo {{ ds"'
yaml_case "an unknown name in a template" 6: "dss" 'Did you mean "ds"' <<<$'d:\n  start_date: 2020-01-01\n'"${tasks/empty/bash}"$'\n      bash_command: "echo {{ dss }}"'
yaml_case "an unknown filter" 6: 'no filter named "uper"' 'Did you mean "upper"' <<<$'d:\n  start_date: 2020-01-01\n'"${tasks/empty/bash}"$'\n      bash_command: "echo {{ ds | uper }}"'
label="YAML: a broken file"
run daymill backfill d --from 2020-01-01
failed "dags/d.yaml:6:" uper
printf 'd:\n  start_date: 2020-01-01\n  start_date: 2020-01-02\n%s\n' "$tasks" >"$tmp/yaml/dags/d.yaml"
run daymill check
has "YAML: a key that is there twice is told" "$out" 'd.yaml:3:3: warning: the key "start_date" is there twice'

# ---- SQL and checks ----

case_of "a syntax error in SQL"
sed -i.orig 's/^  FROM/  FRM/' "$P/dags/user_behaviour/sql/user_purchase.sql"
backfill
failed "task extract_user_purchase_data" 'syntax error at or near "retail"' "SQLSTATE 42601, line 9: FRM retail.user_purchase" \
  "waiting: 1 day from $last on, for extract_user_purchase_data of $bad (failed)"
report_is_short
nothing_new
mv "$P/dags/user_behaviour/sql/user_purchase.sql.orig" "$P/dags/user_behaviour/sql/user_purchase.sql"
mended

case_of "a table that is not there"
sed -i.orig 's/staging\.user_behavior_metric/staging.user_behaviour_metrics/' "$P/dags/user_behaviour/sql/user_behavior_metric.sql"
backfill
failed "task get_user_behaviour" "user_behaviour_metrics" "SQLSTATE 42P01"
nothing_new

case_of "a failed check"
sed -i.orig 's/has_reviews: {check_statement: "review_count >= 1"}/has_reviews: {check_statement: "review_count >= 1000000"}/' "$P/$yaml"
backfill
failed "task check_table, try 1 of 2" "check has_reviews failed" "expected review_count >= 1000000" \
  "found by: SELECT * FROM staging.user_behavior_metric WHERE" "review_count  insert_date"
report_is_short
nothing_new
said=$err
query=$(sed -n 's/^ *found by: //p' <<<"$err" | head -n 1)
run daymill sql --csv "$query"
is "$label: the SQL finds rows" "$(($(wc -l <<<"$out") > 1))" 1
err=$said
mv "$P/$yaml.orig" "$P/$yaml"
mended

# ---- a killed task ----

P=$tmp/killed
bare_project "$P"
nap="sleep 3600.$$" # a name of its own among all processes
cat >"$P/dags/k.yaml" <<EOD
k:
  schedule: "@daily"
  start_date: 2020-01-01
  tasks:
    - task_id: dies_once
      operator: bash
      retries: 1
      retry_delay: 0
      bash_command: "if [ {{ ti.try_number }} = 1 ]; then kill -9 \$PPID; $nap; fi; echo second"
    - task_id: dies
      operator: bash
      bash_command: "kill -9 \$PPID; $nap"
EOD
run daymill tasks test k dies_once 2020-01-01
code "a killed task: is tried again" 0
has "a killed task: the first try failed" "$err" "up_for_retry (try 1 of 2): its process was killed by signal 9"
label="a task killed at its last try"
run daymill tasks test k dies 2020-01-01
failed "task dies, try 1 of 1" "killed by signal 9" "log: logs/k/"
is "$label: its children are gone too" "$(pgrep -fx "$nap")" ""

# ---- a read-only lake, a full disk ----

mounts=()
unmount_all() {
  local m
  for m in "${mounts[@]}"; do umount -l "$m" 2>/dev/null; done
  cleanup
}
trap unmount_all EXIT
mkdir "$tmp/probe"
can_mount=false
if [ "$(id -u)" = 0 ] && mount -t tmpfs -o size=1m none "$tmp/probe" 2>/dev/null; then
  umount "$tmp/probe"
  can_mount=true
fi

label="a read-only lake"
case_of "$label"
if [ "$(id -u)" != 0 ]; then
  chmod -R a-w "$P/lake"
  writable() { chmod -R u+w "$P/lake"; }
elif $can_mount && mount --bind "$P/lake" "$P/lake"; then
  mounts+=("$P/lake")
  mount -o remount,ro,bind "$P/lake"
  writable() { umount "$P/lake"; }
else
  writable() { false; }
fi
if touch "$P/lake/daymill/probe" 2>/dev/null; then
  rm -f "$P/lake/daymill/probe"
  for i in 1 2 3 4 5; do skip "$label" "root writes everywhere, and mount is not permitted"; done
else
  backfill
  failed "could not" "lake" "not published: $bad"
  is "$label: published is what was" "$(daymill sql --csv "$published")" "$good"
  writable
  is "$label: no temporary file is left" "$(find "$P/lake/.tmp" -type f ! -name 'landing-*')" ""
  mended
fi

label="a full disk"
if $can_mount; then
  # One day wants a hundredth of the vendor's files and some logs; what is left here is less.
  case_of "$label"
  mv "$P" "$P.aside"
  mkdir "$P"
  mount -t tmpfs -o size=64m none "$P"
  mounts+=("$P")
  cp -r "$P.aside/." "$P/"
  free=$(df --output=avail -k "$P" | tail -n 1)
  head -c $(((free - 2000) * 1024)) /dev/zero >"$P/ballast"
  run daymill backfill user_behaviour --from $bad --to 2011-11-30
  failed "the disk cannot hold 364 days" "MB needed" "MB free" "Free some space"
  code "$label: is foreseen before anything starts" 7
  is "$label: no run was begun" "$(daymill runs list user_behaviour --json | grep -c run_id)" 1
  # It fills up while a task runs: the vendor's file has changed and is to be copied.
  rm -f "$P/ballast"
  tail -n +2 "$tmp/vendor/movie_review.csv" >>"$P/data/movie_review.csv"
  free=$(df --output=avail -k "$P" | tail -n 1)
  head -c $(((free - 2000) * 1024)) /dev/zero >"$P/ballast"
  backfill
  failed "the disk cannot hold 2 days"
  before=$(find "$P/lake" -type f | sort | xargs md5sum)
  run daymill tasks test user_behaviour movie_review_to_raw_data_lake $bad
  failed "space left" "s3://daymill/raw/movie_review/$bad/movie.csv" "Make room on the disk" \
    "then: $bin -C $P tasks test user_behaviour movie_review_to_raw_data_lake $bad"
  is "$label: the lake is what it was" "$(find "$P/lake" -type f | sort | xargs md5sum)" "$before"
  nothing_new
  cat /dev/zero >>"$P/ballast" 2>/dev/null
  run daymill variables set a b
  failed "no space left" "Free space"
  rm -f "$P/ballast"
  backfill --rerun failed
  code "$label: with room again the days run" 0
else
  for i in 1 2 3 4 5 6 7 8 9 10; do skip "$label" "mount is not permitted here"; done
fi
