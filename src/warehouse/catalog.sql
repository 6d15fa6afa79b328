-- PostgreSQL's catalog over DuckDB's, and the rows of the external catalog.  Runs inside the hidden schema of each
-- database when a database is opened whose stored copy differs; tables are kept, views and macros replaced.
-- Statements end with a semicolon at the end of a line.

-- ---- the external catalog (spectrum.c writes and reads it)

CREATE SEQUENCE IF NOT EXISTS external_oid START 1000001;
CREATE TABLE IF NOT EXISTS external_schema(oid BIGINT, name VARCHAR, database_name VARCHAR, iam_role VARCHAR);
CREATE TABLE IF NOT EXISTS external_table(oid BIGINT, schema_name VARCHAR, table_name VARCHAR, format VARCHAR,
    location VARCHAR, delimiter VARCHAR, quote VARCHAR, escape VARCHAR, null_text VARCHAR, skip_lines BIGINT,
    serde VARCHAR, properties VARCHAR);
CREATE TABLE IF NOT EXISTS external_column(table_oid BIGINT, position INTEGER, name VARCHAR, type VARCHAR,
    shown VARCHAR, is_character BOOLEAN, type_oid BIGINT, typmod INTEGER, is_partition BOOLEAN);
CREATE TABLE IF NOT EXISTS external_partition(oid BIGINT, table_oid BIGINT, location VARCHAR);
CREATE TABLE IF NOT EXISTS external_partition_value(partition_oid BIGINT, position INTEGER, value VARCHAR);

-- ---- types

CREATE OR REPLACE VIEW pg_type AS
SELECT oid::UINTEGER AS oid, typname, 11::UINTEGER AS typnamespace, 10::UINTEGER AS typowner,
    typlen::SMALLINT AS typlen, typlen > 0 AND typlen <= 8 AS typbyval, 'b' AS typtype, typcategory,
    typname IN ('text', 'float8', 'bool', 'timestamptz', 'oid') AS typispreferred, true AS typisdefined,
    ',' AS typdelim, 0::UINTEGER AS typrelid, 0::UINTEGER AS typsubscript, typelem::UINTEGER AS typelem,
    typarray::UINTEGER AS typarray, typname || 'in' AS typinput, typname || 'out' AS typoutput, '-' AS typreceive,
    '-' AS typsend, '-' AS typmodin, '-' AS typmodout, '-' AS typanalyze, 'i' AS typalign, 'p' AS typstorage,
    false AS typnotnull, 0::UINTEGER AS typbasetype, -1 AS typtypmod, 0 AS typndims,
    (CASE WHEN typcategory = 'S' AND typname <> 'name' THEN 100 WHEN typname = 'name' THEN 950 ELSE 0 END)::UINTEGER
    AS typcollation, NULL::VARCHAR AS typdefaultbin, NULL::VARCHAR AS typdefault, NULL::VARCHAR[] AS typacl
FROM (VALUES (16, 'bool', 1, 'B', 0, 1000), (17, 'bytea', -1, 'U', 0, 1001), (18, 'char', 1, 'Z', 0, 1002),
    (19, 'name', 64, 'S', 18, 1003), (20, 'int8', 8, 'N', 0, 1016), (21, 'int2', 2, 'N', 0, 1005),
    (22, 'int2vector', -1, 'A', 21, 1006), (23, 'int4', 4, 'N', 0, 1007), (24, 'regproc', 4, 'N', 0, 1008),
    (25, 'text', -1, 'S', 0, 1009), (26, 'oid', 4, 'N', 0, 1028), (30, 'oidvector', -1, 'A', 26, 1013),
    (114, 'json', -1, 'U', 0, 199), (700, 'float4', 4, 'N', 0, 1021), (701, 'float8', 8, 'N', 0, 1022),
    (1042, 'bpchar', -1, 'S', 0, 1014), (1043, 'varchar', -1, 'S', 0, 1015), (1082, 'date', 4, 'D', 0, 1182),
    (1083, 'time', 8, 'D', 0, 1183), (1114, 'timestamp', 8, 'D', 0, 1115), (1184, 'timestamptz', 8, 'D', 0, 1185),
    (1186, 'interval', 16, 'T', 0, 1187), (1266, 'timetz', 12, 'D', 0, 1270), (1562, 'varbit', -1, 'V', 0, 1563),
    (1700, 'numeric', -1, 'N', 0, 1231), (2205, 'regclass', 4, 'N', 0, 2210), (2206, 'regtype', 4, 'N', 0, 2211),
    (2950, 'uuid', 16, 'U', 0, 2951), (3802, 'jsonb', -1, 'U', 0, 3807), (705, 'unknown', -2, 'X', 0, 0),
    (2249, 'record', -1, 'P', 0, 2287), (199, '_json', -1, 'A', 114, 0), (1000, '_bool', -1, 'A', 16, 0),
    (1001, '_bytea', -1, 'A', 17, 0), (1002, '_char', -1, 'A', 18, 0), (1003, '_name', -1, 'A', 19, 0),
    (1005, '_int2', -1, 'A', 21, 0), (1007, '_int4', -1, 'A', 23, 0), (1009, '_text', -1, 'A', 25, 0),
    (1014, '_bpchar', -1, 'A', 1042, 0), (1015, '_varchar', -1, 'A', 1043, 0), (1016, '_int8', -1, 'A', 20, 0),
    (1021, '_float4', -1, 'A', 700, 0), (1022, '_float8', -1, 'A', 701, 0), (1028, '_oid', -1, 'A', 26, 0),
    (1115, '_timestamp', -1, 'A', 1114, 0), (1182, '_date', -1, 'A', 1082, 0), (1183, '_time', -1, 'A', 1083, 0),
    (1185, '_timestamptz', -1, 'A', 1184, 0), (1187, '_interval', -1, 'A', 1186, 0),
    (1231, '_numeric', -1, 'A', 1700, 0), (2951, '_uuid', -1, 'A', 2950, 0), (3807, '_jsonb', -1, 'A', 3802, 0))
    AS t(oid, typname, typlen, typcategory, typelem, typarray);

