#!/usr/bin/env bash
# Killed at any point, the same command goes on: the same tables, objects, states and step ids as an undisturbed run,
# nothing at work twice at once.  And the embedded cluster's rules, seen through small DAGs.
. "$(dirname "$0")/lib.sh"
plan 67

first=2010-12-01 last=2010-12-04
days="2010-12-01 2010-12-02 2010-12-03 2010-12-04"
command=(backfill user_behaviour --from $first --to $last --quiet)

ms() { echo $(($(date +%s%N) / 1000000)); }
story() { python3 "$root/tests/tools/attempts.py" "$bin" "$P" "$@"; }
# What a crash may not change: the published table, every object, the runs, tasks and steps.
picture() {
  daymill sql --csv "$published"
  (cd "$P/lake" && find . -type f | sort | xargs md5sum)
  story user_behaviour $days
}

"$bin" datagen --scale 0.02 --seed 11 --out "$tmp/vendor" -q >/dev/null
P=$tmp/base
run "$bin" init "$P" --purchases "$tmp/vendor/OnlineRetail.csv" --reviews "$tmp/vendor/movie_review.csv"
code "a project is made" 0
sed -i 's/retry_delay: 2/retry_delay: 0/' "$P/dags/user_behaviour/user_behaviour.yaml"
fresh() {
  P=$tmp/$1
  cp -r "$tmp/base" "$P"
  find "$P/run" -maxdepth 1 ! -type d -delete
}
fresh undisturbed
start=$(ms)
run daymill "${command[@]}"
took=$(($(ms) - start)) took_ms_of_a_run=$took
code "an undisturbed run" 0
picture >"$tmp/undisturbed.txt"
grep -v ' step ' "$tmp/undisturbed.txt" >"$tmp/undisturbed-but-steps.txt"
is "all its steps completed" "$(grep -c ' step .* COMPLETED$' "$tmp/undisturbed.txt")" 12

# ---- kill -9 at random moments ----

