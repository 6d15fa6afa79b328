"""Marks film reviews as positive: those that have the word "good" among their words.

A stand-in for a trained model, kept simple on purpose.  Reads CSV as RFC 4180 has it (quoted fields may hold commas,
line breaks and doubled quotes), writes Parquet with the columns cid, positive_review and insert_date.

    spark-submit random_text_classification.py --input /movie/2010-12-01 --output /output/2010-12-01 \
        --run-id 2010-12-01

Daymill's embedded cluster answers exactly this file natively (it knows its digest); once changed, it needs Spark.
"""
import argparse
import sys

from pyspark.ml.feature import StopWordsRemover, Tokenizer
from pyspark.sql import SparkSession
from pyspark.sql.functions import array_contains, coalesce, col, lit
from pyspark.sql.types import StringType, StructField, StructType

REJECTED = "_rejected"


def read_reviews(spark, path):
    """All columns as text, and in REJECTED the record where its fields are not those of the header."""
    options = {"header": True, "multiLine": True, "escape": '"'}
    names = spark.read.options(**options).csv(path).columns
    for needed in ("cid", "review_str"):
        if needed not in names:
            sys.exit(f"no column {needed}: the file has {', '.join(names)}")
    schema = StructType([StructField(name, StringType()) for name in [*names, REJECTED]])
    return (
        spark.read.options(**options)
        .option("mode", "PERMISSIVE")
        .option("columnNameOfCorruptRecord", REJECTED)
        .schema(schema)
        .csv(path)
        .cache()
    )


def classify(reviews, run_id):
    # A review without text has no words: negative.
    texts = reviews.select("cid", coalesce(col("review_str"), lit("")).alias("review_str"))
    tokens = Tokenizer(inputCol="review_str", outputCol="review_token").transform(texts)
    words = StopWordsRemover(inputCol="review_token", outputCol="review_clean").transform(tokens)
    return words.select(
        "cid",
        array_contains(words.review_clean, "good").alias("positive_review"),
        lit(run_id).alias("insert_date"),
    )


def main():
    parser = argparse.ArgumentParser(description="classify film reviews")
    parser.add_argument("--input", default="/movie", help="folder of CSV files")
    parser.add_argument("--output", default="/output", help="folder for the Parquet files, replaced whole")
    parser.add_argument("--run-id", required=True, help="value of the column insert_date")
    args = parser.parse_args()

    spark = SparkSession.builder.appName("Random text classification").getOrCreate()
    reviews = read_reviews(spark, args.input)
    rejected = reviews.filter(col(REJECTED).isNotNull())
    n = rejected.count()
    if n:
        for row in rejected.limit(10).collect():
            print(f"rejected: {row[REJECTED]!r}", file=sys.stderr)
        sys.exit(f"{n} records do not have the header's fields")
    classify(reviews, args.run_id).write.mode("overwrite").parquet(args.output)
    spark.stop()


if __name__ == "__main__":
    main()
