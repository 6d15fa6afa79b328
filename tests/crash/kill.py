#!/usr/bin/env python3
"""Kills what works on a project at random moments; what comes out must be what an undisturbed run gives.

usage: kill.py BINARY [--kills N] [--days N] [--seed N] [--kind NAME]... [--data DIR]

Four kinds of work, N kills each:

  backfill   daymill backfill in the foreground, started again by whoever watches it
  witness    the same of a DAG whose tasks hold a lock each, and leave descendants in sessions of their own
  request    daymill backfill asked of the scheduler of a standalone
  catchup    a standalone whose DAGs are unpaused with past dates

Killed (SIGKILL) are: who decides, the supervisor, the warehouse, a process of a task or a step, or all at once; after
a random time, or when a random number of events has been stored.  Where the work is done before the kills are, a
fresh copy of the project begins.  Prints TAP; a failure keeps its project and says where.
"""
import argparse
import difflib
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from project import PATIENCE, Project, Stuck, descendants, kill, processes, remains, until

FIRST = '2010-12-01'
WITNESS = '''\
# Each task holds an exclusive lock of its own: one that finds it taken was at work already.
witness:
  schedule: "@daily"
  start_date: {first}
  end_date: {last}
  default_args: {{retries: 1000, retry_delay: 0}}
  tasks:
    - task_id: alone
      operator: bash
      bash_command: |
        exec 9>>"{locks}/{{{{ ds }}}}-alone"
        flock -n 9 || echo "{{{{ ds }}}} alone" >>"{locks}/twice"
        sleep 0.02 & wait
    # What it starts leaves the process group and the session, and takes the lock along.
    - task_id: heirs
      operator: bash
      dependencies: [alone]
      bash_command: |
        exec 9>>"{locks}/{{{{ ds }}}}-heirs"
        flock -n 9 || echo "{{{{ ds }}}} heirs" >>"{locks}/twice"
        setsid sleep 0.15 & wait
'''


# ---- the kinds of work

class Kind:
    """How the work is begun, and when it is done.  `top` is the process that is started again when it is gone."""
    dags = ['user_behaviour']
    targets = ['decider', 'warehouse', 'task', 'all']

    def __init__(self, project, days, log):
        self.project, self.days, self.log, self.top = project, days, log, None

    def begin(self):
        self.start()

    def stop(self):
        pass

    def decider(self):
        return self.top.pid

    def top_is_gone(self):
        return self.top.poll() is not None


class Foreground(Kind):
    dag = 'user_behaviour'

    def start(self):
        self.top = self.project.start(self.log, 'backfill', self.dag, '--from', FIRST, '--to', self.days[-1], '--quiet')

    def done(self):
        code = self.top.poll()
        if code is not None and code >= 0 and code != 0:
            raise Stuck(f'the backfill ended with exit status {code}')
        return code == 0


class Witness(Foreground):
    dag = 'witness'
    dags = ['witness']
    targets = ['decider', 'task', 'task', 'all']


class Catchup(Kind):
    dags = ['user_behaviour', 'witness']
    targets = ['decider', 'supervisor', 'warehouse', 'task', 'task', 'all']

    def start(self):
        self.top = self.project.start(self.log, 'standalone')

    def begin(self):
        for dag in self.dags:
            self.project.run('dags', 'unpause', dag)
        self.start()

    def decider(self):
        """The scheduler of this supervisor, 0 while there is none."""
        table = processes()
        return next((p.pid for p in self.project.services('scheduler', table) if p.parent == self.top.pid), 0)

    def done(self):
        if self.top_is_gone() and self.top.returncode != -signal.SIGKILL:
            raise Stuck(f'standalone ended by itself: {self.top.returncode}')
        ended = self.project.one("SELECT count(*) FROM run WHERE state IN ('success', 'failed')")
        return ended >= len(self.days) * len(self.dags) and not self.project.one(
            'SELECT count(*) FROM backfill WHERE ended_at IS NULL')

    def stop(self):
        self.top.send_signal(signal.SIGTERM)
        self.top.wait(PATIENCE)


class Request(Catchup):
    def begin(self):
        self.start()
        for dag in self.dags:
            asking = self.project.start(self.log, 'backfill', dag, '--from', FIRST, '--to', self.days[-1], '--quiet')
            until('the request is taken', lambda: self.project.one('SELECT count(*) FROM backfill WHERE dag_id = ?', dag))
            asking.kill()  # it only follows what the scheduler does
            asking.wait()


KINDS = {'backfill': Foreground, 'witness': Witness, 'request': Request, 'catchup': Catchup}


# ---- killing

