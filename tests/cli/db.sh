#!/usr/bin/env bash
# Looking after the store: check, backup, vacuum, purge, migrate; retention; the size of logs.
. "$(dirname "$0")/lib.sh"
plan 65

db() { # db SQL…: on the store, without the program
  python3 -c 'import sqlite3, sys
c = sqlite3.connect(sys.argv[1])
for s in sys.argv[2:]:
    for row in c.execute(s): print(*row)
c.commit()' "$P/state/daymill.db" "$@"
}

bare_project "$P"
cat >"$P/dags/d.yaml" <<'YAML'
d:
  schedule: "@daily"
  start_date: 2024-01-01
  catchup: true
  tasks:
    - {task_id: one, operator: bash, bash_command: "echo {{ ds }}"}
    - {task_id: two, operator: bash, bash_command: "echo two", dependencies: [one], depends_on_past: true}
e:
  schedule: "@daily"
  start_date: 2024-01-01
  tasks:
    - {task_id: one, operator: bash, bash_command: "echo e"}
YAML

# ---- nothing there yet
run daymill db check
code "without a store there is nothing to check" 4
has "and the error says what makes one" "$err" "backfill DAG --from"
run daymill db purge --before 2024-01-01 --dry-run
code "a dry run of a purge of nothing" 0
has "says so" "$out" "0 runs would go"

# ---- check
run daymill backfill d --from 2024-01-01 --to 2024-01-20
code "twenty days" 0
daymill backfill e --from 2024-01-01 --to 2024-01-05 >/dev/null 2>&1
run daymill db check
code "a good store" 0
has "is called good" "$out" "the store is good: version "
run daymill db check --json
is "as JSON an empty list" "$out" "[]"
cp "$P/state/daymill.db" "$tmp/good.db" # nobody has it open: the WAL was copied back
db "UPDATE task_instance SET state = 'dancing' WHERE id = 1" "UPDATE run SET ended_at = NULL WHERE id = 2" \
  "UPDATE task_instance SET state = 'running' WHERE id = 6" "UPDATE attempt SET state = 'running' WHERE number = 7" \
  "DELETE FROM run_generation WHERE run = 5" "UPDATE xcom SET task = 9999 WHERE task = 3"
run daymill db check
code "a store that was changed by hand: exit status 10" 10
has "a state that nobody knows" "$out" 'has the unknown state "dancing"'
has "a run without an end" "$out" "is success but has no end"
has "a task at work in a finished run" "$out" "is running, but the run is success"
has "a running attempt of a finished task" "$out" "attempt 7 of "
has "which has no process" "$out" "attempt 7 of task \"one\" is running, but has no process"
has "a row that names one that is not there" "$out" "a row of xcom"
has "and what to do" "$out" "Stop everything that uses the project, move state/ away"
has "how many" "$err" "things are wrong"
run daymill db check --json
is "as JSON: what and a hint" "$(python3 -c 'import json, sys; v = json.load(sys.stdin); print(all(r["what"] and r["hint"] for r in v) and len(v) > 5)' <<<"$out")" True
cp "$tmp/good.db" "$P/state/daymill.db"
python3 - "$P/state/daymill.db" <<'PY'
import sys
with open(sys.argv[1], 'r+b') as f:  # in the middle of the pages of rows
    for page in range(8, 40):
        f.seek(page * 4096 + 8)
        f.write(b'\xff' * 64)
PY
run daymill db check
is "damaged pages are found" "$(($code != 0))" 1
has "and named" "$out$err" "damaged"
cp "$tmp/good.db" "$P/state/daymill.db"

# ---- objects
mkdir -p "$P/lake/b" && printf 12345 >"$P/lake/b/k"
db "INSERT INTO object VALUES (1, -1, 'b', 'k', 5, 1), (2, -1, 'b', 'gone', 5, 1)"
run daymill db check
code "objects are looked at when asked for only" 0
run daymill db check --objects
code "an object that is not in the lake" 10
has "is named with its task" "$out" 's3://b/gone of task "two"'
lacks "one that is there is not" "$out" "s3://b/k "
db "DELETE FROM object"

# ---- backup
run daymill db backup "$tmp/copy/one.db"
code "a backup" 0
run daymill db backup "$tmp/copy/one.db"
code "never overwrites" 4
has "and says so" "$err" "there is a file"
is "nothing else is left beside it" "$(ls "$tmp/copy")" one.db
"$bin" -C "$P" backfill d --from 2024-02-01 --to 2024-03-31 >/dev/null 2>&1 &
writer=$!
while ! compgen -G "$P/logs/d/backfill__2024-02-0*" >/dev/null; do sleep 0.01; done
run daymill db backup "$tmp/copy/two.db"
code "a backup while a command writes" 0
wait $writer
is "which goes on" $? 0
mkdir -p "$tmp/q" && P2=$P && P=$tmp/q && bare_project "$P" && mkdir -p "$P/state" && cp "$tmp/copy/two.db" "$P/state/daymill.db"
run daymill db check
lacks "the backup is whole" "$out" "SQLite"
P=$P2
exec 9>"$P/run/scheduler.lock" && flock 9
run daymill db vacuum
code "a vacuum while somebody decides: refused" 5
has "with what to do instead" "$err" '"db backup" works meanwhile'
exec 9>&-

