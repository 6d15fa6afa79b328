#!/usr/bin/env bash
# Callbacks with real processes: what they are told, in which order they run, and that a crash loses none.
. "$(dirname "$0")/lib.sh"
plan 31

promise() { local name=$1; shift; if "$@"; then ok "$name"; else not_ok "$name" "$*" "$(tail -n 20 "$tmp/lines" "$said")"; fi; }
export said=$tmp/said
: >"$said"
says() { grep -qxF -- "$1" "$said"; }
says_times() { [ "$(grep -cxF -- "$2" "$said")" = "$1" ]; }
start() { "$bin" -C "$P" scheduler >"$tmp/lines" 2>&1 </dev/null & top=$!; }
said_line() { grep -qF -- "$1" "$tmp/lines"; }

bare_project "$P"
mkdir -p "$P/plugins"
cat >"$P/dags/hooks.py" <<'PY'
def tell(context, word="nothing"):
    ti = context["ti"]
    print(f"in python: {ti.task_id} {ti.state} {ti.try_number} {context.get('exception')} {word}")
PY
cat >"$P/dags/d.yaml" <<'Y'
default:
  start_date: 2024-01-01
  schedule: null
  default_args:
    retries: 0
    on_execute_callback: {operator: bash, bash_command: "echo execute {{ ti.task_id }} {{ ti.try_number }} {{ ti.state }} >>$said"}
ends:
  on_success_callback: {operator: bash, bash_command: "echo run {{ run_id }} {{ reason }} {{ dag_run.state }} >>$said"}
  on_failure_callback: {operator: bash, bash_command: "echo run {{ run_id }} {{ reason }} {{ dag_run.state }} >>$said"}
  tasks:
    - task_id: good
      operator: bash
      bash_command: "echo good >>$said"
      on_success_callback:
        - {operator: bash, bash_command: "echo success {{ ti.task_id }} {{ ti.state }} {{ exception is defined }} >>$said"}
        - {operator: bash, bash_command: "echo to the log; exit 3"}
        - {operator: bash, bash_command: "echo after the one that fails >>$said"}
    - task_id: bad
      operator: bash
      bash_command: "echo bad {{ ti.try_number }} >>$said; exit {{ 1 if params.fail else 0 }}"
      retries: 1
      retry_delay: 0
      on_retry_callback: {operator: bash, bash_command: "echo retry {{ ti.try_number }} {{ ti.state }} >>$said"}
      on_failure_callback: {operator: bash, bash_command: "echo failure {{ ti.try_number }} {{ ti.state }} '{{ exception }}' >>$said"}
    - task_id: skips
      operator: bash
      bash_command: "exit 99"
      on_skipped_callback: {operator: bash, bash_command: "echo skipped {{ ti.state }} >>$said"}
    - task_id: calls
      operator: bash
      bash_command: "exit 1"
      trigger_rule: always
      on_failure_callback: {callback: hooks.tell, word: something}
    - task_id: never
      operator: bash
      bash_command: "true"
      dependencies: [bad]
      on_failure_callback: {operator: bash, bash_command: "echo never >>$said"}
  params: {fail: true}
slow:
  tasks:
    - task_id: one
      operator: bash
      bash_command: "true"
      pool: narrow
      on_execute_callback: {operator: bash, bash_command: "exit 7"}
      on_success_callback: {operator: bash, bash_command: "echo begun >>$said; until test -e $said.go; do sleep 0.02; done; echo ended >>$said"}
marked:
  on_failure_callback: {operator: bash, bash_command: "echo marked run >>$said"}
  tasks:
    - task_id: waits
      operator: bash
      bash_command: "echo waits >>$said; sleep 600"
      on_failure_callback: {operator: bash, bash_command: "echo marked task >>$said"}
Y
run daymill check
code "they load" 0

# A command runs them too, and ends when they have.
run daymill dags test ends 2024-01-01
code "a run that fails has failed" 1
has "a callback that fails is said" "$err" "good: on_success_callback failed: the command returned the exit code 3"
promise "on_execute runs before the task" test "$(grep -nxF "execute good 1 running" "$said" | cut -d: -f1)" -lt "$(grep -nxF good "$said" | cut -d: -f1)"
promise "on_success knows the state, and no exception" says "success good success False"
promise "one that fails holds up no other" says "after the one that fails"
promise "every try executes" says_times 1 "execute bad 2 running"
promise "a retry has its callback" says "retry 1 up_for_retry"
promise "once" says_times 1 "retry 1 up_for_retry"
promise "the last failure has its own, with the error" says "failure 2 failed the command returned the exit code 1"
promise "a task that skips itself has one" says "skipped skipped"
promise "the run's callback is told why it ended" says "run manual__2024-01-01T00:00:00+00:00 task_failure failed"
promise "what could not run has none" says_times 0 never
run daymill tasks logs ends calls 2024-01-01 --callbacks
has "a function gets the context and its own arguments" "$out" "in python: calls failed 1 the command returned the exit code 1 something"
run daymill tasks logs ends good 2024-01-01 --callbacks
has "each has a log of its own" "$out" "to the log"
run daymill tasks logs ends good 2024-01-01
lacks "which is not the task's" "$out" "to the log"
run daymill runs show ends 2024-01-01
has "runs show lists them" "$out" "on_failure_callback  the run  success"
has "with what went wrong" "$out" "on_success_callback of good: the command returned the exit code 3"
run daymill dags test ends 2024-01-02 --conf '{"fail": false}'
run daymill tasks logs ends skips 2024-01-02 --try 5 --callbacks
code "a try without callbacks has no log" 4

# A scheduler: the narrow pool is full while the callback of its only task runs, and nobody waits for it.
daymill pools set narrow 1 >"$tmp/ignored"
start
promise "the scheduler is there" poll said_line '"msg":"ready: '
daymill dags unpause slow >"$tmp/ignored"
run daymill dags trigger slow --run-id first --wait
code "a run ends without its callbacks" 0
promise "they are at work then" poll says begun
daymill dags trigger slow --run-id second --wait >"$tmp/ignored"
is "and take no slot" "$(daymill runs show slow second | head -n 1 | cut -d, -f1 | sed 's/.*: //')" success
promise "an on_execute that fails is said in the task's log" grep -q "on_execute_callback failed, the task goes on" \
  "$P"/logs/slow/first/one/-1/*.log

# Killed while two of them are at work: they are ended with it, and run again.
promise "two are at work" poll says_times 2 begun
kill -9 "$top"
wait "$top" 2>"$tmp/ignored"
start
promise "the next one starts them again" poll says_times 4 begun
: >"$said.go"
promise "each ends once" poll says_times 2 ended
all_success() { [ "$(daymill runs show slow first | grep -c "on_success_callback  one  success")" = 1 ]; }
promise "and is a success then" poll all_success

# What a person decides is no failure of the task.
daymill dags unpause marked >"$tmp/ignored"
daymill dags trigger marked --run-id m >"$tmp/ignored"
promise "a task is at work" poll says waits
daymill tasks mark marked waits m failed >"$tmp/ignored" 2>&1
promise "its run has failed by itself, and has one" poll says "marked run"
kill -TERM "$top"
wait "$top"
promise "a task marked failed has no callback" says_times 0 "marked task"
