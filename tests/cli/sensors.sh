#!/usr/bin/env bash
# Sensors with real processes: what they find, how they wait, and how they end.
. "$(dirname "$0")/lib.sh"
plan 39

bare_project "$P"
mkdir -p "$P/dags/d" "$P/lake/b/in" "$P/data/deep/er" "$P/inbox"
echo x >"$P/lake/b/in/2024-01-01.csv"
echo x >"$P/data/deep/er/a.csv"
echo x >"$P/inbox/here.txt"
cat >>"$P/connections.yaml" <<Y
inbox: {conn_type: fs, extra: {path: inbox}}
Y
cat >"$P/dags/d/d.yaml" <<'Y'
default: {start_date: 2024-01-01, schedule: "@daily", catchup: true, default_args: {retries: 0, poke_interval: 1, timeout: 0}}
there:
  tasks:
    - {task_id: file, operator: FileSensor, filepath: data/deep/er/a.csv}
    - {task_id: folder, operator: file, filepath: /data/deep}
    - {task_id: pattern, operator: file, filepath: "data/*/*/[a-c].csv"}
    - {task_id: any_depth, operator: file, filepath: "data/**/a.csv", recursive: true}
    - {task_id: below, operator: file, filepath: "he*.txt", fs_conn_id: inbox}
    - {task_id: key, operator: S3KeySensor, bucket_key: "s3://b/in/{{ ds }}.csv", aws_conn_id: aws_default}
    - {task_id: keys, operator: s3_key, bucket_name: b, bucket_key: ["in/*.csv", "i[m-o]/20??-*"], wildcard_match: true}
    - {task_id: delta, operator: TimeDeltaSensor, delta: 300}
    - {task_id: date, operator: airflow.sensors.date_time.DateTimeSensor, target_time: "{{ data_interval_end }}"}
    - {task_id: query, operator: SqlSensor, conn_id: warehouse, sql: "select count(*) from (values (1), (2)) t(a)"}
    - {task_id: more, operator: sql_sensor, conn_id: warehouse, sql: "select 7 as n", success: {greater_than: 3}, failure: 8}
    - {task_id: command, operator: BashSensor, bash_command: "test '{{ ds }}' = 2024-01-01"}
absent:
  tasks:
    - {task_id: file, operator: file, filepath: data/none.csv, default_args: {retries: 3}, retries: 3}
    - {task_id: soft, operator: file, filepath: data/none.csv, soft_fail: true}
    - {task_id: flat, operator: file, filepath: "data/**/a.csv"}
    - {task_id: keys, operator: s3_key, bucket_key: ["s3://b/in/2024-01-01.csv", "s3://b/in/none"]}
    - {task_id: zero, operator: sql_sensor, conn_id: warehouse, sql: "select 0.00::numeric(5,2)"}
    - {task_id: later, operator: date_time, target_time: "2999-01-01T00:00:00"}
    - {task_id: command, operator: bash_sensor, bash_command: "exit 3", retry_exit_code: 3}
errors:
  tasks:
    - {task_id: query, operator: sql_sensor, conn_id: warehouse, sql: "select 1 from nowhere", timeout: 100}
    - {task_id: never, operator: sql_sensor, conn_id: warehouse, sql: "select 1 from nowhere", never_fail: true, timeout: 100}
    - {task_id: silent, operator: sql_sensor, conn_id: warehouse, sql: "select 1 from nowhere", silent_fail: true}
    - {task_id: empty, operator: sql_sensor, conn_id: warehouse, sql: "select 1 where false", fail_on_empty: true, timeout: 100}
    - {task_id: failure, operator: sql_sensor, conn_id: warehouse, sql: "select 'bad'", failure: bad, timeout: 100}
    - {task_id: code, operator: bash_sensor, bash_command: "exit 4", retry_exit_code: 3, timeout: 100}
late:
  tasks:
    - {task_id: hangs, operator: bash_sensor, bash_command: "sleep 60", execution_timeout: {__type__: datetime.timedelta, seconds: 1}}
    - {task_id: soft, operator: bash_sensor, bash_command: "sleep 60", execution_timeout: {__type__: datetime.timedelta, seconds: 1}, soft_fail: true}
    - {task_id: poke, operator: bash_sensor, bash_command: "false", execution_timeout: {__type__: datetime.timedelta, seconds: 2}, poke_interval: 3600, timeout: 100000}
