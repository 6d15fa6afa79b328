#!/usr/bin/env bash
# The two commands of the README: the demo alone, the three commands that it prints, and every command of the pages that a
# newcomer reads, word for word, in a new shell after the demo has ended.
. "$(dirname "$0")/lib.sh"
plan 23

# A checkout beside this one: the same sources and a copy of what is built, so that build/demo is the test's own.
checkout=$tmp/checkout
mkdir "$checkout"
for f in "$root"/* "$root/.deps"; do
  [[ $f == */build* ]] || ln -s "$f" "$checkout/"
done
mkdir "$checkout/build"
find "$root/build" -mindepth 1 -maxdepth 1 ! -name demo -exec cp -a {} "$checkout/build/" \;
bin=$checkout/build/daymill

new_shell() { env -i HOME="$tmp" PATH="/usr/local/bin:/usr/bin:/bin" "$@"; }
# Each line of a file as a new shell would get it typed, one after the other in one shell; the first that fails is told.
typed() { # typed TITLE FOLDER FILE [LINE BEFORE]
  out=$(new_shell bash -e -c 'cd "$1"; eval "$3"; . "$2"' typed "$2" "$3" "${4-}" 2>"$tmp/err" </dev/null)
  code=$?
  err=$(cat "$tmp/err")
  code "$1" 0
}
published() { "$bin" -C "$1" sql --csv "$published" | sha256sum; }

# ---- the README's first block: script/demo alone

python3 "$root/tests/tools/blocks.py" "$root/README.md" sh "$tmp/readme" >/dev/null
is "the README's first block is the demo" "$(cat "$tmp/readme/1.sh")" script/demo
typed "script/demo alone" "$checkout" "$tmp/readme/1.sh"
demo=$checkout/build/demo
has "it prints the joined table" "$out" "customerid  amount_spent  review_score  review_count  insert_date"
has "of the last days" "$out" "2010-12-10"
has "it says where the lake is" "$out" "$demo/lake/daymill"
has "it says where the warehouse is" "$out" "$demo/warehouse/warehouse.duckdb"
sed -n '/^Next:/,$p' <<<"$out" | sed -n 's/^  //p' >"$tmp/next.sh"
is "it prints three commands to try" "$(grep -c '' "$tmp/next.sh")" 3
first=$(published "$demo")

run new_shell bash -c "cd '$checkout' && script/demo"
has "a second run does nothing twice" "$out" "10 days were already done"
is "and the published rows are unchanged" "$(published "$demo")" "$first"
typed "the three commands run as printed" / "$tmp/next.sh"
has "the first shows rows" "$out" "2010-12-10"
has "the second shows what happened" "$out" "publish_user_behavior_metric"
typed "every command of the README runs, word for word" "$checkout" "$tmp/readme/2.sh"

# ---- with files of one's own

"$bin" datagen --scale 0.01 --seed 9 --out "$tmp/own" --quiet
own() { new_shell "$checkout/script/demo" --purchases "$tmp/own/OnlineRetail.csv" --reviews "$tmp/own/movie_review.csv" --to 2010-12-03; }
run own
code "script/demo --purchases --reviews" 0
has "what was there before steps aside" "$out" "build/demo was made from other files"
is "the project has those purchases" "$("$bin" -C "$demo" sql oltp --csv "select count(*) from retail.user_purchase" | tail -n 1)" \
  "$(python3 -c 'import csv, sys; print(sum(1 for _ in csv.reader(open(sys.argv[1], newline=""))) - 1)' "$tmp/own/OnlineRetail.csv")"

# ---- the project's own README and the DAG's, in another folder with a space in its name

run new_shell "$checkout/script/demo" --dir "$tmp/a shop" --to 2010-12-05
code "script/demo --dir --to" 0
sed -n '/^Next:/,$p' <<<"$out" | sed -n 's/^  //p' >"$tmp/next2.sh"
typed "its three commands run as printed, too" / "$tmp/next2.sh"
path="export PATH=\$PATH:$checkout/build"
python3 "$root/tests/tools/blocks.py" "$tmp/a shop/README.md" sh "$tmp/project" >/dev/null
typed "every command of the project's README" "$tmp/a shop" "$tmp/project/1.sh" "$path"

# ---- the manual's examples

python3 "$root/tests/tools/blocks.py" "$root/docs/manual.md" yaml "$tmp/manual" >"$tmp/count"
P="$tmp/a shop"
python3 "$root/tests/tools/blocks.py" "$root/docs/manual.md" "yaml daymill.yaml" "$tmp/settings" >"$tmp/count"
cat "$tmp"/settings/* >>"$P/daymill.yaml"
run daymill dags list
code "the manual's settings are good" 0
for f in "$tmp"/manual/*.yaml; do cp "$f" "$P/dags/manual_$(basename "$f")"; done
run daymill check
code "the manual's DAG files are good" 0
failed=""
for dag in $(daymill dags list --json | python3 -c 'import json, sys; print(*(d["dag_id"] for d in json.load(sys.stdin) if "manual_" in d["file"]))'); do
  run daymill dags test "$dag" 2024-01-01
  [ "$code" = 0 ] || failed+=" $dag: $out $err"
done
is "and run" "$failed" ""
python3 "$root/tests/tools/blocks.py" "$root/docs/manual.md" sh "$tmp/manual" >"$tmp/count"
cat "$tmp"/manual/*.sh >"$tmp/manual.sh" 2>/dev/null
typed "every command of the manual" "$P" "$tmp/manual.sh" "$path"
