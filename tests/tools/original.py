"""Makes a project of the original design: its SQL, DDL, steps JSON and script, cut out of the document unmodified.

usage: original.py DESIGN.md PROJECT_DIR [--renamed]

Only placeholders are filled in (bucket, role, params).  The upload key is the DDL's, and a second external table over
the same location gives the second name that the query uses.  With --renamed every schema, table and column has
another name and the white space is another: nothing may depend on the text.
"""
import os
import re
import sys

BUCKET = 'daymill'


def blocks(text):
    """The fenced blocks of the document as (language, body)."""
    return re.findall(r'^```(\w*)\n(.*?)^```', text, re.M | re.S)


def pick(found, language, *needles):
    """The one block of that language that has all the pieces in it."""
    hits = [body for lang, body in found if lang == language and all(n in body for n in needles)]
    if len(hits) != 1:
        sys.exit(f'original.py: {len(hits)} {language} blocks with {needles}')
    return hits[0]


RENAMED = [
    ('user_behavior_metric', 'daily_numbers'), ('user_purchase_staging', 'bought_things'),
    ('classified_movie_review', 'judged_texts'), ('movie_review_clean_stage', 'judged_texts_too'),
    ('user_purchase', 'orders'), ('spectrum', 'outside'), ('retail', 'shop'),
    ('customerid', 'buyer'), ('customer_id', 'buyer_no'), ('quantity', 'pieces'), ('Quantity', 'Pieces'),
    ('unit_price', 'price_each'), ('UnitPrice', 'PriceEach'), ('review_score', 'good_ones'),
    ('review_count', 'all_ones'), ('amount_spent', 'money'),
]


def rename(sql):
    """Other names, other white space: tokens stay in order.  Paths, strings and templates stay as they are."""
    pieces = re.split(r"('(?:[^']|'')*'|\{\{.*?\}\})", sql, flags=re.S)
    for i in range(0, len(pieces), 2):
        for old, new in RENAMED:
            pieces[i] = re.sub(rf'\b{old}\b', new, pieces[i])
        pieces[i] = re.sub(r'[ \t]*\n[ \t]*', ' ', pieces[i])
        pieces[i] = re.sub(r' +', '\n\t', pieces[i])
    return ''.join(pieces)


DAG = '''
original:
  schedule: "@daily"
  start_date: 2010-12-01
  catchup: true
  params:
    BUCKET_NAME: {bucket}
    user_purchase: /temp/user_purchase.csv
    raw_movie_review: raw/movie_review
    text_classifier_script: scripts/random_text_classifier.py
    stage_movie_review: stage/movie_review
  tasks:
    - task_id: extract_user_purchase_data
      operator: airflow.providers.common.sql.operators.sql.SQLExecuteQueryOperator
      sql: scripts/sql/filter_unload_user_purchase.sql
      conn_id: postgres_default
      depends_on_past: true
      wait_for_downstream: true
    - task_id: user_purchase_to_stage_data_lake
      operator: airflow.providers.amazon.aws.transfers.local_to_s3.LocalFilesystemToS3Operator
      filename: temp/user_purchase.csv
      dest_key: "stage/user_purchase/{{{{ ds }}}}/user_purchase.csv"
      dest_bucket: {bucket}
      aws_conn_id: s3_conn
      replace: true
      remove_local: true
      dependencies: [extract_user_purchase_data]
    - task_id: user_purchase_to_rs_stage
      operator: airflow.providers.common.sql.operators.sql.SQLExecuteQueryOperator
      conn_id: redshift
      autocommit: true
      sql: scripts/sql/add_partition.sql
      dependencies: [user_purchase_to_stage_data_lake]
    - task_id: movie_review_to_raw_data_lake
      operator: airflow.providers.amazon.aws.transfers.local_to_s3.LocalFilesystemToS3Operator
      filename: /data/movie_review.csv
      dest_key: "raw/movie_review/{{{{ ds }}}}/movie.csv"
      dest_bucket: {bucket}
      aws_conn_id: s3_conn
      replace: true
    - task_id: spark_script_to_s3
      operator: airflow.providers.amazon.aws.transfers.local_to_s3.LocalFilesystemToS3Operator
      filename: dags/original/scripts/spark/random_text_classification.py
      dest_key: scripts/random_text_classification.py
      dest_bucket: {bucket}
      aws_conn_id: s3_conn
      replace: true
    - task_id: start_emr_movie_classification_script
      operator: airflow.providers.amazon.aws.operators.emr.EmrAddStepsOperator
      job_flow_id: j-ORIGINAL
      aws_conn_id: aws_default
      steps: scripts/emr/clean_movie_review.json
      depends_on_past: true
      dependencies: [movie_review_to_raw_data_lake, spark_script_to_s3]
    - task_id: wait_for_movie_classification_transformation
      operator: airflow.providers.amazon.aws.sensors.emr.EmrStepSensor
      job_flow_id: j-ORIGINAL
      aws_conn_id: aws_default
      step_id: '{{{{ task_instance.xcom_pull("start_emr_movie_classification_script", key="return_value")[2] }}}}'
      depends_on_past: true
      dependencies: [start_emr_movie_classification_script]
    - task_id: get_user_behaviour
      operator: airflow.providers.postgres.operators.postgres.PostgresOperator
      postgres_conn_id: redshift
      sql: scripts/sql/get_user_behavior_metrics.sql
      dependencies: [user_purchase_to_rs_stage, wait_for_movie_classification_transformation]
'''


