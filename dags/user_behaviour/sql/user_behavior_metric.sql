{% if params.metric == 'per_customer' -%}
-- One row for each customer who bought something on the day and whose reviews we have: what was spent, how many of the
-- reviews are positive, how many there are.  Each side is summed up before the join, so that neither multiplies the
-- other.  Ids are compared as text: a review's id that is no number matches nobody instead of failing the day.
INSERT INTO staging.user_behavior_metric (customerid, amount_spent, review_score, review_count, insert_date)
SELECT p.customerid,
       p.amount_spent,
       r.review_score,
       r.review_count,
       CAST('{{ ds }}' AS date)
  FROM (SELECT CAST(customerid AS integer) AS customerid,
               CAST(SUM(CAST(quantity AS integer) * CAST(unitprice AS decimal(8, 3))) AS decimal(18, 5)) AS amount_spent
          FROM spectrum.user_purchase_staging
         WHERE insert_date = '{{ ds }}'
           AND NULLIF(customerid, '') IS NOT NULL
         GROUP BY CAST(customerid AS integer)) p
  JOIN (SELECT TRIM(cid) AS cid,
               CAST(SUM(CASE WHEN positive_review THEN 1 ELSE 0 END) AS integer) AS review_score,
               CAST(COUNT(*) AS integer) AS review_count
          FROM spectrum.classified_movie_review
         WHERE ds = '{{ ds }}'
         GROUP BY TRIM(cid)) r
    ON CAST(p.customerid AS varchar(12)) = r.cid;
{%- endif %}
