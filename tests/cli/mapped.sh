#!/usr/bin/env bash
# Mapped tasks with real processes: over lists, maps and results; shown, cleared and marked by index.
. "$(dirname "$0")/lib.sh"
plan 37

bare_project "$P"
mkdir "$P/dags/d"
cat >"$P/dags/d/d.yaml" <<'Y'
default: {start_date: 2024-01-01, schedule: "@daily", catchup: true, default_args: {operator: bash, retries: 0}}
cross:
  tasks:
    - task_id: x
      partial: {append_env: true, cwd: /tmp}
      expand:
        bash_command: ["echo $A {{ ti.map_index }} {{ ds }}", "echo $A second"]
        env: [{A: "1"}, {A: "{{ ds_nodash }}"}, {A: "3"}]
    - {task_id: all, dependencies: [x], bash_command: "echo '{{ ti.xcom_pull(task_ids='x') | join('|') }}'"}
    - {task_id: one, dependencies: [x], bash_command: "echo '{{ ti.xcom_pull('x', map_indexes=4) }} {{ ti.xcom_pull(['x'], map_indexes=[5, 0]) | length }}'"}
grown:
  tasks:
    - {task_id: m, expand: {bash_command: ["echo 'echo {{ '{{' }} ds }}'", "echo 'echo b'", "test -e $DAYMILL_HOME/ready && echo 'echo c'"]}}
    - {task_id: over, trigger_rule: all_done, expand: {bash_command: m.output}}
    - {task_id: end, dependencies: [over], bash_command: "echo {{ ti.xcom_pull('over') | length }}"}
nothing:
  tasks:
    - {task_id: x, expand: {bash_command: []}}
    - {task_id: y, dependencies: [x], bash_command: "true"}
text:
  tasks:
    - {task_id: src, bash_command: "echo one"}
    - {task_id: x, expand: {bash_command: src.output}, dependencies: [src]}
    - {task_id: mute, bash_command: "echo one", do_xcom_push: false}
    - {task_id: y, expand: {bash_command: mute.output}}
chosen:
  tasks:
    - {task_id: pick, operator: branch, follow: b}
    - {task_id: a, dependencies: [pick], expand: {bash_command: ["true", "true"]}}
    - {task_id: b, dependencies: [pick], expand: {bash_command: ["true", "true"]}}
