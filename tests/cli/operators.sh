#!/usr/bin/env bash
# The operators from the command line: what each does, what it reports, and what it refuses.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/small_lib.sh"
plan 48

P=$tmp/p
bare_project "$P"
sed -i 's|idle_close: 5 |idle_close: 1 |' "$P/daymill.yaml"
mkdir "$P/dags/d"
cat >"$P/dags/d/d.yaml" <<'Y'
sql:
  schedule: "@daily"
  start_date: 2020-01-01
  catchup: true
  default_args: {conn_id: warehouse, retries: 0}
  tasks:
    - task_id: fill
      operator: SQLExecuteQueryOperator
      sql:
        - CREATE TABLE IF NOT EXISTS public.numbers (day date, n integer, half numeric(8, 2));
        - DELETE FROM public.numbers WHERE day = '{{ ds }}'
        - INSERT INTO public.numbers SELECT CAST('{{ ds }}' AS date), i, i / 2.0 FROM generate_series(1, 25) AS s(i)
    - task_id: out
      operator: PostgresOperator
      postgres_conn_id: warehouse
      sql: "COPY (SELECT n, half FROM public.numbers WHERE day = '{{ ds }}' ORDER BY n) TO '/temp/numbers.csv' WITH (FORMAT csv, HEADER)"
      dependencies: [fill]
    - task_id: back
      operator: sql
      sql:
        - CREATE TABLE IF NOT EXISTS public.again (n integer, half numeric(8, 2))
        - COPY public.again FROM '/temp/numbers.csv' WITH (FORMAT csv, HEADER)
      dependencies: [out]
    - task_id: land
      operator: airflow.providers.amazon.aws.transfers.local_to_s3.LocalFilesystemToS3Operator
      filename: /temp/numbers.csv
      dest_bucket: b
      dest_key: "numbers/{{ ds }}.csv"
      dependencies: [back]
    - task_id: pick
      operator: sql
      sql: "SELECT MAX(n) AS most, COUNT(*) AS all_of_them FROM public.numbers WHERE day = %s"
      parameters: ["{{ ds }}"]
      dependencies: [fill]
    - task_id: tell
      operator: bash
      bash_command: "echo 'rows: {{ ti.xcom_pull('pick') }}'"
      dependencies: [pick]
outside:
  start_date: 2020-01-01
  default_args: {operator: sql, conn_id: warehouse, retries: 0, sql: "COPY (SELECT 1) TO '../outside.csv' WITH (FORMAT csv)"}
  tasks:
    - task_id: up
    - {task_id: program, sql: "COPY (SELECT 1) TO PROGRAM 'touch x'"}
files:
  start_date: 2020-01-01
  default_args: {operator: file_to_s3, dest_bucket: b, retries: 0}
  tasks:
    - {task_id: missing, filename: data/reviews.csv, dest_key: k}
    - {task_id: first, filename: data/a.csv, dest_key: a}
    - {task_id: again, filename: data/a.csv, dest_key: a}
    - {task_id: replaced, filename: data/a.csv, dest_key: a, replace: true}
    - {task_id: removed, filename: data/gone.csv, dest_key: gone, remove_local: true}
checks:
  schedule: "@daily"
  start_date: 2020-01-01
  default_args: {conn_id: warehouse, table: public.numbers, partition_clause: "day = '{{ ds }}'", retries: 0}
  tasks:
    - task_id: columns
      operator: SQLColumnCheckOperator
      column_mapping: {n: {max: {less_than: 5}, null_check: {equal_to: 0}}}
    - task_id: rows_of_table
      operator: SQLTableCheckOperator
      checks: {small: {check_statement: "n < 24"}, some: {check_statement: "COUNT(*) > 0"}}
    - task_id: nothing
      operator: SQLCheckOperator
      sql: "SELECT 1 FROM public.numbers WHERE n > 100"
    - task_id: untrue
      operator: sql_check
      sql: "SELECT COUNT(*) = 25 AS all_there, SUM(n) = 1 AS sum_is_one FROM public.numbers WHERE day = '{{ ds }}'"
    - task_id: empty_columns
      operator: sql_column_check
      column_mapping: {n: {max: {less_than: 5}, null_check: {equal_to: 0}}}
      partition_clause: "day = '1999-01-01'"
    - task_id: empty_rows
      operator: sql_table_check
      checks: {small: {check_statement: "n < 24"}}
      partition_clause: "day = '1999-01-01'"
