"""Compares what every run of the reference pipeline says of itself with the golden counts.

usage: ledgers.py SUMMARY.json GOLDEN.csv TRY <RUNS.jsonl

RUNS.jsonl: `runs show --json` of every day, one a line.  TRY: how often each task has run.  Prints what differs, one
line each, and nothing where all is as it should be.
"""
import collections
import csv
import json
import sys

TASKS = {
    'extract_user_purchase_data', 'user_purchase_to_stage_data_lake', 'user_purchase_to_rs_stage',
    'movie_review_to_raw_data_lake', 'spark_script_to_s3', 'start_emr_movie_classification_script',
    'wait_for_movie_classification_transformation', 'get_user_behaviour', 'check_columns', 'check_table',
    'check_reconciliation', 'publish_user_behavior_metric',
}


def main():
    with open(sys.argv[1]) as f:
        summary = json.load(f)
    with open(sys.argv[2], newline='') as f:
        published = collections.Counter(row['insert_date'] for row in csv.DictReader(f))
    tries = int(sys.argv[3])
    extracted, n, without_customer, amiss = collections.Counter(), 0, 0, []

    for line in sys.stdin:
        run = json.loads(line)
        day = run['logical_date'][:10]
        n += 1

        def check(what, got, want):
            if got != want:
                amiss.append(f'{day}: {what}: got {got}, want {want}')

        check('state', run['state'], 'success')
        check('tasks', {t['task_id'] for t in run['tasks']}, TASKS)
        for task in run['tasks']:
            check(f"{task['task_id']}'s state and try", (task['state'], task['try_number']), ('success', tries))
        attempts = collections.Counter(a['task_id'] for a in run['attempts'] if a['step_id'] is None)
        for task in TASKS:
            if attempts[task] < tries:  # a sensor that waits has more
                amiss.append(f'{day}: {task} has {attempts[task]} attempts')

        figures = {r['dataset']: r['rows'] for r in run['ledger'] if r['note'] == 'figure'}
        want = summary['extracted_per_day'].get(day, 0)
        extracted[day] = figures['source']
        check('source', figures['source'], want)
        check('lake', figures['lake'], want)
        check('joined and not joined', figures['joined'] + figures['without customer'] +
              figures['customer without reviews'], want)
        check('reviews in', figures['reviews in'], summary['reviews'])
        check('classified', figures['classified'], summary['reviews'])
        check('rejected', figures['rejected'], 0)
        check('positive', figures['positive'], summary['positive'])
        check('customers', figures['customers'], published[day])
        check('staged', figures['staged'], published[day])
        without_customer += figures['without customer']

        def rows(task, direction, dataset):
            return [r['rows'] for r in run['ledger'] if r['task_id'] == task and r['direction'] == direction and
                    r['dataset'].startswith(dataset)]

        check('extracted', rows('extract_user_purchase_data', 'write', f's3://daymill/raw/user_purchase/{day}/'),
              [want])
        check('promoted', rows('user_purchase_to_stage_data_lake', 'write',
                               f's3://daymill/stage/user_purchase/{day}/'), [want])
        check('published', rows('publish_user_behavior_metric', 'write', 'warehouse://public.'), [published[day]])
        notes = [r['note'] for r in run['ledger'] if r['task_id'] == 'publish_user_behavior_metric' and
                 r['direction'] == 'write']
        check('replaced', notes, [f'{day} replaced {published[day] if tries > 1 else 0} rows'])

    for what, got, want in (
            ('runs', n, 374), ('rows extracted', sum(extracted.values()), summary['extracted_quantity_gt_2']),
            ('days with purchases', sum(1 for k in extracted.values() if k), summary['days']),
            ('rows without a customer', without_customer, summary['extracted_without_customer'])):
        if got != want:
            amiss.append(f'{what}: got {got}, want {want}')
    print('\n'.join(amiss[:20]))


main()
