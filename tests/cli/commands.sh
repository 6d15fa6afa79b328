#!/usr/bin/env bash
# Every command: its help, a wrong argument, what it prints, its JSON, its exit code.
. "$(dirname "$0")/lib.sh"

json() { # json TITLE [PYTHON CONDITION on v]: $out is one JSON value, and the condition holds
  local why
  why=$(python3 -c 'import json, sys
v = json.load(sys.stdin)
sys.exit(None if eval(sys.argv[1]) else f"false: {sys.argv[1]}")' "${2:-True}" <<<"$out" 2>&1) && ok "$1" || not_ok "$1" "$out" "$err" "$why"
}
lines() { grep -c '' <<<"$1"; }

commands=$("$bin" --help | sed -n '/^Commands:/,/^$/p' | sed -n 's/^  \([a-z]\+\( [a-z-]\+\)\?\)\( .*\|$\)/\1/p')
plan $((102 + 2 * $(lines "$commands")))
run "$bin" init "$P" --scale 0.02
code "init writes a project" 0
has "init says what to try" "$out" "backfill user_behaviour --from 2010-12-01"

# ---- help, wrong arguments: the nearest valid one, and what to do next

is "help lists the commands" "$(lines "$commands")" "$(grep -c '^    X(' "$root/src/cmd/cmd_table.c")"
while read -r c; do
  # shellcheck disable=SC2086
  run "$bin" $c --help
  if [ "$code" = 0 ] && [[ $out == "daymill $c: "*"usage: daymill $c"*"--json"* ]] &&
    [ "$(awk '{ if (length($0) > 110) print }' <<<"$out" | wc -l)" = 0 ]; then
    ok "$c --help explains it"
  else
    not_ok "$c --help explains it" "$code" "$out" "$err"
  fi
  # shellcheck disable=SC2086
  run daymill $c --jsno
  if [ "$code" = 2 ] && [[ $err == *"has no option --jsno"*'Did you mean --json?'*"daymill $c --help"* ]]; then
    ok "$c --jsno: exit 2, the nearest option, what to do"
  else
    not_ok "$c --jsno: exit 2, the nearest option, what to do" "$code" "$out" "$err"
  fi
done <<<"$commands"

wrong() { # wrong TITLE CODE PIECE COMMAND…: that exit code, and that piece on standard error
  local title=$1 want=$2 piece=$3
  shift 3
  run "$@"
  if [ "$code" = "$want" ] && [[ $err == *"$piece"* ]]; then ok "$title"; else not_ok "$title" "exit $code, want $want" "$err" "lacks: $piece"; fi
}
wrong "no command" 2 "" "$bin"
wrong "a mistyped command" 2 'Did you mean "daymill backfill"?' daymill bakfill
wrong "a mistyped command of a group" 2 'Did you mean "daymill runs list"?' daymill runs lst
wrong "a missing argument" 2 'wants DAG DAY; 1 given' daymill runs show user_behaviour
wrong "one argument too many" 2 '"x" is one too many' daymill version x
wrong "a wrong choice" 2 'Did you mean "failed"?' daymill backfill user_behaviour --rerun faild
wrong "an option without its value" 2 'wants a value (DAY)' daymill backfill user_behaviour --from
wrong "a day that is none" 2 'A DAY is 2010-12-05 or a run id' daymill backfill user_behaviour --from 2010-13-01
wrong "a number that is none" 2 'wants a whole number' daymill backfill user_behaviour --jobs many
wrong "conf that is no JSON" 2 '--conf' daymill backfill user_behaviour --conf '{a}'
wrong "days the wrong way round" 2 'lies after' daymill backfill user_behaviour --from 2010-12-03 --to 2010-12-01
wrong "an unknown DAG" 4 'Did you mean "user_behaviour"?' daymill dags show user_behavior
wrong "an unknown task" 4 'Did you mean "check_table"?' daymill tasks render user_behaviour chek_table 2010-12-01
wrong "the beginning of a task's name" 4 'Did you mean "publish_user_behavior_metric"?' \
  daymill tasks test user_behaviour publish 2010-12-01
wrong "an unknown connection" 4 'Did you mean "warehouse"?' daymill sql warhouse "select 1"
wrong "an unknown variable" 4 'daymill variables set none VALUE' daymill variables get none
wrong "a run before there is one" 4 'backfill user_behaviour' daymill runs show user_behaviour 2010-12-01
wrong "no project folder" 4 'daymill init' "$bin" -C "$tmp/none" dags list
wrong "nowhere in a project" 4 'DAYMILL_HOME' env -C "$tmp" -u DAYMILL_HOME "$bin" dags list

# ---- which project

mkdir -p "$P/data/deep"
run env -C "$P/data/deep" -u DAYMILL_HOME "$bin" dags list
has "the nearest parent with a daymill.yaml is the project" "$out" user_behaviour
run env -C "$tmp" DAYMILL_HOME="$P" "$bin" dags list
has "DAYMILL_HOME names it" "$out" user_behaviour
run env DAYMILL_HOME="$tmp/none" "$bin" --project="$P" dags list
has "-C wins over DAYMILL_HOME" "$out" user_behaviour

# ---- before anything has run

run daymill check
has "check finds the project good" "$out" "1 DAG good, 0 errors, 0 warnings"
run daymill dags list --json
json "dags list --json" 'v[0]["dag_id"] == "user_behaviour" and v[0]["tasks"] == 12'
run daymill dags show user_behaviour
has "dags show names a task and what comes before it" "$out" "check_columns, check_table, check_reconciliation"
run daymill dags show user_behaviour --json
json "dags show --json"
run daymill tasks list user_behaviour --json
json "tasks list --json" 'len(v) == 12 and v[0]["depends_on_past"] is True'
run daymill runs list user_behaviour --json
json "runs list --json of no run is an empty array" 'v == []'
run daymill tasks render user_behaviour extract_user_purchase_data 2010-12-05
has "tasks render shows the SQL of a day that has not run" "$out" "CAST('2010-12-05' AS timestamp)"
run daymill tasks render user_behaviour extract_user_purchase_data backfill__2010-12-05T00:00:00+00:00 --json
json "tasks render --json, by run id" 'v["s3_key"] == "raw/user_purchase/2010-12-05/user_purchase.csv"'
run daymill backfill user_behaviour --from 2010-12-01 --to 2010-12-03 --dry-run --json
json "backfill --dry-run --json" '[d["action"] for d in v] == ["create"] * 3'
run daymill variables list --json
json "variables list --json of none" 'v == []'
run daymill variables set greeting 'say "hello"'
run daymill variables get greeting
is "a variable is what was set" "$out" 'say "hello"'
run daymill variables get greeting --json
json "variables get --json" "v == 'say \"hello\"'"
run daymill variables list --json
json "variables list --json" 'v[0]["key"] == "greeting"'
run daymill connections list --json
json "connections list --json" '{c["conn_id"] for c in v} == {"oltp", "lake", "cluster", "warehouse"}'
run daymill connections test --json
json "connections test --json" 'len(v) == 4 and all(c["result"] == "ok" for c in v)'
run daymill connections test postgres_default s3_conn aws_default emr_default redshift
code "Airflow's usual names lead to them" 0
run "$bin" version --json
json "version --json"

# ---- runs

run daymill backfill user_behaviour --from 2010-12-01 --to 2010-12-02
has "backfill says what it did" "$out" "2 days done"
run daymill backfill user_behaviour --from 2010-12-01 --to 2010-12-02 --json
json "backfill --json, and nothing is done twice" 'v["kept"] == 2 and v["succeeded"] == 0'
run daymill runs list user_behaviour --json
json "runs list --json" 'len(v) == 2 and all({"run_id", "logical_date", "state"} <= set(r) and r["state"] == "success" for r in v)'
run_id=$(python3 -c 'import json, sys; print(json.load(sys.stdin)[1]["run_id"])' <<<"$out")
run daymill runs show user_behaviour 2010-12-02
has "runs show has the run's equation" "$out" "source_is_lake"
shown=$out
run daymill runs show user_behaviour "$run_id"
is "a run id is a DAY: runs show" "$out" "$shown"
run daymill runs show user_behaviour "$run_id" --json
json "runs show --json" 'v["state"] == "success" and len(v["tasks"]) == 12 and v["ledger"] and v["checks"]'
run daymill tasks logs user_behaviour publish_user_behavior_metric "$run_id"
has "tasks logs tells what was written" "$out" "public.user_behavior_metric"
wrong "tasks logs of a try that was not" 4 "runs show" daymill tasks logs user_behaviour check_table 2010-12-01 --try 7
wrong "tasks logs of an unknown task" 4 'Did you mean "check_table"?' daymill tasks logs user_behaviour chek_table 2010-12-01
run daymill tasks clear user_behaviour get_user_behaviour "$run_id" --downstream
has "tasks clear counts what it forgot and says how to go on" "$out" 'backfill user_behaviour --from 2010-12-02 --to 2010-12-02" runs them'
run daymill backfill user_behaviour --from "$run_id" --to "$run_id" --json
json "backfill by run id does what was cleared" 'v["succeeded"] == 1 and v["processes"] == 5'
run daymill tasks test user_behaviour extract_user_purchase_data "$run_id"
code "tasks test by run id" 0
run daymill dags test user_behaviour 2010-12-01 --json
json "dags test --json runs every task of the day" 'v["succeeded"] == 1 and v["processes"] >= 12'
run daymill clean --dry-run --before 2010-12-02 --json
json "clean --dry-run --json lists the logs of earlier runs" 'any("2010-12-01" in f["path"] for f in v) and not any("2010-12-02" in f["path"] for f in v)'
published=$(daymill sql --csv "$published")
run daymill clean --before 2010-12-02
has "clean says what it freed" "$out" "freed"
is "clean --before removes those logs only" "$(cd "$P/logs/user_behaviour" && echo *)" "backfill__2010-12-02T00:00:00+00:00"
is "what is published stays" "$(daymill sql --csv 'select * from public.user_behavior_metric order by insert_date, customerid')" "$published"

# ---- sql, psql

run daymill sql "select 1 as a, 'xy' as b, null::text as c union all select 200, 'é', 'z' order by 1"
is "sql prints an aligned table" "$out" "$(printf '  a  b   c\n  1  xy  \n200  é   z\n(2 rows)')"
run daymill sql --csv "select 1 as a, 'x,\"y\"' as b, null as c, '' as d"
is "sql --csv quotes where it must" "$out" "$(printf 'a,b,c,d\n1,"x,""y""",,""')"
run daymill sql --json "select 1 as a, true as b, null as c, 'é\"' as d, 'NaN'::float8 as e, 1.50::numeric(8,2) as f"
json "sql --json keeps types" 'v == [{"a": 1, "b": True, "c": None, "d": "é\"", "e": "NaN", "f": 1.5}]'
run daymill sql oltp "select count(*) from retail.user_purchase"
has "a known connection as first argument" "$out" "(1 row)"
out=$(daymill sql --csv <<<"select 1 as a; select 2 as a;" 2>&1)
is "sql reads standard input, statement by statement" "$out" "$(printf 'a\n1\na\n2')"
out=$(daymill sql oltp --csv <<<"select 5 as a" 2>&1)
is "sql CONN reads standard input" "$out" "$(printf 'a\n5')"
run daymill sql "select 1,
       cout(*) from public.user_behavior_metric"
code "an SQL error has its exit code" 11
has "an SQL error shows the line and a caret" "$err" "$(printf 'line 2: cout(*) from public.user_behavior_metric\n                        ^')"
wrong "an empty query" 2 'daymill sql "select 1"' daymill sql
out=$(echo 'select 40 + 2 as answer' | daymill psql 2>&1)
has "psql opens the warehouse" "$out" "42"
run daymill psql oltp -- -Atc "select count(*) > 0 from retail.user_purchase"
is "psql takes a connection, and arguments after --" "$out" t

# ---- warehouse

wrong "a port that others could reach is refused" 2 "not a loopback address" daymill warehouse --listen 0.0.0.0:5439
daymill warehouse --listen 127.0.0.1:0 >/dev/null 2>"$tmp/err"
is "a port that is none is refused" "$?" 2
"$bin" -C "$P" warehouse >"$tmp/listening" 2>"$tmp/waiting" &
server=$!
for _ in $(seq 300); do [ -s "$tmp/listening" ] && break; sleep 0.1; done
has "warehouse waits for the server of an earlier command, and listens" "$(cat "$tmp/listening")" "listening on $P/run/.s.PGSQL.5439"
is "psql connects to it" "$(psql -h "$P/run" -p 5439 -d warehouse -Atc 'select 42')" 42
kill -TERM $server
wait $server
is "TERM ends it well" "$?" 0

# ---- classify

reviews=$P/data/movie_review.csv
run "$bin" classify "$reviews" -o "$tmp/one.parquet" --run-id 2010-12-01 --json
json "classify --json" 'v["rows"] == 2000 and 0 < v["positive"] < 2000 and v["rejected"] == 0 and v["bytes"] > 0 and v["seconds"] >= 0'
positive=$(python3 -c 'import json, sys; print(json.load(sys.stdin)["positive"])' <<<"$out")
run "$bin" classify "$reviews" -o "$tmp/two.parquet" --run-id 2010-12-01 --dialect spark --json
json "the dialect spark reads the same file otherwise" "v['rows'] == 2000 and v['positive'] < $positive"
mkdir "$tmp/parts"
head -n 1001 "$reviews" >"$tmp/parts/a.csv"
{ head -n 1 "$reviews"; tail -n +1002 "$reviews"; } >"$tmp/parts/b.csv"
run "$bin" classify "$tmp/parts" -o "$tmp/folder.parquet" --json
json "classify reads a folder" "v['rows'] == 2000 and v['positive'] == $positive and v['files'] == 2"
run "$bin" classify "$tmp/parts/a.csv" "$tmp/parts/b.csv" -o "$tmp/files.parquet" --json
json "classify reads several files" "v['rows'] == 2000 and v['positive'] == $positive"
"$bin" classify -o "$tmp/stdin.parquet" --run-id 2010-12-01 <"$reviews" >"$tmp/said" 2>&1
same_file "classify reads standard input" "$tmp/stdin.parquet" "$tmp/one.parquet"
wrong "classify without --output" 2 "--output OUT.parquet is missing" "$bin" classify "$reviews"
wrong "classify of a missing file" 4 "none.csv" "$bin" classify "$tmp/none.csv" -o "$tmp/x.parquet"
wrong "classify of another table names the columns found" 9 "InvoiceNo" "$bin" classify "$P/data/OnlineRetail.csv" -o "$tmp/x.parquet"
printf 'cid,review_str\n1,good\n2,"open\n' >"$tmp/open.csv"
wrong "a rejected record fails" 9 "x.parquet.rejects.csv" "$bin" classify "$tmp/open.csv" -o "$tmp/x.parquet"
is "and nothing is written" "$(ls "$tmp" | grep -c 'x.parquet$')" 0
run "$bin" classify "$tmp/open.csv" -o "$tmp/x.parquet" --max-rejected 1 --json
json "--max-rejected bears it" 'v["rows"] == 1 and v["rejected"] == 1'

# ---- datagen

run "$bin" datagen --scale 0.02 --seed 7 --out "$tmp/g1" --json
json "datagen --json" 'len(v) == 2 and all(f["rows"] > 0 for f in v)'
run "$bin" datagen --scale 0.02 --seed 7 --out "$tmp/g2"
same_file "the same seed gives the same purchases" "$tmp/g1/OnlineRetail.csv" "$tmp/g2/OnlineRetail.csv"
same_file "and the same reviews" "$tmp/g1/movie_review.csv" "$tmp/g2/movie_review.csv"
run "$bin" datagen --scale 0.02 --seed 8 --out "$tmp/g3"
if cmp -s "$tmp/g1/OnlineRetail.csv" "$tmp/g3/OnlineRetail.csv"; then not_ok "another seed gives others"; else ok "another seed gives others"; fi
out=$(python3 - "$tmp/g1" <<'PY'
import csv, datetime, sys
with open(sys.argv[1] + '/OnlineRetail.csv', newline='', encoding='utf-8') as f:
    text = f.read()
rows = list(csv.DictReader(text.splitlines(True)))
days = {datetime.datetime.strptime(r['InvoiceDate'].split()[0], '%m/%d/%Y').date() for r in rows}
with open(sys.argv[1] + '/movie_review.csv', newline='', encoding='utf-8') as f:
    reviews_text = f.read()
reviews = list(csv.DictReader(reviews_text.splitlines(True)))
buyers = {r['CustomerID'] for r in rows} - {''}
writers = {r['cid'] for r in reviews}
facts = {
    'columns': list(rows[0]) == ['InvoiceNo', 'StockCode', 'Description', 'Quantity', 'InvoiceDate', 'UnitPrice', 'CustomerID', 'Country'],
    'crlf': text.endswith('\r\n'),
    'days': (min(days), max(days), len(days)) == (datetime.date(2010, 12, 1), datetime.date(2011, 12, 9), 305),
    'saturdays': not any(d.weekday() == 5 for d in days),
    'christmas': datetime.date(2010, 12, 25) not in days,
    'anonymous': any(r['CustomerID'] == '' for r in rows),
    'returns': any(int(r['Quantity']) < 0 for r in rows),
    'commas': any(',' in r['Description'] for r in rows),
    'breaks': any('\n' in r['Description'] for r in rows),
    'quotes': any('"' in r['Description'] for r in rows) and '""' in reviews_text,
    'letters': any(ord(c) > 127 for r in rows for c in r['Description']) and any(ord(c) > 127 for c in reviews_text),
    'reviews': list(reviews[0]) == ['cid', 'review_str'],
    'some': 0 < len(buyers & writers) < len(buyers),
}
print(' '.join(k for k, v in facts.items() if not v))
PY
)
is "it has the columns, days and oddities of the real files" "$out" ""
wrong "a scale that is none" 2 "1 is as large as the real files" "$bin" datagen --scale big

# ---- check: everything at once

cat >"$P/dags/broken.yaml" <<'YAML'
broken:
  schedule: "@dayly"
  start_date: 2024-01-01
  tasks:
    - task_id: one
      operator: bsh
      bash_command: "true"
    - task_id: two
      operator: bash
      bash_comand: "true"
      dependencies: [onee]
YAML
run daymill check
code "check of a broken file has its exit code" 3
has "check: the schedule, with its place" "$out" "dags/broken.yaml:2:"
has "check: the operator, with the nearest" "$out" '"bash"'
has "check: the field, with the nearest" "$out" '"bash_command"'
has "check: the dependency, with the nearest" "$out" '"one"'
has "check: a caret" "$out" "^"
has "check: good DAGs are counted" "$out" "1 DAG good"
run daymill check --json
json "check --json" 'len([d for d in v if d["level"] == "error"]) >= 4 and all(d["line"] > 0 for d in v)'
run daymill dags list
has "another DAG is not held up by it" "$out" user_behaviour
run daymill backfill broken --from 2024-01-01
code "a broken DAG does not run" 3
