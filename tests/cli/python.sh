#!/usr/bin/env bash
# Python functions and scripts as tasks: with real interpreters, without Airflow.
. "$(dirname "$0")/lib.sh"
plan 22

bare_project "$P"
mkdir -p "$P/dags/d/tools"
echo 'api: http://user:hush-hush@127.0.0.1:1/' >>"$P/connections.yaml"
cat >"$P/dags/d/work.py" <<'PY'
import logging
from airflow.exceptions import AirflowFailException, AirflowSkipException
from airflow.models import Variable
from airflow.operators.python import get_current_context
import helper

def first():
    return 20

def middle(name, ds, logical_date, params, ti, dag_run, late, templates_dict, **context):
    print("for", name, ds, params["p"], dag_run.conf.get("c"), late.total_seconds(), templates_dict["q"])
    logging.getLogger(__name__).info("next is %s", logical_date.add(days=1).to_date_string())
    print("pulled", ti.xcom_pull(task_ids="first"), ti.xcom_pull(task_ids=["first", "nobody"]))
    print("var", Variable.get("v"), context["var"].json.j["k"], Variable.get("none", default_var="-"))
    print("api", context["conn"].api.password, get_current_context()["conn"].get("api").get_uri())
    ti.xcom_push(key="extra", value=[1, "two"])
    return helper.double(ti.xcom_pull(task_ids="first"))

def add(a, b, ds=None) -> dict:
    return {"sum": a + b, "day": ds}

def show(total, extra):
    print("total", total, "extra", extra)

def fail(how):
    if how == "skip":
        raise AirflowSkipException("nothing to do")
    if how == "final":
        raise AirflowFailException("never again")
    return {}[how]

def choose(ds):
    return "x" if ds == "2024-01-01" else ["y"]

def goes_on(ds):
    return ds == "2024-01-01"
PY
echo 'def double(n): return 2 * n' >"$P/dags/d/helper.py"
printf 'from . import near\n\ndef total(n):\n    return near.ONE + n\n' >"$P/dags/d/tools/sums.py"
echo 'ONE = 1' >"$P/dags/d/tools/near.py"
touch "$P/dags/d/tools/__init__.py"
cat >"$P/dags/d/script.py" <<'PY'
import json, sys
context = json.load(sys.stdin)
print("script of", context["task"]["task_id"], sys.argv[1])
print(json.dumps({"day": context["ds"]}))
PY
cat >"$P/dags/d/d.yaml" <<Y
default: {start_date: 2024-01-01, schedule: "@daily", catchup: true, default_args: {retries: 0}}
good:
  params: {p: of params}
  tasks:
    - {task_id: first, operator: PythonOperator, python_callable: work.first}
    - task_id: middle
      operator: airflow.providers.standard.operators.python.PythonOperator
      python_callable_name: middle
      python_callable_file: $P/dags/d/work.py
      op_args: ["task {{ ti.task_id }}"]
      op_kwargs: {late: {__type__: datetime.timedelta, minutes: 5}}
      templates_dict: {q: "q{{ ds_nodash }}"}
      dependencies: [first]
    - {task_id: add, decorator: airflow.decorators.task, python_callable: work.add, a: +middle, b: 2}
    - {task_id: show, decorator: airflow.decorators.task, python_callable: work.show, total: "+add['sum']", extra: "+middle['extra']"}
    - {task_id: package, operator: python, python_callable: tools.sums.total, op_args: [2]}
    - {task_id: script, operator: python, script: dags/d/script.py, args: ["{{ ds }}"]}
    - {task_id: after, operator: bash, bash_command: "echo {{ ti.xcom_pull('script')['day'] }} {{ ti.xcom_pull('package') }}", dependencies: [script, package]}
bad:
  tasks:
    - {task_id: skip, operator: python, python_callable: work.fail, op_args: [skip]}
    - {task_id: final, operator: python, python_callable: work.fail, op_args: [final], retries: 3, retry_delay: 1}
    - {task_id: key, operator: python, python_callable: work.fail, op_args: [missing]}
