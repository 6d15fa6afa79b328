#!/usr/bin/env bash
# DAGs as people bring them from Airflow and dag-factory (tests/dags): each file loads without a finding, or is refused
# with what to write instead; and those that need nothing from elsewhere run.
. "$(dirname "$0")/lib.sh"
dags=$root/tests/dags
refused=("$dags"/refused/*.yaml)
plan $((24 + ${#refused[@]}))

bare_project "$P"
cp -r "$dags/." "$P/dags/"
export CONFIG_ROOT_DIR=$P/dags EXAMPLE_START=2024-01-01 EXAMPLE_PERIOD=daily
unset NOBODY_SETS_THIS

# ---- what loads

findings() { grep -E ': (error|warning): |^ +hint: ' <<<"$1"; }
run daymill check
code "every example loads" 0
is "with no other finding than keys of Airflow's web interface" "$(findings "$out" | grep -v 'web interface)')" ""
run daymill dags list --json
is "what .airflowignore names is no DAG, but where a pattern takes it back" \
  "$(grep -oE '"dag_id": "(half|ignored|kept|cycle)[^,]*' <<<"$out")" '"dag_id": "kept"'

# ---- what editors say

daymill schema >"$tmp/schema.json"
fits() { python3 "$root/tests/tools/schema.py" "$tmp/schema.json" "$@"; }
cat >"$tmp/broken.yaml" <<'Y'
d: {schedule: 5, tasks: []}
---
d: {catchup: maybe, tasks: []}
---
d: {tags: sales, tasks: []}
---
d: {tasks: [{task_id: a, operator: bash, bash_comand: "true"}]}
---
d: {tasks: [{task_id: a, operator: BashOprator}]}
---
d: {tasks: {a: {operator: bash, bash_command: 5}}}
---
d: {tasks: [{task_id: a, operator: empty, trigger_rule: all_sucess}]}
---
d: {tasks: [{task_id: a, operator: empty, dependencies: b}]}
---
d: {tasks: [{task_id: a, operator: empty, retry_delay: 5 minutes}]}
---
d: {task_groups: [{group_name: g, colour: red}], tasks: []}
---
d: {tasks: [{operator: empty}]}
Y
broken=$(grep -c -e '^d:' "$tmp/broken.yaml")
if said=$(fits "$tmp/broken.yaml"); [ $? = 77 ]; then
  skip "the schema takes every example" "$said"
  skip "and the shipped pipeline" "$said"
  skip "and refuses mistakes" "$said"
else
  is "the schema takes every example" "$(fits "$dags"/*[!t].yaml "$dags"/kept_draft.yaml "$dags"/team/sub/*.yaml)" ""
  is "and the shipped pipeline" "$(fits "$root"/dags/*/*.yaml)" ""
  is "and refuses mistakes" "$(grep -c . <<<"$said") of $broken: $said" "$broken of $broken: $said"
fi

# ---- what is refused

for f in "${refused[@]}"; do
  name=$(basename "$f" .yaml)
  run daymill check "$P/dags/refused/$name.yaml"
  is "refused: $name" "$(findings "$out")" "$(cat "${f%.yaml}.expected")"
done

# ---- what runs

states() { daymill runs show "$1" 2024-01-01 --json | python3 -c '
import json, sys
v = json.load(sys.stdin)
print(" ".join(t["task_id"] + ("" if t["map_index"] < 0 else "[%d]" % t["map_index"]) + "=" + t["state"] for t in v["tasks"]))'; }
# The last line that a task printed: what it pulled of the others.
said() { daymill tasks logs "$1" "$2" 2024-01-01 | grep -v '^[0-9:.]* info  success$' | tail -n 1; }
failed=""
for dag in basic basic_v0 plain other layers groups groups_v0 mapping mapping_decorated python decorated choices params environment \
  typed every_half_minute once kept sensors makes_assets of_a_list; do
  run daymill dags test "$dag" 2024-01-01
  [ "$code" = 0 ] || failed+=" $dag: $out $err"
done
is "the examples run" "$failed" ""
is "values of other tasks, and dates" "$(said basic task_3)" "1-20240101"
is "defaults of a file reach into its tasks" "$(said plain work), $(said other work)" "everybody north 1, me north 2"
is "defaults of folders" "$(said layers show)" "sub 3"
is "groups give tasks their ids, and edges to groups are edges to tasks" "$(states groups) $(said groups load.load_1)" \
  "ready=success extract.north.north_1=success extract.north.north_2=success extract.south.south_1=success load.load_1=success load.load_2=success done=success 2"
is "a group without prefix" "$(said groups_v0 b)" "b"
is "mapped over lists, maps, results, and combinations" "$(said mapping total), $(said mapping joined)" "348, ab12"
is "decorated and mapped" "$(said mapping_decorated say)" "ON! OFF!"
is "functions by path, by file and of the library" "$(said python show)" "python 2024-01-01, 7, 20, 20240101.csv"
is "results as arguments" "$(daymill tasks logs decorated report 2024-01-01 | grep -c 'sales: 3 rows on 2024-01-01')" 1
is "branches and short circuits" "$(states choices)" \
  "pick=success weekday=success weekend=skipped join=success expression=success a=success b=skipped stop=success never=skipped"
is "params with schemas" "$(said params show)" "word 4 north b True mine"
is "environment variables, and shell variables that no one sets" "$(said environment show)" "daily own"
is "typed objects" "$(said typed show)" "in/2024/sales.csv north-7"
run daymill dags test setup_teardown 2024-01-01
is "a teardown runs behind what failed" "$(states setup_teardown)" "make=success work=failed unmake=success"
is "sensors" "$(states sensors)" \
  "make=success file=success function=success command=success delta=success moment=success other_dag=success"

run daymill dags test callbacks 2024-01-01
is "tasks with callbacks end as they would without" "$(states callbacks)" "by_file=success by_path=failed retried=success skipped=skipped"
is "and each callback was called" "$(sort "$P/dags/calls" | tr '\n' ',')" \
  "again retried,begins by_path,ended by_file,ended by_path,ended retried,failed callbacks,skipped skipped,"
