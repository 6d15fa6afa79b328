"""A project under test: its processes, its store, and the picture of all that a crash may not change."""
import hashlib
import os
import pathlib
import shutil
import sqlite3
import subprocess
import time

# What lies between a start and its end, at most, on a slow machine: waiting is bounded by it.
PATIENCE = 240


class Stuck(Exception):
    """Something that was waited for did not happen."""


def until(what, condition, seconds=PATIENCE):
    end = time.monotonic() + seconds
    while True:
        got = condition()
        if got:
            return got
        if time.monotonic() > end:
            raise Stuck(f'{what}: not within {seconds} s')
        time.sleep(0.005)


class Process:
    """A line of /proc: what it is, who started it."""

    def __init__(self, pid):
        stat = pathlib.Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()
        self.pid, self.state, self.parent = pid, stat[0], int(stat[1])
        self.argv = pathlib.Path(f'/proc/{pid}/cmdline').read_bytes().decode(errors='replace').split('\0')[:-1]


def processes():
    found = {}
    for name in os.listdir('/proc'):
        if not name.isdigit():
            continue
        try:
            p = Process(int(name))
        except (OSError, IndexError):
            continue  # it ended while we looked
        if p.state not in 'ZX':
            found[p.pid] = p
    return found


def descendants(table, root):
    below, found = {}, []
    for p in table.values():
        below.setdefault(p.parent, []).append(p)
    todo = [root]
    while todo:
        children = below.get(todo.pop(), [])
        found += children
        todo += [c.pid for c in children]
    return found


def remains(folder):
    """The processes that work on the project, or the projects, below a folder."""
    found, path = set(), f'{folder}/'
    for p in processes().values():
        try:
            links = [os.readlink(f'/proc/{p.pid}/fd/{fd}') for fd in os.listdir(f'/proc/{p.pid}/fd')]
        except OSError:
            continue  # it ended, or is another user's
        if p.pid != os.getpid() and any(f'{text}/'.startswith(path) for text in p.argv[2:3] + links):
            found.add(p.pid)
    return found


def kill(pids, signal):
    for pid in pids:
        try:
            os.kill(pid, signal)
        except ProcessLookupError:
            pass


