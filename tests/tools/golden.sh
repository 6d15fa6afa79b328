#!/usr/bin/env bash
# The runner of golden files finds wrong answers: for every kind, cases whose expected answer is altered fail, each of
# them; a broken line fails; an unknown kind is an error.
cd "$(dirname "$0")/../.." || exit 1
golden=${GOLDEN:-build/tests/golden}
g=../shared/golden
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
n=0
check() { n=$((n + 1)); if [ "$2" = "$3" ]; then echo "ok $n - $1"; else echo "not ok $n - $1"; echo "# got $2, want $3"; fi; }
skip() { n=$((n + 1)); echo "ok $n - $1 # SKIP $2"; }
echo "1..11"

# alter FILE: the first 20 cases that have no quirk, each with one wrong answer.
cat >"$tmp/alter.py" <<'PY'
import json
import os
import sys

FIELDS = {'templates': ('expect', 'error'), 'cron': ('next', 'intervals', 'error'), 'intervals': ('runs', 'run_id', 'interval'),
          'trigger_rules': ('met',), 'retry': ('next_retry',), 'runs': ('expect',), 'tokenize': ('clean',), 'csv': ('rows', 'read_error'),
          'dagfactory': ('expect',)}
kind, source, folder = sys.argv[1:]


def wrong(v):
    """Another value of the same type."""
    if isinstance(v, bool) or v is None:
        return not v
    if isinstance(v, (int, float)):
        return v + 1
    if isinstance(v, str):
        return v[:-1] + ('Y' if v.endswith('Z') else 'Z') if v else 'Z'
    if isinstance(v, list):
        return v[:-1]+[wrong(v[-1])] if v else ['wrong']
    return {**v, 'wrong': 1}


def spoil(expect, turn):
    """One thing of the answer, in turn: an error's class, a DAG's schedule or run, a task's retries, id, edges or argument."""
    if expect['errors']:
        expect['errors'][0]['class'] = 'nosuch'
        return
    dag = expect['dags'][0]
    task = dag['tasks'][-1] if dag['tasks'] else dag
    if turn % 6 == 0:
        dag['schedule'] = {'kind': 'once'} if dag['schedule'] != {'kind': 'once'} else None
    elif turn % 6 == 1:
        dag['first_runs'] = wrong(dag['first_runs'])
    elif turn % 6 == 2:
        task['retries'] = 77
    elif turn % 6 == 3:
        task['task_id'] = 'nosuch'
    elif turn % 6 == 4:
        task['upstream'] = task.get('upstream', []) + ['nosuch']
    else:
        task['args'] = {**task.get('args', {}), 'nosuch': 1}


cases = []
with open(source, encoding='utf-8') as f:
    for line in f:
        case = json.loads(line)
        field = next((x for x in FIELDS[kind] if case.get(x) not in (None, [], {})), None)
        if case.get('quirk') or not field or len(cases) == 20:
            continue
        if kind == 'dagfactory':
            spoil(case['expect'], len(cases))
        elif kind == 'intervals' and field == 'runs':
            case[field] = case[field][:-1]
        elif kind == 'runs':
            case[field][-1]['runs'][-1] = 'wrong'
        else:
            case[field] = wrong(case[field])
        cases.append(case)
for name in ('templates_world.json',):
    world = os.path.join(os.path.dirname(source), name)
    if os.path.exists(world):
        with open(world, encoding='utf-8') as f, open(os.path.join(folder, name), 'w', encoding='utf-8') as out:
            out.write(f.read())
with open(os.path.join(folder, kind + '.jsonl'), 'w', encoding='utf-8') as out:
    out.writelines(json.dumps(c) + '\n' for c in cases)
print(len(cases))
PY
for pair in templates:airflow/templates cron:airflow/cron intervals:airflow/intervals trigger_rules:airflow/trigger_rules \
  retry:airflow/retry runs:airflow/runs tokenize:spark/tokenize csv:spark/csv dagfactory:dagfactory/cases; do
  kind=${pair%%:*} file=$g/${pair##*:}.jsonl
  if [ ! -e "$file" ]; then skip "wrong answers of $kind fail" "$file is absent"; continue; fi
  count=$(python3 "$tmp/alter.py" "$kind" "$file" "$tmp")
  check "wrong answers of $kind fail, each" \
    "$("$golden" "$kind" "$tmp/$kind.jsonl" 2>/dev/null | tail -n 1)" "0 passed, $count failed, 0 skipped"
done
echo '{"id": "broken"' >"$tmp/broken.jsonl"
check "a broken line fails" "$("$golden" cron "$tmp/broken.jsonl" 2>/dev/null | tail -n 1)" "0 passed, 1 failed, 0 skipped"
"$golden" nonsense "$tmp/broken.jsonl" >/dev/null 2>&1
check "an unknown kind is an error" $? 2
