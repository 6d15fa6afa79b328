"""script/bench sched: how fast the scheduler is, figure by figure with its target.

One project for each kind of load.  Every figure is taken twice: with the store as the measurements themselves leave it,
and with a million task instances in it.  Times come from the store (microseconds) and from the start of the command.
"""
import atexit
import contextlib
import datetime
import os
import shutil
import sqlite3
import statistics
import subprocess
import tempfile
import time

import processes

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
DAYMILL = os.path.join(ROOT, 'build', 'daymill')
INSTANCES = 1_000_000
DAY_US = 86_400_000_000


def chain(n, name='t'):
    return [(f'{name}{i}', [f'{name}{i - 1}'] if i else []) for i in range(n)]


# What is triggered: every task runs `true` in bash.
TRIGGERED = {
    'one': chain(1),
    'chain10': chain(10),
    'fan40': [(f't{i}', []) for i in range(40)],
    'grid10x10': [task for i in range(10) for task in chain(10, f'c{i}_')],
}
BACKFILLED = {'daily4': chain(4)}
# What catches up as soon as the scheduler starts: (DAGs, tasks of each, days)
WIDE = (10, [(f't{i}', []) for i in range(50)], 16)
MANY = (50, chain(4), 20)
FOLDER = (10_000, chain(10))


def yaml_of(dag_id, tasks, **keys):
    lines = [f'{dag_id}:'] + [f'  {k}: {v}' for k, v in keys.items()] + ['  tasks:']
    for task, upstream in tasks:
        lines += [f'    - task_id: {task}', '      operator: bash', '      bash_command: "true"']
        if upstream:
            lines.append(f'      dependencies: [{", ".join(upstream)}]')
    return '\n'.join(lines) + '\n'


def days_back(n):
    return (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=n)).strftime('%Y-%m-%d')


