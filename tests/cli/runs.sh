#!/usr/bin/env bash
# What is shown of runs: errors with their tries, long lists.
. "$(dirname "$0")/lib.sh"
plan 8

bare_project "$P"
cat >"$P/dags/d.yaml" <<'YAML'
d:
  schedule: "@daily"
  start_date: 2024-01-01
  default_args: {operator: bash, retries: 0}
  tasks:
    - task_id: second
      retries: 1
      retry_delay: 0
      bash_command: "test -e $DAYMILL_HOME/again || { touch $DAYMILL_HOME/again; exit 3; }"
    - {task_id: never, bash_command: "exit 4"}
    - {task_id: cleared, bash_command: "exit 5"}
YAML
daymill backfill d --from 2024-01-01 --quiet >/dev/null 2>&1
daymill tasks clear d cleared 2024-01-01 --quiet
run daymill runs show d 2024-01-01
has "an error that was followed by another try says so" "$out" $'\nsecond, try 1, retried: '
has "the last try does not" "$out" $'\nnever, try 1: '
has "one that was cleared is not the task's state either" "$out" $'\ncleared, try 1, cleared since: '

# A thousand runs and more, of days that lie before.
python3 - "$P/state/daymill.db" <<'PY'
import sqlite3, sys
c = sqlite3.connect(sys.argv[1])
for i in range(1001):
    at = (1000000000 + i * 86400) * 1000000
    c.execute("INSERT INTO run (dag_id, run_id, run_type, state, logical_date, interval_start, interval_end, conf, generation,"
              " created_at, started_at, ended_at) VALUES ('d', ?, 'scheduled', 'success', ?, ?, ?, '{}', 1, 1, 1, 2)",
              (f"old__{i}", at, at, at + 86400000000))
c.commit()
PY
run daymill runs list
has "without a DAG the list ends" "$err" "only the newest 1000 runs; name a DAG, or give --last N for more"
is "after a thousand, in the usual order" "$(($(wc -l <<<"$out") - 1)) $(awk 'END { print $1, $2 }' <<<"$out")" "1000 d 2024-01-01"
run daymill runs list d
is "of a DAG all are listed" "$(($(wc -l <<<"$out") - 1))$err" 1002
run daymill runs list --json
is "JSON is whole" "$(python3 -c 'import json, sys; print(len(json.load(sys.stdin)))' <<<"$out")" 1002
run daymill runs list --last 1001
is "and so is what is asked for" "$(($(wc -l <<<"$out") - 1))$err" 1001
