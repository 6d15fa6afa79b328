#!/usr/bin/env bash
# What fails says so, loses nothing, and is made good by the command that it prints.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/small_lib.sh"
plan 60

sql=dags/user_behaviour/sql
days() { daymill sql --csv "select distinct insert_date from public.user_behavior_metric order by 1" | tail -n +2 | tr '\n' ' '; }
ending() { sed -n '/^failed: /,$p' <<<"$err"; }
json() { daymill runs show user_behaviour "$1" --json | python3 -c "import json, sys; run = json.load(sys.stdin); print($2)"; }

# ---- the third of ten days fails
P=$tmp/third
small_project "$P"
cp "$P/$sql/user_purchase.sql" "$tmp/user_purchase.sql"
sed -i "s/^  FROM /  {{ 'FORM' if ds == '2010-12-03' else 'FROM' }} /" "$P/$sql/user_purchase.sql"
run timeout 60 "$bin" -C "$P" backfill user_behaviour --from 2010-12-01 --to 2010-12-10
code "an extract that fails on the third of ten days: the command fails, and does not hang" 1
is "two days are published" "$(days)" "2010-12-01 2010-12-02 "
has "the end names day, task and try" "$(ending)" "failed: user_behaviour 2010-12-03, task extract_user_purchase_data, try 2 of 2"
has "the error" "$(ending)" "syntax error"
has "the log" "$(ending)" "log: logs/user_behaviour/"
is "which is there" "$(test -s "$P/$(sed -n 's/^ *log: //p' <<<"$err")" && echo yes)" yes
has "the days that wait and for what" "$(ending)" "7 days from 2010-12-04 on, for extract_user_purchase_data of 2010-12-03 (failed)"
has "and what is not published" "$(ending)" "not published: 2010-12-03 and 7 later days"
is "in at most 8 lines" "$(($(ending | wc -l) <= 8))" 1
failed=$err
run daymill backfill user_behaviour --from 2010-12-01 --to 2010-12-10
code "the same command again finishes nothing that waits" 5
has "and says which days wait for what" "$err" "for extract_user_purchase_data of 2010-12-03 (failed)"
has "and what mends it" "$err" "then: $bin -C $P backfill user_behaviour --from 2010-12-03 --to 2010-12-10 --rerun failed"
cp "$tmp/user_purchase.sql" "$P/$sql/user_purchase.sql"
err=$failed
run_printed
code "mended, the one command that was printed finishes the rest" 0
published_rows >"$tmp/got.csv"
expected "$tmp/small" | grep -v '2010-12-1[12]$' >"$tmp/want.csv"
same_file "with the numbers that the input has" "$tmp/got.csv" "$tmp/want.csv"
is "the days before were not run again" "$(json 2010-12-02 "max(t['try_number'] for t in run['tasks'])")" 1

# ---- the SQL is broken, and mended
before=$(daymill sql --csv "$published")
cp "$P/$sql/user_behavior_metric.sql" "$tmp/metric.sql"
sed -i 's/^  FROM (SELECT/  FROM (SELECTED/' "$P/$sql/user_behavior_metric.sql"
run daymill backfill user_behaviour --from 2010-12-07 --to 2010-12-07 --rerun all
code "the SQL broken: the day fails" 1
has "at the task that runs it" "$(ending)" "task get_user_behaviour"
has "with what the warehouse says" "$(ending)" "syntax error"
is "and stays as published" "$(published_rows)" "$before"
cp "$tmp/metric.sql" "$P/$sql/user_behavior_metric.sql"
run_printed
code "mended: the command that the failure printed succeeds" 0
run daymill runs show user_behaviour 2010-12-07
is "runs show names each generation: with the extract broken, without, and with the SQL broken" \
  "$(grep '^generation ' <<<"$out" | cut -d ' ' -f 2 | sort -u | wc -l)" 3
is "and the last the whole text's" "$(json 2010-12-07 "run['generations'][-1]['generation']")" \
  "$(json 2010-12-10 "run['generations'][-1]['generation']")"

# ---- the script in the lake
script=$P/lake/daymill/scripts/random_text_classification.py
{ cat "$script"; echo "#"; } >"$tmp/script.py" && mv -f "$tmp/script.py" "$script"
run daymill tasks clear user_behaviour start_emr_movie_classification_script 2010-12-08 --downstream
run daymill backfill user_behaviour --from 2010-12-08
code "bytes added to the script in the lake: the day fails" 1
has "at the step that runs it" "$(ending)" "task wait_for_movie_classification_transformation"
has "with an error that names Spark" "$(ending)" "needs Spark"
is "and stays as published" "$(published_rows)" "$before"
is "the step is FAILED, those behind it CANCELLED" \
  "$(json 2010-12-08 "' '.join(s['state'] for s in run['steps'][-3:])")" "COMPLETED FAILED CANCELLED"
