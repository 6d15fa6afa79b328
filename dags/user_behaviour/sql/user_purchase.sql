-- The purchases of one day, as they go into the lake.  The day is a half-open range of the column as it is, so that an
-- index (PostgreSQL) or the minima and maxima of row groups (the embedded engine) answer it; a cast of the column
-- would read the whole table every day.
SELECT invoice_number,
       stock_code,
       detail,
       quantity,
       invoice_date,
       unit_price,
       customer_id,
       country
  FROM retail.user_purchase
 WHERE invoice_date >= CAST('{{ ds }}' AS timestamp)
   AND invoice_date < CAST('{{ macros.ds_add(ds, 1) }}' AS timestamp)
   AND quantity > 2