-- The OID of a type as DuckDB writes it: "DECIMAL(8,3)", "VARCHAR", "INTEGER[]".
CREATE OR REPLACE MACRO duck_type_oid(t) AS
    CASE WHEN t LIKE 'DECIMAL%]' THEN 1231 WHEN t LIKE 'DECIMAL%' THEN 1700
    WHEN t LIKE '%[]' THEN coalesce(map {'BOOLEAN[]': 1000, 'SMALLINT[]': 1005, 'INTEGER[]': 1007, 'VARCHAR[]': 1009,
        'BIGINT[]': 1016, 'FLOAT[]': 1021, 'DOUBLE[]': 1022, 'UINTEGER[]': 1028, 'TIMESTAMP[]': 1115,
        'DATE[]': 1182, 'UUID[]': 2951}[t], 1009)
    ELSE coalesce(map {'BOOLEAN': 16, 'BLOB': 17, 'BIGINT': 20, 'UINTEGER': 26, 'SMALLINT': 21, 'TINYINT': 21,
        'UTINYINT': 21, 'INTEGER': 23, 'USMALLINT': 23, 'UBIGINT': 1700, 'HUGEINT': 20, 'UHUGEINT': 1700,
        'VARCHAR': 25, 'JSON': 114, 'FLOAT': 700, 'DOUBLE': 701, 'DATE': 1082, 'TIME': 1083, 'TIMESTAMP': 1114,
        'TIMESTAMP_S': 1114, 'TIMESTAMP_MS': 1114, 'TIMESTAMP_NS': 1114, 'TIMESTAMP WITH TIME ZONE': 1184,
        'INTERVAL': 1186, 'TIME WITH TIME ZONE': 1266, 'BIT': 1562, 'UUID': 2950}[t], 25) END;

CREATE OR REPLACE MACRO duck_type_typmod(precision_, scale_) AS (precision_::INTEGER << 16 | scale_::INTEGER) + 4;

CREATE OR REPLACE MACRO type_title(o) AS
    coalesce(map {16: 'boolean', 17: 'bytea', 18: '"char"', 19: 'name', 20: 'bigint', 21: 'smallint', 22: 'int2vector',
        23: 'integer', 24: 'regproc', 25: 'text', 26: 'oid', 30: 'oidvector', 114: 'json', 199: 'json[]', 700: 'real',
        701: 'double precision', 705: 'unknown', 1000: 'boolean[]', 1001: 'bytea[]', 1002: '"char"[]', 1003: 'name[]',
        1005: 'smallint[]', 1007: 'integer[]', 1009: 'text[]', 1014: 'character[]', 1015: 'character varying[]',
        1016: 'bigint[]', 1021: 'real[]', 1022: 'double precision[]', 1028: 'oid[]', 1042: 'character',
        1043: 'character varying', 1082: 'date', 1083: 'time without time zone', 1114: 'timestamp without time zone',
        1115: 'timestamp without time zone[]', 1182: 'date[]', 1183: 'time without time zone[]',
        1184: 'timestamp with time zone', 1185: 'timestamp with time zone[]', 1186: 'interval', 1187: 'interval[]',
        1231: 'numeric[]', 1266: 'time with time zone', 1562: 'bit varying', 1700: 'numeric', 2205: 'regclass',
        2206: 'regtype', 2249: 'record', 2950: 'uuid', 2951: 'uuid[]', 3802: 'jsonb', 3807: 'jsonb[]'}[o::INTEGER],
        '???');

CREATE OR REPLACE MACRO format_type(o, m) AS
    CASE WHEN o IS NULL THEN NULL WHEN o = 0 THEN '-'
    WHEN coalesce(m, -1) < 0 THEN CASE WHEN o = 1042 AND m IS NOT NULL THEN 'bpchar' ELSE type_title(o) END
    WHEN o IN (1042, 1043) THEN type_title(o) || '(' || (m - 4) || ')'
    WHEN o = 1700 THEN 'numeric(' || ((m - 4) >> 16) || ',' || ((m - 4) & 65535) || ')'
    ELSE type_title(o) END;

-- ---- schemas, relations, columns

CREATE OR REPLACE VIEW pg_namespace AS
SELECT oid::UINTEGER AS oid, nspname, 10::UINTEGER AS nspowner, NULL::VARCHAR[] AS nspacl
FROM (SELECT s.oid, s.schema_name AS nspname FROM duckdb_schemas() s
      WHERE s.database_name = current_database()
        AND s.schema_name NOT IN ('main', 'information_schema', 'pg_catalog', 'daymill_catalog')
      UNION ALL SELECT oid, name FROM daymill_catalog.external_schema
      UNION ALL VALUES (11, 'pg_catalog'), (12, 'information_schema'), (99, 'pg_toast'));

-- The declared lengths that rewrite_table.c keeps as constraints.
CREATE OR REPLACE VIEW column_limit AS
SELECT table_oid, CASE WHEN name[1] = '"' THEN replace(name[2:-2], '""', '"') ELSE name END AS column_name,
    contains(expression, 'rtrim(') AS is_char, try_cast(digits AS INTEGER) AS max_length
FROM (SELECT table_oid, expression,
          regexp_extract(expression, '^\(length\((?:rtrim\()?(.*?)\)+ <= ([0-9]+)\)$', 1) AS name,
          regexp_extract(expression, '^\(length\((?:rtrim\()?(.*?)\)+ <= ([0-9]+)\)$', 2) AS digits
      FROM duckdb_constraints()
      WHERE database_name = current_database() AND constraint_type = 'CHECK')
WHERE digits <> '';

CREATE OR REPLACE VIEW pg_constraint AS
SELECT (k.table_oid * 1000 + k.constraint_index)::UINTEGER AS oid,
    CASE k.constraint_type WHEN 'PRIMARY KEY' THEN k.table_name || '_pkey'
        WHEN 'UNIQUE' THEN k.table_name || '_' || array_to_string(k.constraint_column_names, '_') || '_key'
        ELSE coalesce(k.constraint_name, k.table_name || '_check') END AS conname,
    coalesce(n.oid, 0)::UINTEGER AS connamespace,
    CASE k.constraint_type WHEN 'PRIMARY KEY' THEN 'p' WHEN 'UNIQUE' THEN 'u' WHEN 'FOREIGN KEY' THEN 'f'
        ELSE 'c' END AS contype,
    false AS condeferrable, false AS condeferred, true AS convalidated, k.table_oid::UINTEGER AS conrelid,
    0::UINTEGER AS contypid,
    (CASE WHEN k.constraint_type IN ('PRIMARY KEY', 'UNIQUE') THEN k.table_oid * 1000 + 500 + k.constraint_index
        ELSE 0 END)::UINTEGER AS conindid,
    0::UINTEGER AS conparentid,
    coalesce((SELECT t.table_oid FROM duckdb_tables() t WHERE t.database_name = k.database_name
        AND t.table_name = k.referenced_table LIMIT 1), 0)::UINTEGER AS confrelid,
    'a' AS confupdtype, 'a' AS confdeltype, 's' AS confmatchtype, true AS conislocal, 0 AS coninhcount,
    true AS connoinherit, list_transform(k.constraint_column_indexes, lambda x: (x + 1)::SMALLINT) AS conkey,
    NULL::SMALLINT[] AS confkey, NULL::VARCHAR AS conbin,
    CASE k.constraint_type WHEN 'CHECK' THEN 'CHECK ' || k.expression
        WHEN 'FOREIGN KEY' THEN k.constraint_text
        ELSE k.constraint_type || ' (' || array_to_string(k.constraint_column_names, ', ') || ')' END AS condef
