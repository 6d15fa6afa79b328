#!/usr/bin/env bash
# Killed at any point, the same command goes on: the same tables, objects, states and step ids as an undisturbed run,
# nothing at work twice at once.  And the embedded cluster's rules, seen through small DAGs.
. "$(dirname "$0")/lib.sh"
plan 58

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

# interrupt SIGNAL: starts the command and sends the signal after a random part of its time.
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