class Project:
    """
    A folder with DAGs; `state` is a store to begin with.  It is removed at the end of all: ext4 gives no inode out again
    for minutes, and walks over those that wait for each file that is made.
    """

    def __init__(self, dags, state=None):
        self.dir = tempfile.mkdtemp(prefix='daymill-bench')
        atexit.register(shutil.rmtree, self.dir, ignore_errors=True)
        os.makedirs(os.path.join(self.dir, 'dags'))
        with open(os.path.join(self.dir, 'daymill.yaml'), 'w') as f:
            # The million stays a million: else what is old would be removed while the idle scheduler is looked at.
            f.write('scheduler:\n  dags_are_paused_at_creation: false\nretention:\n  rendered: 0\n')
        for dag_id, text in dags.items():
            with open(os.path.join(self.dir, 'dags', dag_id + '.yaml'), 'w') as f:
                f.write(text)
        if state:
            os.makedirs(os.path.join(self.dir, 'state'))
            shutil.copyfile(state, self.store)

    @property
    def store(self):
        return os.path.join(self.dir, 'state', 'daymill.db')

    def command(self, *words):
        return [DAYMILL, '-C', self.dir, *words]

    def run(self, *words):
        done = subprocess.run(self.command(*words), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode != 0:
            raise SystemExit(f'bench: daymill {" ".join(words)} failed:\n{done.stdout.decode()[-2000:]}')

    def service(self, name):
        return processes.Service(self.command(name))

    def rows(self, sql, *values):
        with contextlib.closing(sqlite3.connect(self.store, timeout=30)) as db:
            return db.execute(sql, values).fetchall()

    def value(self, sql, *values):
        return self.rows(sql, *values)[0][0]

    def last_run(self):
        return self.value('SELECT coalesce(max(id), 0) FROM run')

    def wait_for_runs(self, after, n, limit=600):
        """Until n runs made after that one have ended."""
        end = time.monotonic() + limit
        while self.value("SELECT count(*) FROM run WHERE id > ? AND state IN ('success', 'failed')", after) < n:
            if time.monotonic() > end:
                raise SystemExit(f'bench: {n} runs have not ended within {limit} s')
            time.sleep(0.25)

    def check_processes(self, after):
        """Every task of the runs after that one succeeded in a process of its own, with a log of its own."""
        rows = self.rows("SELECT a.pid, a.pid_start, a.log_path, a.state FROM attempt a JOIN task_instance t"
                         " ON t.id = a.task WHERE a.run > ?", after)
        tasks = self.value('SELECT count(*) FROM task_instance WHERE run > ?', after)
        if not rows or len(rows) != tasks or any(r[3] != 'success' for r in rows):
            raise SystemExit(f'bench: {tasks} tasks, {sum(r[3] == "success" for r in rows)} attempts that succeeded')
        if any(r[0] is None for r in rows) or len({r[:2] for r in rows}) != len(rows):
            raise SystemExit('bench: tasks share a process')
        if len({r[2] for r in rows}) != len(rows) or \
                not all(os.path.getsize(os.path.join(self.dir, r[2])) for r in rows):
            raise SystemExit('bench: tasks share a log, or have none')
        return len(rows)


# ---- one load each; what they give goes into `out` under the name of its figure ----


def measure_starts(project, out, runs):
    ready = []
    for _ in range(runs):
        with project.service('standalone') as s:
            ready.append(s.ready)
    out['healthy'] = statistics.median(ready)


def measure_idle(project, out):
    with project.service('standalone') as s:
        time.sleep(3)
        out['memory'] = processes.pss_mb(s.pid)


def measure_triggers(project, out, runs):
    """Seconds from the start of the command `dags trigger` to the end that the store has."""
    with project.service('standalone'):
        for dag_id, tasks in TRIGGERED.items():
            project.run('dags', 'trigger', dag_id, '--wait')
            first, took = project.last_run(), []
            for _ in range(runs * 3 if len(tasks) <= 10 else runs):
                start = time.time()
                project.run('dags', 'trigger', dag_id, '--wait')
                took.append(project.value('SELECT ended_at FROM run ORDER BY id DESC LIMIT 1') / 1e6 - start)
            out[dag_id] = statistics.median(took)
            waits = sorted(r[0] / 1000 for r in project.rows(
                'SELECT a.code_at - t.scheduled_at FROM attempt a JOIN task_instance t ON t.id = a.task'
                ' WHERE a.run > ?', first))
            out[f'latency {dag_id}'] = statistics.median(waits)
            out[f'latency99 {dag_id}'] = waits[int(len(waits) * 0.99)]
            out['processes'] = out.get('processes', 0) + project.check_processes(first)


def measure_backfill(project, out, runs, months_back):
    took = []
    for i in range(months_back, months_back + runs):
        first = project.last_run()
        start = time.time()
        project.run('backfill', 'daily4', '--from', days_back(31 * i + 31), '--to', days_back(31 * i + 2), '--quiet')
        took.append(project.value('SELECT max(ended_at) FROM run WHERE id > ?', first) / 1e6 - start)
        out['processes'] = out.get('processes', 0) + project.check_processes(first)
    out['backfill'] = statistics.median(took)


def catching_up(n, tasks, days, prefix):
    keys = dict(schedule='"@daily"', start_date=days_back(days), catchup='true', max_active_runs=days)
    return {f'{prefix}{i}': yaml_of(f'{prefix}{i}', tasks, **keys) for i in range(n)}


def measure_rate(load, prefix, state):
    """Tasks per second of DAGs that catch up together, and the most runs that were active at once."""
    n, tasks, days = load
    project = Project(catching_up(n, tasks, days, prefix), state)
    first = project.last_run() if state else 0
    with project.service('scheduler'):
        project.wait_for_runs(first, n * days)
    count, begun, ended = project.rows('SELECT count(*), min(t.scheduled_at), max(t.ended_at) FROM task_instance t'
                                       ' WHERE t.run > ?', first)[0]
    active = project.value('SELECT max(n) FROM (SELECT sum(d) OVER (ORDER BY at, d DESC) AS n FROM'
                           ' (SELECT started_at AS at, 1 AS d FROM run WHERE id > ?1 UNION ALL'
                           ' SELECT ended_at, -1 FROM run WHERE id > ?1))', first)
    project.check_processes(first)
    return count / ((ended - begun) / 1e6), (ended - begun) / 1e6, active


def measure_rates(out, state):
    out['rate'], out['rate seconds'], out['rate active'] = measure_rate(WIDE, 'wide', state)
    out['many'], out['many seconds'], out['many active'] = measure_rate(MANY, 'many', state)


def measure_folder(out, state):
    """A folder of many DAGs, none of them due."""
    n, tasks = FOLDER
    keys = dict(schedule='"@daily"', start_date=days_back(-2))
    project = Project({f'dag{i:05}': yaml_of(f'dag{i:05}', tasks, **keys) for i in range(n)}, state)
    with project.service('scheduler') as s:
        out['load'] = s.ready
        time.sleep(2)
        out['idle'] = processes.cpu_share(s.pid, 20) * 100
        out['folder memory'] = processes.pss_mb(s.pid)
    with project.service('scheduler') as s:
        out['load again'] = s.ready


# ---- a store with a long past ----

# What moves when a run is copied: (ids that count up, instants that go back).
COPIED = {
    'run': (['id'], ['logical_date', 'interval_start', 'interval_end', 'created_at', 'started_at', 'ended_at']),
    'task_instance': (['id', 'run', 'attempt'], ['scheduled_at', 'started_at', 'ended_at']),
    'attempt': (['number', 'run', 'task'], ['decided_at', 'code_at', 'ended_at']),
    'rendered': (['attempt'], []),
    'xcom': (['task', 'attempt'], ['at']),
    'event': (['id', 'run', 'task', 'attempt'], ['at']),
}


def fill(project, gap_days):
    """Copies every run of the store, with all that it left, into the past until there are INSTANCES task instances."""
    with contextlib.closing(sqlite3.connect(project.store)) as db:
        db.executescript('PRAGMA foreign_keys = OFF; PRAGMA synchronous = OFF; BEGIN;')
        there = db.execute('SELECT count(*) FROM task_instance').fetchone()[0]
        low, high = db.execute('SELECT min(logical_date), max(logical_date) FROM run').fetchone()
        back = (high - low) // DAY_US + 2
        step = 10 ** len(str(db.execute('SELECT max(id) FROM event').fetchone()[0]))
        copies = -(-(INSTANCES - there) // there)
        db.execute('CREATE TEMP TABLE copy AS WITH RECURSIVE c(k) AS (VALUES (1) UNION ALL SELECT k + 1 FROM c'
                   f' WHERE k < {copies}) SELECT k FROM c')
        for table, (ids, instants) in COPIED.items():
            columns = [r[1] for r in db.execute(f'PRAGMA table_info({table})')]
            values = [f'{c} + k * {step}' if c in ids else
                      f'{c} - {gap_days * DAY_US} - k * {back * DAY_US}' if c in instants else
                      "run_id || '.' || k" if (table, c) == ('run', 'run_id') else c for c in columns]
            db.execute(f'INSERT INTO {table} ({", ".join(columns)}) SELECT {", ".join(values)} FROM {table}, copy')
        db.execute('COMMIT')
        db.execute('PRAGMA wal_checkpoint(TRUNCATE)')
        return db.execute('SELECT count(*) FROM task_instance').fetchone()[0]


# ---- all of it ----

# figure, what it is, unit, target, whether more is better
FIGURES = [
    ('latency chain10', 'dependencies met -> task code running: median', ' ms', 4, False),
    ('latency99 chain10', '… 99th percentile', ' ms', 20, False),
    ('one', 'trigger -> finished: one task', ' s', 0.03, False),
    ('chain10', '… 10 in a row', ' s', 0.08, False),
    ('fan40', '… 40 side by side', ' s', 0.2, False),
    ('grid10x10', '… 10 chains of 10', ' s', 0.5, False),
    ('backfill', 'backfill of 30 days of a chain of 4', ' s', 0.6, False),
    ('rate', f'sustained: {WIDE[0]} DAGs of {len(WIDE[1])} tasks, {WIDE[2]} days each', ' tasks/s', 300, True),
    ('many', f'sustained: {MANY[0]} DAGs of {len(MANY[1])} in a row, {MANY[0] * MANY[2]} runs active', ' tasks/s', 300, True),
    ('load', f'{FOLDER[0]:,} DAGs of {len(FOLDER[1])} tasks loaded', ' s', 10, False),
    ('load again', '… by the next start', ' s', 10, False),
    ('idle', '… then idle: share of one processor', ' %', 2, False),
    ('memory', 'idle memory of `standalone` (PSS of the tree)', ' MiB', 60, False),
    ('healthy', '`standalone`: exec -> healthy', ' s', 0.2, False),
]
# Measured elsewhere, on such a machine (2 cores): Airflow 3.3.2 and dagu 2.6.10, a Go binary without these semantics.
REFERENCE = {
    'one': (2.14, 0.11), 'chain10': (11.17, 0.13), 'fan40': (6.17, 0.39), 'grid10x10': (16.83, None),
    'backfill': (21.4, None), 'rate': (6.5, None), 'memory': (933, 90), 'healthy': (13.0, 0.29),
    'latency chain10': (125, None),
}


def measure_project(project, out, runs, months_back):
    measure_starts(project, out, runs)
    measure_idle(project, out)
    measure_triggers(project, out, runs)
    measure_backfill(project, out, runs, months_back)


def better(one, other, more):
    """The better of two repetitions; others may use the machine meanwhile."""
    return max(one, other) if more else min(one, other)


def keep_best(best, out):
    for key, value in out.items():
        more = next((f[4] for f in FIGURES if f[0] == key), False)
        best[key] = better(best[key], value, more) if key in best else value


def measure_all(runs, rounds, say):
    dags = {name: yaml_of(name, tasks, schedule='null', start_date='2000-01-01') for name, tasks in TRIGGERED.items()}
    dags |= {name: yaml_of(name, tasks, schedule='"@daily"', start_date='2000-01-01', catchup='false',
                           is_paused_upon_creation='true') for name, tasks in BACKFILLED.items()}
    project, small, large = Project(dags), {}, {}
    reserved = 31 * runs * rounds
    for best, state in ((small, None), (large, project.store)):
        if state:
            say(f'making {INSTANCES:,} task instances')
            large['instances'] = fill(project, reserved + 2)
            large['store MB'] = os.path.getsize(state) / 1e6
            copy = os.path.join(project.dir, 'large.db')
            shutil.copyfile(state, copy)
            state = copy
        for i in range(rounds):
            say(f'round {i + 1} of {rounds}' + (f' with {large["instances"]:,} task instances' if state else ''))
            out = {}
            measure_project(project, out, runs, runs * i + (runs * rounds if state else 0))
            measure_rates(out, state)
            measure_folder(out, state)
            keep_best(best, out)
    return small, large


def show(value, unit):
    if value is None:
        return '-'
    digits = 3 if unit == ' s' and value < 10 else 1 if value < 1000 else 0
    return f'{value:,.{digits}f}{unit}'


def ratio(ours, theirs, more):
    if not ours or theirs is None:
        return '-'
    x = ours / theirs if more else theirs / ours
    return f'{x:,.0f}x' if x >= 10 else f'{x:.1f}x'


def table(small, large, peer):
    """Rows of cells, the first one is the head; `peer` are Airflow's figures of this run, or None."""
    head = ['', 'target', 'daymill', 'with a million']
    head += ['Airflow here', 'ratio'] if peer else ['Airflow 3.3.2 *', 'ratio', 'dagu 2.6.10 *', 'ratio']
    rows = [head]
    for key, label, unit, target, more in FIGURES:
        ours = small[key]
        row = [label, ('>= ' if more else '<= ') + f'{target:g}{unit}', show(ours, unit), show(large.get(key), unit)]
        for theirs in [(peer or {}).get(key)] if peer else REFERENCE.get(key, (None, None)):
            row += [show(theirs, unit), ratio(ours, theirs, more)]
        rows.append(row)
    return rows


def missed(small, large):
    """Sentences on what is not as it should be."""
    lines = []
    for key, label, unit, target, more in FIGURES:
        if (small[key] < target) if more else (small[key] > target):
            lines.append(f'missed: {label}: {show(small[key], unit)}, target {target:g}{unit}')
        least = target / 20  # below that it is not told from nothing
        a, b = max(small[key], least), max(large[key], least)
        change = a / b if more else b / a
        if change >= 2:
            lines.append(f'{label}: {change:.1f} times worse with a million task instances')
    return lines


def text_table(rows):
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return '\n'.join('  '.join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths))).rstrip()
                     for row in rows)