FROM duckdb_constraints() k LEFT JOIN daymill_catalog.pg_namespace n ON n.nspname = k.schema_name
WHERE k.database_name = current_database() AND k.schema_name <> 'daymill_catalog'
    AND k.constraint_type IN ('PRIMARY KEY', 'UNIQUE', 'FOREIGN KEY', 'CHECK')
    AND NOT (k.constraint_type = 'CHECK' AND regexp_matches(k.expression, '^\(length\(.*\) <= [0-9]+\)$'));

-- Indexes: those of keys, and those that were created.
CREATE OR REPLACE VIEW index_list AS
SELECT conindid AS oid, conname AS name, conrelid AS table_oid, connamespace AS schema_oid, contype = 'p' AS is_primary,
    true AS is_unique, regexp_extract(condef, '\((.*)\)$', 1) AS columns, conkey AS keys
FROM daymill_catalog.pg_constraint WHERE contype IN ('p', 'u')
UNION ALL
SELECT i.index_oid::UINTEGER, i.index_name, i.table_oid::UINTEGER, coalesce(n.oid, 0)::UINTEGER, i.is_primary,
    i.is_unique, trim(coalesce(i.expressions, ''), '[]'), NULL::SMALLINT[]
FROM duckdb_indexes() i LEFT JOIN daymill_catalog.pg_namespace n ON n.nspname = i.schema_name
WHERE i.database_name = current_database();

CREATE OR REPLACE VIEW pg_class AS
SELECT r.oid::UINTEGER AS oid, r.relname, r.relnamespace::UINTEGER AS relnamespace, 0::UINTEGER AS reltype,
    0::UINTEGER AS reloftype, 10::UINTEGER AS relowner,
    (CASE WHEN r.relkind = 'r' THEN 2 WHEN r.relkind = 'i' THEN 403 ELSE 0 END)::UINTEGER AS relam,
    r.oid::UINTEGER AS relfilenode, 0::UINTEGER AS reltablespace, 0 AS relpages, coalesce(r.rows, -1)::REAL AS reltuples,
    0 AS relallvisible, 0::UINTEGER AS reltoastrelid, coalesce(r.has_index, false) AS relhasindex, false AS relisshared,
    CASE WHEN r.temporary THEN 't' ELSE 'p' END AS relpersistence, r.relkind, r.columns::SMALLINT AS relnatts,
    coalesce(r.checks, 0)::SMALLINT AS relchecks, r.relkind = 'v' AS relhasrules, false AS relhastriggers,
    false AS relhassubclass, false AS relrowsecurity, false AS relforcerowsecurity, true AS relispopulated,
    CASE WHEN r.relkind IN ('r', 'p') THEN 'd' ELSE 'n' END AS relreplident, false AS relispartition,
    0::UINTEGER AS relrewrite, 0::UINTEGER AS relfrozenxid, 0::UINTEGER AS relminmxid, NULL::VARCHAR[] AS relacl,
    NULL::VARCHAR[] AS reloptions, NULL::VARCHAR AS relpartbound, 0 AS reldiststyle
FROM (SELECT t.table_oid AS oid, t.table_name AS relname,
          CASE WHEN t.schema_name = 'daymill_catalog' THEN 11 ELSE t.schema_oid END AS relnamespace,
          'r' AS relkind, t.estimated_size AS rows, t.has_primary_key OR t.index_count > 0 AS has_index, t.temporary,
          t.column_count AS columns,
          (SELECT count(*) FROM daymill_catalog.pg_constraint k WHERE k.conrelid = t.table_oid AND k.contype = 'c')
          AS checks
      FROM duckdb_tables() t WHERE t.database_name = current_database() OR t.temporary
      UNION ALL
      SELECT v.view_oid, v.view_name, CASE WHEN v.schema_name = 'daymill_catalog' THEN 11 ELSE v.schema_oid END, 'v',
          NULL, false, v.temporary, v.column_count, 0
      FROM duckdb_views() v WHERE (v.database_name = current_database() OR v.temporary) AND NOT v.internal
      UNION ALL
      SELECT s.sequence_oid, s.sequence_name,
          CASE WHEN s.schema_name = 'daymill_catalog' THEN 11 ELSE s.schema_oid END, 'S', NULL, false, s.temporary, 3, 0
      FROM duckdb_sequences() s WHERE s.database_name = current_database()
      UNION ALL
      SELECT i.oid, i.name, i.schema_oid, 'i', NULL, false, false, 1, 0 FROM daymill_catalog.index_list i
      UNION ALL
      SELECT e.oid, e.table_name, s.oid, 'f', NULL, false, false,
          (SELECT count(*) FROM daymill_catalog.external_column c WHERE c.table_oid = e.oid), 0
      FROM daymill_catalog.external_table e JOIN daymill_catalog.external_schema s ON s.name = e.schema_name) r;

CREATE OR REPLACE VIEW pg_attribute AS
SELECT a.relid::UINTEGER AS attrelid, a.name AS attname, a.type_oid::UINTEGER AS atttypid, -1 AS attstattarget,
    coalesce(t.typlen, -1)::SMALLINT AS attlen, a.position::SMALLINT AS attnum, 0 AS attndims, -1 AS attcacheoff,
    a.typmod AS atttypmod, coalesce(t.typbyval, false) AS attbyval, 'i' AS attalign,
    CASE WHEN coalesce(t.typlen, -1) > 0 THEN 'p' WHEN a.type_oid = 1700 THEN 'm' ELSE 'x' END AS attstorage,
    '' AS attcompression, a.not_null AS attnotnull, a.expression IS NOT NULL AS atthasdef, false AS atthasmissing,
    '' AS attidentity, '' AS attgenerated, false AS attisdropped, true AS attislocal, 0 AS attinhcount,
    coalesce(t.typcollation, 0)::UINTEGER AS attcollation, NULL::VARCHAR[] AS attacl, NULL::VARCHAR[] AS attoptions,
    NULL::VARCHAR[] AS attfdwoptions, NULL::VARCHAR AS attmissingval, a.shown, a.max_length, a.expression,
    false AS attisdistkey, 0 AS attsortkeyord
