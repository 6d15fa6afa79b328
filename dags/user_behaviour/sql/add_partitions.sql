-- The day's folders become partitions of the external tables.  A partition is a name and a place: that of the reviews
-- may be added before the cluster has written them.  IF NOT EXISTS, so that a day can be run again.
ALTER TABLE spectrum.user_purchase_staging
  ADD IF NOT EXISTS PARTITION (insert_date = '{{ ds }}')
  LOCATION 's3://{{ params.BUCKET_NAME }}/stage/user_purchase/{{ ds }}/';

ALTER TABLE spectrum.classified_movie_review
  ADD IF NOT EXISTS PARTITION (ds = '{{ ds }}')
  LOCATION 's3://{{ params.BUCKET_NAME }}/stage/movie_review/{{ ds }}/';