waits:
  default_args: {retries: 0, timeout: 600, poke_interval: 1}
  tasks:
    - {task_id: a, operator: file, filepath: data/a, mode: reschedule}
    - {task_id: b, operator: file, filepath: data/b}
    - {task_id: c, operator: file, filepath: data/c, poke_interval: 0.05}
    - task_id: make
      operator: bash
      bash_command: |
        for t in a b; do until grep -rqs "waits, looks again" $DAYMILL_HOME/logs/waits/*/$t; do sleep 0.1; done; done
        until [ -d $DAYMILL_HOME/logs/waits/*/c ]; do sleep 0.1; done
        for t in a b c; do echo x >$DAYMILL_HOME/data/$t; done
long:
  default_args: {poke_interval: 3600, timeout: 7200, retries: 2, retry_delay: 0}
  tasks:
    - {task_id: wait, operator: file, filepath: data/long, mode: reschedule}
up:
  tasks:
    - {task_id: good, operator: empty}
    - {task_id: bad, operator: bash, bash_command: "exit {{ 1 if ds == '2024-01-02' else 0 }}"}
down:
  tasks:
    - {task_id: run, operator: ExternalTaskSensor, external_dag_id: up, soft_fail: true}
    - {task_id: task, operator: external_task, external_dag_id: up, external_task_id: good}
    - {task_id: tasks, operator: external_task, external_dag_id: up, external_task_ids: [good, bad], failed_states: [failed]}
    - {task_id: skips, operator: external_task, external_dag_id: up, external_task_id: bad, skipped_states: [failed]}
    - {task_id: soft, operator: external_task, external_dag_id: up, failed_states: [failed], soft_fail: true}
    - {task_id: before, operator: external_task, external_dag_id: up, execution_delta: "1 days", check_existence: true}
    - {task_id: nobody, operator: external_task, external_dag_id: up, external_task_id: goode, check_existence: true}
