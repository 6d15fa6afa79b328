-- The warehouse: external tables over the lake, the staged and the published metric.  Runs on the connection
-- `warehouse` (a file here is named after its connection), each statement by itself because Redshift takes external DDL
-- outside transactions only, and can be repeated: it drops and empties nothing.
--
-- CREATE EXTERNAL SCHEMA has IF NOT EXISTS everywhere.  CREATE EXTERNAL TABLE has it in the embedded warehouse only:
-- on Redshift leave the three words away, and the table out of a second run.  There IAM_ROLE default is the cluster's.
CREATE EXTERNAL SCHEMA IF NOT EXISTS spectrum
FROM DATA CATALOG DATABASE 'spectrumdb'
IAM_ROLE default
CREATE EXTERNAL DATABASE IF NOT EXISTS;

-- Purchases: quoted CSV with a header, one folder a day.  All columns are text, as this SerDe has them; an empty field
-- is an empty text there and NULL in the embedded warehouse, and the queries take either.
CREATE EXTERNAL TABLE IF NOT EXISTS spectrum.user_purchase_staging (
    invoiceno varchar(10),
    stockcode varchar(20),
    detail varchar(1000),
    quantity varchar(12),
    invoicedate varchar(30),
    unitprice varchar(20),
    customerid varchar(12),
    country varchar(20)
)
PARTITIONED BY (insert_date date)
ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.OpenCSVSerde'
WITH SERDEPROPERTIES ('separatorChar' = ',', 'quoteChar' = '"', 'escapeChar' = '"', 'wholeFile' = 'true')
STORED AS TEXTFILE
LOCATION 's3://daymill/stage/user_purchase/'
TABLE PROPERTIES ('skip.header.line.count' = '1');

-- Reviews: what the cluster wrote, one folder a day.  The day is the partition column ds; insert_date is the run id that
-- the files carry.  Without partitions a day's query would read the reviews of all days.
CREATE EXTERNAL TABLE IF NOT EXISTS spectrum.classified_movie_review (
    cid varchar(100),
    positive_review boolean,
    insert_date varchar(12)
)
PARTITIONED BY (ds date)
STORED AS PARQUET
LOCATION 's3://daymill/stage/movie_review/';

-- Where a run writes and its checks look.
CREATE SCHEMA IF NOT EXISTS staging;

CREATE TABLE IF NOT EXISTS staging.user_behavior_metric (
    customerid integer,
    amount_spent decimal(18, 5),
    review_score integer,
    review_count integer,
    insert_date date
);

-- What people and dashboards read.  No key and no index: a day is replaced by deleting and inserting it in one
-- transaction, which the embedded engine refuses for a keyed table.
CREATE TABLE IF NOT EXISTS public.user_behavior_metric (
    customerid integer,
    amount_spent decimal(18, 5),
    review_score integer,
    review_count integer,
    insert_date date
);
