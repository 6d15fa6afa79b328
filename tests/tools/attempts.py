"""What the store says of some days of a DAG, as lines to compare; and what must never be.

usage: attempts.py BINARY PROJECT DAG DAY...

Prints the state of each run and task and the ids and states of its steps.  Exits with 1 after lines that begin with
"problem:" where an attempt is still running, or two attempts of one task or step were at work at once.
"""
import json
import subprocess
import sys

binary, project, dag, *days = sys.argv[1:]
bad = False
for day in days:
    shown = subprocess.run([binary, '-C', project, 'runs', 'show', dag, day, '--json'], capture_output=True, text=True)
    if shown.returncode != 0:
        print(f'problem: {day}: {shown.stderr.strip()}')
        bad = True
        continue
    run = json.loads(shown.stdout)
    print(day, run['state'])
    for task in run['tasks']:
        print(day, task['task_id'], task['state'])
    for step in run['steps']:
        print(day, 'step', step.get('step_id') or step.get('id'), step['name'], step['state'])
    last = {}
    for a in sorted(run['attempts'], key=lambda a: a['attempt']):
        who = a['step_id'] or a['task_id']
        if not a['ended_at']:
            print(f"problem: {day}: attempt {a['attempt']} of {who} is {a['state']}")
            bad = True
        if who in last and (not last[who]['ended_at'] or a['decided_at'] < last[who]['ended_at']):
            print(f"problem: {day}: attempts {last[who]['attempt']} and {a['attempt']} of {who} were at work at once")
            bad = True
        last[who] = a
sys.exit(bad)