FROM (SELECT c.table_oid AS relid, c.column_name AS name, c.column_index AS position,
          CASE WHEN l.is_char THEN 1042 WHEN l.max_length IS NOT NULL THEN 1043 ELSE duck_type_oid(c.data_type) END
          AS type_oid,
          CASE WHEN l.max_length < 10485760 THEN l.max_length + 4
              WHEN c.data_type LIKE 'DECIMAL(%)' AND c.data_type <> 'DECIMAL(38,10)' THEN duck_type_typmod(c.numeric_precision, c.numeric_scale)
              ELSE -1 END AS typmod,
          NOT c.is_nullable AS not_null, c.column_default AS expression, NULL AS shown,
          CASE WHEN l.max_length < 10485760 THEN l.max_length END AS max_length
      FROM duckdb_columns() c
      LEFT JOIN daymill_catalog.column_limit l ON l.table_oid = c.table_oid AND l.column_name = c.column_name
      WHERE (c.database_name = current_database() OR c.database_name = 'temp') AND NOT c.internal
      UNION ALL
      SELECT table_oid, name, position, type_oid, typmod, false, NULL, shown, NULL
      FROM daymill_catalog.external_column) a
LEFT JOIN daymill_catalog.pg_type t ON t.oid = a.type_oid;

-- A default as PostgreSQL shows it: a text literal with its type.
CREATE OR REPLACE VIEW pg_attrdef AS
SELECT (attrelid::BIGINT * 1000 + attnum)::UINTEGER AS oid, attrelid AS adrelid, attnum AS adnum,
    CASE WHEN expression LIKE '''%''' AND atttypid IN (25, 1042, 1043, 1082, 1114, 1184)
        THEN expression || '::' || type_title(atttypid)
    WHEN expression LIKE 'CAST(''t'' AS BOOLEAN)' THEN 'true' WHEN expression LIKE 'CAST(''f'' AS BOOLEAN)' THEN 'false'
    ELSE expression END AS adbin
FROM daymill_catalog.pg_attribute WHERE atthasdef;

CREATE OR REPLACE VIEW pg_index AS
SELECT oid::UINTEGER AS indexrelid, table_oid::UINTEGER AS indrelid, coalesce(len(keys), 1)::SMALLINT AS indnatts,
    coalesce(len(keys), 1)::SMALLINT AS indnkeyatts, is_unique AS indisunique, false AS indnullsnotdistinct,
    is_primary AS indisprimary, false AS indisexclusion, true AS indimmediate, false AS indisclustered,
    true AS indisvalid, false AS indcheckxmin, true AS indisready, true AS indislive, false AS indisreplident,
    keys AS indkey, NULL::UINTEGER[] AS indcollation, NULL::UINTEGER[] AS indclass,
    list_transform(coalesce(keys, [1]), lambda x: 0::SMALLINT) AS indoption, NULL::VARCHAR AS indexprs,
    NULL::VARCHAR AS indpred
FROM daymill_catalog.index_list;

-- ---- the rest of the catalog

CREATE OR REPLACE VIEW pg_database AS
SELECT database_oid::UINTEGER AS oid, database_name AS datname, 10::UINTEGER AS datdba, 6 AS encoding,
    'c' AS datlocprovider, false AS datistemplate, true AS datallowconn, -1 AS datconnlimit,
    0::UINTEGER AS datfrozenxid, 0::UINTEGER AS datminmxid, 1663::UINTEGER AS dattablespace, 'C' AS datcollate,
    'C.UTF-8' AS datctype, NULL::VARCHAR AS daticulocale, NULL::VARCHAR AS datcollversion, NULL::VARCHAR[] AS datacl
FROM duckdb_databases() WHERE NOT internal AND database_name <> 'memory';

CREATE OR REPLACE VIEW pg_roles AS
SELECT 'daymill' AS rolname, true AS rolsuper, true AS rolinherit, true AS rolcreaterole, true AS rolcreatedb,
    true AS rolcanlogin, true AS rolreplication, -1 AS rolconnlimit, '********' AS rolpassword,
    NULL::TIMESTAMPTZ AS rolvaliduntil, true AS rolbypassrls, NULL::VARCHAR[] AS rolconfig, 10::UINTEGER AS oid;
CREATE OR REPLACE VIEW pg_authid AS SELECT * FROM daymill_catalog.pg_roles;
CREATE OR REPLACE VIEW pg_user AS
SELECT 'daymill' AS usename, 10::UINTEGER AS usesysid, true AS usecreatedb, true AS usesuper, false AS userepl,
    true AS usebypassrls, '********' AS passwd, NULL::TIMESTAMPTZ AS valuntil, NULL::VARCHAR[] AS useconfig;
CREATE OR REPLACE VIEW pg_am AS
SELECT oid::UINTEGER AS oid, amname, '-' AS amhandler, amtype
FROM (VALUES (2, 'heap', 't'), (403, 'btree', 'i')) AS a(oid, amname, amtype);
CREATE OR REPLACE VIEW pg_collation AS
SELECT oid::UINTEGER AS oid, collname, 11::UINTEGER AS collnamespace, 10::UINTEGER AS collowner, 'c' AS collprovider,
    true AS collisdeterministic, -1 AS collencoding, collname AS collcollate, collname AS collctype,
    NULL::VARCHAR AS colliculocale, NULL::VARCHAR AS collversion
FROM (VALUES (100, 'default'), (950, 'C'), (951, 'POSIX')) AS c(oid, collname);
CREATE OR REPLACE VIEW pg_tablespace AS
SELECT 1663::UINTEGER AS oid, 'pg_default' AS spcname, 10::UINTEGER AS spcowner, NULL::VARCHAR[] AS spcacl,
    NULL::VARCHAR[] AS spcoptions;
CREATE OR REPLACE VIEW pg_proc AS
SELECT f.function_oid::UINTEGER AS oid, f.function_name AS proname,
    coalesce(n.oid, 11)::UINTEGER AS pronamespace, 10::UINTEGER AS proowner,
    CASE f.function_type WHEN 'aggregate' THEN 'a' ELSE 'f' END AS prokind, f.function_type = 'table_macro' AS proretset,
    len(f.parameters)::SMALLINT AS pronargs, 0::UINTEGER AS prorettype, NULL::UINTEGER[] AS proargtypes,
    f.parameters AS proargnames, f.macro_definition AS prosrc, coalesce(f.return_type, '') AS result_text,
    array_to_string(f.parameters, ', ') AS arguments_text, 'i' AS provolatile, NULL::VARCHAR[] AS proacl