run_printed
code "the shipped script is put there again by the rerun" 0

# ---- killed
P=$tmp/killed
small_project "$P"
for round in 1 2 3 4; do
  "$bin" -C "$P" backfill user_behaviour --from 2010-12-01 --to 2010-12-12 >/dev/null 2>&1 &
  driver=$!
  # Somewhere between its first attempt and its last one.
  want=$(($(find "$P/logs" -name '*.log' 2>/dev/null | wc -l) + RANDOM % 40 + 1))
  while kill -0 $driver 2>/dev/null && [ "$(find "$P/logs" -name '*.log' 2>/dev/null | wc -l)" -lt $want ]; do :; done
  kill -KILL $driver 2>/dev/null
  wait $driver 2>/dev/null
  echo "# round $round: killed at attempt $want"
done
run daymill backfill user_behaviour --from 2010-12-01 --to 2010-12-12
code "a backfill that was killed four times goes on" 0
published_rows >"$tmp/got.csv"
expected "$tmp/small" >"$tmp/want.csv"
same_file "and equals one that nobody disturbed" "$tmp/got.csv" "$tmp/want.csv"
is "no task is left running" "$(daymill runs list user_behaviour --json | python3 -c "
import json, sys
print(sorted({run['state'] for run in json.load(sys.stdin)}))")" "['success']"
run daymill backfill user_behaviour --from 2010-12-01 --to 2010-12-12
has "and nothing is left to do" "$out$err" "12 days were already done"

# ---- retries, skips, the past
P=$tmp/bash
bare_project "$P"
mkdir "$P/dags/d"
cat >"$P/dags/d/d.yaml" <<'Y'
flaky:
  schedule: "@daily"
  start_date: 2020-01-01
  default_args: {operator: bash, retries: 2, retry_delay: 1}
  tasks:
    - task_id: third_time_lucky
      bash_command: "echo try {{ ti.try_number }}; test {{ ti.try_number }} -eq 3"
    - task_id: after
      bash_command: "true"
      dependencies: [third_time_lucky]
skipping:
  schedule: "@daily"
  start_date: 2020-01-01
  default_args: {operator: bash, retries: 3, retry_delay: 60}
  tasks:
    - {task_id: usual, bash_command: "exit 99"}
    - {task_id: own, bash_command: "exit 7", skip_on_exit_code: [5, 7]}
    - {task_id: behind, bash_command: "true", dependencies: [usual]}
    - {task_id: beside, bash_command: "true"}
    - {task_id: either, bash_command: "true", dependencies: [usual, beside], trigger_rule: none_failed}
final:
  schedule: "@daily"
  start_date: 2020-01-01
  default_args: {operator: bash, retries: 3, retry_delay: 60}
  tasks:
    - {task_id: gives_up, bash_command: "echo no luck >&2; exit 3", fail_on_exit_code: 3}
hasty:
  start_date: 2020-01-01
  tasks:
    - {task_id: never, operator: bash, bash_command: "exit 1", retries: 200, retry_delay: 0.001}
changing:
  schedule: "@daily"
  start_date: 2020-01-01
  default_args: {operator: bash, retries: 1, retry_delay: 0}
  tasks:
    - {task_id: script, bash_command: script.sh}
past:
  schedule: "@daily"
  start_date: 2020-01-01
  default_args: {operator: bash, retries: 0}
  tasks:
    - {task_id: chained, bash_command: "true", depends_on_past: true}
    - {task_id: patient, bash_command: "true", depends_on_past: true, wait_for_downstream: true}
    - task_id: behind
      bash_command: "test {{ ds }} != 2020-01-02 -o -e {{ dag_run.conf.get('mended', '/nowhere') }}"
      dependencies: [patient]
    - {task_id: free, bash_command: "true"}
