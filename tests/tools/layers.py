"""Reads the #include lines of a source tree and lists those that point upwards (ARCHITECTURE.md, "Layers").

usage: layers.py SRC_DIR
"""
import os
import re
import sys

# folder -> folders that it may include besides itself.  A new edge is a decision: say why in ARCHITECTURE.md.
ALLOWED = {
    'base': [],
    'lang': ['base'],
    'text': [],
    'proc': ['base', 'lang'],
    'state': ['base', 'lang'],
    'conn': ['base', 'lang', 'proc', 'state', 'text'],
    'task': ['base', 'lang', 'proc', 'state', 'conn', 'text'],
    'op': ['base', 'lang', 'proc', 'state', 'conn', 'text', 'task'],
    'sched': ['base', 'lang', 'proc', 'state', 'conn', 'task'],
    'warehouse': ['base', 'lang', 'proc', 'conn'],
    'cmd': ['base', 'lang', 'proc', 'state', 'conn', 'text', 'task', 'op', 'sched', 'warehouse'],
}
# Files with a narrower door than their folder.
NARROW = {
    'sched/plan.c': ['base', 'lang', 'state', 'sched'],
    'sched/plan.h': ['base', 'lang', 'state', 'sched'],
}
# Foreign headers that only one folder may see.
FOREIGN = {
    'sqlite3.h': ['state'],
    'duckdb.h': ['warehouse'],
    'pg_query.h': ['warehouse'],
    'libpq-fe.h': ['conn'],
    'yaml.h': ['lang'],
    'jansson.h': ['lang'],
    'uv.h': ['sched', 'proc'],
    'openssl/evp.h': ['base'],
}


def upward(src):
    """Yields 'file:line: includes X' for every include that is not allowed."""
    for folder in sorted(os.listdir(src)):
        path = os.path.join(src, folder)
        if not os.path.isdir(path):
            continue
        for root, _, names in os.walk(path):
            for name in sorted(names):
                if not name.endswith(('.c', '.h', '.def')):
                    continue
                file = os.path.relpath(os.path.join(root, name), src)
                allowed = NARROW.get(file, ALLOWED.get(folder, []) + [folder])
                with open(os.path.join(root, name), encoding='utf-8') as f:
                    for number, line in enumerate(f, 1):
                        m = re.match(r'\s*#\s*include\s*(["<])([^">]+)[">]', line)
                        if not m:
                            continue
                        target = m.group(2)
                        if target in FOREIGN:
                            if folder not in FOREIGN[target]:
                                yield f'{file}:{number}: only {", ".join(FOREIGN[target])} may include {target}'
                        elif m.group(1) == '"' and target.split('/')[0] not in allowed:
                            yield f'{file}:{number}: {folder} may not include {target}'


if __name__ == '__main__':
    found = list(upward(sys.argv[1]))
    for line in found:
        print(line)
    sys.exit(1 if found else 0)
