#!/usr/bin/env bash
# The systemd units: valid for systemd, and about a command that exists.
. "$(dirname "$0")/lib.sh"
command -v systemd-analyze >/dev/null || skip_all "systemd-analyze is absent"
plan 10

mkdir "$tmp/units"
for name in daymill daymill-scheduler daymill-warehouse; do
  template=$root/share/systemd/$name@.service.in
  # Verified as an instance, with the program that was built and a user that is there.
  for other in daymill daymill-scheduler daymill-warehouse; do
    sed "s|@bindir@/daymill|$bin|; s/^\(User\|Group\)=.*/\1=root/" "$root/share/systemd/$other@.service.in" >"$tmp/units/$other@.service"
  done
  cp "$tmp/units/$name@.service" "$tmp/units/$name@srv-my\\x2dshop.service"
  # Services of this machine that have faults of their own are not ours.
  faults=$(SYSTEMD_UNIT_PATH=$tmp/units: systemd-analyze verify --man=no "$tmp/units/$name@srv-my\\x2dshop.service" 2>&1 | grep -F "$name@")
  is "$name@ is a valid unit" "$faults" ""
  command=$(sed -n 's/^ExecStart=@bindir@\/daymill -C %f \([a-z]*\).*/\1/p' "$template")
  run "$bin" "$command" --help
  code "$name@ starts a command that exists" 0
  rm "$tmp/units/$name@srv-my\\x2dshop.service"
done

score() { systemd-analyze security --offline=yes --no-pager "$1" 2>/dev/null | sed -n 's/.*Overall exposure level[^0-9]*\([0-9]*\)\..*/\1/p'; }
for name in daymill daymill-scheduler daymill-warehouse; do
  is_good=$(score "$tmp/units/$name@.service")
  if [ -z "$is_good" ]; then skip "$name@ is hardened" "systemd-analyze cannot tell offline"
  elif [ "$is_good" -le 4 ]; then ok "$name@ is hardened"
  else not_ok "$name@ is hardened" "exposure $is_good of 10"; fi
done

sed -i 's/^WatchdogSec=.*/WatchdogSec=often/; s/^Type=notify/Type=notifies/' "$tmp/units/daymill@.service"
cp "$tmp/units/daymill@.service" "$tmp/units/daymill@x.service"
faults=$(SYSTEMD_UNIT_PATH=$tmp/units: systemd-analyze verify --man=no "$tmp/units/daymill@x.service" 2>&1)
has "a wrong unit would be found" "$faults" "Failed to parse sec value"
