{#- Counted when the purchases were promoted: by the source. -#}
{%- set promoted = ti.xcom_pull('user_purchase_to_stage_data_lake') -%}
{#- Counted by the classification step; a cluster that does not count (a real EMR) leaves them unknown. -#}
{%- set steps = ti.xcom_pull('wait_for_movie_classification_transformation', key='figures') or {} -%}
-- The run's equation.  No row is lost or doubled on the way:
--   source = lake = joined + without customer + customer without reviews
--   reviews in = classified + rejected
-- and the staged rows are the customers that both sides have.  Computed from the files in the lake, not from what the
-- tasks before said of themselves.
WITH purchases AS (
    SELECT CAST(NULLIF(customerid, '') AS integer) AS customerid
      FROM spectrum.user_purchase_staging
     WHERE insert_date = '{{ ds }}'
), reviews AS (
    SELECT TRIM(cid) AS cid,
           COUNT(*) AS reviews,
           SUM(CASE WHEN positive_review THEN 1 ELSE 0 END) AS positive
      FROM spectrum.classified_movie_review
     WHERE ds = '{{ ds }}'
     GROUP BY TRIM(cid)
), bought AS (
    SELECT COUNT(*) AS lake,
           COUNT(CASE WHEN p.customerid IS NOT NULL AND r.reviews IS NOT NULL THEN 1 END) AS joined,
           COUNT(CASE WHEN p.customerid IS NULL THEN 1 END) AS without_customer,
           COUNT(CASE WHEN p.customerid IS NOT NULL AND r.reviews IS NULL THEN 1 END) AS customer_without_reviews,
           COUNT(DISTINCT CASE WHEN r.reviews IS NOT NULL THEN p.customerid END) AS customers
      FROM purchases p
      LEFT JOIN reviews r ON CAST(p.customerid AS varchar(12)) = r.cid
), written AS (
    SELECT COALESCE(SUM(reviews), 0) AS classified,
           COALESCE(SUM(positive), 0) AS positive
      FROM reviews
), metric AS (
    SELECT COUNT(*) AS staged
      FROM staging.user_behavior_metric
     WHERE insert_date = '{{ ds }}'
), told AS (
    SELECT CAST({{ promoted['source_rows'] }} AS bigint) AS source,
           CAST({{ steps.get('rows_in', 'NULL') }} AS bigint) AS reviews_in,
           CAST({{ steps.get('rejected', 'NULL') }} AS bigint) AS rejected
)
SELECT source, lake, joined, without_customer, customer_without_reviews,
       reviews_in, classified, rejected, positive,
       customers, staged,
       source = lake AS source_is_lake,
       lake = joined + without_customer + customer_without_reviews AS lake_is_accounted_for,
       COALESCE(reviews_in = classified + rejected, TRUE) AS reviews_are_accounted_for,
       staged = customers AS staged_are_the_customers_of_both
  FROM bought, written, metric, told
