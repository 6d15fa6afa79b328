"""Cuts the fenced blocks of one language out of a Markdown page.

usage: blocks.py PAGE.md LANGUAGE OUT_DIR    writes OUT_DIR/1.LANGUAGE, 2.LANGUAGE …, prints how many

LANGUAGE is what stands behind the fence: "yaml" is a DAG file, "yaml daymill.yaml" are settings.
"""
import os
import re
import sys

page, language, out = sys.argv[1:]
with open(page, encoding='utf-8') as f:
    blocks = re.findall(rf'^```{language}\n(.*?)^```', f.read(), re.M | re.S)
os.makedirs(out, exist_ok=True)
for i, body in enumerate(blocks, 1):
    with open(os.path.join(out, f'{i}.{language}'), 'w', encoding='utf-8') as f:
        f.write(body)
print(len(blocks))