commands:
  start_date: 2020-01-01
  default_args: {retries: 0}
  tasks:
    - {task_id: value, operator: BashOperator, bash_command: "echo first; echo last"}
    - {task_id: sees, operator: bash, bash_command: "echo \"got $GIVEN {{ ti.xcom_pull('value') }}\"", env: {GIVEN: "{{ ds }}"}, append_env: true, dependencies: [value]}
    - {task_id: nothing, operator: EmptyOperator, dependencies: [sees]}
Y
row_of() { # row_of DAG DAY TASK DIRECTION: "rows" of its ledger
  daymill runs show "$1" "$2" --json | python3 -c "
import json, sys
print([l['rows'] for l in json.load(sys.stdin)['ledger'] if l['task_id'] == '$3' and l['direction'] == '$4'])"
}
run daymill check
code "operators by short name and by Airflow's class path" 0

# ---- sql, COPY, file_to_s3
run daymill backfill sql --from 2020-01-01 --to 2020-01-03
code "statements, COPY out and in, and a file into the lake, three days at once" 0
is "two days never share a scratch file" "$(daymill sql --csv "select count(*), sum(n) from public.again" | tail -n 1)" "75,975"
is "the file that COPY wrote is what landed" "$(sed -n '1p;3p' "$P/lake/b/numbers/2020-01-02.csv" | tr '\n' ' ')" "n,half 2,1.00 "
is "each COPY reports its rows" "$(row_of sql 2020-01-02 back write)" "[25]"
run daymill tasks logs sql tell 2020-01-02
has "a query's rows are the value of its task" "$out" "25"
is "/temp is the run's own folder, not the machine's" "$(ls /temp 2>/dev/null)" ""
for task in up program; do
  run daymill tasks test outside $task 2020-01-01
  code "COPY that leaves the project is refused: $task" 1
done
is "and wrote nothing" "$(find "$tmp" -name outside.csv)" ""

echo one >"$P/data/a.csv"
echo two >"$P/data/gone.csv"
run daymill tasks test files missing 2020-01-01
code "a file that is not there" 1
has "is named" "$err" "data/reviews.csv"
has "with what lies beside it" "$err" "a.csv"
run daymill tasks test files first 2020-01-01
code "a file lands" 0
echo three >"$P/data/a.csv"
run daymill tasks test files again 2020-01-01
code "an object that is there stays without replace" 1
is "as it was" "$(cat "$P/lake/b/a")" one
run daymill tasks test files replaced 2020-01-01
is "replace replaces it" "$code $(cat "$P/lake/b/a")" "0 three"
is "objects are read-only" "$(stat -c %a "$P/lake/b/a")" 444
run daymill tasks test files removed 2020-01-01
is "remove_local removes the file once it is in the lake" "$code $(cat "$P/lake/b/gone") $(ls "$P/data")" "0 two a.csv"

# ---- checks
run daymill tasks test checks columns 2020-01-02
code "a column check that fails" 1
has "says what was expected and got" "$err" "check n max: expected < 5, got 25"
is "shows ten of the twenty-one rows that fail, the worst first" \
  "$(sed -n '/^day  /,/found by/p' <<<"$err" | awk '$1 == "2020-01-02" { print $2 }' | tr '\n' ' ')" "25 24 23 22 21 20 19 18 17 16 "
query=$(sed -n 's/^ *found by: //p' <<<"$err")
run daymill sql --csv "$query"
is "and the SQL that finds them all" "$(tail -n +2 <<<"$out" | wc -l)" 21
run daymill tasks test checks rows_of_table 2020-01-02
has "a table check shows its rows" "$err" "check small: expected n < 24, got false"
has "each on a line" "$err" "2020-01-02  24"
lacks "and says nothing of checks that passed" "$err" "check some"
run daymill tasks test checks untrue 2020-01-02
has "sql_check names the column that is false" "$err" "check sum_is_one: expected true, got false"
run daymill tasks test checks nothing 2020-01-02
code "no row fails sql_check, as in Airflow" 1
has "and it says so" "$err" "expected a row, got no rows"
run daymill tasks test checks empty_columns 2020-01-02
code "over no rows a column check takes NULL as 0" 0
run daymill tasks test checks empty_rows 2020-01-02
code "and a check of rows passes" 0
run daymill runs show checks 2020-01-02
has "as: no rows" "$(grep '^small .*empty_rows' <<<"$out")" "no rows"

