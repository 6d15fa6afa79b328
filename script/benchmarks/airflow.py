"""Airflow 3 beside it: the same DAGs on `airflow standalone` (LocalExecutor, SQLite) in a virtual environment."""
import contextlib
import json
import os
import shutil
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request

import processes
import scheduler

HOME = os.path.join(scheduler.ROOT, '.cache', 'bench', 'airflow')
FANS = 4  # runs of the fan-out at once, for the sustained rate

DAG = '''
with DAG("{name}", schedule={schedule}, start_date=pendulum.datetime(2000, 1, 1, tz="UTC"), catchup=False,
         is_paused_upon_creation=False):
    t = {{i: BashOperator(task_id=i, bash_command="true") for i, _ in {tasks!r}}}
    for i, upstream in {tasks!r}:
        for u in upstream:
            t[u] >> t[i]
'''


def install(say):
    """The program `airflow`."""
    python = os.path.join(HOME, 'venv', 'bin', 'python')
    program = os.path.join(HOME, 'venv', 'bin', 'airflow')
    if not os.path.exists(program):
        say('installing Airflow')
        subprocess.run([sys.executable, '-m', 'venv', os.path.join(HOME, 'venv')], check=True)
        subprocess.run([python, '-m', 'pip', '-q', 'install', 'apache-airflow>=3,<4'], check=True)
    return program


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


