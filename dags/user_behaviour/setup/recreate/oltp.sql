-- Run before ../oltp.sql by `daymill setup --recreate` only: the purchases are lost.
DROP TABLE IF EXISTS retail.user_purchase;