class Killer:
    def __init__(self, work, rng):
        self.work, self.project, self.rng = work, work.project, rng
        self.done = {}           # target -> how often
        self.tasks = 0           # processes of tasks, under a living scheduler
        self.step_deaths = set()  # a step may die only so often under one scheduler

    def wait_for_moment(self):
        """Until a random moment since now; False = the work was done before."""
        way = self.rng.random()
        if way < 0.15:
            end, events = time.monotonic() + self.rng.uniform(0, 0.05), None  # while it starts
        elif way < 0.5:
            end, events = time.monotonic() + self.rng.uniform(0.05, 1.5), None
        else:
            end, events = time.monotonic() + 3, self.project.events() + self.rng.randint(1, 60)
        while time.monotonic() < end and (events is None or self.project.events() < events):
            if self.work.done():
                return False
            time.sleep(0.002)
        return not self.work.done()

    def task_processes(self):
        return [p for p in descendants(processes(), self.work.decider() or -1) if self.may_die(p)]

    def may_die(self, p):
        return not (p.argv[1:2] == ['step-run'] and self.project.one(
            'SELECT step FROM attempt WHERE pid = ? ORDER BY number DESC LIMIT 1', p.pid) in self.step_deaths)

    def kill_task(self):
        try:
            found = until('a task is at work', lambda: self.work.done() or self.task_processes(), 5)
        except Stuck:
            return False
        if found is True:
            return False
        victim = self.rng.choice(found)
        step = self.project.one('SELECT step FROM attempt WHERE pid = ? ORDER BY number DESC LIMIT 1', victim.pid)
        kill([victim.pid], signal.SIGKILL)
        self.tasks += 1
        if step:
            self.step_deaths.add(step)
        # Under a living scheduler: it has to take notice before anything else is done to it.
        until('the scheduler has noticed', lambda: self.work.top_is_gone() or not self.project.one(
            "SELECT count(*) FROM attempt WHERE pid = ? AND state = 'running'", victim.pid))
        return True

    def kill_decider(self):
        pid = self.work.decider()
        kill([pid] if pid else [], signal.SIGKILL)
        return bool(pid)

    def kill_supervisor(self):
        self.work.top.kill()
        return True

    def kill_warehouse(self):
        pids = [p.pid for p in self.project.services('warehouse')]
        kill(pids, signal.SIGKILL)
        return bool(pids)

    def kill_all(self):
        """As a loss of power: who decides is stopped first, so that it records nothing of the others' deaths."""
        table = processes()
        decider = self.work.decider()
        kill([self.work.top.pid, decider or self.work.top.pid], signal.SIGSTOP)
        pids = {p.pid for p in descendants(table, self.work.top.pid)} | {p.pid for p in self.project.own(table)}
        kill([*pids, self.work.top.pid], signal.SIGKILL)
        return True

    def once(self, targets):
        """False = the work was done before."""
        if not self.wait_for_moment():
            return False
        target = self.rng.choice(targets)
        if getattr(self, 'kill_' + target)():
            self.done[target] = self.done.get(target, 0) + 1
        if self.work.top_is_gone() or target in ('supervisor', 'all') or self.work.decider() == self.work.top.pid == 0:
            self.again()
        elif target == 'decider' and self.work.top.pid == self.work.decider():
            self.again()
        return True

    def again(self):
        """What was killed is started again, at once: nobody waits for what it has left behind."""
        self.work.top.wait(PATIENCE)
        if self.work.top.returncode == 0:
            return
        self.step_deaths.clear()
        self.work.start()


# ---- the test