FROM duckdb_functions() f LEFT JOIN daymill_catalog.pg_namespace n ON n.nspname = f.schema_name
WHERE f.database_name = current_database() AND NOT f.internal AND f.schema_name <> 'daymill_catalog';
CREATE OR REPLACE VIEW pg_settings AS
SELECT name, value AS setting, NULL::VARCHAR AS unit, 'DuckDB' AS category, description AS short_desc,
    'user' AS context, 'string' AS vartype, 'default' AS source FROM duckdb_settings();
CREATE OR REPLACE VIEW pg_description AS
SELECT t.table_oid::UINTEGER AS objoid, 1259::UINTEGER AS classoid, 0 AS objsubid, t.comment AS description
FROM duckdb_tables() t WHERE t.database_name = current_database() AND t.comment IS NOT NULL
UNION ALL
SELECT c.table_oid::UINTEGER, 1259::UINTEGER, c.column_index, c.comment
FROM duckdb_columns() c WHERE c.database_name = current_database() AND c.comment IS NOT NULL;
CREATE OR REPLACE VIEW pg_tables AS
SELECT n.nspname AS schemaname, c.relname AS tablename, 'daymill' AS tableowner, NULL::VARCHAR AS tablespace,
    c.relhasindex AS hasindexes, false AS hasrules, false AS hastriggers, false AS rowsecurity
FROM daymill_catalog.pg_class c JOIN daymill_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r';
CREATE OR REPLACE VIEW pg_views AS
SELECT n.nspname AS schemaname, v.view_name AS viewname, 'daymill' AS viewowner, v.sql AS definition
FROM duckdb_views() v JOIN daymill_catalog.pg_namespace n ON n.nspname = v.schema_name
WHERE v.database_name = current_database() AND NOT v.internal;
CREATE OR REPLACE VIEW pg_sequence AS
SELECT sequence_oid::UINTEGER AS seqrelid, 20::UINTEGER AS seqtypid, start_value AS seqstart, increment_by AS seqincrement,
    max_value AS seqmax, min_value AS seqmin, 1::BIGINT AS seqcache, cycle AS seqcycle
FROM duckdb_sequences() WHERE database_name = current_database() AND schema_name <> 'daymill_catalog';
CREATE OR REPLACE VIEW pg_foreign_server AS
SELECT 1::UINTEGER AS oid, 'lake' AS srvname, 10::UINTEGER AS srvowner, 1::UINTEGER AS srvfdw, NULL::VARCHAR AS srvtype,
    NULL::VARCHAR AS srvversion, NULL::VARCHAR[] AS srvacl, NULL::VARCHAR[] AS srvoptions;
CREATE OR REPLACE VIEW pg_foreign_data_wrapper AS
SELECT 1::UINTEGER AS oid, 'lake' AS fdwname, 10::UINTEGER AS fdwowner, NULL::VARCHAR[] AS fdwoptions;
CREATE OR REPLACE VIEW pg_foreign_table AS
SELECT oid::UINTEGER AS ftrelid, 1::UINTEGER AS ftserver,
    ['format=' || format, 'location=s3://' || location] AS ftoptions
FROM daymill_catalog.external_table;

-- Relations that are always empty here.
CREATE OR REPLACE VIEW pg_inherits AS
SELECT 0::UINTEGER AS inhrelid, 0::UINTEGER AS inhparent, 0 AS inhseqno, false AS inhdetachpending WHERE false;
CREATE OR REPLACE VIEW pg_policy AS
SELECT 0::UINTEGER AS oid, '' AS polname, 0::UINTEGER AS polrelid, '' AS polcmd, false AS polpermissive,
    NULL::UINTEGER[] AS polroles, '' AS polqual, '' AS polwithcheck WHERE false;
CREATE OR REPLACE VIEW pg_statistic_ext AS
SELECT 0::UINTEGER AS oid, 0::UINTEGER AS stxrelid, '' AS stxname, 0::UINTEGER AS stxnamespace, 0::UINTEGER AS stxowner,
    0 AS stxstattarget, NULL::SMALLINT[] AS stxkeys, NULL::VARCHAR[] AS stxkind, '' AS stxexprs WHERE false;
CREATE OR REPLACE VIEW pg_publication AS
SELECT 0::UINTEGER AS oid, '' AS pubname, 0::UINTEGER AS pubowner, false AS puballtables, false AS pubinsert,
    false AS pubupdate, false AS pubdelete, false AS pubtruncate, false AS pubviaroot WHERE false;
CREATE OR REPLACE VIEW pg_publication_namespace AS
SELECT 0::UINTEGER AS oid, 0::UINTEGER AS pnpubid, 0::UINTEGER AS pnnspid WHERE false;
CREATE OR REPLACE VIEW pg_publication_rel AS
SELECT 0::UINTEGER AS oid, 0::UINTEGER AS prpubid, 0::UINTEGER AS prrelid, '' AS prqual, NULL::SMALLINT[] AS prattrs
WHERE false;
CREATE OR REPLACE VIEW pg_auth_members AS
SELECT 0::UINTEGER AS roleid, 0::UINTEGER AS member, 0::UINTEGER AS grantor, false AS admin_option WHERE false;
CREATE OR REPLACE VIEW pg_extension AS
SELECT 0::UINTEGER AS oid, '' AS extname, 0::UINTEGER AS extowner, 0::UINTEGER AS extnamespace,
    false AS extrelocatable, '' AS extversion WHERE false;
CREATE OR REPLACE VIEW pg_trigger AS
SELECT 0::UINTEGER AS oid, 0::UINTEGER AS tgrelid, 0::UINTEGER AS tgparentid, '' AS tgname, 0::UINTEGER AS tgfoid,
    0::SMALLINT AS tgtype, '' AS tgenabled, false AS tgisinternal, 0::UINTEGER AS tgconstraint WHERE false;
CREATE OR REPLACE VIEW pg_rewrite AS
SELECT 0::UINTEGER AS oid, '' AS rulename, 0::UINTEGER AS ev_class, '' AS ev_type, '' AS ev_enabled,
    false AS is_instead WHERE false;
CREATE OR REPLACE VIEW pg_depend AS
SELECT 0::UINTEGER AS classid, 0::UINTEGER AS objid, 0 AS objsubid, 0::UINTEGER AS refclassid, 0::UINTEGER AS refobjid,
    0 AS refobjsubid, '' AS deptype WHERE false;
