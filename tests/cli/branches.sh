#!/usr/bin/env bash
# Branches, pools, setups and teardowns, clearing and marking, and why a task waits: with real processes.
. "$(dirname "$0")/lib.sh"
plan 39

bare_project "$P"
mkdir "$P/dags/d"
cat >"$P/dags/d/d.yaml" <<'Y'
default: {start_date: 2024-01-01, schedule: "@daily", catchup: true, default_args: {operator: bash, bash_command: "true", retries: 0}}
fork:
  tasks:
    - {task_id: pick, operator: branch, follow: "{{ 'x' if ds == '2024-01-01' else ['y'] }}", bash_command: null}
    - {task_id: x, dependencies: [pick]}
    - {task_id: y, dependencies: [pick]}
    - {task_id: join, dependencies: [x, y], trigger_rule: none_failed_min_one_success}
grouped:
  task_groups:
    inner: {parent_group_name: outer, tooltip: "the inner one"}
    outer: {default_args: {bash_command: "echo outer"}}
    other: {}
  tasks:
    - {task_id: pick, operator: branch, follow: "{{ 'outer' if ds == '2024-01-01' else 'outer.inner' }}"}
    - {task_id: a, task_group_name: outer, dependencies: [pick]}
    - {task_id: b, task_group_name: inner, dependencies: [pick]}
    - {task_id: c, task_group_name: inner, dependencies: [b, a]}
    - {task_id: z, task_group_name: other, dependencies: [pick]}
    - {task_id: end, dependencies: [outer], trigger_rule: none_failed_min_one_success}
astray:
  tasks:
    - {task_id: pick, operator: branch, follow: nowhere}
    - {task_id: x, dependencies: [pick]}
stop:
  tasks:
    - {task_id: go, operator: short_circuit, condition: "{{ ds != '2024-01-01' }}"}
    - {task_id: x, dependencies: [go]}
    - {task_id: y, dependencies: [x], trigger_rule: all_done}
old:
  tasks:
    - {task_id: latest, operator: LatestOnlyOperator}
    - {task_id: x, dependencies: [latest]}
narrow:
  max_active_tasks: 8
  default_args: {pool: one, bash_command: "echo $AIRFLOW_CTX_TASK_ID >>{{ params.file }}"}
  params: {file: order.txt}
  tasks:
    - {task_id: low, priority_weight: 1}
    - {task_id: high, priority_weight: 9}
    - {task_id: middle, priority_weight: 5}
    - {task_id: wide, priority_weight: 7, pool_slots: 2}
guarded:
  tasks:
    - {task_id: make, is_setup: true}
    - {task_id: work, dependencies: [make], bash_command: "test -e {{ params.ready }}"}
    - {task_id: after, dependencies: [work]}
    - {task_id: drop, dependencies: [make, after], is_teardown: true}
  params: {ready: /nonexistent}
chain:
  tasks:
    - {task_id: a, depends_on_past: true, bash_command: "test '{{ ds }}' != 2024-01-02"}
    - {task_id: b, dependencies: [a]}
hasty:
  fail_stop: true
  tasks:
    - {task_id: bad, bash_command: "sleep 0.2; false"}
    - {task_id: slow, bash_command: "sleep 60"}
    - {task_id: next, dependencies: [slow]}
