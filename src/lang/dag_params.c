/* Params of DAGs and tasks: Param objects become their defaults, which must keep to their schemas; and so must what a
   run is given. */
#include "lang/dag_loader.h"
#include "lang/schema_check.h"

/* Everything but the default and the description is the schema. */
static const struct dm_value *spec_of(struct dm_arena *a, const struct dm_value *param)
{
    struct dm_value *spec = dm_value_map(a), *schema = dm_value_map(a);
    for (size_t i = 0; i < param->map.n; i++) {
        const struct dm_value *key = param->map.pairs[i].key, *v = param->map.pairs[i].value;
        if (dm_str_is(key->s, "description"))
            dm_map_set(a, spec, "description", v);
        else if (dm_str_is(key->s, "schema") && v->kind == DM_MAP)
            for (size_t k = 0; k < v->map.n; k++)
                dm_map_set_value(a, schema, v->map.pairs[k].key, v->map.pairs[k].value);
        else if (!dm_str_is(key->s, "__type__") && !dm_str_is(key->s, "default"))
            dm_map_set_value(a, schema, key, v);
    }
    if (schema->map.n)
        dm_map_set(a, spec, "schema", schema);
    return spec;
}

const struct dm_value *dm_dag_params(struct dm_dag_draft *d, const struct dm_value *params,
                                     bool of_task, const struct dm_value **ret_specs)
{
    struct dm_arena *a = d->loader->a;
    bool late = of_task && d->loader->world->model_only;
    struct dm_value *out = dm_value_map(a), *specs = dm_value_map(a);
    out->line = params->line;
    out->col = params->col;
    for (size_t i = 0; i < params->map.n; i++) {
        const struct dm_value *v = params->map.pairs[i].value, *name = params->map.pairs[i].key;
        if (name->kind != DM_STRING) {
            struct dm_value *text = dm_value_str(a, dm_value_json(a, name));
            text->line = name->line;
            text->col = name->col;
            name = text;
        }
        if (v->kind == DM_MAP && dm_str_is(dm_map_str(v, "__type__", ""), "Param")) {
            const struct dm_value *spec = spec_of(a, v), *schema = dm_map_at(spec, "schema");
            const struct dm_value *value = dm_map_at(v, "default");
            struct dm_err err;
            dm_map_set_value(a, specs, name, spec);
            if (schema && dm_schema_valid(schema, &err) < 0)
                draft_error(d, v, BAD_PARAM, err.hint, "the param %.*s: %s", DM_FMT(name->s),
                            err.message);
            else if (value && schema &&
                     dm_schema_check(schema, value, dm_str_cstr(a, name->s), &err) < 0)
                dm_diag_report(d->loader, draft_at(d, v), late, DM_DIAG_BAD_PARAM, NULL,
                               "the param %s", err.message);
            if (!(v = value))
                continue;
        }
        dm_map_set_value(a, out, name, v);
    }
    *ret_specs = specs->map.n ? specs : NULL;
    return out;
}

int dm_params_check(const struct dm_dag *dag, const struct dm_value *conf, struct dm_err *reterr)
{
    _cleanup_arena_ struct dm_arena a = {0};
    const struct dm_value *specs = dag->param_specs;
    for (size_t i = 0; specs && i < specs->map.n; i++) {
        const struct dm_value *name = specs->map.pairs[i].key;
        const char *shown = dm_str_cstr(&a, name->s);
        const struct dm_value *schema = dm_map_at(specs->map.pairs[i].value, "schema");
        const struct dm_value *v =
            conf && conf->kind == DM_MAP ? dm_map_get_value(conf, name) : NULL;
        v = v ? v : dm_map_get_value(dag->params, name);
        if (!v) {
            dm_err_set(reterr, DM_E_INVALID, "the param %s of the DAG \"%s\" has no value", shown,
                       dag->dag_id);
            dm_err_hint(reterr, "Give it in the conf: {\"%s\": …}.", shown);
            return DM_E_INVALID;
        }
        if (schema && dm_schema_check(schema, v, shown, reterr) < 0)
            return dm_err_wrap(reterr, "the conf does not fit the params of the DAG \"%s\"",
                               dag->dag_id);
    }
    return 0;
}