CREATE OR REPLACE VIEW pg_enum AS
SELECT 0::UINTEGER AS oid, 0::UINTEGER AS enumtypid, 0::REAL AS enumsortorder, '' AS enumlabel WHERE false;
CREATE OR REPLACE VIEW pg_range AS
SELECT 0::UINTEGER AS rngtypid, 0::UINTEGER AS rngsubtype, 0::UINTEGER AS rngmultitypid, 0::UINTEGER AS rngcollation
WHERE false;
CREATE OR REPLACE VIEW pg_cast AS
SELECT 0::UINTEGER AS oid, 0::UINTEGER AS castsource, 0::UINTEGER AS casttarget, 0::UINTEGER AS castfunc,
    '' AS castcontext, '' AS castmethod WHERE false;
CREATE OR REPLACE VIEW pg_opclass AS
SELECT 0::UINTEGER AS oid, 0::UINTEGER AS opcmethod, '' AS opcname, 0::UINTEGER AS opcnamespace,
    false AS opcdefault WHERE false;
CREATE OR REPLACE VIEW pg_matviews AS
SELECT '' AS schemaname, '' AS matviewname, '' AS matviewowner, '' AS definition WHERE false;
CREATE OR REPLACE VIEW pg_shdescription AS
SELECT 0::UINTEGER AS objoid, 0::UINTEGER AS classoid, '' AS description WHERE false;
CREATE OR REPLACE VIEW pg_locks AS
SELECT '' AS locktype, 0::UINTEGER AS relation, '' AS mode, false AS granted WHERE false;
CREATE OR REPLACE VIEW pg_stat_activity AS
SELECT current_database() AS datname, 0 AS pid, 'daymill' AS usename, '' AS application_name, 'active' AS state,
    '' AS query;

-- ---- functions: a macro's arguments are put into its text, so the aliases inside are nobody else's

CREATE OR REPLACE MACRO version() AS 'PostgreSQL 15.0 (Daymill, DuckDB)';
CREATE OR REPLACE MACRO pg_get_userbyid(o) AS CASE WHEN o = 10 THEN 'daymill' ELSE 'unknown (OID=' || o || ')' END;
CREATE OR REPLACE MACRO pg_encoding_to_char(e) AS CASE e WHEN 6 THEN 'UTF8' WHEN 0 THEN 'SQL_ASCII' ELSE '' END;
CREATE OR REPLACE MACRO pg_get_expr(e, r) AS e, (e, r, pretty) AS e;
CREATE OR REPLACE MACRO current_schemas(implicit) AS
    list_concat(CASE WHEN implicit THEN ['pg_catalog'] ELSE []::VARCHAR[] END,
        list_filter(list_transform(string_split(replace(current_setting('search_path'), '"', ''), ','),
            lambda s: trim(s[position('.' IN s) + 1:])), lambda s: s <> 'daymill_catalog'));
CREATE OR REPLACE MACRO pg_table_is_visible(o) AS
    o IN (SELECT dm_c.oid FROM daymill_catalog.pg_class dm_c JOIN daymill_catalog.pg_namespace dm_n ON dm_n.oid = dm_c.relnamespace
          WHERE list_contains(daymill_catalog.current_schemas(true), dm_n.nspname));
CREATE OR REPLACE MACRO pg_type_is_visible(o) AS true;
CREATE OR REPLACE MACRO pg_function_is_visible(o) AS true;
CREATE OR REPLACE MACRO pg_collation_is_visible(o) AS true;
CREATE OR REPLACE MACRO pg_opclass_is_visible(o) AS true;
CREATE OR REPLACE MACRO pg_relation_is_publishable(o) AS false;
CREATE OR REPLACE MACRO pg_is_other_temp_schema(o) AS false;
CREATE OR REPLACE MACRO pg_my_temp_schema() AS 0::UINTEGER;
CREATE OR REPLACE MACRO pg_backend_pid() AS 0;
CREATE OR REPLACE MACRO pg_is_in_recovery() AS false;
CREATE OR REPLACE MACRO pg_advisory_unlock_all() AS NULL;
CREATE OR REPLACE MACRO pg_get_constraintdef(o) AS
    (SELECT condef FROM daymill_catalog.pg_constraint dm_k WHERE dm_k.oid = o),
    (o, pretty) AS (SELECT condef FROM daymill_catalog.pg_constraint dm_k WHERE dm_k.oid = o);
CREATE OR REPLACE MACRO index_definition(o) AS
    (SELECT 'CREATE ' || CASE WHEN dm_i.is_unique THEN 'UNIQUE ' ELSE '' END || 'INDEX ' || dm_i.name || ' ON ' ||
        dm_c.relname || ' USING btree (' || dm_i.columns || ')'
     FROM daymill_catalog.index_list dm_i JOIN daymill_catalog.pg_class dm_c ON dm_c.oid = dm_i.table_oid WHERE dm_i.oid = o);
CREATE OR REPLACE MACRO pg_get_indexdef(o) AS daymill_catalog.index_definition(o),
    (o, col, pretty) AS daymill_catalog.index_definition(o);
CREATE OR REPLACE MACRO view_definition(o) AS
    (SELECT regexp_replace(dm_v.sql, '^CREATE VIEW .*? AS ', '') FROM duckdb_views() dm_v WHERE dm_v.view_oid = o);
CREATE OR REPLACE MACRO pg_get_viewdef(o) AS daymill_catalog.view_definition(o),
    (o, pretty) AS daymill_catalog.view_definition(o);
CREATE OR REPLACE MACRO pg_get_function_result(o) AS
    (SELECT dm_p.result_text FROM daymill_catalog.pg_proc dm_p WHERE dm_p.oid = o LIMIT 1);
CREATE OR REPLACE MACRO pg_get_function_arguments(o) AS
    (SELECT dm_p.arguments_text FROM daymill_catalog.pg_proc dm_p WHERE dm_p.oid = o LIMIT 1);
CREATE OR REPLACE MACRO pg_get_function_identity_arguments(o) AS
    (SELECT dm_p.arguments_text FROM daymill_catalog.pg_proc dm_p WHERE dm_p.oid = o LIMIT 1);
CREATE OR REPLACE MACRO pg_get_statisticsobjdef_columns(o) AS NULL::VARCHAR;
CREATE OR REPLACE MACRO pg_get_serial_sequence(t, c) AS NULL::VARCHAR;
CREATE OR REPLACE MACRO pg_tablespace_location(o) AS '';
CREATE OR REPLACE MACRO obj_description(o) AS
    (SELECT dm_d.description FROM daymill_catalog.pg_description dm_d WHERE dm_d.objoid = o AND dm_d.objsubid = 0),
    (o, c) AS (SELECT dm_d.description FROM daymill_catalog.pg_description dm_d WHERE dm_d.objoid = o AND dm_d.objsubid = 0);