Y
states() { daymill runs show "$1" "$2" --json | python3 -c '
import json, sys
v = json.load(sys.stdin)
print(" ".join(sorted(t["task_id"] + "=" + t["state"] for t in v["tasks"])))'; }
# The error or reason of a task's last attempt, and how many attempts of which states it had.
last() { daymill runs show "$1" 2024-01-01 --json | python3 -c '
import json, sys
print([a for a in json.load(sys.stdin)["attempts"] if a["task_id"] == sys.argv[1]][-1]["error"])' "$2"; }
attempts() { daymill runs show "$1" 2024-01-01 --json | python3 -c '
import json, sys
print(" ".join(a["state"] for a in json.load(sys.stdin)["attempts"] if a["task_id"] == sys.argv[1]))' "$2"; }

run daymill check
code "the DAGs load" 0
run daymill backfill there --from 2024-01-01
code "what is there is found at the first look" 0
lacks "by every sensor" "$(states there 2024-01-01)" "failed"
run daymill backfill absent --from 2024-01-01
code "what is absent fails when the timeout has passed" 1
is "and soft_fail skips" "$(states absent 2024-01-01)" \
  "command=failed file=failed flat=failed keys=failed later=failed soft=skipped zero=failed"
has "the error says what was missing" "$(last absent file)" "longer than its timeout of 0 ms: there is no file data/none.csv"
has "which of several keys" "$(last absent keys)" "there is no object s3://b/in/none"
has "what a query gave" "$(last absent zero)" "the query gave 0.00"
has "which moment" "$(last absent later)" "it is not yet 2999-01-01T00:00:00Z"
has "which code" "$(last absent command)" "the command returned the exit code 3"
is "a sensor that took too long is not tried again" "$(attempts absent file)" "failed"
run daymill backfill errors --from 2024-01-01
is "an error of a look fails, never_fail skips" "$(states errors 2024-01-01)" \
  "code=failed empty=failed failure=failed never=skipped query=failed silent=failed"
has "silent_fail waits on, up to the timeout" "$(last errors silent)" "longer than its timeout"
has "fail_on_empty says so" "$(last errors empty)" "fail_on_empty"
has "and what met the condition failure" "$(last errors failure)" "the query gave bad"
has "and another exit code" "$(last errors code)" "exit code 4"
run daymill backfill late --from 2024-01-01
is "execution_timeout ends a look" "$(states late 2024-01-01)" "hangs=failed poke=failed soft=skipped"
has "and in mode poke the whole try" "$(last late poke)" "the try took longer than its execution_timeout"

run daymill backfill waits --from 2024-01-01
is "sensors wait until it is there" "$(states waits 2024-01-01)" "a=success b=success c=success make=success"
has "with an attempt for each look" "$(attempts waits a)" "rescheduled success"
has "in mode poke too" "$(attempts waits b)" "rescheduled success"
is "below a second they stay" "$(attempts waits c)" "success"
lacks "a wait is no error of the run" "$(daymill runs show waits 2024-01-01)" "there is no file"

# A sensor that waits, with a command that can be ended at any time.
wait_for_reschedule() {
  "$bin" -C "$P" backfill long --from 2024-01-01 >"$tmp/out" 2>&1 </dev/null &
  pid=$!
  for _ in $(seq 600); do
    [ "$(states long 2024-01-01 2>/dev/null)" = wait=up_for_reschedule ] && return
    kill -0 "$pid" 2>/dev/null || return
    sleep 0.05
  done
}
stop() {
  kill -INT "$pid"
  wait "$pid"
}
wait_for_reschedule
run daymill tasks why long wait 2024-01-01
has "why says what it waits for" "$out" "there is no file data/long"
has "when it looks again" "$out" "it looks again at "
has "and when it gives up" "$out" "it gives up at the first look after "
stop
shift_looks() { python3 - "$P/state/daymill.db" "$1" <<'PY'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
with db:
    db.execute("UPDATE attempt SET decided_at = decided_at - ? WHERE run IN"
               " (SELECT id FROM run WHERE dag_id = 'long')", (int(sys.argv[2]) * 1000000,))
    db.execute("UPDATE task_instance SET due_at = 1 WHERE state = 'up_for_reschedule'")
PY
}
shift_looks 3600
wait_for_reschedule
is "within its time it waits on" "$(states long 2024-01-01)" "wait=up_for_reschedule"
stop
shift_looks 3600
run daymill backfill long --from 2024-01-01
is "the time counts from the first look of all" "$(states long 2024-01-01)" "wait=failed"
has "and says so" "$(last long wait)" "longer than its timeout of 2 h"
run daymill tasks clear long wait 2024-01-01
wait_for_reschedule
is "clearing begins anew" "$(states long 2024-01-01)" "wait=up_for_reschedule"
stop

run daymill backfill up --from 2024-01-01 --to 2024-01-02
run daymill backfill down --from 2024-01-01 --to 2024-01-02
is "another DAG's tasks at the same date" "$(states down 2024-01-01)" \
  "before=failed nobody=failed run=success skips=success soft=success task=success tasks=success"
has "its run a day before" "$(last down before)" "there is no run 2023-12-31T00:00:00Z of DAG \"up\""
has "or none of that name" "$(last down nobody)" 'the external DAG "up" has no task "goode"'
is "failed ones fail, skip, or are waited out" "$(states down 2024-01-02)" \
  "before=success nobody=failed run=skipped skips=skipped soft=skipped task=success tasks=failed"

refused() {
  mkdir -p "$P/dags/r"
  printf 'r:\n  start_date: 2024-01-01\n  schedule: "@daily"\n  tasks:\n    - {task_id: t, operator: %s}\n' "$1" >"$P/dags/r/r.yaml"
  run daymill check
}
refused 'external_task, external_dag_id: up, execution_date_fn: os.path.join'
has "Python is refused at load" "$out$err" "execution_date_fn is a Python function"
refused 'sql_sensor, conn_id: warehouse, sql: select 1, success_check_lambda: "lambda x: x > 3"'
has "with what to write instead" "$out$err" "success: {greater_than: 3}"
refused 'external_task, external_dag_id: up, failed_states: [skipped]'
has "states are those that a run has" "$out$err" 'failed_states names the state "skipped", which no run has'
refused 'file, filepath: a, mode: busy'
has "there are two modes" "$out$err" 'no mode "busy"'
refused 'time_of_day, target_time: "25:00"'
has "a time of the day is one" "$out$err" '"25:00" is no time of the day'
