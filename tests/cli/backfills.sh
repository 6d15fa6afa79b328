#!/usr/bin/env bash
# A backfill that a scheduler works on: followed, paused, resumed, cancelled, over a restart; forwards and backwards.
. "$(dirname "$0")/lib.sh"
plan 37

promise() { local name=$1; shift; if "$@"; then ok "$name"; else not_ok "$name" "$*" "$(tail -n 20 "$tmp/log")"; fi; }
start() { : >"$tmp/log"; "$bin" -C "$P" scheduler >"$tmp/log" 2>&1 </dev/null & scheduler=$!; poll grep -q '"msg":"ready' "$tmp/log"; }
query() { python3 -c "import json, sys
v = json.load(sys.stdin)
print($1)"; }
state_of() { daymill backfills list --all --json | query "[b['state'] for b in v if b['id'] == $1][0]"; }
done_of() { daymill backfills list --all --json | query "[b['done'] for b in v if b['id'] == $1][0]"; }
is_state() { [ "$(state_of "$1")" = "$2" ]; }
days_are() { [ "$(days "$1")" = "$2" ]; }
is_done() { [ "$(done_of "$1")" = "$2" ]; }
at_work() { [ "$(find "$P/run" -name 'begun-*' | wc -l)" = "$1" ]; }
open_gate() { : >"$P/run/gate-$1"; }
days() { daymill runs list "$1" --json | query '" ".join(r["logical_date"][8:10] + "=" + r["state"] for r in v)'; }

"$bin" init "$P" >/dev/null
mkdir -p "$P/dags/d" "$P/run"
cat >"$P/dags/d/d.yaml" <<Y
default:
  schedule: "@daily"
  start_date: 2024-01-01
  default_args: {operator: bash, retries: 0}
gated:
  max_active_runs: 2
  tasks:
    - {task_id: a, bash_command: "touch $P/run/begun-{{ ds }}; until [ -e $P/run/gate-{{ ds }} ]; do sleep 0.02; done"}
    - {task_id: b, bash_command: "true", dependencies: [a]}
past:
  default_args: {operator: bash, retries: 0, depends_on_past: true}
  tasks:
    - {task_id: a, bash_command: "[ {{ ds }} != 2024-01-03 ] || [ -e $P/run/mended ]"}
Y
promise "a scheduler begins" start

# ---- followed
for d in 01 02 03; do open_gate 2024-01-$d; done
run daymill backfill gated --from 2024-01-01 --to 2024-01-03
code "a command follows what the scheduler does" 0
has "and reports as if it had done it" "$out" "3 days done"
is "the days are done" "$(days gated)" "01=success 02=success 03=success"
run daymill backfill gated --from 2024-01-01 --to 2024-01-03
has "the same again runs nothing" "$out" "3 days were already done"
run daymill backfill past --from 2024-01-01 --to 2024-01-05
code "a failed day is the command's failure" 1
has "which task, which try" "$err" "failed: past 2024-01-03, task a, try 1 of 1"
has "and what waits for it" "$err" "waiting: 2 days from 2024-01-04 on, for a of 2024-01-03 (failed)"
is "the backfill is blocked" "$(daymill backfills list past --all --json | query 'v[0]["state"]')" blocked
: >"$P/run/mended"
run daymill backfill past --from 2024-01-01 --to 2024-01-05 --rerun failed
code "mended, it goes through" 0
is "every day" "$(days past)" "01=success 02=success 03=success 04=success 05=success"
run daymill dags test past 2024-01-02
code "dags test is followed, too" 0
run daymill tasks test past a 2024-01-02
code "and tasks test" 0
run daymill backfill past --from 2024-01-01 --to 2024-01-02 --backwards
code "backwards and depends_on_past exclude each other" 2

# ---- paused, resumed, cancelled
run daymill backfill gated --from 2024-02-01 --to 2024-02-08 --backwards --detach --json
code "a backfill that nobody waits for" 0
id=$(query 'v["backfill"]' <<<"$out")
promise "two days begin" poll test -e "$P/run/begun-2024-02-07"
is "the last ones" "$(days gated)" "01=success 02=success 03=success 07=running 08=running"
run daymill backfills pause "$id"
code "it is paused" 0
open_gate 2024-02-08
promise "what is at work ends" poll is_done "$id" 1
is "and nothing else begins" "$(days gated)" "01=success 02=success 03=success 07=running 08=success"
kill -9 "$scheduler"
wait "$scheduler" 2>/dev/null
promise "the scheduler is killed and begins again" start
is "the backfill is still paused" "$(state_of "$id")" paused
promise "the day that was at work goes on" poll days_are gated "01=success 02=success 03=success 07=running 08=success"
open_gate 2024-02-07
run daymill backfills resume "$id"
code "it is resumed" 0
promise "the day that was at work is done again" poll is_done "$id" 2
promise "the next days begin" poll test -e "$P/run/begun-2024-02-05"
kill -9 "$scheduler"
wait "$scheduler" 2>/dev/null
start
for d in 03 04 05 06; do open_gate 2024-02-$d; done
promise "a running backfill survives a restart" poll is_done "$id" 6
promise "the last two begin" poll test -e "$P/run/begun-2024-02-01"
run daymill backfills cancel "$id"
code "it is cancelled" 0
is "and over" "$(state_of "$id")" cancelled
open_gate 2024-02-01
open_gate 2024-02-02
all_ended() { [ "$(days gated | grep -c running)" = 0 ]; }
promise "what is at work ends" poll all_ended
run daymill backfills resume "$id"
code "what is over stays so" 5
run daymill backfills pause x
code "a number that is none" 2

# ---- Ctrl-C ends the following, not the work
"$bin" -C "$P" backfill gated --from 2024-03-01 --to 2024-03-01 >"$tmp/out" 2>&1 </dev/null &
follower=$!
promise "a day begins" poll test -e "$P/run/begun-2024-03-01"
kill -TERM "$follower"
wait "$follower"
is "the command ends" $? 130
open_gate 2024-03-01
in_march() { [[ $(daymill runs list gated --from 2024-03-01 --json | query 'v[0]["state"]') == success ]]; }
promise "the work goes on" poll in_march
kill "$scheduler"
wait "$scheduler"
is "the scheduler ends well" $? 0