def markdown_table(rows):
    lines = ['| ' + ' | '.join(row) + ' |' for row in rows]
    lines.insert(1, '|---|' + '---:|' * (len(rows[0]) - 1))
    return '\n'.join(lines)


def is_alone():
    """Whether everything runs before all else: what a busy machine would give if it were not."""
    return os.sched_getscheduler(0) != os.SCHED_OTHER


def machine():
    with open('/proc/cpuinfo') as f:
        name = next((line.split(':', 1)[1].strip() for line in f if line.startswith('model name')), 'unknown processor')
    memory = os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / (1 << 30)
    return f'{os.cpu_count()} processors ({name}), {memory:.0f} GiB, Linux {os.uname().release.split("-")[0]}'


def notes(small, large, runs, rounds, with_peer):
    lines = [
        f'{machine()}; load of the machine while it ran: {os.getloadavg()[1]:.1f}. Medians of {runs} to {runs * 3}, the best of'
        f' {rounds} rounds.',
        f'Every task is `bash -c true` in a process of its own: {small["processes"]:,} tasks were checked to have a process id'
        f' and a log of their own.',
        f'"With a million": the same with {large["instances"]:,} task instances of the same DAGs and all that they left in the'
        f' store ({large["store MB"]:,.0f} MB).',
        f'Ten that become ready together wait for a processor: median {small["latency grid10x10"]:.1f} ms, 99th percentile'
        f' {small["latency99 grid10x10"]:.1f} ms in the 10 x 10 grid.',
        f'Sustained for {small["rate seconds"]:.0f} s and {small["many seconds"]:.0f} s; at most {small["rate active"]:,} and'
        f' {small["many active"]:,} runs were active at once. The scheduler of the folder of {FOLDER[0]:,} DAGs has'
        f' {small["folder memory"]:.0f} MiB.',
    ]
    if is_alone():
        lines.append('Other programs used the machine; all of this ran under real-time priority (chrt), which keeps both processors'
                     ' for it, but for 5 % of the time.')
    if not with_peer:
        lines.append('*: measured once on such a machine, not in this run: 2 processors, 24 GiB, Debian 12; LocalExecutor, SQLite;'
                     ' sustained is its fan-out. `--with-airflow` measures Airflow beside.')
    return lines