Y
states() { daymill runs show "$1" "$2" --json | python3 -c '
import json, sys
for t in json.load(sys.stdin)["tasks"]:
    i = t["map_index"]
    print(t["task_id"], "" if i < 0 else f"[{i}]", "=", t["state"], sep="")' | paste -sd' '; }
said() { grep -hv '^{"ts"' "$P/logs/$1/"*"/$2/$3/"*.log | tail -n 1; } # DAG TASK INDEX

run daymill check
code "the DAGs load" 0
run daymill backfill cross --from 2024-01-01
code "instances run" 0
is "one for every combination" "$(states cross 2024-01-01)" \
  "x[0]=success x[1]=success x[2]=success x[3]=success x[4]=success x[5]=success all=success one=success"
is "the last field varies fastest, and literals are rendered" "$(said cross all -1)" \
  "1 0 2024-01-01|20240101 1 2024-01-01|3 2 2024-01-01|1 second|20240101 second|3 second"
is "xcom_pull takes map indexes" "$(said cross one -1)" "20240101 second 2"
run daymill runs show cross 2024-01-01
has "runs show tells instances apart" "$out" "x[5]"
run daymill tasks logs cross x 2024-01-01 --map-index 4
has "logs are asked for by index" "$out" "20240101 second"
run daymill tasks logs cross x 2024-01-01
has "without one all are shown" "$out" "== x[3], try 1"
run daymill tasks list cross
has "tasks list names the fields that differ" "$out" "bash_command, env"
run daymill tasks render cross x 2024-01-01 --map-index 3
has "an instance is rendered" "$out" 'echo $A second'
run daymill tasks render cross x 2024-01-01 --map-index 6
has "one that does not exist is refused" "$err" "none of the 6"

run daymill backfill grown --from 2024-01-01
is "a mapped task over the results of another has one instance for each" "$(states grown 2024-01-01)" \
  "m[0]=success m[1]=success m[2]=failed over[0]=success over[1]=success end=success"
is "what a task returned is not rendered again" "$(said grown over 0)" "{{ ds }}"
run daymill tasks why grown m 2024-01-01 --map-index 7
has "why knows the instances" "$err" 'task "m" has no instance 7'
touch "$P/ready"
run daymill tasks clear grown m 2024-01-01 --map-index 2 --downstream --dry-run --json
is "one instance is cleared, and what is behind it whole" \
  "$(python3 -c 'import json, sys; print(*sorted(t["task_id"] + str(t["map_index"]) for t in json.load(sys.stdin)))' <<<"$out")" \
  "endNone m2 over0 over1"
run daymill tasks clear grown m 2024-01-01 --map-index 2 --downstream
has "so it is done" "$out" "4 tasks cleared"
run daymill backfill grown --from 2024-01-01
is "an instance is added where there is more to map over" "$(states grown 2024-01-01)" \
  "m[0]=success m[1]=success m[2]=success over[0]=success over[1]=success over[2]=success end=success"
is "and only what was cleared ran again" "$(ls "$P"/logs/grown/*/m/0 | wc -l) $(ls "$P"/logs/grown/*/m/2 | wc -l)" "1 2"
is "all of them are seen behind it" "$(said grown end -1)" "3"
rm "$P/ready"
run daymill tasks clear grown m 2024-01-01 --map-index 2 --downstream
run daymill backfill grown --from 2024-01-01
is "and removed where there is less" "$(states grown 2024-01-01)" \
  "m[0]=success m[1]=success m[2]=failed over[0]=success over[1]=success over[2]=removed end=success"
is "what was removed is not seen" "$(said grown end -1)" "2"
run daymill tasks mark grown m 2024-01-01 success --map-index 2
is "one instance is marked" "$(states grown 2024-01-01 | cut -d' ' -f1-3)" "m[0]=success m[1]=success m[2]=success"

run daymill backfill nothing --from 2024-01-01
is "over nothing it is skipped" "$(states nothing 2024-01-01)" "x=skipped y=skipped"
run daymill tasks why nothing x 2024-01-01
has "why says that there is nothing" "$out" "what it is mapped over has no items"
run daymill backfill text --from 2024-01-01
has "what is mapped over must be a list or a map" "$err" "which must be a list or a map, not a"
is "a source without one fails" "$(states text 2024-01-01)" \
  "src=failed x=upstream_failed mute=failed y=upstream_failed"
run daymill runs show text 2024-01-01
has "and one without a result says why" "$out" "take do_xcom_push: false away"
run daymill backfill chosen --from 2024-01-01
is "a branch leaves all instances out" "$(states chosen 2024-01-01)" \
  "pick=success a[0]=skipped a[1]=skipped b[0]=success b[1]=success"
run daymill tasks test cross x 2024-01-02
is "tasks test runs all instances" "$(states cross 2024-01-02 | cut -d' ' -f5-7)" "x[4]=success x[5]=success all=none"
run daymill tasks test cross x 2024-01-03 --map-index 2
is "or the one that is asked for" "$(states cross 2024-01-03)" \
  "x[0]=none x[1]=none x[2]=success x[3]=none x[4]=none x[5]=none all=none one=none"
run daymill tasks test cross x 2024-01-03 --map-index 2
is "as often as it is asked" "$(ls "$P"/logs/cross/*2024-01-03*/x/2 | wc -l)" 2
run daymill tasks test cross x 2024-01-03 --map-index 6
has "one that is not there is said" "$err" 'task "x" has no instance 6 on 2024-01-03'
run daymill tasks test cross all 2024-01-03 --map-index 0
has "as is a task that is not mapped" "$err" 'task "all" has no instance 0: it is not mapped'

cat >"$P/dags/d/wrong.yaml" <<'Y'
wrong:
  start_date: 2024-01-01
  tasks:
    - {task_id: a, operator: bash, expand: {bash_command: text}}
    - {task_id: b, operator: bash, expand: {bash_command: ["true", [1]]}}
    - {task_id: c, operator: bash, bash_command: "true", expand: {bash_command: ["true"]}}
    - {task_id: d, operator: bash, expand: {bash_comand: ["true"]}}
Y
run daymill check
has "a text cannot be mapped over" "$err$out" 'wrong.yaml:4:59: error: task "a" cannot be expanded over this string'
has "every item is checked" "$err$out" 'wrong.yaml:5:68: error: what task "b" gets for bash_command must be a text, not a list'
has "a field is the same for all or differs" "$err$out" 'wrong.yaml:6:67: error: an argument of task "c" differs (expand)'
has "fields are known" "$err$out" 'Did you mean "bash_command"?'
