-- Run before ../warehouse.sql by `daymill setup --recreate` only: every published day is lost; the lake's files stay.
DROP TABLE IF EXISTS spectrum.user_purchase_staging;
DROP TABLE IF EXISTS spectrum.classified_movie_review;
DROP TABLE IF EXISTS staging.user_behavior_metric;
DROP TABLE IF EXISTS public.user_behavior_metric;
