/* The table of known scripts.  The shipped one's digest comes from the file itself, at build time. */
#include "task/known_scripts.h"

#include "task/shipped_script.h"

static const struct dm_known_script scripts[] = {
    {"27276cce833df746c0fc3798a0776cda73dfbb98d1415f57a7b96b1f6130a83a", DM_SCRIPT_SPARK,
     "the script of the original design"},
    {DM_SHIPPED_SCRIPT, DM_SCRIPT_RFC4180, "the script that ships with Daymill"},
};

int dm_script_digest(struct dm_str text, char ret[DM_DIGEST_HEX], struct dm_err *reterr)
{
    struct dm_digest d = {0};
    DM_TRY(dm_digest_init(&d, reterr));
    while (text.len && text.p[text.len - 1] == '\n') {
        text.len--;
        if (text.len && text.p[text.len - 1] == '\r')
            text.len--;
    }
    while (text.len) {
        const char *cr = memmem(text.p, text.len, "\r\n", 2);
        size_t n = cr ? (size_t)(cr - text.p) : text.len;
        dm_digest_add(&d, text.p, n);
        if (!cr)
            break;
        dm_digest_add(&d, "\n", 1);
        text = dm_str_sub(text, n + 2, text.len);
    }
    dm_digest_add(&d, "\n", 1);
    dm_digest_hex(&d, ret);
    return 0;
}

const struct dm_known_script *dm_known_script(const char *digest)
{
    for (size_t i = 0; i < sizeof(scripts) / sizeof(*scripts); i++)
        if (strcmp(scripts[i].digest, digest) == 0)
            return &scripts[i];
    return NULL;
}
