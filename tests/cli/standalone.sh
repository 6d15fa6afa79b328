#!/usr/bin/env bash
# daymill standalone: starts, watches, restarts and ends the services of a project, and says so to people, to systemd and
# to whoever reads its lines.
. "$(dirname "$0")/lib.sh"
plan 33

# promise NAME COMMAND…
promise() { local name=$1; shift; if "$@"; then ok "$name"; else not_ok "$name" "$*" "$(tail -n 20 "$lines")"; fi; }
lines=$tmp/lines
said() { grep -qF -- "$1" "$lines"; }
said_times() { [ "$(grep -cF -- "$2" "$lines")" -ge "$1" ]; }
# The process of a service, as the last line that named it says.
service() { sed -n "s/.*started $1 as process \([0-9]*\)\".*/\1/p" "$lines" | tail -n 1; }
start() { : >"$lines"; "$bin" -C "$P" standalone "$@" >"$lines" 2>"$tmp/errors" </dev/null & top=$!; }
ready() { poll said '"msg":"ready after '; }
nobody() { [ -z "$(processes "$P")" ]; }
another() { local now; now=$(service "$1"); [ -n "$now" ] && [ "$now" != "$2" ]; }
finish() { wait "$top" 2>/dev/null; code=$?; }

bare_project "$P"
sed -i 's/idle_close: .*/idle_close: 1/' "$P/daymill.yaml"

start
promise "it is ready when its services are" ready
is "every line is JSON where no terminal reads" \
  "$(python3 -c 'import json,sys
print(all(json.loads(l)["comp"] in ("standalone", "scheduler", "warehouse") for l in open(sys.argv[1])))' "$lines")" True

run daymill standalone
code "a second one refuses" 5
has "and says who holds the project" "$err" "process $top (daymill standalone)"

run daymill sql --csv "select 40 + 2 as n"
is "the warehouse serves" "$out" $'n\n42'
warehouse=$(service warehouse) scheduler=$(service scheduler)
closed() { ! grep -q libduckdb "/proc/$warehouse/maps"; }
promise "an idle warehouse closes its engine" poll closed
is "and stays the same process" "$(service warehouse)" "$warehouse"
run daymill sql --csv "select 40 + 2 as n"
is "which serves again" "$out" $'n\n42'

kill -9 "$warehouse"
promise "a killed warehouse is started again" poll another warehouse "$warehouse"
promise "and is ready again" poll said "warehouse is ready"
is "nobody else was" "$(service scheduler)" "$scheduler"
kill -9 "$scheduler"
promise "a killed scheduler is started again" poll another scheduler "$scheduler"
promise "and is ready again" poll said "scheduler is ready"
promise "what happened is said" said "scheduler (process $scheduler) was ended by signal 9 (Killed); starting it again in 100 ms"

kill -TERM "$top"
finish
code "SIGTERM ends it" 0
promise "with all services" nobody
order=$(sed -n 's/.*"msg":"\([a-z]*\) ended with exit status 0".*/\1/p' "$lines" | tr '\n' ' ')
is "who needs another one ends first" "$order" "scheduler warehouse "

start
ready
kill -9 "$top"
finish
promise "SIGKILL leaves nobody behind" poll nobody
start
promise "and nothing that hinders the next one" ready
kill -INT "$top"
finish
code "SIGINT ends it as well" 0

# The server of a command stays a while: clients do not care whose it is.
run daymill sql "select 1"
start
promise "the server of an earlier command does not delay it" ready
promise "it takes over when that one leaves" poll said '"msg":"listening on '
kill -TERM "$top"
finish

# A service manager: what it hears, in order.
cat >"$tmp/manager.py" <<'PY'
import os, signal, socket, subprocess, sys
path, command = sys.argv[1], sys.argv[2:]
manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
manager.bind(path)
manager.settimeout(60)
env = dict(os.environ, NOTIFY_SOCKET=path, WATCHDOG_USEC="200000")
child = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True)
heard = []
def until(word):
    while True:
        for line in manager.recv(4096).decode().splitlines():
            heard.append(line)
        if word in heard[-2:]:
            return
def say(name, good):
    print(f"{name}={'yes' if good else heard}")
until("READY=1")
say("ready", heard.count("READY=1") == 1)
until("WATCHDOG=1"); until("WATCHDOG=1")
say("watchdog", heard.count("WATCHDOG=1") >= 2)
status = [h for h in heard if h.startswith("STATUS=")][-1]
say("status", "scheduler ready" in status and "warehouse ready" in status)
tree = open(f"/proc/{child.pid}/task/{child.pid}/children").read().split()
say("alone", len(tree) == 2 and not any(b"NOTIFY_SOCKET" in open(f"/proc/{p}/environ", "rb").read() for p in tree))
heard.clear()
child.send_signal(signal.SIGHUP)
until("RELOADING=1"); until("READY=1")
say("reload", heard.index("RELOADING=1") < heard.index("READY=1"))
child.send_signal(signal.SIGTERM)
until("STOPPING=1")
say("stopping", True)
child.communicate()
say("ended", child.returncode == 0)
PY
heard=$(python3 "$tmp/manager.py" "$tmp/notify" "$bin" -C "$P" standalone 2>&1)
has "a service manager hears that it is ready" "$heard" "ready=yes"
has "that it is alive" "$heard" "watchdog=yes"
has "what its services do" "$heard" "status=yes"
has "from the supervisor alone" "$heard" "alone=yes"
has "that it reloads" "$heard" "reload=yes"
has "that it stops" "$heard" "stopping=yes"
has "and it ends well" "$heard" "ended=yes"

# A terminal: prefixed lines, a first screen, Ctrl-C.
cat >"$tmp/terminal.py" <<'PY'
import os, pty, sys
pid, fd = pty.fork()
if pid == 0:
    os.environ["NO_COLOR"] = "1"
    os.execv(sys.argv[1], sys.argv[1:])
text, sent = b"", False
while True:
    try:
        got = os.read(fd, 4096)
    except OSError:
        break
    if not got:
        break
    text += got
    if not sent and b"Ctrl-C stops" in text:
        os.write(fd, b"\x03")
        sent = True
sys.stdout.write(text.decode().replace("\r\n", "\n"))
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
PY
run timeout 60 python3 "$tmp/terminal.py" "$bin" -C "$P" standalone
has "a terminal gets prefixed lines" "$out" "warehouse  | ts="
has "and a first screen with what to type" "$out" "-p 5439 warehouse"
code "Ctrl-C ends it" 0
typed=$(sed -n "s|.*$bin -C $P \([a-z]* [a-z]*\).*|\1|p" <<<"$out")
unknown=$(while read -r command; do "$bin" $command --help >/dev/null 2>&1 || echo "$command"; done <<<"$typed")
is "the commands that it shows exist" "${typed:+some}$unknown" some