# ---- bash
run daymill dags test commands 2020-01-01
code "commands run" 0
run daymill tasks logs commands sees 2020-01-01
has "the last line of one is its value, and env is templated" "$out" "got 2020-01-01 last"

# ---- operators that cannot run
mkdir "$tmp/python"
bare_project "$tmp/python"
cat >"$tmp/python/dags/p.yaml" <<'Y'
p:
  start_date: 2020-01-01
  tasks:
    - {task_id: a, operator: DockerOperator, image: x}
    - {task_id: b, operator: PythonVirtualenvOperator, python_callable: f}
Y
P=$tmp/python
run daymill check
code "an operator that does not run here is an error at load" 3
has "that says what to use instead" "$out$err" "Use PythonOperator"

# ---- the reference pipeline
P=$tmp/small-project
small_project "$P"
run daymill tasks list user_behaviour --json
is "the task ids are the original's, and the checks' and publish" "$(python3 -c "
import json, sys
print(' '.join(sorted(t['task_id'] for t in json.loads(sys.argv[1]))))" "$out")" \
  "check_columns check_reconciliation check_table extract_user_purchase_data get_user_behaviour movie_review_to_raw_data_lake publish_user_behavior_metric spark_script_to_s3 start_emr_movie_classification_script user_purchase_to_rs_stage user_purchase_to_stage_data_lake wait_for_movie_classification_transformation"
sed -i 's/end_date: 2011-12-09/end_date: 2010-12-03/' "$P/dags/user_behaviour/user_behaviour.yaml"
run daymill backfill user_behaviour
code "without days, those of the DAG's own dates" 0
is "all of them" "$(daymill runs list user_behaviour --json | grep -c '"state": "success"')" 3
is "get_user_behaviour writes the staged table, publish the public one" \
  "$(row_of user_behaviour 2010-12-02 get_user_behaviour write) $(row_of user_behaviour 2010-12-02 publish_user_behavior_metric write)" \
  "[None, 6] [6]"
is "a day's equation is in its ledger" "$(daymill runs show user_behaviour 2010-12-02 --json | python3 -c "
import json, sys
f = {l['dataset']: l['rows'] for l in json.load(sys.stdin)['ledger'] if l['note'] == 'figure'}
print(f['source'] == f['lake'] == f['joined'] + f['without customer'] + f['customer without reviews'],
      f['reviews in'] == f['classified'] + f['rejected'], f['customers'] == f['staged'] == 6)")" "True True True"
is "the cluster's own copies go when the day has succeeded" "$(find "$P/cluster" -type f)" ""
part=$(echo "$P/lake/daymill/stage/movie_review/2010-12-02/"*.parquet)
echo "by hand" >"$(dirname "$part")/_notes"
run daymill backfill user_behaviour --from 2010-12-02 --rerun all
code "a day with a stranger's file in its folder runs again" 0
is "which stays: what is stale is known by record, not by listing" "$(cat "$(dirname "$part")/_notes")" "by hand"
is "the day's own file is replaced" "$(ls "$(dirname "$part")"/*.parquet)" "$part"
is "purchases are promoted by a link" "$(stat -c %i "$P/lake/daymill/"{raw,stage}/user_purchase/2010-12-02/user_purchase.csv | sort -u | wc -l)" 1

mv "$P" "$tmp/moved"
flock -w 60 "$tmp/moved/run/warehouse.lock" true
P=$tmp/moved
published_rows >"$tmp/got.csv"
expected "$tmp/small" | grep -E '_|2010-12-0[123]$' >"$tmp/want.csv"
same_file "a project that was moved has its rows" "$tmp/got.csv" "$tmp/want.csv"
run daymill backfill user_behaviour --from 2010-12-02 --rerun all
code "and runs where it is now" 0