fork:
  tasks:
    - {task_id: choose, operator: BranchPythonOperator, python_callable: work.choose}
    - {task_id: x, operator: empty, dependencies: [choose]}
    - {task_id: y, operator: empty, dependencies: [choose]}
    - {task_id: goes, operator: ShortCircuitOperator, python_callable: work.goes_on}
    - {task_id: z, operator: empty, dependencies: [goes]}
Y
states() { daymill runs show "$1" "$2" --json | python3 -c '
import json, sys
v = json.load(sys.stdin)
print(" ".join(t["task_id"] + "=" + t["state"] for t in v["tasks"]))'; }

run daymill check
code "functions by path, by file, and decorated" 0
daymill variables set v value
daymill variables set j '{"k": "json"}'
run daymill dags test good 2024-01-01 --conf '{"c": "conf"}'
code "they run" 0
run daymill tasks logs good middle 2024-01-01
has "a function gets its arguments and what it takes of the context" "$out" "for task middle 2024-01-01 of params conf 300.0 q20240101"
has "logical_date is a date-time, and logging goes to the log" "$out" "INFO - next is 2024-01-02"
has "XComs are pulled when it asks" "$out" "pulled 20 [20]"
has "and variables" "$out" "var value json -"
has "and connections, whose secrets are never printed" "$out" "api *** http://user:***@127.0.0.1:1"
lacks "nowhere in the project" "$(grep -rl hush-hush "$P/logs" "$P/state")" "$P"
run daymill tasks logs good show 2024-01-01
has "a decorated function takes results of other tasks, by key too" "$out" "total 42 extra [1, 'two']"
run daymill tasks logs good script 2024-01-01
has "a script gets arguments, and the context on standard input" "$out" "script of script 2024-01-01"
run daymill tasks logs good after 2024-01-01
has "its last line is its value, and a module of a package imports its neighbours" "$out" "2024-01-01 3"
is "nothing is left among the DAGs" "$(find "$P/dags" -name '*.pyc')" ""

run daymill dags test bad 2024-01-01
code "functions fail" 1
is "as Airflow's exceptions say" "$(states bad 2024-01-01)" "skip=skipped final=failed key=failed"
run daymill runs show bad 2024-01-01
has "AirflowFailException is not tried again" "$out" "final, try 1:"
has "an exception is the error" "$out" "key, try 1: KeyError: 'missing'"
has "with its place" "$out" "at dags/d/work.py:$(grep -n 'return {}' "$P/dags/d/work.py" | cut -d: -f1)"
run daymill backfill fork --from 2024-01-01 --to 2024-01-02
is "branches and short circuits" "$(states fork 2024-01-01) / $(states fork 2024-01-02)" \
  "choose=success x=success y=skipped goes=success z=success / choose=success x=skipped y=success goes=success z=skipped"

cat >>"$P/dags/d/work.py" <<'PY'

def there(path):
    import os
    from airflow.sensors.base import PokeReturnValue
    return PokeReturnValue(os.path.exists(path), xcom_value="found " + path)
PY
cat >"$P/dags/e.yaml" <<Y
wait:
  start_date: 2024-01-01
  default_args: {retries: 0}
  tasks:
    - {task_id: look, operator: PythonSensor, python_callable: work.there, op_args: [$tmp/there], poke_interval: 0.05, timeout: 60}
    - {task_id: make, operator: bash, bash_command: "touch $tmp/there"}
    - {task_id: tell, operator: bash, bash_command: "echo {{ ti.xcom_pull('look') }}", dependencies: [look]}
Y
mv "$P/dags/e.yaml" "$P/dags/d/e.yaml"
daymill dags test wait 2024-01-01 2>/dev/null
run daymill tasks logs wait tell 2024-01-01
has "a sensor asks a function until it is true" "$out" "found $tmp/there"
rm "$P/dags/d/e.yaml"

cat >"$P/dags/e.yaml" <<'Y'
e:
  start_date: 2024-01-01
  tasks:
    - {task_id: a, operator: PythonOperator, python_callable: work.nothing}
    - {task_id: b, operator: PythonVirtualenvOperator, python_callable: work.first, requirements: [x]}
    - {task_id: c, operator: python}
Y
run daymill check
code "what cannot run is an error at load" 3
has "with what to use instead" "$out$err" "interpreter: venv/bin/python"
has "and what is missing" "$out$err" "neither python_callable nor script"