# ---- purge
run daymill db purge --before 2024-01-11 --dag d --dry-run
has "a dry run lists runs" "$out" "backfill__2024-01-10T00:00:00+00:00"
has "and counts them" "$out" "10 runs would go"
run daymill db purge --before 2024-01-11 --dag d
has "a purge says what it removed" "$out" "removed: 10 runs, 20 task instances, 20 attempts"
is "those runs are gone" "$(db "SELECT count(*), min(run_id) FROM run WHERE dag_id = 'd' AND logical_date < 1706000000000000")" \
  "10 backfill__2024-01-11T00:00:00+00:00"
is "their logs, too, with their folders" "$(ls "$P/logs/d" | head -n 1)" "backfill__2024-01-11T00:00:00+00:00"
is "another DAG's are not" "$(db "SELECT count(*) FROM run WHERE dag_id = 'e'")" 5
run daymill db check
code "the store is good" 0
run daymill db purge --before 2030-01-01 --keep-last 3 --json
is "--keep-last keeps the newest of each DAG" "$(db "SELECT dag_id, count(*) FROM run GROUP BY dag_id")" "d 3
e 3"
run daymill db vacuum --json
is "a vacuum gives space back" "$(python3 -c 'import json, sys; v = json.load(sys.stdin); print(v["after"] < v["before"])' <<<"$out")" True
run daymill db purge --dag d
code "--dag wants --before" 2
run daymill backfill d --from 2024-03-31 --to 2024-04-03
code "the next days find the one before them" 0

# ---- retention
printf 'retention: {runs: 400d, logs: 30d, rendered: 2}\n' >>"$P/daymill.yaml"
db "UPDATE attempt SET decided_at = decided_at - 5000000000000, ended_at = ended_at - 5000000000000 WHERE run IN (SELECT id FROM run WHERE dag_id = 'e')"
run daymill db purge
has "without --before the settings are kept to: logs" "$out" "3 logs"
is "rendered fields of the newest runs are left" "$(db "SELECT count(DISTINCT a.run) FROM rendered x JOIN attempt a ON a.number = x.attempt JOIN run r ON r.id = a.run WHERE r.dag_id = 'd'")" 2
run daymill tasks logs e one 2024-01-05
has "a log that was removed is told" "$out" "older than retention.logs"

# ---- beside a scheduler
start() { "$bin" -C "$P" scheduler >"$tmp/lines" 2>&1 </dev/null & top=$!; poll grep -q "ready: " "$tmp/lines"; }
finish() { kill -TERM "$top" && wait "$top"; }
gone() { [ ! -e "$1" ]; }
for dag in d e; do daymill dags pause $dag --quiet; done
old=$(ls -d "$P"/logs/d/*2024-04-01*)
db "UPDATE attempt SET ended_at = ended_at - 5000000000000 WHERE run IN (SELECT id FROM run WHERE run_id = '$(basename "$old")')"
start
if poll gone "$old"; then ok "a scheduler does by itself what retention says"; else not_ok "a scheduler does by itself what retention says" "$(ls "$old")"; fi
daymill dags trigger e --quiet >/dev/null 2>&1
there=$(db "SELECT count(*), 2 * count(*), 2 * count(*) FROM run WHERE dag_id = 'd' AND logical_date < 1712016000000000")
run daymill db purge --before 2024-04-02 --dag d --json
code "a purge while a scheduler works" 0
is "has its counts" "$(python3 -c 'import json, sys; v = json.load(sys.stdin); print(v["runs"], v["tasks"], v["attempts"])' <<<"$out")" "$there"
is "so it is done" "$(db "SELECT min(run_id) FROM run WHERE dag_id = 'd'")" "backfill__2024-04-02T00:00:00+00:00"
run daymill db purge
code "and by age" 0
kill -0 "$top"
is "the scheduler goes on" $? 0
finish
mkdir "$P/logs/d/folder"
db "INSERT INTO log_to_remove VALUES ('logs/d/folder')"
start
if poll grep -q 'doing what retention says: could not remove the log' "$tmp/lines"; then ok "what fails of it is told"; else not_ok "what fails of it is told" "$(cat "$tmp/lines")"; fi
run daymill db purge
has "and is the error of who asks" "$err" 'could not remove the log "logs/d/folder"'
finish
is "and ends nothing" $? 0
rmdir "$P/logs/d/folder"

sed -i 's/runs: 400d/runs: soon/' "$P/daymill.yaml"
run daymill db purge
code "a setting that is no time: refused" 3
has "with its line and what is right" "$err" "90d, 36h or 8w"
sed -i '/^retention/d' "$P/daymill.yaml"

# ---- a task that prints too much
printf 'logs: {max_bytes: 1MiB}\n' >>"$P/daymill.yaml"
cat >"$P/dags/much.yaml" <<'YAML'
much:
  start_date: 2024-01-01
  tasks:
    - {task_id: much, operator: bash, bash_command: "echo the first line; yes 'a line of no importance' | head -c 200000000; echo the last line"}
YAML
run daymill tasks test much much 2024-01-01
code "a task that prints 200 MB" 0
log=$(find "$P/logs/much" -name '*.log')
is "its log has at most the size that was set" "$(($(stat -c %s "$log") <= 1048576))" 1
run daymill tasks logs much much 2024-01-01
has "with its beginning" "$out" "the first line"
has "how much is left out" "$out" "bytes are left out here"
has "and its end" "$out" "the last line"

# ---- migrate
db "PRAGMA user_version = 99"
run daymill db migrate
code "a newer store is refused" 3
has "with both versions" "$err" "the store has version 99, this program knows up to"
