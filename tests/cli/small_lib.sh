# Small input whose answer is known: twelve days of purchases (two Saturdays without any) and the reviews of some of
# their customers.  Sourced after lib.sh by tests that do not need the real data.
#
#   small_data DIR       OnlineRetail.csv and movie_review.csv, and beside each the same as plain columns
#   small_project DIR    a project of them
#   expected DIR         the metric that they give, computed from the plain columns: CSV as `published_rows` prints it
small_data() {
  mkdir -p "$1"
  awk -v plain="$1/purchases.txt" 'BEGIN {
    printf "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\r\n"
    for (d = 1; d <= 12; d++) {
      if (d == 4 || d == 11) continue
      for (i = 0; i < 12; i++) {
        customer = i % 6 == 5 ? "" : 1001 + (i * 7 + d * 3) % 20
        quantity = (i * 5 + d) % 9 - 1
        cents = (i * 37 + d * 11) % 500
        printf "%d,%d%s,%s,%d,12/%d/2010 %d:%02d,%.2f,%s,United Kingdom\r\n", 500000 + d * 10 + i % 3, 20000 + i,
          i % 4 ? "" : "A", i % 5 ? "PLAIN MUG" : "\"MUG, \"\"RED\"\"\"", quantity, d, 8 + i, (i * 13) % 60,
          cents / 100, customer
        if (customer) printf "2010-12-%02d %d %d %d\n", d, customer, quantity, cents >plain
      }
    }
  }' >"$1/OnlineRetail.csv"
  awk -v plain="$1/reviews.txt" 'BEGIN {
    print "cid,review_str"
    for (i = 0; i < 60; i++) {
      printf "%d,\"%s film, number %d%s\"\n", 1000 + (i * 7) % 25, i % 3 ? "A dull" : "A good", i,
        i % 4 ? "" : ", \"\"so\nto speak\"\""
      printf "%d %d\n", 1000 + (i * 7) % 25, i % 3 == 0 >plain
    }
  }' >"$1/movie_review.csv"
}
expected() {
  echo "customerid,amount_spent,review_score,review_count,insert_date"
  awk 'NR == FNR { count[$1]++; score[$1] += $2; next }
    $3 > 2 && $2 in count { cents[$1 "," $2] += $3 * $4 }
    END {
      for (key in cents) {
        split(key, k, ",")
        printf "%d,%.5f,%d,%d,%s\n", k[2], cents[key] / 100, score[k[2]], count[k[2]], k[1]
      }
    }' "$1/reviews.txt" "$1/purchases.txt" | sort -t , -k 5,5 -k 1,1n
}
small_project() {
  [ -e "$tmp/small/OnlineRetail.csv" ] || small_data "$tmp/small"
  "$bin" init --quiet "$1" --purchases "$tmp/small/OnlineRetail.csv" --reviews "$tmp/small/movie_review.csv"
  sed -i 's|idle_close: 5 |idle_close: 1 |' "$1/daymill.yaml"
}
# A copy of a project at rest: its warehouse has closed its files.
copy_project() {
  flock -w 60 "$1/run/warehouse.lock" true
  rm -rf "$2"
  cp -r "$1" "$2"
}
published_rows() { daymill sql --csv "$published"; }
# What a change did to the published rows: the lines of a diff, without its head.
changes() { diff "$1" "$2" | grep '^[<>]'; }
# Runs the command that the last one printed.
run_printed() {
  local line
  line=$(sed -n 's/^then: //p' <<<"$err")
  run eval "$line"
}