class Project:
    def __init__(self, binary, path):
        self.binary, self.path = binary, pathlib.Path(path)
        self.connection = None

    def copy(self, path):
        """A copy of a project at rest, without what says who works on it."""
        shutil.copytree(self.path, path, symlinks=True, ignore=lambda d, names: [
            n for n in names if pathlib.Path(d) == self.path / 'run' and not (self.path / 'run' / n).is_dir()])
        return Project(self.binary, path)

    def command(self, *words):
        return [self.binary, '-C', str(self.path), *words]

    def run(self, *words):
        done = subprocess.run(self.command(*words), capture_output=True, text=True, stdin=subprocess.DEVNULL,
                              timeout=PATIENCE)
        if done.returncode != 0:
            raise Stuck(f"{' '.join(words)}: exit status {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def start(self, log, *words):
        return subprocess.Popen(self.command(*words), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                start_new_session=True)

    # ---- the store, read only

    def rows(self, sql, *values):
        try:
            if not self.connection:
                self.connection = sqlite3.connect(f'file:{self.path}/state/daymill.db?mode=ro', uri=True, timeout=20,
                                                  isolation_level=None)
            return self.connection.execute(sql, values).fetchall()
        except sqlite3.OperationalError as e:
            self.close()
            if 'unable to open' in str(e) or 'no such table' in str(e):
                return []  # nobody has made it yet
            raise

    def one(self, sql, *values):
        rows = self.rows(sql, *values)
        return rows[0][0] if rows else 0

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    def events(self):
        return self.one('SELECT coalesce(max(id), 0) FROM event')

    # ---- processes

    def own(self, table=None):
        """Those that name the project on their command line."""
        return [p for p in (table or processes()).values()
                if len(p.argv) > 3 and p.argv[1] == '-C' and p.argv[2] == str(self.path)]

    def services(self, word, table=None):
        return [p for p in self.own(table) if p.argv[3] == word]

    def remains(self):
        """Also those that only have a file of it open, as the children of tasks have."""
        return remains(self.path)

    # ---- the picture

    def picture(self, dags):
        """Lines: published and staged rows, objects of the lake, runs and tasks."""
        lines = []
        for table in ('public.user_behavior_metric', 'staging.user_behavior_metric'):
            text = self.run('sql', '--csv', f'select * from {table} order by insert_date, customerid')
            lines += [f'{table} {line}' for line in text.splitlines()]
        lake = self.path / 'lake'
        for f in sorted(p for p in lake.rglob('*') if p.is_file()):
            data = f.read_bytes()
            lines.append(f'object {f.relative_to(lake)} {len(data)} {hashlib.sha256(data).hexdigest()}')
        for dag in dags:
            lines += [f'run {dag} {date} {state}' for date, state in self.rows(
                "SELECT date(logical_date / 1000000, 'unixepoch'), state FROM run WHERE dag_id = ? ORDER BY 1", dag)]
            lines += [f'task {dag} {date} {task} {index} {state}' for date, task, index, state in self.rows(
                "SELECT date(logical_date / 1000000, 'unixepoch'), task_id, map_index, t.state FROM task_instance t"
                " JOIN run r ON r.id = t.run WHERE dag_id = ? ORDER BY 1, 2, 3", dag)]
        return lines

    # ---- what must never be

    def faults(self, killed_tasks, quiet_deciders):
        """What the store and the folders say that no crash may lead to, as sentences.

        killed_tasks    how many processes of tasks were killed under a living scheduler
        quiet_deciders  nothing but schedulers was killed: no try may have been used up
        """
        bad = []
        for kind, sql in (
                ('attempt', "SELECT number, state FROM attempt WHERE state = 'running' OR ended_at IS NULL"),
                ('step', "SELECT id, state FROM step WHERE state IN ('PENDING', 'RUNNING')"),
                ('run', "SELECT run_id, state FROM run WHERE state IN ('running', 'queued')"),
                ('task', "SELECT task_id || ' of run ' || run, state FROM task_instance WHERE state NOT IN"
                         " ('success', 'failed', 'skipped', 'upstream_failed')"),
                ('request', "SELECT id, kind FROM request WHERE done_at IS NULL"),
                ('backfill', "SELECT id, state FROM backfill WHERE ended_at IS NULL")):
            bad += [f'{kind} {who} is still {state}' for who, state in self.rows(sql)]
        bad += self.attempt_faults(killed_tasks, quiet_deciders)
        bad += [f'{f} is left' for f in (self.path / 'run').glob('attempt-*.lock')]
        for part in ('lake', 'cluster'):
            bad += [f'{f} is left' for f in (self.path / part / '.tmp').rglob('*') if f.is_file()]
        twice = self.path / 'locks' / 'twice'
        if twice.exists():
            bad += [f'found itself at work already: {line}' for line in twice.read_text().splitlines()]
        check = self.rows('PRAGMA integrity_check')
        return bad + ([] if check == [('ok',)] else [f'the store is damaged: {check}'])

    def attempt_faults(self, killed_tasks, quiet_deciders):
        bad, last, deaths = [], {}, 0
        for number, who, step, tries, state, begin, end, error in self.rows(
                "SELECT number, task, step, try_number, state, decided_at, coalesce(ended_at, 1 << 62),"
                " coalesce(error, '') FROM attempt ORDER BY number"):
            before = last.get((who, step))
            last[who, step] = (number, tries, state, end)
            deaths += state == 'failed' and 'killed by signal' in error
            if quiet_deciders and state == 'failed':
                bad.append(f'attempt {number} used up a try, and only schedulers were killed: {error}')
            if not before:
                if not step and tries != 1:
                    bad.append(f'attempt {number} is the first one, and try {tries}')
                continue
            if begin < before[3]:
                bad.append(f'attempts {before[0]} and {number} were at work at once')
            if before[2] in ('success', 'skipped'):
                bad.append(f'attempt {number} came after attempt {before[0]}, which was a {before[2]}')
            want = before[1] + (before[2] == 'failed')
            if not step and tries != want:
                bad.append(f'attempt {number} is try {tries} after attempt {before[0]}, try {before[1]} ({before[2]})')
        if deaths > killed_tasks:
            bad.append(f'{deaths} attempts died, and only {killed_tasks} processes of tasks were killed')
        return bad