RANDOM=2010
# begin: starts the command, and waits a random part of its time.
begin() {
  "$bin" -C "$P" "${command[@]}" >/dev/null 2>"$tmp/err" </dev/null & # no function: its pid is wanted
  driver=$!
  local wait_ms=$((RANDOM * took / 32768))
  sleep "$((wait_ms / 1000)).$(printf %03d $((wait_ms % 1000)))"
}
children() { pgrep -P "$driver"; }
# gone PID…: waits until none of them is there any more; the milliseconds that it took.
gone() {
  local from p
  from=$(ms)
  for p in "$@"; do
    while [ -d "/proc/$p" ] && [ "$(sed 's/.*) //;s/ .*//' "/proc/$p/stat" 2>/dev/null)" != Z ]; do
      [ $(($(ms) - from)) -lt 20000 ] || break 2
      sleep 0.01
    done
  done
  echo $(($(ms) - from))
}
slowest=0
kill_driver() {
  local left took_ms
  begin
  kill -STOP $driver 2>/dev/null # it starts nothing between the look and the kill
  left=$(children)
  kill -KILL $driver 2>/dev/null
  took_ms=$(gone $left)
  [ "$took_ms" -le $slowest ] || slowest=$took_ms
  wait $driver 2>/dev/null
}
kill_all() {
  begin
  kill -STOP $driver 2>/dev/null
  kill -KILL $driver $(children) $(pgrep -f "^$bin -C $P warehouse" ) 2>/dev/null
  wait $driver 2>/dev/null
}
# One process of a task or a step; the command itself goes on.
kill_child() {
  local all pid=
  begin
  while [ -z "$pid" ] && kill -0 $driver 2>/dev/null; do
    all=($(pgrep -P $driver -f "^daymill $1"))
    [ ${#all[@]} -eq 0 ] || pid=${all[$((RANDOM % ${#all[@]}))]}
  done
  [ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null
  wait $driver 2>/dev/null
}
# goes_on LABEL [but-steps]: the same command again, and everything is as if nothing had been.
goes_on() {
  run daymill "${command[@]}"
  if [ "$code" != 0 ]; then
    not_ok "$1" "exit status $code" "$out" "$err"
    return
  fi
  if [ "$2" = but-steps ]; then picture | grep -v ' step ' >"$tmp/got.txt"; else picture >"$tmp/got.txt"; fi
  same_file "$1" "$tmp/got.txt" "$tmp/undisturbed${2:+-$2}.txt"
  rm -rf "$P"
}
for i in 1 2 3 4 5; do
  fresh driver-$i
  kill_driver
  kill_driver
  goes_on "the command killed twice ($i)"
done
if [ $slowest -le 1000 ]; then ok "children end within a second of their parent"; else not_ok "children end within a second of their parent" "$slowest ms"; fi
for i in 1 2 3 4; do
  fresh all-$i
  kill_all
  kill_all
  goes_on "all processes killed twice ($i)"
done
for i in 1 2 3; do
  fresh step-$i
  kill_child step-run
  goes_on "a step killed ($i)"
done
for i in 1 2 3 4; do
  fresh task-$i
  kill_child task-run
  goes_on "a task killed ($i)" but-steps
done

# ---- a child that outlives its parent ----

P=$tmp/outlive
bare_project "$P"
nap="sleep 3600.$$" # a name of its own among all processes
cat >"$P/dags/nap.yaml" <<EOD
nap:
  schedule: "@daily"
  start_date: 2020-01-01
  tasks:
    - task_id: nap
      operator: bash
      bash_command: "echo \$\$ >>{{ var.value.log }}; if [ ! -e {{ var.value.log }}.go ]; then $nap & wait; fi; echo done >>{{ var.value.log }}"
EOD
daymill variables set log "$tmp/nap.log" >/dev/null
# until COMMAND…: waits for it to succeed, at most 20 s.
until_true() {
  local from
  from=$(ms)
  until "$@" 2>/dev/null; do
    [ $(($(ms) - from)) -lt 20000 ] || return 1
    sleep 0.01
  done
}
"$bin" -C "$P" backfill nap --from 2020-01-01 >/dev/null 2>&1 </dev/null &
driver=$!
until_true pgrep -fx "$nap" >/dev/null
kill -KILL $driver
{ wait $driver; } 2>/dev/null
took=$(gone $(pgrep -fx "$nap"))
if [ "$took" -le 1000 ]; then ok "a task's own child ends within a second, too"; else not_ok "a task's own child ends within a second, too" "$took ms"; fi
touch "$tmp/nap.log.go"
run daymill backfill nap --from 2020-01-01
code "the next command takes the attempt over" 0
is "it ran a second time, and to its end" "$(grep -c done "$tmp/nap.log"), $(grep -vc done "$tmp/nap.log")" "1, 2"
run daymill runs show nap 2020-01-01 --json
is "the lost attempt used up no try" "$(grep -o '"try_number": [0-9]*' <<<"$out" | sort -u)" '"try_number": 1'
run story nap 2020-01-01
code "the attempts did not overlap" 0

# ---- Ctrl-C ----


for i in 1 2 3; do
  fresh interrupted-$i
  wait_ms=$((RANDOM * took_ms_of_a_run / 32768))
  run timeout --preserve-status -s INT "$((wait_ms / 1000)).$(printf %03d $((wait_ms % 1000)))" "$bin" -C "$P" "${command[@]}"
  case $code in
    0) ok "Ctrl-C ($i): came after the end" ;;
    130) has "Ctrl-C ($i): ends with what to do" "$err" "the same command goes on where this one ended" ;;
    *) not_ok "Ctrl-C ($i)" "exit status $code" "$out" "$err" ;;
  esac
  is "Ctrl-C ($i): no process is left" "$(pgrep -f "^$bin -C $P" | wc -l), $(find "$P/run" -name 'attempt-*.lock')" "$(pgrep -f "^$bin -C $P warehouse" | wc -l), "
  is "Ctrl-C ($i): nothing is half-written" "$(find "$P/lake/.tmp" "$P/cluster/.tmp" -type f 2>/dev/null)" ""
  is "Ctrl-C ($i): no run or task is running" "$(story user_behaviour $days 2>&1 | grep -v 'problem: 2010-12-0[1-4]: daymill' | grep -E 'running|problem')" ""
  goes_on "Ctrl-C ($i): the same command goes on"
done

# ---- the embedded cluster ----

P=$tmp/cluster
bare_project "$P"
mkdir -p "$P/lake/daymill/in"
echo x >"$P/lake/daymill/in/x"
cat >"$P/dags/emr.yaml" <<'EOD'
emr:
  schedule: "@daily"
  start_date: 2020-01-01
  params: {action: CONTINUE}
  tasks:
    - task_id: add
      operator: emr_add_steps
      job_flow_id: j-1
      steps:
        - {Name: one, ActionOnFailure: "{{ params.action }}", HadoopJarStep: {Jar: command-runner.jar, Args: ["false"]}}
        - {Name: two, ActionOnFailure: "{{ params.action }}", HadoopJarStep: {Jar: command-runner.jar, Args: ["true"]}}
    - task_id: wait
      operator: emr_step
      job_flow_id: j-1
      step_id: "{{ ti.xcom_pull('add')[-1] }}"
      dependencies: [add]
EOD
cat >"$P/dags/distcp.yaml" <<'EOD'
distcp:
  schedule: "@daily"
  start_date: 2020-01-01
  tasks:
    - task_id: add
      operator: emr_add_steps
      job_flow_id: j-2
      steps:
        - Name: copy
          ActionOnFailure: CONTINUE
          HadoopJarStep:
            Jar: command-runner.jar
            Args: [s3-dist-cp, "--src=s3://daymill/in/", "--dest=/out", "--groupBy=.*(x).*"]
    - task_id: wait
      operator: emr_step
      job_flow_id: j-2
      step_id: "{{ ti.xcom_pull('add')[-1] }}"
      dependencies: [add]
