#!/usr/bin/env bash
# Kills with the real data, where it is: fewer, and of less work, as each day takes longer.
. "$(dirname "$0")/../cli/lib.sh"
need_real_data
python3 "$root/tests/crash/kill.py" "$bin" --data "$real" --days 8 --kills 12 --kind backfill --kind catchup
