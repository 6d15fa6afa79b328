#!/usr/bin/env bash
# DAGs that run other DAGs and wait for them, with a scheduler at work: trigger_dag_run and external_task.
. "$(dirname "$0")/lib.sh"
plan 33

promise() { local name=$1; shift; if "$@"; then ok "$name"; else not_ok "$name" "$*" "$(tail -n 20 "$tmp/lines")"; fi; }
states() { daymill runs show "$1" "$2" --json 2>/dev/null | python3 -c '
import json, sys
print(*sorted(t["task_id"] + "=" + t["state"] for t in json.load(sys.stdin)["tasks"]))' 2>/dev/null; }
said() { grep -hv '^{"ts"' $P/logs/$1/$2/$3/-1/*.log | tail -n "${4:-1}"; } # DAG RUN TASK [LINES]
runs() { daymill runs list "$1" --json | python3 -c 'import json, sys; print(*(r["state"] for r in json.load(sys.stdin)))'; }
is_run() { [ "$(runs "$1")" = "$2" ]; }           # DAG STATES
has_state() { [[ " $(states "$1" "$2") " == *" $3 "* ]]; } # DAG RUN TASK=STATE
# What a task waits for.
waits() { daymill tasks why "$1" "$3" "$2" 2>/dev/null | grep -qF -- "$4"; } # DAG RUN TASK TEXT
go() { run timeout 120 "$bin" -C "$P" dags trigger "$@" --wait; }

bare_project "$P"
printf 'scheduler: {dags_are_paused_at_creation: false}\n' >>"$P/daymill.yaml"
mkdir "$P/dags/d"
cat >"$P/dags/d/called.yaml" <<'Y'
default: {start_date: 2024-01-01, schedule: null, default_args: {operator: bash, retries: 0}}
called:
  params: {n: {__type__: airflow.sdk.Param, type: integer, default: 1}}
  tasks:
    - {task_id: work, bash_command: "echo {{ params.n }} {{ dag_run.run_type }} {{ ds }}; test {{ params.n }} -lt 10"}
slow:
  tasks:
    - {task_id: hold, bash_command: "for i in $(seq 1200); do test -e $DAYMILL_HOME/go && exit 0; sleep 0.05; done; exit 1"}
    - {task_id: end, dependencies: [hold], bash_command: "touch $DAYMILL_HOME/ended"}
Y
cat >"$P/dags/d/callers.yaml" <<'Y'
default:
  start_date: 2024-01-01
  schedule: null
  default_args: {operator: trigger_dag_run, retries: 0, trigger_dag_id: called, poke_interval: 1}
waits:
  tasks:
    - {task_id: call, trigger_dag_id: slow, wait_for_completion: true}
    - {task_id: after, operator: bash, dependencies: [call], bash_command: "test -e $DAYMILL_HOME/ended && echo '{{ ti.xcom_pull('call', key='trigger_run_id') }}'"}
leaves:
  tasks:
    - {task_id: call, conf: {n: 7}, trigger_run_id: "from_{{ ds }}", logical_date: "2024-02-01T00:00:00+00:00"}
fails:
  tasks:
    - {task_id: call, conf: {n: 11}, wait_for_completion: true}
    - {task_id: wanted, conf: {n: 12}, wait_for_completion: true, allowed_states: [success, failed], failed_states: []}
    - {task_id: wrong, conf: {n: many}}
    - {task_id: nobody, trigger_dag_id: no_such_dag}
many:
  tasks:
    - {task_id: call, expand: {conf: [{n: 1}, {n: 2}, {n: 3}]}}
same:
  params: {way: fail}
  tasks:
    - {task_id: reset, logical_date: "2024-03-01T00:00:00+00:00", reset_dag_run: true, conf: {n: 3}, wait_for_completion: true}
    - {task_id: again, dependencies: [reset], logical_date: "2024-03-01T00:00:00+00:00"}
    - {task_id: skip, dependencies: [reset], logical_date: "2024-03-01T00:00:00+00:00", skip_when_already_exists: true}
Y
cat >"$P/dags/d/external.yaml" <<'Y'
default: {start_date: 2024-01-01, schedule: null, default_args: {operator: bash, retries: 0}}
up:
  task_groups:
    parts: {tooltip: two}
    other: {tooltip: one}
  tasks:
    - {task_id: first, bash_command: "true"}
    - {task_id: held, dependencies: [first], bash_command: "for i in $(seq 1200); do test -e $DAYMILL_HOME/go2 && exit 0; sleep 0.05; done; exit 1"}
    - {task_id: one, task_group_name: parts, dependencies: [held], bash_command: "true"}
    - {task_id: two, task_group_name: parts, dependencies: [first], bash_command: "true"}
    - {task_id: bad, task_group_name: other, dependencies: [first], bash_command: "exit 1"}
down:
  default_args: {operator: external_task, external_dag_id: up, poke_interval: 1, timeout: 600}
  tasks:
    - {task_id: task, external_task_id: first}
    - {task_id: whole, allowed_states: [success, failed]}
    - {task_id: group, external_task_group_id: parts}
    - {task_id: broken, external_task_group_id: other, failed_states: [failed]}
    - {task_id: after, operator: bash, dependencies: [group], bash_command: "echo it is there"}
Y
run daymill check
code "the DAGs load" 0
"$bin" -C "$P" scheduler >"$tmp/lines" 2>&1 </dev/null &
top=$!
promise "a scheduler works" poll grep -q "ready: " "$tmp/lines"

# ---- trigger_dag_run
run daymill dags trigger waits --run-id w
promise "the other DAG runs" poll is_run slow running
promise "and is waited for, without a process" poll waits waits w call 'of "slow" is running'
lacks "what comes after it has not begun" "$(states waits w)" "after=success"
touch "$P/go"
promise "until it has ended" poll has_state waits w after=success
is "then the task goes on, with the run's id" "$(said waits w after)" \
  "$(daymill runs list slow --json | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["run_id"])')"
has "which is a manual one" "$(said waits w after)" "manual__2"
is "one try was enough" "$(daymill runs show waits w --json | python3 -c 'import json, sys; print({t["try_number"] for t in json.load(sys.stdin)["tasks"]})')" "{1}"

go leaves --run-id l --logical-date 2024-01-05
code "without waiting the task is done at once" 0
promise "the run has the id and date that were asked for" poll has_state called from_2024-01-05 work=success
is "and its conf" "$(said called from_2024-01-05 work)" "7 manual 2024-02-01"

go fails --run-id f
code "a run whose tasks fail fails" 1
is "a failed run fails who waits for it, or not, as it says" "$(states fails f)" \
  "call=failed nobody=failed wanted=success wrong=failed"
run daymill runs show fails f
has "the error names the run" "$out" 'of "called" is failed'
has "conf that the other DAG does not take is refused" "$out" "wrong, try 1: "
has "and a DAG that is not there" "$out" 'nobody, try 1: no DAG "no_such_dag"'
is "what was refused made no run" "$(runs called)" "success failed failed"

go many --run-id m
is "instances that begin together make a run each" "$(states many m) $(runs called | wc -w)" "call=success call=success call=success 6"

go same --run-id s1
is "a run that is there fails the task, or skips it" "$(states same s1)" "again=failed reset=success skip=skipped"
run daymill runs show same s1
has "with what to do" "$out" "reset_dag_run"
go same --run-id s2
is "or is run again" "$(states same s2) $(daymill runs show called 2024-03-01 --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["tasks"][0]["try_number"])')" \
  "again=failed reset=success skip=skipped 2"
is "as one run of its day" "$(daymill runs list called --from 2024-03-01 --to 2024-03-01 --json | grep -c run_id)" 1

# ---- external_task
run daymill dags trigger down --run-id x --logical-date 2024-04-01
promise "without a run of that date it waits" poll waits down x task 'there is no run 2024-04-01'
run daymill dags trigger up --run-id u --logical-date 2024-04-01
promise "a task of another DAG is seen" poll has_state down x task=success
promise "a group waits for all of its tasks" poll waits down x group 'task "parts.one"'
lacks "a failure of the group is not waited out, where it says so" "$(poll has_state down x broken=failed; states down x)" "broken=up"
lacks "the run as a whole has not ended" "$(states down x)" "whole=success"
touch "$P/go2"
promise "the group is there when all are" poll has_state down x after=success
promise "and the run, whatever became of it" poll has_state down x whole=success
is "so it ends" "$(poll is_run down failed; states down x)" "after=success broken=failed group=success task=success whole=success"

kill -TERM "$top"
wait "$top"
is "the scheduler ends well" $? 0
is "and leaves nobody" "$(processes "$P")" ""
