/* Whether a value is true. */
#include "op/truth.h"

int dm_word_truth(struct dm_str text)
{
    static const char *const yes[] = {"t", "true", "y", "yes", "1", "on"};
    static const char *const no[] = {"f", "false", "n", "no", "0", "off"};
    text = dm_str_trim(text);
    for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
        if (dm_str_ieq(text, dm_str_c(yes[i])))
            return 1;
        if (dm_str_ieq(text, dm_str_c(no[i])))
            return 0;
    }
    return -1;
}

bool dm_is_true(const struct dm_value *v)
{
    switch (v->kind) {
    case DM_STRING:
        break;
    case DM_NULL:
        return false;
    case DM_BOOL:
        return v->b;
    case DM_INT:
        return v->i != 0;
    case DM_FLOAT:
        return v->f != 0;
    case DM_LIST:
    case DM_TUPLE:
        return v->list.n > 0;
    case DM_MAP:
        return v->map.n > 0;
    default:
        return true;
    }
    struct dm_str text = dm_str_trim(v->s);
    return text.len && dm_word_truth(text) != 0 && !dm_str_ieq(text, DM_STR("none")) &&
           !dm_str_ieq(text, DM_STR("null"));
}