CREATE OR REPLACE MACRO shobj_description(o, c) AS NULL::VARCHAR;
CREATE OR REPLACE MACRO col_description(o, c) AS
    (SELECT dm_d.description FROM daymill_catalog.pg_description dm_d WHERE dm_d.objoid = o AND dm_d.objsubid = c);
CREATE OR REPLACE MACRO has_table_privilege(t, p) AS true, (u, t, p) AS true;
CREATE OR REPLACE MACRO has_schema_privilege(s, p) AS true, (u, s, p) AS true;
CREATE OR REPLACE MACRO has_database_privilege(d, p) AS true, (u, d, p) AS true;
CREATE OR REPLACE MACRO has_column_privilege(t, c, p) AS true, (u, t, c, p) AS true;
CREATE OR REPLACE MACRO pg_table_size(o) AS 0::BIGINT;
CREATE OR REPLACE MACRO pg_relation_size(o) AS 0::BIGINT;
CREATE OR REPLACE MACRO pg_total_relation_size(o) AS 0::BIGINT;
CREATE OR REPLACE MACRO pg_size_pretty(n) AS format_bytes(n::BIGINT);
CREATE OR REPLACE MACRO array_upper(a, d) AS CASE WHEN len(a) > 0 THEN len(a)::INTEGER END;
CREATE OR REPLACE MACRO array_lower(a, d) AS CASE WHEN len(a) > 0 THEN 1 END;
CREATE OR REPLACE MACRO array_remove(a, x) AS list_filter(a, lambda y: y IS DISTINCT FROM x);
CREATE OR REPLACE MACRO quote_ident(s) AS
    CASE WHEN regexp_full_match(s, '[a-z_][a-z0-9_]*') THEN s ELSE '"' || replace(s, '"', '""') || '"' END;
CREATE OR REPLACE MACRO quote_literal(s) AS '''' || replace(s::VARCHAR, '''', '''''') || '''';
CREATE OR REPLACE MACRO pg_options_to_table(o) AS TABLE
    SELECT split_part(x, '=', 1) AS option_name, x[position('=' IN x) + 1:] AS option_value
    FROM (SELECT unnest(o) AS x);
CREATE OR REPLACE MACRO set_config(name, value, local) AS value;
CREATE OR REPLACE MACRO value_type(x) AS daymill_catalog.type_title(daymill_catalog.duck_type_oid(typeof(x)));
-- The integer that a text is, trailing blanks aside; NULL for '03' and 'x' (rewrite_using.c).
CREATE OR REPLACE MACRO text_integer(x) AS
    CASE WHEN rtrim(x, ' ') = try_cast(x AS BIGINT)::VARCHAR THEN try_cast(x AS BIGINT) END;
-- Division (rewrite_divide.c).  A cast of a text that is no number fails when it is evaluated, and only then: error()
-- would do the same, but what calls it is not planned as well.  TINYINT widens no type that it meets.
CREATE OR REPLACE MACRO divisor(x) AS CASE WHEN x = 0 THEN CAST('division by zero' AS TINYINT) ELSE x END;
CREATE OR REPLACE MACRO rounded_quotient(l, r) AS
    CAST(l::DOUBLE / daymill_catalog.divisor(r)::DOUBLE AS DECIMAL(38, 16));
-- A double has 15 digits: what is missing of the dividend, divided once more, gives the rest of them.
CREATE OR REPLACE MACRO numeric_quotient(l, r, digits) AS
    CASE WHEN abs(l::DOUBLE) < pow(10, digits)
    THEN daymill_catalog.rounded_quotient(l, r) +
        CAST((l - daymill_catalog.rounded_quotient(l, r) * r)::DOUBLE / r::DOUBLE AS DECIMAL(38, 16))
    ELSE daymill_catalog.rounded_quotient(l, r) END;
CREATE OR REPLACE MACRO getdate() AS now()::TIMESTAMP;
CREATE OR REPLACE MACRO nvl2(x, y, z) AS CASE WHEN x IS NOT NULL THEN y ELSE z END;
CREATE OR REPLACE MACRO charindex(part, text) AS instr(text, part);
CREATE OR REPLACE MACRO date_add_part(part, n, d) AS
    CASE WHEN lower(part) IN ('year', 'years', 'y', 'yr', 'yrs') THEN d::TIMESTAMP + to_years(n::INTEGER)
    WHEN lower(part) IN ('quarter', 'quarters', 'qtr', 'q') THEN d::TIMESTAMP + to_months((n * 3)::INTEGER)
    WHEN lower(part) IN ('month', 'months', 'mon', 'mons') THEN d::TIMESTAMP + to_months(n::INTEGER)
    WHEN lower(part) IN ('week', 'weeks', 'w') THEN d::TIMESTAMP + to_days((n * 7)::INTEGER)
    WHEN lower(part) IN ('day', 'days', 'd') THEN d::TIMESTAMP + to_days(n::INTEGER)
    WHEN lower(part) IN ('hour', 'hours', 'h', 'hr', 'hrs') THEN d::TIMESTAMP + to_hours(n::BIGINT)
    WHEN lower(part) IN ('minute', 'minutes', 'm', 'min', 'mins') THEN d::TIMESTAMP + to_minutes(n::BIGINT)
    WHEN lower(part) IN ('second', 'seconds', 's', 'sec', 'secs') THEN d::TIMESTAMP + to_seconds(n::BIGINT)
    ELSE error('timestamp units "' || part || '" not recognized') END;

-- Object names and numbers (casts to regclass and its kin).
CREATE OR REPLACE MACRO regclass_oid(x) AS
    coalesce(try_cast(x AS UINTEGER),
        (SELECT dm_c.oid FROM daymill_catalog.pg_class dm_c JOIN daymill_catalog.pg_namespace dm_n ON dm_n.oid = dm_c.relnamespace
         WHERE dm_c.relname = replace(split_part(x, '.', -1), '"', '')
             AND (CASE WHEN contains(x, '.') THEN dm_n.nspname = replace(split_part(x, '.', -2), '"', '')
                  ELSE list_contains(daymill_catalog.current_schemas(true), dm_n.nspname) END)
         ORDER BY dm_n.nspname <> 'pg_catalog' LIMIT 1),
        error('relation "' || x || '" does not exist'));
CREATE OR REPLACE MACRO regclass_name(o) AS
    coalesce((SELECT CASE WHEN list_contains(daymill_catalog.current_schemas(true), dm_n.nspname) THEN dm_c.relname
                ELSE dm_n.nspname || '.' || dm_c.relname END
              FROM daymill_catalog.pg_class dm_c JOIN daymill_catalog.pg_namespace dm_n ON dm_n.oid = dm_c.relnamespace
              WHERE dm_c.oid = o::UINTEGER), o::VARCHAR);
