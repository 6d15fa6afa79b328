-- The source: purchases as the shop's database has them.  Runs on the connection `oltp` (a file here is named after its
-- connection) and can be repeated: it drops and empties nothing.
CREATE SCHEMA IF NOT EXISTS retail;

CREATE TABLE IF NOT EXISTS retail.user_purchase (
    invoice_number varchar(10),
    stock_code varchar(20),
    detail varchar(1000),
    quantity integer,
    invoice_date timestamp,
    unit_price numeric(8, 3),
    customer_id integer,
    country varchar(20)
);

-- What the day filter of sql/user_purchase.sql uses.
CREATE INDEX IF NOT EXISTS user_purchase_invoice_date ON retail.user_purchase (invoice_date);
