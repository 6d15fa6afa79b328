-- How many rows user_purchase.sql must give: the conditions are the same.
SELECT COUNT(*)
  FROM retail.user_purchase
 WHERE invoice_date >= CAST('{{ ds }}' AS timestamp)
   AND invoice_date < CAST('{{ macros.ds_add(ds, 1) }}' AS timestamp)
   AND quantity > 2