CREATE OR REPLACE MACRO regtype_oid(x) AS
    coalesce(try_cast(x AS UINTEGER),
        (SELECT dm_t.oid FROM daymill_catalog.pg_type dm_t
         WHERE dm_t.typname = lower(split_part(x, '.', -1)) OR daymill_catalog.type_title(dm_t.oid) = lower(x) LIMIT 1),
        error('type "' || x || '" does not exist'));
CREATE OR REPLACE MACRO to_regtype(x) AS
    (SELECT dm_t.oid FROM daymill_catalog.pg_type dm_t
     WHERE dm_t.typname = lower(split_part(x, '.', -1)) OR daymill_catalog.type_title(dm_t.oid) = lower(x) LIMIT 1);
CREATE OR REPLACE MACRO to_regclass(x) AS
    (SELECT dm_c.oid FROM daymill_catalog.pg_class dm_c WHERE dm_c.relname = replace(split_part(x, '.', -1), '"', '') LIMIT 1);
CREATE OR REPLACE MACRO regtype_name(o) AS daymill_catalog.type_title(o);
CREATE OR REPLACE MACRO regnamespace_oid(x) AS
    (SELECT dm_n.oid FROM daymill_catalog.pg_namespace dm_n WHERE dm_n.nspname = replace(x, '"', ''));
CREATE OR REPLACE MACRO regnamespace_name(o) AS
    coalesce((SELECT dm_n.nspname FROM daymill_catalog.pg_namespace dm_n WHERE dm_n.oid = o::UINTEGER), o::VARCHAR);
CREATE OR REPLACE MACRO regproc_oid(x) AS
    coalesce((SELECT dm_p.oid FROM daymill_catalog.pg_proc dm_p WHERE dm_p.proname = split_part(x, '.', -1) LIMIT 1),
        0::UINTEGER);
CREATE OR REPLACE MACRO regproc_name(o) AS o::VARCHAR;
CREATE OR REPLACE MACRO regrole_oid(x) AS 10::UINTEGER;
CREATE OR REPLACE MACRO regrole_name(o) AS daymill_catalog.pg_get_userbyid(o);

-- ---- Redshift's views of the external catalog

CREATE OR REPLACE VIEW svv_external_schemas AS
SELECT oid AS esoid, 1 AS eskind, name AS schemaname, 10 AS esowner, database_name AS databasename,
    '{"IAM_ROLE":"' || replace(iam_role, '"', '\"') || '"}' AS esoptions FROM daymill_catalog.external_schema;
CREATE OR REPLACE VIEW svv_external_databases AS
SELECT DISTINCT oid AS eskind, database_name AS databasename, '' AS location, '' AS parameters
FROM daymill_catalog.external_schema;
CREATE OR REPLACE VIEW svv_external_tables AS
SELECT t.schema_name AS schemaname, t.table_name AS tablename, 'TABLE' AS tabletype, 's3://' || t.location AS location,
    CASE t.format WHEN 'parquet' THEN 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat'
        ELSE 'org.apache.hadoop.mapred.TextInputFormat' END AS input_format,
    CASE t.format WHEN 'parquet' THEN 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat'
        ELSE 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat' END AS output_format,
    CASE WHEN t.serde <> '' THEN t.serde WHEN t.format = 'parquet'
        THEN 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe'
        ELSE 'org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe' END AS serialization_lib,
    CASE WHEN t.format = 'parquet' THEN '{}' ELSE '{"field.delim":"' || t.delimiter || '"}' END AS serde_parameters,
    0 AS compressed, t.properties AS parameters
FROM daymill_catalog.external_table t;
CREATE OR REPLACE VIEW svv_external_columns AS
SELECT t.schema_name AS schemaname, t.table_name AS tablename, c.name AS columnname,
    replace(c.shown, 'character varying', 'varchar') AS external_type, c.position AS columnnum,
    CASE WHEN c.is_partition THEN c.position - (SELECT count(*) FROM daymill_catalog.external_column f
        WHERE f.table_oid = t.oid AND NOT f.is_partition) ELSE 0 END AS part_key, 'true' AS is_nullable
FROM daymill_catalog.external_column c JOIN daymill_catalog.external_table t ON t.oid = c.table_oid;
CREATE OR REPLACE VIEW svv_external_partitions AS
SELECT t.schema_name AS schemaname, t.table_name AS tablename,
    '[' || (SELECT string_agg('"' || coalesce(v.value, 'NULL') || '"', ',' ORDER BY v.position)
            FROM daymill_catalog.external_partition_value v WHERE v.partition_oid = p.oid) || ']' AS values,
    's3://' || p.location AS location, s.input_format, s.output_format, s.serialization_lib, s.serde_parameters,
    0 AS compressed, s.parameters
FROM daymill_catalog.external_partition p JOIN daymill_catalog.external_table t ON t.oid = p.table_oid
JOIN daymill_catalog.svv_external_tables s ON s.schemaname = t.schema_name AND s.tablename = t.table_name;
CREATE OR REPLACE VIEW svv_tables AS
SELECT current_database() AS table_catalog, n.nspname AS table_schema, c.relname AS table_name,
    CASE c.relkind WHEN 'r' THEN 'BASE TABLE' WHEN 'v' THEN 'VIEW' ELSE 'EXTERNAL TABLE' END AS table_type,
    NULL::VARCHAR AS remarks
FROM daymill_catalog.pg_class c JOIN daymill_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'v', 'f');
CREATE OR REPLACE VIEW svv_columns AS
SELECT current_database() AS table_catalog, n.nspname AS table_schema, c.relname AS table_name, a.attname AS column_name,
    a.attnum AS ordinal_position, d.adbin AS column_default, CASE WHEN a.attnotnull THEN 'NO' ELSE 'YES' END AS is_nullable,
    daymill_catalog.type_title(a.atttypid) AS data_type,
    CASE WHEN a.atttypid IN (1042, 1043) AND a.atttypmod > 0 THEN a.atttypmod - 4 END AS character_maximum_length,
    CASE WHEN a.atttypid = 1700 THEN (a.atttypmod - 4) >> 16 END AS numeric_precision,
    CASE WHEN a.atttypid = 1700 THEN (a.atttypmod - 4) & 65535 END AS numeric_scale, NULL::VARCHAR AS remarks
FROM daymill_catalog.pg_attribute a JOIN daymill_catalog.pg_class c ON c.oid = a.attrelid
JOIN daymill_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN daymill_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum;
