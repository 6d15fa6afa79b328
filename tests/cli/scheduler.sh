#!/usr/bin/env bash
# The scheduler: it catches up and waits, takes over from a dead one, drains, notices files, and does what people ask while
# tasks are at work; and the reference pipeline by schedule, killed in the middle.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/small_lib.sh"
plan 80

log=$tmp/log
# promise NAME COMMAND…: it comes true.
promise() { local name=$1; shift; if poll "$@"; then ok "$name"; else not_ok "$name" "$*" "$(tail -n 20 "$log")"; fi; }
said() { grep -qF -- "$1" "$log"; }
start() { : >"$log"; "$bin" -C "$P" "$@" >"$log" 2>&1 </dev/null & top=$!; }
finish() { wait "$top" 2>/dev/null; code=$?; }
query() { python3 -c "import json, sys
v = json.load(sys.stdin)
print($1)"; }
runs() { daymill runs list "$1" --json | query 'sum(r["state"] == "'"$2"'" for r in v)'; }
has_runs() { [ "$(runs "$1" "$2")" = "$3" ]; }
# of_run DAG RUN EXPRESSION: of what `runs show` says, `r`; t(ID) is a task, a(ID) its attempts.
of_run() {
  daymill runs show "$1" "$2" --json | python3 -c "import json, sys
r = json.load(sys.stdin)
t = lambda i: next(t for t in r['tasks'] if t['task_id'] == i)
a = lambda i: [a for a in r['attempts'] if a['task_id'] == i]
print($3)"
}
run_is() { [ "$(of_run "$1" "$2" "$3")" = "$4" ]; }
trigger() { daymill dags trigger "$1" --run-id "$2" "${@:3}" >/dev/null; }
exists() { [ -e "$1" ]; }
gone() { [ ! -d "/proc/$1" ] || [ "$(sed 's/.*) //;s/ .*//' "/proc/$1/stat")" = Z ]; }
lines_of() { [ "$(wc -l <"$1")" = "$2" ]; }
# The processes that a process has started, and those of these; the ones of a terminal's commands are others.
tree() {
  local p
  for p in $(pgrep -P "$1"); do
    echo "$p"
    tree "$p"
  done
}
nobody() { ! pgrep -f -- " -C $P " >/dev/null; }
errors_now() { [ "$(daymill dags list-import-errors --json | query '" ".join(e["file"] for e in v)')" = "$1" ]; }
is_paused() { [ "$(daymill dags list --json | query '[d["is_paused"] for d in v if d["dag_id"] == "'"$1"'"]')" = "['$2']" ]; }

P=$tmp/small
bare_project "$P"
mkdir -p "$P/run"
F=$P/run # where tasks say what they do, and wait for what the test allows
# A DAG whose task `a` writes its process into begun-RUN and waits for go-RUN; `b` says which version of the file it is of.
gated() {
  cat <<EOD
$1:
  schedule: null
  start_date: 2024-01-01
  default_args: {operator: bash, retries: 0}
  tasks:
    - {task_id: a, bash_command: "echo \$\$ >>$F/begun-{{ run_id }}; until [ -e $F/go-{{ run_id }} ]; do sleep 0.02; done"}
    - {task_id: b, bash_command: "echo $2 >>$F/version-{{ run_id }}", dependencies: [a]}
EOD
}
begun() { exists "$F/begun-$1"; }
go() { : >"$F/go-$1"; }

# ---- a schedule catches up, then waits
ago=$(date -u -d '30 days ago' +%F)
cat >"$P/dags/daily.yaml" <<EOD
daily:
  schedule: "@daily"
  start_date: $ago
  catchup: true
  tasks:
    - {task_id: a, operator: empty}
EOD
echo "broken: {schedule: '@daily', start_date: 2024-01-01, tasks: [{task_id: a, operator: nonsense}]}" >"$P/dags/broken.yaml"
daymill dags unpause daily >/dev/null
start scheduler
promise "it is ready" said '"msg":"ready'
today=$(date -u +%F)
promise "a DAG that began 30 days ago catches up" has_runs daily success 30
run daymill dags next-execution daily --json
[ "$today" = "$(date -u +%F)" ] && tomorrow=$(date -u -d "$today + 1 day" +%F)
is "and then waits: its next run" "$(query 'v[0]["logical_date"][:10] + " " + v[0]["run_after"][:10]' <<<"$out")" "$today $tomorrow"
is "and nothing else was made" "$(daymill runs list daily --json | query 'len(v)')" 30

# ---- files that do not load
promise "a file that does not load is kept as an import error" errors_now dags/broken.yaml
run daymill dags list-import-errors
has "with the file, the line and what is wrong" "$out" "dags/broken.yaml:1:"
has "and the word that is wrong" "$out" "nonsense"
echo "broken: {schedule: null, start_date: 2024-01-01, tasks: [{task_id: a, operator: empty}]}" >"$P/dags/broken.yaml"
promise "it goes when the file is mended" errors_now ""
echo "broken: [" >"$P/dags/broken.yaml"
promise "a file that breaks is noticed" errors_now dags/broken.yaml
rm "$P/dags/broken.yaml"
promise "and so is one that goes" errors_now ""

# ---- a second scheduler
run daymill scheduler
code "a second scheduler refuses" 5
has "and says who works" "$err" "a scheduler of this project runs already: $top daymill scheduler"
has "and what to do" "$err" "--standby"
"$bin" -C "$P" scheduler --standby >"$tmp/standby" 2>&1 </dev/null &
standby=$!
promise "with --standby it waits" grep -qF 'waits for the right to decide' "$tmp/standby"
gated taken 1 >"$P/dags/taken.yaml"
daymill dags unpause taken >/dev/null
trigger taken one
promise "while the first one works" begun one
kill -9 "$top"
finish
promise "it takes over when that one is killed" grep -qF '"msg":"ready' "$tmp/standby"
top=$standby
cp "$tmp/standby" "$log"
go one
promise "the work goes on" run_is taken one 'r["state"]' success
is "the attempt was lost, and no try used up" \
  "$(of_run taken one '[x["state"] for x in a("a")], t("a")["try_number"]')" "['lost', 'success'] 1"

# ---- SIGTERM drains
trigger taken two
promise "a task is at work" begun two
kill -TERM "$top"
promise "SIGTERM drains" grep -qF '"msg":"drains: 1 attempt is at work, nothing new begins' "$tmp/standby"
go two
finish
code "and the scheduler ends when the task has" 0
is "the task ended well, and nothing new began" "$(of_run taken two 't("a")["state"], t("b")["state"]')" "success scheduled"
promise "no process is left" nobody
trigger taken three
is "nothing begins without a scheduler" "$(of_run taken three 'r["state"]')" queued
start scheduler
promise "the next one goes on" run_is taken two 'r["state"]' success
promise "with what was asked meanwhile, too" begun three
go three

# ---- SIGHUP, changed files, generations
: >"$log"
kill -HUP "$top"
promise "SIGHUP loads every file again" said '"msg":"loaded 2 files: 2 DAGs in 2 files, 0 with errors'
gated changing first >"$P/dags/changing.yaml"
promise "a new file is noticed" said '"msg":"loaded 1 file: 3 DAGs in 3 files'
daymill dags unpause changing >/dev/null
trigger changing old
promise "a run of it is at work" begun old
: >"$log"
gated changing second >"$P/dags/changing.yaml"
promise "its file changes" said '"msg":"loaded 1 file'
trigger changing new
promise "the next run begins" begun new
go old
go new
promise "both end" has_runs changing success 2
is "the run that was at work keeps its generation" "$(cat "$F/version-old")" first
is "the next one has the new one" "$(cat "$F/version-new")" second
is "each records its own" "$(of_run changing old 'len(r["generations"])')" 1
daymill tasks clear changing b old >/dev/null
promise "a run that is cleared after the change takes the newest" lines_of "$F/version-old" 2
is "indeed" "$(tail -n 1 "$F/version-old")" second
promise "and ends" run_is changing old 'r["state"]' success
is "and records both" "$(of_run changing old 'len(set(g["generation"] for g in r["generations"]))')" 2
is "the task that was not cleared did not run again" "$(wc -l <"$F/begun-old")" 1

# ---- pause, conf
daymill dags pause changing >/dev/null
trigger changing paused
go paused
daymill dags trigger taken --run-id beside >/dev/null
go beside
promise "while a DAG is paused others go on" run_is taken beside 'r["state"]' success
is "a run of a paused DAG is queued" "$(of_run changing paused 'r["state"]')" queued
daymill dags unpause changing >/dev/null
promise "until it is unpaused" run_is changing paused 'r["state"]' success
cat >"$P/dags/params.yaml" <<EOD
params:
  schedule: null
  start_date: 2024-01-01
  params:
    count: {__type__: airflow.models.param.Param, default: 1, type: integer, maximum: 10}
  tasks:
    - {task_id: a, operator: bash, bash_command: "echo {{ params.count }} >$F/count"}
EOD
daymill dags unpause params >/dev/null
run daymill dags trigger params --conf '{"count": 11}'
code "a conf that the params refuse" 3
has "says which and why" "$err" "count"
is "makes no run" "$(daymill runs list params --json | query 'len(v)')" 0
run daymill dags trigger params --conf '{"count": 7}' --wait
code "one that they allow runs" 0
is "with it" "$(cat "$F/count")" 7

# ---- failures in a row
cat >"$P/dags/failing.yaml" <<EOD
failing:
  schedule: null
  start_date: 2024-01-01
  max_consecutive_failed_dag_runs: 2
  tasks:
    - {task_id: a, operator: bash, retries: 0, bash_command: "false"}
EOD
daymill dags unpause failing >/dev/null
run daymill dags trigger failing --wait
code "a run fails" 1
promise "one failure does not pause a DAG" is_paused failing false
run daymill dags trigger failing --wait
promise "max_consecutive_failed_dag_runs of them do" is_paused failing true

# ---- what people do to a task that is at work
trigger taken cleared
promise "a task is at work" begun cleared
pid=$(cat "$F/begun-cleared")
daymill tasks clear taken a cleared >/dev/null
promise "cleared, its process is ended" gone "$pid"
promise "and it runs again" lines_of "$F/begun-cleared" 2
go cleared
promise "to its end" run_is taken cleared 'r["state"]' success
is "as the same run, once more" "$(of_run taken cleared 'len(a("a")), len(a("b"))')" "2 1"
trigger taken marked
promise "a task is at work" begun marked
pid=$(cat "$F/begun-marked")
daymill tasks mark taken a marked success >/dev/null
promise "marked, its process is ended" gone "$pid"
promise "and what comes after it goes on" run_is taken marked 'r["state"], t("a")["state"], t("b")["state"]' "success success success"
trigger taken failed
promise "a task is at work" begun failed
pid=$(cat "$F/begun-failed")
daymill runs mark taken failed failed >/dev/null
promise "a run that is marked failed ends its processes" gone "$pid"
promise "and is failed" run_is taken failed 'r["state"]' failed

# ---- a DAG that goes
trigger taken last
promise "a run is at work" begun last
: >"$log"
rm "$P/dags/taken.yaml"
promise "its file goes" said '"msg":"loaded 0 files, 1 is gone: '
go last
promise "the run goes on as it began" exists "$F/version-last"
gated taken 2 >"$P/dags/taken.yaml"
promise "to its end" run_is taken last 'r["state"]' success
kill -TERM "$top"
finish
code "the scheduler ends" 0

# ---- the reference pipeline by schedule, killed in the middle
# catches_up NAME: the project $P, whose whole tree is killed when some days are done, is finished by the next standalone.
catches_up() {
  sed -i "s/end_date: 2011-12-09/end_date: $2/" "$P/dags/user_behaviour/user_behaviour.yaml"
  daymill dags unpause user_behaviour >/dev/null
  start standalone
  some_done() { [ "$(daymill runs list user_behaviour --state success --quiet | grep -c success)" -ge 2 ]; }
  promise "$1: the first days are done" some_done
  pkill -STOP -P "$top" # nothing begins between the look and the kill
  kill -9 $(tree "$top") "$top" 2>/dev/null
  finish
  is "$1: killed in the middle" "$(($(runs user_behaviour success) < $3))" 1
  start standalone
  promise "$1: the next one finishes the days" has_runs user_behaviour success "$3"
  published_rows >"$tmp/got.csv"
  same_file "$1: with the right numbers" "$tmp/got.csv" "$4"
  kill -TERM "$top"
  finish
  code "$1: it ends" 0
  promise "$1: no process is left" nobody
}
P=$tmp/catchup
small_project "$P"
expected "$tmp/small" >"$tmp/want.csv"
catches_up "twelve days" 2010-12-12 12 "$tmp/want.csv"

golden=$shared/golden/metrics/user_behavior_metric.csv
if [ -e "$shared/data/OnlineRetail.csv.zst" ] && [ -e "$golden" ]; then
  need_real_data
  P=$tmp/real
  "$bin" init --quiet "$P" --purchases "$real/OnlineRetail.csv" --reviews "$real/movie_review.csv"
  awk -F , 'NR == 1 || $5 <= "2010-12-30"' "$golden" >"$tmp/want.csv"
  catches_up "thirty real days" 2010-12-30 30 "$tmp/want.csv"
  is "thirty real days: 20 with purchases" "$(tail -n +2 "$tmp/got.csv" | cut -d , -f 5 | sort -u | wc -l)" 20
else
  for i in 1 2 3 4 5 6 7; do skip "thirty real days" "../shared is absent"; done
fi
