#!/usr/bin/env bash
# init and setup: what they write, that they can be repeated, what a vendor's file may look like.
. "$(dirname "$0")/lib.sh"
plan 40

table="select * from retail.user_purchase order by invoice_number, stock_code, quantity, invoice_date, unit_price, detail"
rows() { daymill sql oltp --csv "select count(*) from retail.user_purchase" | tail -n 1; }

# ---- init, setup: again and again

run "$bin" init "$P" --scale 0.02 --quiet
code "init" 0
is "--quiet says nothing" "$out$err" ""
is "init writes what a project needs" "$(cd "$P" && ls -d README.md connections.yaml daymill.yaml dags/user_behaviour data/*.csv | wc -l)" 6
first=$(daymill sql oltp --csv "$table" | sha256sum)
echo "# mine" >>"$P/daymill.yaml"
run "$bin" init "$P"
has "a second init keeps files that are there" "$(tail -n 1 "$P/daymill.yaml")" "# mine"
run daymill setup
has "setup of a table with rows loads nothing again" "$out" "retail.user_purchase has rows: data/OnlineRetail.csv is not loaded again"
is "and the rows are as they were" "$(daymill sql oltp --csv "$table" | sha256sum)" "$first"

daymill sql "insert into public.user_behavior_metric values (1, 2.5, 1, 1, date '2010-12-01')" >/dev/null
run daymill setup
is "setup drops nothing that has rows" "$(daymill sql --csv "select count(*) from public.user_behavior_metric" | tail -n 1)" 1
run daymill setup --dry-run --recreate
has "--dry-run shows the statements" "$out" "DROP TABLE"
has "--dry-run shows the file" "$out" "would load data/OnlineRetail.csv into retail.user_purchase"
is "--dry-run does nothing" "$(daymill sql --csv "select count(*) from public.user_behavior_metric" | tail -n 1)" 1
run daymill setup --recreate
code "--recreate" 0
is "--recreate empties what was published" "$(daymill sql --csv "select count(*) from public.user_behavior_metric" | tail -n 1)" 0
is "--recreate loads the file again" "$(daymill sql oltp --csv "$table" | sha256sum)" "$first"

# ---- what a file of purchases may look like

python3 - "$P/data/OnlineRetail.csv" "$tmp" <<'PY'
import csv, datetime, sys

with open(sys.argv[1], newline='', encoding='utf-8') as f:
    head, *rows = csv.reader(f)


def write(name, head, rows, columns=range(8)):
    with open(f'{sys.argv[2]}/{name}.csv', 'w', newline='', encoding='utf-8') as f:
        csv.writer(f).writerows([[row[i] for i in columns] for row in [head, *rows]])


def dated(form, some):
    for r in some:
        yield [*r[:4], form(datetime.datetime.strptime(r[4], '%m/%d/%Y %H:%M')), *r[5:]]


def day_first(d):
    return f'{d.day}/{d.month}/{d.year} {d.hour}:{d.minute:02}'


write('iso', head, dated(str, rows), [7, 4, 0, 2, 1, 6, 5, 3])
write('few', head, rows[:50])
write('day_first', head, dated(day_first, rows))
write('either', head, ([*r[:4], '1/2/2011 8:26', *r[5:]] for r in rows[:20]))
write('yesterday', head, [*rows[:20], [*rows[20][:4], 'yesterday', *rows[20][5:]]])
write('extra', [*head, 'Discount'], [[*r, '1'] for r in rows[:5]], range(9))
write('without', head, rows[:5], range(7))
write('twice', [*head[:7], 'Description'], rows[:5])
with open(f'{sys.argv[2]}/short.csv', 'w', newline='', encoding='utf-8') as f:
    csv.writer(f).writerows([head, *rows[:5], rows[5][:3], *rows[6:9]])
PY

load() { # load NAME: a new project with that file
  P=$tmp/$1.project
  run "$bin" init "$P" --purchases "$tmp/$1.csv" --scale 0.001
}
load iso
is "columns in another order, ISO dates: the same rows" "$(daymill sql oltp --csv "$table" | sha256sum)" "$first"
load few
is "a few days, whose dates only fit the DAG's days month first" "$(rows)" 50

refused() { # refused NAME LINE PIECE…
  local name=$1 line=$2 piece
  shift 2
  load "$name"
  code "$name: refused" 9
  has "$name: with the line" "$err" "data/OnlineRetail.csv:$line:"
  for piece; do has "$name: $piece" "$err" "$piece"; done
  is "$name: nothing is loaded" "$(rows)" 0
}
day_first_line=$(grep -nE ',1[3-9]/12/2010 ' "$tmp/day_first.csv" | head -n 1 | cut -d: -f1)
refused day_first "$day_first_line" "the day first"
refused either 2 'has two meanings'
refused extra 1 '"Discount", belongs to no column'
refused without 1 'has no column "country"'
sed -i 's/^  file: .*/&\n  dates: mdy/' "$tmp/either.project/dags/user_behaviour/setup/load.yaml"
P=$tmp/either.project
run daymill setup
is "dates: mdy says that somebody has looked" "$(rows)" 20

for name in yesterday short; do
  load "$name"
  [ "$code" -ne 0 ] && [[ $err == *"data/OnlineRetail.csv:$([ $name = short ] && echo 7 || echo 22):"* ]] &&
    ok "$name: an unreadable row, with its line" || not_ok "$name: an unreadable row, with its line" "$code" "$err"
done
load twice
has "the same column twice" "$err" "is the second for the same column"
P=$tmp/iso.project
cp "$tmp/iso.csv" "$tmp/copy.csv"
run "$bin" init "$P" --purchases "$tmp/copy.csv"
code "the same file again, of another time: init can be repeated" 0
run "$bin" init "$P" --purchases "$tmp/few.csv"
code "another file where one is loaded is refused" 4
has "and says what to do" "$err" "setup --recreate"
is "the rows stay those of the first" "$(daymill sql oltp --csv "$table" | sha256sum)" "$first"
P=$tmp/missing.project
run "$bin" init "$P" --purchases "$tmp/none.csv"
has "a missing file is named" "$err" "could not read $tmp/none.csv"