class Standalone:
    """`airflow standalone` in a home of its own.  `ready` = seconds from exec until all parts say that they are healthy."""

    def __init__(self, program, fresh):
        self.home = os.path.join(HOME, 'home')
        if fresh:
            shutil.rmtree(self.home, ignore_errors=True)
        os.makedirs(os.path.join(self.home, 'dags'), exist_ok=True)
        dags = {**scheduler.TRIGGERED, **scheduler.BACKFILLED}
        with open(os.path.join(self.home, 'dags', 'bench.py'), 'w') as f:
            f.write('import pendulum\nfrom airflow.sdk import DAG\n'
                    'from airflow.providers.standard.operators.bash import BashOperator\n')
            for name, tasks in dags.items():
                schedule = repr('@daily') if name in scheduler.BACKFILLED else None
                f.write(DAG.format(name=name, tasks=tasks, schedule=schedule))
        self.base = f'http://127.0.0.1:{free_port()}'
        env = dict(os.environ, AIRFLOW_HOME=self.home, AIRFLOW__CORE__LOAD_EXAMPLES='False',
                   AIRFLOW__CORE__EXECUTOR='LocalExecutor', AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS='True',
                   AIRFLOW__API__HOST='127.0.0.1', AIRFLOW__API__PORT=self.base.rsplit(':', 1)[1],
                   AIRFLOW__API__BASE_URL=self.base,
                   AIRFLOW__CORE__EXECUTION_API_SERVER_URL=self.base + '/execution/',
                   PATH=os.path.dirname(program) + ':' + os.environ['PATH'])
        self.log = open(os.path.join(self.home, 'standalone.log'), 'w')
        start = time.monotonic()
        self.process = subprocess.Popen([program, 'standalone'], env=env, stdout=self.log, stderr=subprocess.STDOUT,
                                        start_new_session=True)
        self.token = None
        while not self.is_healthy():
            if self.process.poll() is not None or time.monotonic() - start > 300:
                self.stop()
                raise SystemExit(f'bench: airflow standalone did not start, see {self.log.name}')
            time.sleep(0.05)
        self.ready = time.monotonic() - start
        self.token = self.call('GET', '/auth/token')['access_token']

    def call(self, method, path, body=None):
        headers = {'Content-Type': 'application/json'}
        if self.token:
            headers['Authorization'] = 'Bearer ' + self.token
        request = urllib.request.Request(self.base + path, method=method, headers=headers,
                                         data=None if body is None else json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def is_healthy(self):
        try:
            parts = self.call('GET', '/api/v2/monitor/health')
        except (OSError, ValueError):
            return False
        return all(parts[p] and parts[p]['status'] == 'healthy'
                   for p in ('metadatabase', 'scheduler', 'triggerer', 'dag_processor'))

    def rows(self, sql, *values):
        with contextlib.closing(sqlite3.connect(os.path.join(self.home, 'airflow.db'), timeout=60)) as db:
            return db.execute(sql, values).fetchall()

    def wait(self, sql, *values, limit=300):
        """Until the query gives something but 0."""
        end = time.monotonic() + limit
        while not self.rows(sql, *values)[0][0]:
            if time.monotonic() > end:
                raise TimeoutError('Airflow did not get there: ' + sql)
            time.sleep(0.05)

    def trigger(self, dag_id):
        return self.call('POST', f'/api/v2/dags/{dag_id}/dagRuns', {'logical_date': None})['dag_run_id']

    def stop(self):
        pids = processes.tree(self.process.pid)
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            pass
        for pid in pids:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        self.log.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


ENDED = "SELECT count(*) = ? FROM dag_run WHERE id > ? AND state IN ('success', 'failed')"


def run_once(airflow, dag_id, n=1):
    """Seconds until n runs that are triggered one after the other have ended."""
    last = airflow.rows('SELECT coalesce(max(id), 0) FROM dag_run')[0][0]
    start = time.time()
    for _ in range(n):
        airflow.trigger(dag_id)
    airflow.wait(ENDED, n, last)
    return time.time() - start


def backfill_once(airflow, year):
    last = airflow.rows('SELECT coalesce(max(id), 0) FROM dag_run')[0][0]
    body = {'dag_id': 'daily4', 'from_date': f'{year}-01-01T00:00:00Z', 'to_date': f'{year}-01-30T00:00:00Z',
            'max_active_runs': 16, 'run_backwards': False, 'dag_run_conf': {}, 'reprocess_behavior': 'none'}
    start = time.time()
    while True:  # "database is locked" happens
        try:
            airflow.call('POST', '/api/v2/backfills', body)
            break
        except urllib.error.HTTPError as e:
            if e.code not in (409, 503) or time.time() - start > 120:
                raise
            time.sleep(1)
            start = time.time() if e.code == 409 else start
    airflow.wait(ENDED, 30, last)
    return time.time() - start


def backfills(program, runs):
    """Seconds of each.  Each has an Airflow of its own, and a second try: on SQLite its scheduler ends with "database is
    locked" where a backfill is made while it writes."""
    took = []
    for year in range(2010, 2010 + 2 * runs):
        if len(took) < runs:
            with Standalone(program, False) as airflow:
                time.sleep(10)
                with contextlib.suppress(TimeoutError):
                    took.append(backfill_once(airflow, year))
    if not took:
        raise SystemExit('bench: no backfill of Airflow came to its end')
    return took


def measure(runs, say):
    """The figures by the names of scheduler.FIGURES, and 'note'."""
    program, runs, out = install(say), min(runs, 3), {}
    version = subprocess.run([program, 'version'], stdout=subprocess.PIPE, check=True).stdout.decode().split()[-1]
    say(f'Airflow {version}: starts')
    ready = []
    for i in range(runs):
        with Standalone(program, i == 0) as airflow:
            ready.append(airflow.ready)
    out['healthy'] = statistics.median(ready)
    with Standalone(program, False) as airflow:
        airflow.wait('SELECT count(*) = ? FROM dag', len(scheduler.TRIGGERED) + len(scheduler.BACKFILLED))
        time.sleep(20)
        out['memory'] = processes.pss_mb(airflow.process.pid)
        run_once(airflow, 'one')
        for dag_id in scheduler.TRIGGERED:
            say(f'Airflow {version}: {dag_id}')
            out[dag_id] = statistics.median(run_once(airflow, dag_id) for _ in range(runs))
        waits = sorted(r[0] * 86400_000 for r in airflow.rows(
            "SELECT julianday(start_date) - julianday(scheduled_dttm) FROM task_instance WHERE dag_id = 'chain10'"))
        out['latency chain10'] = statistics.median(waits)
        out['latency99 chain10'] = waits[int(len(waits) * 0.99)]
        say(f'Airflow {version}: sustained')
        out['rate'] = FANS * len(scheduler.TRIGGERED['fan40']) / run_once(airflow, 'fan40', FANS)
    say(f'Airflow {version}: backfill')
    out['backfill'] = statistics.median(backfills(program, runs))
    out['note'] = (f'Airflow {version} in this run: `airflow standalone`, LocalExecutor, SQLite; medians of {runs}. Sustained: {FANS}'
                   ' runs of the fan-out of 40 at once; its latency is from scheduled to started. Loading 10,000 DAGs and the'
                   ' store with a million were not tried there.')
    return out
