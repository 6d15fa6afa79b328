/*
 * Assets (Airflow's datasets) as schedules and outlets name them: a URI, and conditions over URIs made of Asset {uri},
 * AssetAll and AssetAny {objects} (lang/dag.h).  Pure.
 */
#ifndef DM_ASSET_H
#define DM_ASSET_H

#include "lang/value.h"

/* What a schedule waits for; NULL = for no assets. */
const struct dm_value *dm_asset_condition(const struct dm_value *schedule);
/* The URI of an asset, or of an outlet (a text is one); false = it is something else. */
bool dm_asset_uri(const struct dm_value *v, struct dm_str *ret);
/* The URIs of a condition, each once, in its order; in the arena. */
struct dm_str *dm_asset_uris(struct dm_arena *a, const struct dm_value *condition, size_t *ret_n);
/* Whether a condition holds, where `changed` tells what has changed. */
bool dm_asset_met(const struct dm_value *condition, bool (*changed)(void *user, struct dm_str uri),
                  void *user);
/* For people: "s3://a and (s3://b or s3://c)". */
void dm_asset_text(struct dm_strbuf *b, const struct dm_value *condition);

#endif
