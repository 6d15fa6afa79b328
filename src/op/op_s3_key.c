/* `s3_key`: waits until objects are in the lake. */
#include <fnmatch.h>

#include "op/op.h"
#include "op/op_paths.h"
#include "op/sensor.h"

static const char *const aliases[] = {"S3KeySensor",
                                      "airflow.providers.amazon.aws.sensors.s3.S3KeySensor",
                                      "airflow.providers.amazon.aws.sensors.s3_key.S3KeySensor",
                                      "airflow.sensors.s3_key_sensor.S3KeySensor",
                                      "airflow.sensors.s3_key.S3KeySensor",
                                      NULL};

static const struct dm_op_field fields[] = {
    {"bucket_key", DM_FIELD_STRING_OR_LIST, true, true, NULL,
     "Key of an object, or an s3:// address, or a list of these: all must be there.", NULL},
    {"bucket_name", DM_FIELD_STRING, false, true, NULL,
     "Bucket of the keys that are no s3:// address.", NULL},
    {"wildcard_match", DM_FIELD_BOOL, false, false, "false",
     "Take *, ? and [set] in keys for wildcards; they match slashes too.", NULL},
    {"aws_conn_id", DM_FIELD_STRING, false, true, "\"lake\"", "Connection of the lake.", NULL},
    {"check_fn", DM_FIELD_ANY, false, false, NULL, "Refused: Python code does not run here.", NULL},
    {"use_regex", DM_FIELD_BOOL, false, false, "false",
     "Only false: Python's expressions are not there; use wildcard_match.", NULL},
    {"metadata_keys", DM_FIELD_LIST, false, false, NULL, "Means nothing without check_fn.", NULL},
    {"deferrable", DM_FIELD_BOOL, false, false, "false",
     "Accepted as in Airflow; a wait never holds a slot here.", NULL},
    {"verify", DM_FIELD_ANY, false, true, NULL, "Means nothing for the embedded lake.", NULL},
    {NULL},
};

static int check(const struct dm_value *args, struct dm_err *reterr)
{
    const struct dm_value *fn = dm_map_at(args, "check_fn");
    if (fn && fn->kind != DM_NULL) {
        dm_err_set(reterr, DM_E_UNSUPPORTED, "check_fn is Python code, which does not run here");
        return dm_err_hint(reterr, "Wait with `bash_sensor` for what it checks.");
    }
    if (dm_map_bool(args, "use_regex", false)) {
        dm_err_set(reterr, DM_E_UNSUPPORTED, "use_regex is not supported");
        return dm_err_hint(reterr, "Write a pattern with wildcard_match: true.");
    }
    return 0;
}

/* 1 = an object matches the pattern.  Only keys that begin as it does are listed. */
static int find_match(struct dm_attempt *at, struct dm_lake *lake, struct dm_object_name name,
                      struct dm_err *reterr)
{
    struct dm_object_info *objects;
    size_t n, fixed = strcspn(name.key, "*?[");
    struct dm_object_name prefix = {name.bucket, dm_arena_strndup(at->arena, name.key, fixed)};
    DM_TRY(dm_lake_list(lake, at->arena, prefix, &objects, &n, reterr));
    for (size_t i = 0; i < n; i++)
        if (fnmatch(name.key, objects[i].key, FNM_NOESCAPE) == 0) {
            name.key = objects[i].key;
            printf("found %s\n", dm_op_object_url(at, name));
            return 1;
        }
    return 0;
}

static int find_object(struct dm_attempt *at, struct dm_lake *lake, struct dm_object_name name,
                       struct dm_err *reterr)
{
    struct dm_object_info info;
    struct dm_err err;
    int rc = dm_lake_stat(lake, name, &info, &err);
    if (rc == DM_E_NOTFOUND)
        return 0;
    if (rc < 0) {
        if (reterr)
            *reterr = err;
        return rc;
    }
    printf("found %s\n", dm_op_object_url(at, name));
    return 1;
}

static int look(struct dm_attempt *at, struct dm_look *ret, struct dm_err *reterr)
{
    const struct dm_value *keys = dm_map_at(at->args, "bucket_key");
    bool list = keys->kind == DM_LIST || keys->kind == DM_TUPLE;
    bool wild = dm_map_bool(at->args, "wildcard_match", false);
    struct dm_lake *lake;
    DM_TRY(dm_op_lake(at, dm_map_str(at->args, "aws_conn_id", "lake"), &lake, reterr));
    for (size_t i = 0; i < (list ? keys->list.n : 1); i++) {
        const struct dm_value *key = list ? keys->list.items[i] : keys;
        struct dm_object_name name;
        if (key->kind != DM_STRING)
            return dm_err_set(reterr, DM_E_TYPE, "a key in bucket_key must be a text, not a %s",
                              dm_kind_name(key->kind));
        DM_TRY(dm_op_object(at, dm_map_str(at->args, "bucket_name", ""), key->s, "bucket_key",
                            &name, reterr));
        int rc = wild ? find_match(at, lake, name, reterr) : find_object(at, lake, name, reterr);
        DM_TRY(rc);
        if (rc == 1)
            continue;
        ret->missing = dm_arena_printf(at->arena, "there is no object %s%s", wild ? "like " : "",
                                       dm_op_object_url(at, name));
        return 0;
    }
    return 1;
}

static int execute(struct dm_attempt *at, const struct dm_value **ret, struct dm_err *reterr)
{
    return dm_sensor_run(at, look, ret, reterr);
}

const struct dm_op dm_op_s3_key = {
    .spec = {.name = "s3_key",
             .aliases = aliases,
             .doc = "Waits until one or several objects are in the lake.",
             .fields = fields,
             .check = check,
             .sensor = true},
    .execute = execute,
};
