"""Processes as a benchmark sees them: a tree's memory and CPU time, and a service that says when it is ready."""
import os
import signal
import socket
import subprocess
import tempfile
import time

TICK = os.sysconf('SC_CLK_TCK')


def stat_fields(pid):
    """The fields of /proc/PID/stat after the name, from the state on; None where it is gone."""
    try:
        with open(f'/proc/{pid}/stat') as f:
            return f.read().rsplit(')', 1)[1].split()
    except OSError:
        return None


def tree(root):
    """A process and all below it."""
    parents = {}
    for pid in filter(str.isdigit, os.listdir('/proc')):
        fields = stat_fields(pid)
        if fields:
            parents.setdefault(int(fields[1]), []).append(int(pid))
    found, todo = [], [root]
    while todo:
        pid = todo.pop()
        found.append(pid)
        todo += parents.get(pid, [])
    return found


def pss_mb(root):
    """Proportional set size of a tree in MiB: shared pages are counted once."""
    total = 0
    for pid in tree(root):
        try:
            with open(f'/proc/{pid}/smaps_rollup') as f:
                total += next(int(line.split()[1]) for line in f if line.startswith('Pss:'))
        except (OSError, StopIteration):
            continue
    return total / 1024


def cpu_seconds(root):
    """CPU time that a tree has used so far, ended children that were waited for included."""
    rows = (stat_fields(pid) for pid in tree(root))
    return sum(sum(int(f) for f in row[11:15]) for row in rows if row) / TICK


def cpu_share(root, seconds):
    """Share of one processor that a tree uses while nothing happens."""
    before = cpu_seconds(root)
    time.sleep(seconds)
    return (cpu_seconds(root) - before) / seconds


class Service:
    """A command that tells systemd's way (READY=1) when it is ready.  `ready` = seconds from exec until then."""

    def __init__(self, command, limit=300, env=None):
        self.folder = tempfile.TemporaryDirectory(prefix='daymill-bench')
        path = os.path.join(self.folder.name, 'notify')
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.bind(path)
            s.settimeout(limit)
            self.log = open(os.path.join(self.folder.name, 'log'), 'w+')
            start = time.monotonic()
            self.process = subprocess.Popen(command, stdout=self.log, stderr=subprocess.STDOUT,
                                            env=dict(env or os.environ, NOTIFY_SOCKET=path))
            try:
                while b'READY=1' not in s.recv(4096).split(b'\n'):
                    pass
            except TimeoutError:
                self.stop()
                raise SystemExit(f'bench: {command} is not ready after {limit} s')
            self.ready = time.monotonic() - start
        self.pid = self.process.pid

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()
        self.folder.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