EOD
day=1
for action in CONTINUE CANCEL_AND_WAIT TERMINATE_CLUSTER; do
  run daymill backfill emr --from 2020-01-0$day --conf "{\"action\": \"$action\"}"
  case $action in CONTINUE) want=0 two=COMPLETED ;; *) want=1 two=CANCELLED ;; esac
  code "$action: the run" $want
  is "$action: the steps" "$(story emr 2020-01-0$day | awk '/ step / { print $4, $5 }' | xargs)" "one FAILED two $two"
  [ $want = 0 ] || has "$action: the reason is told" "$err" "(one) ended FAILED: false ended with exit status 1"
  day=$((day + 1))
done
run daymill backfill distcp --from 2020-01-01
code "s3-dist-cp: an option that is not there" 1
has "s3-dist-cp: is refused by name" "$err" "--groupBy"
# The ids are returned before the first step begins; and no step of a cluster begins before the one before it has ended.
run python3 - "$bin" "$P" <<'EOD'
import json, subprocess, sys
run = json.loads(subprocess.run([sys.argv[1], '-C', sys.argv[2], 'runs', 'show', 'emr', '2020-01-01', '--json'],
                                capture_output=True, text=True).stdout)
task = {t['task_id']: t for t in run['tasks']}
one, two = run['steps']
assert task['add']['start_date'] <= one['start_date'], 'the first step began before its batch was handed up'
assert one['end_date'] <= two['start_date'], 'two steps at once'
assert two['end_date'] <= task['wait']['end_date'], 'the sensor did not wait'
EOD
code "steps run one after the other, and the sensor waits for the last" 0

# ---- a failed day in the way; two commands at once ----

P=$tmp/chain
bare_project "$P"
cat >"$P/dags/chain.yaml" <<'EOD'
chain:
  schedule: "@daily"
  start_date: 2020-01-01
  tasks:
    - task_id: link
      operator: bash
      depends_on_past: true
      bash_command: "test {{ ds }} != {{ var.value.bad }}; r=$?; while [ -e {{ var.value.hold }} ]; do sleep 0.05; done; exit $r"
    - task_id: free
      operator: empty
EOD
daymill variables set bad 2020-01-03 >/dev/null
daymill variables set hold "$tmp/hold" >/dev/null
run daymill backfill chain --from 2020-01-01 --to 2020-01-06
code "a day fails: the command ends" 1
has "it says who waits for what" "$err" "waiting: 3 days from 2020-01-04 on, for link of 2020-01-03 (failed)"
has "and what mends it" "$err" "backfill chain --from 2020-01-03 --to 2020-01-06 --rerun failed"
run daymill backfill chain --from 2020-01-04 --to 2020-01-06
is "the first day of a command ignores its past" "$code" 0
daymill tasks clear chain link 2020-01-05 >/dev/null
run daymill backfill chain --from 2020-01-01 --to 2020-01-06
has "a failed day stays failed without --rerun, and is told" "$code $out" "--rerun failed"
daymill variables set bad never >/dev/null
run daymill backfill chain --from 2020-01-03 --to 2020-01-06 --rerun failed
code "the printed command mends it" 0

touch "$tmp/hold"
"$bin" -C "$P" backfill chain --from 2020-01-07 >/dev/null 2>&1 </dev/null &
holder=$!
until_true grep -q "^$holder " "$P/run/scheduler.lock"
"$bin" -C "$P" backfill chain --from 2020-01-08 >"$tmp/second" 2>&1 </dev/null &
second=$!
until_true grep -q waiting "$tmp/second"
is "a second command waits and says for whom" "$(cat "$tmp/second")" "waiting for another command of this project: $holder daymill backfill chain"
is "meanwhile it decides nothing" "$(daymill runs list chain --json | grep -c 2020-01-08)" 0
rm "$tmp/hold"
wait $holder
first_code=$?
wait $second
is "then it goes on" "$first_code, $?" "0, 0"

# ---- progress ----

fresh progress
run daymill backfill user_behaviour --from $first --to $last
lacks "no terminal: no bar" "$err" $'\r'
run daymill backfill user_behaviour --from $first --to $last --rerun all --quiet
is "--quiet: nothing" "$out$err" ""
cat >"$tmp/terminal.py" <<'EOD'
"""Runs a command on a terminal of its own and prints what it shows."""
import os, pty, sys
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
shown = b''
while True:
    try:
        piece = os.read(fd, 65536)
    except OSError:
        break
    if not piece:
        break
    shown += piece
sys.stdout.buffer.write(shown)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
EOD
run python3 "$tmp/terminal.py" "$bin" -C "$P" backfill user_behaviour --from $first --to $last --rerun all
code "on a terminal" 0
has "a bar with what is done" "$out" " of 48 tasks"
has "a rate" "$out" "tasks/s"
has "and the time left" "$out" "left "
run env NO_COLOR=1 python3 "$tmp/terminal.py" "$bin" -C "$P" backfill user_behaviour --from $first --to $last --rerun all
lacks "NO_COLOR: no colour" "$out" $'\e[3'
