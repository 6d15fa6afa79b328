"""Reads the published table with psql, again and again, and compares every answer with the golden table.

usage: reader.py GOLDEN.csv STOP_FILE {growing|whole} COMMAND…

COMMAND is psql on the warehouse.  `growing`: each day is absent or exactly the golden one (its count and sums);
`whole`: each day is exactly the golden one.  Reads until STOP_FILE is there, then prints the number of reads and of
sessions, and each wrong answer (the first ten).  Exit status 1 where there was one.
"""
import collections
import csv
import decimal
import os
import subprocess
import sys
import time

SESSION = 200  # reads of one psql
PAUSE = 0.004  # seconds between two reads: a reader is not to take the machine
QUERY = ('select insert_date, count(*), sum(amount_spent), sum(review_score), sum(review_count) '
         'from public.user_behavior_metric group by insert_date;')


def golden(path):
    days = collections.defaultdict(lambda: [0, decimal.Decimal(0), 0, 0])
    with open(path, newline='') as f:
        for row in csv.DictReader(f):
            day = days[row['insert_date']]
            day[0] += 1
            day[1] += decimal.Decimal(row['amount_spent'])
            day[2] += int(row['review_score'])
            day[3] += int(row['review_count'])
    return {'|'.join([day, *map(str, sums)]) for day, sums in days.items()}


class Session:
    def __init__(self, command):
        env = dict(os.environ, PSQLRC='/dev/null')
        self.psql = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                     stderr=subprocess.STDOUT, text=True, env=env)
        self.psql.stdin.write('\\set QUIET on\n\\pset format unaligned\n\\pset tuples_only on\n')

    def read(self):
        self.psql.stdin.write(QUERY + '\n\\echo end\n')
        self.psql.stdin.flush()
        lines = []
        for line in self.psql.stdout:
            if line == 'end\n':
                return set(lines)
            lines.append(line.rstrip('\n'))
        return {*lines, 'psql ended'}

    def close(self):
        self.psql.stdin.close()
        self.psql.stdout.close()
        return self.psql.wait()


def main():
    want, stop, mode, command = golden(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4:]
    reads = sessions = largest = 0
    wrong, session = [], None
    while len(wrong) < 10 and not os.path.exists(stop):
        if not session:
            session = Session(command)
            sessions += 1
        got = session.read()
        reads += 1
        largest = max(largest, len(got))
        wrong += [f'read {reads}: {line}' for line in sorted(got - want)]
        if mode == 'whole' and want - got:
            wrong.append(f'read {reads}: {len(want - got)} days are missing, {min(want - got)} first')
        if reads % SESSION == 0 or 'psql ended' in got:
            session.close()
            session = None
        time.sleep(PAUSE)
    if session:
        session.close()
    print(f'{reads} reads in {sessions} sessions, up to {largest} days at once')
    for line in wrong[:10]:
        print(line)
    sys.exit(1 if wrong else 0)


main()