Y
# The first try mends the script, and the second may not see it.
cat >"$P/dags/d/script.sh" <<Y
echo 'echo mended {{ ds }}' >"$P/dags/d/script.sh"
exit 1
Y
states() { # states DAG DAY: "task=state …"
  daymill runs show "$1" "$2" --json | python3 -c "
import json, sys
print(' '.join(t['task_id'] + '=' + (t['state'] or 'none') for t in json.load(sys.stdin)['tasks']))"
}
run daymill dags test flaky 2020-01-01
code "a task with retries gets there" 0
is "at its third try" "$(daymill runs show flaky 2020-01-01 --json | python3 -c "
import json, sys
run = json.load(sys.stdin)
print([t['try_number'] for t in run['tasks']], [a['state'] for a in run['attempts']])")" "[3, 1] ['failed', 'failed', 'success', 'success']"
run daymill tasks logs flaky third_time_lucky 2020-01-01 --try 2
has "every try has its own log" "$out" "try 2"
is "retry_delay lies between two tries" "$(daymill runs show flaky 2020-01-01 --json | python3 -c "
import datetime, json, sys
at = [a for a in json.load(sys.stdin)['attempts'] if a['task_id'] == 'third_time_lucky']
when = lambda text: datetime.datetime.fromisoformat(text.replace('Z', '+00:00'))
print(all((when(b['code_at']) - when(a['ended_at'])).total_seconds() >= 1 for a, b in zip(at, at[1:])))")" True
run daymill dags test skipping 2020-01-01
code "exit status 99 is a skip, and a run with skips a success" 0
is "what depends on it is skipped too" "$(states skipping 2020-01-01)" \
  "usual=skipped own=skipped behind=skipped beside=success either=success"
run timeout 30 "$bin" -C "$P" dags test final 2020-01-01
code "fail_on_exit_code fails at once, whatever retries says" 1
has "and says with which status" "$(ending)" "3"

run timeout 120 "$bin" -C "$P" tasks test hasty never 2020-01-01
has "the moment of a retry is never missed" "$(ending)" "try 201 of 201"

run daymill backfill changing --from 2020-01-01
code "a script that changes between two tries: the retry has the run's own" 1
has "and fails as the first did" "$(ending)" "try 2 of 2"
run_printed
code "a rerun by a person takes the newest" 0
run daymill tasks logs changing script 2020-01-01
has "to the letter" "$out" "mended 2020-01-01"
is "runs show names both generations" "$(daymill runs show changing 2020-01-01 | grep -c '^generation ')" 2

run daymill backfill past --from 2020-01-01 --to 2020-01-04
code "a day that fails before a task that waits for the past" 1
is "depends_on_past: the task itself was fine, and goes on" "$(states past 2020-01-03)" \
  "chained=success patient=none behind=none free=success"
is "wait_for_downstream: so must what lies behind it be" "$(states past 2020-01-02)" \
  "chained=success patient=success behind=failed free=success"
is "further days wait as well" "$(states past 2020-01-04)" "chained=success patient=none behind=none free=success"
has "the command says for what" "$err" "for behind of 2020-01-02 (failed)"
run daymill backfill past --from 2020-01-01 --to 2020-01-04
code "the days that wait still wait" 5
has "and the command that mends it begins with the day in the way" "$err" \
  "then: $bin -C $P backfill past --from 2020-01-02 --to 2020-01-04 --rerun failed"
run daymill backfill past --from 2020-01-10 --to 2020-01-11
code "the first day of a command ignores its past" 0
touch "$tmp/mended"
run daymill backfill past --from 2020-01-02 --to 2020-01-04 --rerun failed --conf "{\"mended\": \"$tmp/mended\"}"
code "mended, all of them run" 0
is "to the last" "$(states past 2020-01-04)" "chained=success patient=success behind=success free=success"

# ---- the original's script, on the real reviews
if [ ! -e "$shared/data/movie_review.csv.zst" ] || [ ! -e "$shared/reference/original-design.md" ]; then
  for t in "a day with the real reviews" "the shipped script reads RFC 4180" "the original's script in the lake" \
    "and Spark's own number of positive reviews"; do
    skip "$t" "../shared is absent"
  done
  exit 0
fi
need_real_data
P=$tmp/real
"$bin" init --quiet "$P" --purchases "$tmp/small/OnlineRetail.csv" --reviews "$real/movie_review.csv"
run daymill backfill user_behaviour --from 2010-12-01 --to 2010-12-01
code "a day with the real reviews" 0
is "the shipped script reads RFC 4180" "$(json 2010-12-01 "[l['rows'] for l in run['ledger'] if l['dataset'] == 'positive']")" "[32436]"
python3 - "$shared/reference/original-design.md" >"$tmp/script.py" <<'Y'
import re, sys
blocks = re.findall(r'^```python\n(.*?)^```', open(sys.argv[1], encoding='utf-8').read(), re.M | re.S)
print([b for b in blocks if 'def random_text_classifier(' in b][0], end='')
Y
mv -f "$tmp/script.py" "$P/lake/daymill/scripts/random_text_classification.py"
run daymill tasks clear user_behaviour start_emr_movie_classification_script 2010-12-01 --downstream
run daymill backfill user_behaviour --from 2010-12-01
code "with the original's bytes in its place the day runs too" 0
is "and has Spark's own number of positive reviews" \
  "$(json 2010-12-01 "[l['rows'] for l in run['ledger'] if l['dataset'] == 'positive']")" "[23545]"
