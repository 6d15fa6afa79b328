-- Staged rows belong to one run of one day: what an earlier try or run left goes, in the transaction that writes anew.
-- A value of params.metric that names no metric ends here, before anything is changed.
{% set metric = {'per_customer': 'user_behavior_metric.sql', 'fanout': 'user_behavior_metric_fanout.sql'}[params.metric] -%}
-- metric: {{ metric }}
DELETE FROM staging.user_behavior_metric WHERE insert_date = '{{ ds }}';