Y
sed -i 's|default_args: {pool: one, bash_command: "echo $AIRFLOW|default_args: {operator: bash, retries: 0, pool: one, bash_command: "echo $AIRFLOW|; s|{{ params.file }}|$DAYMILL_HOME/{{ params.file }}|; s|, bash_command: null||' "$P/dags/d/d.yaml"
states() { daymill runs show "$1" "$2" --json | python3 -c '
import json, sys
v = json.load(sys.stdin)
print(" ".join(t["task_id"] + "=" + t["state"] for t in v["tasks"]))'; }

run daymill check
code "the DAGs load" 0
run daymill backfill fork --from 2024-01-01 --to 2024-01-02
code "a branch succeeds" 0
is "what it chose goes on" "$(states fork 2024-01-01)" "pick=success x=success y=skipped join=success"
is "and on the next day the other" "$(states fork 2024-01-02)" "pick=success x=skipped y=success join=success"
run daymill tasks why fork y 2024-01-01
has "why says who left it out" "$out" '"pick" chose not to go on with it'
run daymill tasks clear fork y 2024-01-01
has "clear says how to go on" "$out" "1 task cleared"
run daymill backfill fork --from 2024-01-01
is "a cleared task that was left out is skipped again" "$(states fork 2024-01-01)" "pick=success x=success y=skipped join=success"
run daymill backfill grouped --from 2024-01-01 --to 2024-01-02
is "a branch to a group goes to what it begins with" "$(states grouped 2024-01-01)" \
  "pick=success outer.a=success outer.inner.b=success outer.inner.c=success other.z=skipped end=success"
is "and to an inner group only there" "$(states grouped 2024-01-02)" \
  "pick=success outer.a=skipped outer.inner.b=success outer.inner.c=skipped other.z=skipped end=skipped"
run daymill tasks logs grouped outer.a 2024-01-01
has "a task has the defaults of its group" "$out" "outer"
run daymill tasks clear grouped outer 2024-01-01 --dry-run --json
is "a group is cleared whole" \
  "$(python3 -c 'import json, sys; print(*(t["task_id"] for t in json.load(sys.stdin)))' <<<"$out")" \
  "outer.a outer.inner.b outer.inner.c"
run daymill tasks list grouped
has "tasks are listed with their groups" "$out" "outer.inner"
run daymill dags show grouped
has "a DAG shows its groups" "$out" "the inner one"
run daymill backfill astray --from 2024-01-01
has "a branch to nowhere fails with the name" "$err" 'it chose "nowhere", and the DAG has no such task'
has "and a hint" "$err" "Choose ids of tasks or of groups"
is "and what is behind it cannot run" "$(states astray 2024-01-01)" "pick=failed x=upstream_failed"
run daymill backfill stop --from 2024-01-01 --to 2024-01-02
is "a short circuit skips all behind it" "$(states stop 2024-01-01)" "go=success x=skipped y=skipped"
is "unless its condition is true" "$(states stop 2024-01-02)" "go=success x=success y=success"
run daymill backfill old --from 2024-01-01
is "latest_only skips old days" "$(states old 2024-01-01)" "latest=success x=skipped"

run daymill backfill narrow --from 2024-01-01
run daymill tasks why narrow low 2024-01-01
has "a pool that does not exist holds its tasks" "$out" 'there is no pool "one"'
run daymill pools set one many
code "slots are a number" 2
run daymill pools set one 1 --description "one at a time"
run daymill pools list
has "pools are listed" "$out" "one at a time"
run daymill backfill narrow --from 2024-01-01 --jobs 4
is "a pool of one goes by priority" "$(tr '\n' ' ' <"$P/order.txt")" "high middle low "
run daymill tasks why narrow wide 2024-01-01
has "a task too wide for its pool says so" "$out" 'it needs 2 slots, and the pool "one" has 1'
run daymill pools set one 2
run daymill backfill narrow --from 2024-01-01
code "and runs when the pool is wider" 0
run daymill pools delete one
run daymill pools delete default_pool
code "the default pool stays" 3

run daymill backfill guarded --from 2024-01-01
is "a teardown runs after a failure" "$(states guarded 2024-01-01)" "make=success work=failed after=upstream_failed drop=success"
run daymill tasks clear guarded work 2024-01-01 --dry-run --json
is "clearing brings the setup and the teardown along" \
  "$(python3 -c 'import json, sys; print(" ".join(t["task_id"] for t in json.load(sys.stdin)))' <<<"$out")" "make work drop"
is "a dry run changes nothing" "$(states guarded 2024-01-01)" "make=success work=failed after=upstream_failed drop=success"
run daymill tasks mark guarded work 2024-01-01 success
has "a mark clears what failed behind it" "$out" "1 task behind it cleared"
run daymill backfill guarded --from 2024-01-01
is "which then runs" "$(states guarded 2024-01-01)" "make=success work=success after=success drop=success"

run daymill backfill chain --from 2024-01-01 --to 2024-01-04
run daymill tasks why chain a 2024-01-03
has "why names the day that it waits for" "$out" "the same task of the run before, 2024-01-02T00:00:00Z, is failed"
run daymill tasks why chain b 2024-01-03
has "and the task before" "$out" 'its trigger rule all_success waits for "a" (not begun)'
run daymill tasks clear chain a 2024-01-03 --past --future --downstream --only-failed --dry-run --json
is "only what failed, on all days" \
  "$(python3 -c 'import json, sys; print(" ".join(t["day"] + t["task_id"] for t in json.load(sys.stdin)))' <<<"$out")" \
  "2024-01-02a 2024-01-02b"
run daymill tasks mark chain a 2024-01-02 skipped
run daymill backfill chain --from 2024-01-01 --to 2024-01-04
is "a mark lets the days behind it go on" "$(states chain 2024-01-04)" "a=success b=success"
is "and the marked task stays" "$(states chain 2024-01-02)" "a=skipped b=skipped"
run daymill tasks mark chain a 2024-01-02 running
code "only ends can be marked" 2

run timeout 30 "$bin" -C "$P" backfill hasty --from 2024-01-01
code "fail_stop fails at once" 1
is "and ends what runs" "$(states hasty 2024-01-01)" "bad=failed slow=failed next=skipped"