def write_section(path, title, text):
    """Replaces the section of that title, or appends it."""
    old = open(path).read() if os.path.exists(path) else '# Benchmarks\n'
    before, found, rest = old.partition(f'\n## {title}\n')
    after = rest[rest.index('\n## '):] if found and '\n## ' in rest else ''
    with open(path, 'w') as f:
        f.write(f'{before.rstrip()}\n\n## {title}\n\n{text.rstrip()}\n{after}')


def main(args):
    runs, rounds = args.runs, args.rounds
    say = lambda text: print(f'-- {text}', flush=True)
    peer = None
    if args.with_airflow:
        import airflow
        peer = airflow.measure(runs, say)
    small, large = measure_all(runs, rounds, say)
    rows, remarks = table(small, large, peer), notes(small, large, runs, rounds, peer is not None)
    if peer:
        remarks.append(peer['note'])
    print('\n' + text_table(rows) + '\n\n' + '\n'.join(remarks))
    for line in missed(small, large):
        print(line)
    if args.write:
        command = ('chrt -r 1 ' if is_alone() else '') + f'script/bench sched --rounds {rounds} --runs {runs} --write' + \
            (' --with-airflow' if peer else '')
        text = f'Made by `{command}`.\n\n{markdown_table(rows)}\n\n' + '\n'.join(f'* {r}' for r in remarks)
        write_section(os.path.join(ROOT, 'docs', 'benchmarks.md'), 'Scheduler', text)
