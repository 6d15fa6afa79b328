/* conn/connection.h: URIs and maps, aliases, the environment, secrets. */
#include "conn/connection.h"
#include "base/log.h"
#include "scratch_project.h"

static const char connections[] =
    "oltp: postgresql://reader:s3cr%3Aet%2F%40x@db.example.com:5433/retail?sslmode=require\n"
    "warehouse: {conn_type: warehouse, schema: warehouse}\n"
    "lake: {conn_type: local_lake}\n"
    "api: http://https://api.example.com\n"
    "six: postgres://u@[::1]:5432/db\n"
    "extra: "
    "'aws://AKIA:k%2Fe%2By%3D@?__extra__=%7B%22region%22%3A%20%22eu%22%2C%20%22n%22%3A%201%7D'\n"
    "json: '{\"conn_type\": \"amazon-redshift\", \"port\": 5439, \"extra\": {\"access_token\": "
    "\"hidden-token\"}}'\n"
    "broken: {conn_type: postgres, hostt: x}\n"
    "empty: {host: x}\n"
    "port: postgres://h:99999/db\n";

static void uris_are_read_as_airflow_reads_them(void)
{
    _cleanup_scratch_ struct scratch s;
    _cleanup_arena_ struct dm_arena a = {0};
    struct dm_connection c;
    struct dm_err err;
    T_TRY(scratch_open(&s, "", connections, &err), err);
    T_TRY(dm_conn_find(&a, &s.project, DM_STR("oltp"), &c, &err), err);
    T_STR(c.conn_type, "postgres");
    T_STR(c.login, "reader");
    T_STR(c.password, "s3cr:et/@x");
    T_STR(c.host, "db.example.com");
    T_INT(c.port, 5433);
    T_STR(c.schema, "retail");
    T_STR(dm_conn_extra(&a, &c, "sslmode"), "require");
    T_TRY(dm_conn_find(&a, &s.project, DM_STR("api"), &c, &err), err);
    T_STR(c.conn_type, "http");
    T_STR(c.host, "https://api.example.com");
    T_TRY(dm_conn_find(&a, &s.project, DM_STR("six"), &c, &err), err);
    T_STR(c.host, "::1");
    T_INT(c.port, 5432);
    T_TRY(dm_conn_find(&a, &s.project, DM_STR("extra"), &c, &err), err);
    T_STR(c.password, "k/e+y=");
    T_STR(dm_conn_extra(&a, &c, "region"), "eu");
    T_TRY(dm_conn_find(&a, &s.project, DM_STR("json"), &c, &err), err);
    T_STR(c.conn_type, "amazon_redshift");
    T_INT(c.port, 5439);
}

static void aliases_lead_to_the_connection_and_an_own_one_wins(void)
{
    _cleanup_scratch_ struct scratch s;
    _cleanup_arena_ struct dm_arena a = {0};
    struct dm_connection c;
    struct dm_err err;
    T_TRY(scratch_open(&s, "", "oltp: postgres://a/x\nredshift: postgres://b/y\n", &err), err);
    T_TRY(dm_conn_find(&a, &s.project, DM_STR("postgres_default"), &c, &err), err);
    T_STR(c.conn_id, "oltp");
    T_TRY(dm_conn_find(&a, &s.project, DM_STR("redshift"), &c, &err), err);
    T_STR(c.host, "b");
    T_INT(dm_conn_find(&a, &s.project, DM_STR("postgres_defualt"), &c, &err), DM_E_NOTFOUND);
    T_STR(err.hint, "Did you mean \"postgres_default\"?");
}

static void the_environment_wins(void)
{
    _cleanup_scratch_ struct scratch s;
    _cleanup_arena_ struct dm_arena a = {0};
    struct dm_connection c;
    struct dm_err err;
    T_TRY(scratch_open(&s, "", connections, &err), err);
    setenv("AIRFLOW_CONN_OLTP", "postgres://other/db", 1);
    T_TRY(dm_conn_find(&a, &s.project, DM_STR("postgres_default"), &c, &err), err);
    T_STR(c.host, "other");
    unsetenv("AIRFLOW_CONN_OLTP");
}

static void mistakes_name_the_connection_and_the_line(void)
{
    _cleanup_scratch_ struct scratch s;
    _cleanup_arena_ struct dm_arena a = {0};
    struct dm_connection c;
    struct dm_err err;
    T_TRY(scratch_open(&s, "", connections, &err), err);
    T_INT(dm_conn_find(&a, &s.project, DM_STR("broken"), &c, &err), DM_E_UNDEFINED);
    T_STR(err.message, "connection \"broken\": unknown key \"hostt\"");
    T_STR(err.hint, "Did you mean \"host\"?");
    T_STR(err.file, "connections.yaml");
    T_INT(err.line, 8);
    T_INT(dm_conn_find(&a, &s.project, DM_STR("empty"), &c, &err), DM_E_INVALID);
    T_STR(err.message, "connection \"empty\": conn_type is missing");
    T_INT(dm_conn_find(&a, &s.project, DM_STR("port"), &c, &err), DM_E_INVALID);
    T_INT(err.line, 10);
}

static void secrets_are_masked_once_read(void)
{
    _cleanup_scratch_ struct scratch s;
    _cleanup_arena_ struct dm_arena a = {0};
    struct dm_connection c;
    struct dm_err err;
    T_TRY(scratch_open(&s, "", connections, &err), err);
    T_TRY(dm_conn_find(&a, &s.project, DM_STR("oltp"), &c, &err), err);
    T_TRY(dm_conn_find(&a, &s.project, DM_STR("json"), &c, &err), err);
    char text[] = "login with s3cr:et/@x and hidden-token failed";
    dm_mask_text(text);
    T_STR(text, "login with *** and *** failed");
    T_OK(dm_conn_secret_name(DM_STR("My_API_Key_2")));
    T_OK(!dm_conn_secret_name(DM_STR("bucket")));
}

static void a_connection_survives_the_way_through_a_value(void)
{
    _cleanup_scratch_ struct scratch s;
    _cleanup_arena_ struct dm_arena a = {0};
    struct dm_connection c, d;
    struct dm_err err;
    T_TRY(scratch_open(&s, "", connections, &err), err);
    T_TRY(dm_conn_find(&a, &s.project, DM_STR("oltp"), &c, &err), err);
    T_TRY(dm_conn_from_value(&a, dm_conn_to_value(&a, &c), &d, &err), err);
    T_STR(d.conn_id, "oltp");
    T_STR(d.password, c.password);
    T_STR(d.schema, "retail");
    T_INT(d.port, 5433);
    T_OK(dm_value_equal(c.extra, d.extra));
}

T_MAIN(T_CASE(uris_are_read_as_airflow_reads_them),
       T_CASE(aliases_lead_to_the_connection_and_an_own_one_wins), T_CASE(the_environment_wins),
       T_CASE(mistakes_name_the_connection_and_the_line), T_CASE(secrets_are_masked_once_read),
       T_CASE(a_connection_survives_the_way_through_a_value))
