#!/usr/bin/env bash
# Runs by assets with a real scheduler: conditions, what the runs know, commands that change assets, a paused DAG.
. "$(dirname "$0")/lib.sh"
plan 27

promise() { local name=$1; shift; if "$@"; then ok "$name"; else not_ok "$name" "$*" "$(tail -n 20 "$tmp/lines")" "$(daymill runs list)"; fi; }
start() { : >"$tmp/lines"; "$bin" -C "$P" scheduler >"$tmp/lines" 2>&1 </dev/null & top=$!; poll grep -q '"msg":"ready: ' "$tmp/lines"; }
stop() { kill -TERM "$top"; wait "$top"; }
# made DAG N: has N runs that succeeded.
made() { [ "$(daymill runs list "$1" --state success | tail -n +2 | wc -l)" = "$2" ]; }
last_run() { daymill runs list "$1" | tail -n 1 | sed 's/.* //'; }
change() { daymill dags trigger "$1" --wait >"$tmp/ignored" 2>&1; }

bare_project "$P"
cat >"$P/dags/hooks.py" <<'PY'
def tell(**context):
    for uri, events in context["triggering_dataset_events"].items():
        for e in events:
            print("event", uri, e.source_dag_id, e.source_task_id, e.source_dag_run.run_id, e.extra, e.dataset.uri)
PY
cat >"$P/dags/d.yaml" <<'Y'
default: {start_date: 2024-01-01, catchup: true, is_paused_upon_creation: false, default_args: {retries: 0}}
make_a:
  schedule: null
  tasks:
    - {task_id: t, operator: bash, bash_command: "true", outlets: ["s3://lake/a"]}
make_b:
  schedule: null
  tasks:
    - {task_id: t, operator: bash, bash_command: "true", outlets: [{__type__: airflow.datasets.Dataset, uri: "s3://lake/b"}]}
fails:
  schedule: null
  tasks:
    - {task_id: t, operator: bash, bash_command: "false", outlets: ["s3://lake/a"]}
both:
  schedule: {datasets: ["s3://lake/a", "s3://lake/b"]}
  tasks:
    - task_id: says
      operator: bash
      bash_command: >-
        echo "{{ dag_run.run_type }} {{ triggering_dataset_events.keys() | sort | join(' ') }}
        {{ (triggering_asset_events.values() | first | first).source_dag_run.dag_id }}"
    - {task_id: calls, operator: python, python_callable: hooks.tell}
    - {task_id: passes_on, operator: bash, bash_command: "true", outlets: ["s3://lake/c"], dependencies: [says, calls]}
either:
  schedule: {datasets: "(s3://lake/a & s3://lake/b) | s3://lake/c"}
  tasks:
    - {task_id: t, operator: bash, bash_command: "true"}
timed:
  schedule:
    __type__: airflow.timetables.datasets.DatasetOrTimeSchedule
    timetable: {__type__: airflow.timetables.trigger.CronTriggerTimetable, cron: "0 0 1 1 *", timezone: UTC}
    datasets: [{__type__: airflow.datasets.Dataset, uri: "s3://lake/b"}]
  catchup: false
  start_date: 2999-01-01
  tasks:
    - {task_id: t, operator: bash, bash_command: "true"}
asleep:
  schedule: {datasets: ["s3://lake/a"]}
  is_paused_upon_creation: true
  tasks:
    - {task_id: t, operator: bash, bash_command: "true"}
daily:
  schedule: "@daily"
  max_active_runs: 1
  is_paused_upon_creation: true
  tasks:
    - {task_id: t, operator: bash, bash_command: "true", outlets: ["s3://lake/b"]}
Y
run daymill check
code "they load" 0
[ "$code" = 0 ] || exit 1
has "without a warning" "$out$err" "0 errors, 0 warnings"
run daymill dags show either
has "dags show says what it waits for" "$out" "waits for (s3://lake/a and s3://lake/b) or s3://lake/c"
run daymill dags next-execution timed
has "next-execution gives the next date" "$out" "2999-01-01T00:00:00"
has "and what it waits for beside it" "$out" "and waits for s3://lake/b"

start
change fails
change make_a
run daymill dags next-execution both --json
has "what has changed is known" "$out" '"asset": "s3://lake/a", "changed": "2'
has "and what has not" "$out" '"asset": "s3://lake/b", "changed": null'
is "a failed task changes nothing, half a condition makes no run" "$(daymill runs list both | tail -n +2)" ""
change make_b
promise "the other half does" poll made both 1
run=$(last_run both)
has "its run id says so" "$run" dataset_triggered__
run daymill tasks logs both says "$run"
has "a template sees what it was made for" "$out" "dataset_triggered s3://lake/a s3://lake/b make_a"
run daymill tasks logs both calls "$run"
has "and so does a function" "$out" "event s3://lake/b make_b t manual__"
has "with the asset and its extra" "$out" " {} s3://lake/b"
run daymill runs show both "$run"
has "runs show lists it" "$out" "make_a.t"
promise "conditions with or: once for a and b, once for what that run changed" poll made either 2
promise "a schedule by time or assets takes the first that comes" poll made timed 1
run daymill dags next-execution both
has "the queue is empty again" "$out" "s3://lake/a  not yet"
is "a paused DAG has no run" "$(daymill runs list asleep | tail -n +2)" ""
daymill dags unpause asleep >"$tmp/ignored"
run daymill dags next-execution asleep
has "nor was anything kept for it" "$out" "s3://lake/a  not yet"
change make_a
promise "unpaused it has" poll made asleep 1
made_both_still() { made both 1; }
promise "and half a condition is kept" made_both_still

# Killed: what was queued is still there.
kill -9 "$top"
wait "$top" 2>"$tmp/ignored"
# A command changes an asset while no scheduler runs, and the next one delivers it.
run daymill backfill daily --from 2024-03-01 --to 2024-03-03
code "a backfill without a scheduler" 0
is "makes no run by itself" "$(made both 1 && echo one)" one
start
promise "the next scheduler makes the run" poll made both 2
run daymill runs show both "$(last_run both)"
is "of what had changed when the condition first held" "$(grep -cE "daily\.t +backfill__" <<<"$out")" 1
interval=$(python3 - "$P/state/daymill.db" <<'PY'
import sqlite3, sys, datetime
day = lambda us: datetime.datetime.fromtimestamp(us / 1e6, datetime.timezone.utc).strftime("%Y-%m-%d")
start, end, last = sqlite3.connect(sys.argv[1]).execute(
    "SELECT interval_start, interval_end, (SELECT max(logical_date) FROM run WHERE dag_id = 'make_a') FROM run"
    " WHERE dag_id = 'both' ORDER BY id DESC LIMIT 1").fetchone()
print(day(start), end == last)
PY
)
is "its data interval spans those of their runs" "$interval" "2024-03-01 True"
stop
code=$?
code "the scheduler ends well" 0