class Test:
    def __init__(self, args):
        self.args, self.n, self.failed = args, 0, 0
        self.tmp = pathlib.Path(tempfile.mkdtemp(prefix='daymill-crash.'))
        first = time.mktime(time.strptime(FIRST, '%Y-%m-%d')) + 43200
        self.days = [time.strftime('%Y-%m-%d', time.localtime(first + i * 86400)) for i in range(args.days)]
        self.pictures = {}

    def tell(self, good, name, *lines):
        self.n += 1
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} {self.n} - {name}")
        for line in lines:
            print('#', line)
        sys.stdout.flush()

    def make_base(self):
        data = self.args.data
        if not data:
            data = self.tmp / 'vendor'
            subprocess.run([self.args.binary, 'datagen', '--scale', '0.02', '--seed', '11', '--out', data, '-q'],
                           check=True, stdout=subprocess.DEVNULL)
        base = Project(self.args.binary, self.tmp / 'base')
        subprocess.run([self.args.binary, 'init', '--quiet', base.path, '--purchases', f'{data}/OnlineRetail.csv',
                        '--reviews', f'{data}/movie_review.csv'], check=True)
        dag = base.path / 'dags/user_behaviour/user_behaviour.yaml'
        text = dag.read_text()
        for pattern, value in (('retries: ', '1000'), ('retry_delay: ', '0'), ('  end_date: ', self.days[-1])):
            text, times = re.subn(f'(?m)^( *{pattern.strip()} )[^ #\n]+', rf'\g<1>{value}', text)
            assert times == 1, pattern
        dag.write_text(text)
        (base.path / 'daymill.yaml').write_text(
            re.sub('idle_close: 5', 'idle_close: 1', (base.path / 'daymill.yaml').read_text()))
        return base

    def fresh(self, base, name):
        project = base.copy(self.tmp / name)
        locks = project.path / 'locks'
        locks.mkdir()
        (project.path / 'dags/witness.yaml').write_text(
            WITNESS.format(first=FIRST, last=self.days[-1], locks=locks))
        return project

    def come_to_rest(self, work, again):
        while not until('the work is done', lambda: work.top_is_gone() or work.done()) or not work.done():
            again()
        work.stop()
        left = []
        try:
            until('no process is left', lambda: not work.project.remains(), 30)
        except Stuck:
            left = [' '.join(p.argv) for p in processes().values() if p.pid in work.project.remains()]
        return [f'a process is left: {p}' for p in left]

    def undisturbed(self, base, kind):
        if kind not in self.pictures:
            project = self.fresh(base, f'undisturbed-{kind}')
            with open(self.tmp / f'undisturbed-{kind}.log', 'w') as log:
                work = KINDS[kind](project, self.days, log)
                began = time.monotonic()
                work.begin()
                faults = self.come_to_rest(work, lambda: None)
            faults += project.faults(0, True)
            self.pictures[kind] = project.picture(work.dags)
            good = not faults and sum(line.startswith('run ') and line.endswith(' success') for line in
                                      self.pictures[kind]) == len(self.days) * len(work.dags)
            self.tell(good, f'{kind}: undisturbed, in {time.monotonic() - began:.1f} s', *faults[:20])
            project.remove()
        return self.pictures[kind]

    def round(self, base, kind, number, kills, deciders_only):
        """One project, killed until its work is done or `kills` are; returns how many there were."""
        seed = f'{self.args.seed}/{kind}/{number}'
        project = self.fresh(base, f'{kind}-{number}')
        faults, killer = [], None
        began = time.monotonic()
        with open(self.tmp / f'{kind}-{number}.log', 'w') as log:
            work = KINDS[kind](project, self.days, log)
            killer = Killer(work, random.Random(seed))
            # A supervisor's death ends the warehouse and the scheduler, in any order: a try may see the first alone.
            targets = ['decider', 'all'] if deciders_only else work.targets
            try:
                work.begin()
                while sum(killer.done.values()) < kills and killer.once(targets):
                    pass
                faults += self.come_to_rest(work, killer.again)
                faults += project.faults(killer.tasks, deciders_only)
                want, got = self.pictures[kind], project.picture(work.dags)
                faults += [line for line in difflib.unified_diff(want, got, 'undisturbed', 'killed', n=0, lineterm='')]
            except (Stuck, subprocess.SubprocessError, OSError) as e:
                faults.append(f'{type(e).__name__}: {e}')
                kill(project.remains(), signal.SIGKILL)
        done = ', '.join(f'{n} {t}' for t, n in sorted(killer.done.items()))
        attempts = project.rows('SELECT state, count(*) FROM attempt GROUP BY 1 ORDER BY 1')
        said = ', '.join(f'{n} {state}' for state, n in attempts)
        total = sum(killer.done.values())
        self.tell(not faults, f'{kind}, round {number} (seed {seed}): {total} kills ({done}) in '
                  f'{time.monotonic() - began:.0f} s; attempts: {said}', *faults[:40])
        project.close()
        if faults:
            print(f'# kept: {project.path} and {self.tmp}/{kind}-{number}.log')
        else:
            project.remove()
        return total

    def run(self):
        base = self.make_base()
        for kind in self.args.kind or KINDS:
            self.undisturbed(base, kind)
            total = number = 0
            while total < self.args.kills and not self.failed:
                number += 1
                most = self.args.kills * 2 // 3 + 1  # so that there is a second round, of schedulers alone
                total += self.round(base, kind, number, min(self.args.kills - total, most), number % 3 == 2)
            self.tell(total >= self.args.kills, f'{kind}: {total} kills, as many as were asked for')
        print(f'1..{self.n}')
        return 1 if self.failed else 0

    def clean(self):
        kill(remains(self.tmp), signal.SIGKILL)
        if not self.failed:
            shutil.rmtree(self.tmp, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('binary', type=os.path.abspath)
    parser.add_argument('--kills', type=int, default=70)
    parser.add_argument('--days', type=int, default=60)
    parser.add_argument('--seed', default='2010')
    parser.add_argument('--kind', action='append', choices=list(KINDS))
    parser.add_argument('--data', help='a folder with OnlineRetail.csv and movie_review.csv (default: generated)')
    test = Test(parser.parse_args())
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(1))
    try:
        sys.exit(test.run())
    finally:
        test.clean()


if __name__ == '__main__':
    main()