def main():
    design, project, *options = sys.argv[1:]
    with open(design, encoding='utf-8', newline='') as f:
        found = blocks(f.read().replace('\r\n', '\n'))
    oltp = pick(found, 'sql', 'CREATE SCHEMA retail', 'COPY retail.user_purchase')
    unload = pick(found, 'sql', 'quantity > 2', "TO '{{ params.user_purchase }}'")
    ddl = pick(found, 'sql', 'CREATE EXTERNAL SCHEMA')
    metric = pick(found, 'sql', 'INSERT INTO public.user_behavior_metric')
    steps = pick(found, 'json', 's3-dist-cp')
    script = pick(found, 'python', 'StopWordsRemover')
    partition = pick(found, 'python', 'alter table spectrum.user_purchase_staging')
    partition = re.search(r"'qry': \"(.*?)'s3://\"", partition, re.S).group(1).replace('\\\n', '')
    partition += "'s3://" + BUCKET + "/stage/user_purchase/{{ ds }}'\n"

    ddl = ddl.replace('"<your-bucket>"', BUCKET).replace('"$AWS_ID"', '123456789012').replace('"$IAM_ROLE_NAME', 'reader')
    second = re.search(r'CREATE EXTERNAL TABLE spectrum\.classified_movie_review.*?;', ddl, re.S).group(0)
    ddl += second.replace('spectrum.classified_movie_review', 'spectrum.movie_review_clean_stage') + '\n'
    script = script.replace('\r\n', '\n').rstrip('\n') + '\n'

    if '--renamed' in options:
        oltp, unload, ddl, metric, partition = map(rename, (oltp, unload, ddl, metric, partition))

    root = os.path.join(project, 'dags', 'original')
    for name, text in {
            'original.yaml': DAG.format(bucket=BUCKET),
            'setup/oltp.sql': oltp,
            'setup/warehouse.sql': ddl,
            'scripts/sql/filter_unload_user_purchase.sql': unload,
            'scripts/sql/add_partition.sql': partition,
            'scripts/sql/get_user_behavior_metrics.sql': metric,
            'scripts/emr/clean_movie_review.json': steps,
            'scripts/spark/random_text_classification.py': script,
    }.items():
        path = os.path.join(root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'w', encoding='utf-8', newline='') as f:
            f.write(text)


main()
