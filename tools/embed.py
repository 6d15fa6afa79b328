"""Turns files into a C source: a table of names and bytes.

usage: embed.py OUT.c SYMBOL ROOT FILE…

`struct dm_embedded SYMBOL[]` (base/embed.h) gets one entry per file, named by its path below ROOT, and ends with a
NULL name.
"""
import os
import sys


def literal(data):
    """The bytes as C string literals, one per line of the file, at most 2,000 bytes each."""
    out, line = [], []
    for i, byte in enumerate(data):
        char = chr(byte)
        if char == '\n':
            line.append('\\n')
        elif char in '"\\?':
            line.append('\\' + char)
        elif 32 <= byte < 127:
            line.append(char)
        else:
            line.append(f'\\{byte:03o}')
        if char == '\n' or len(line) >= 2000 or i == len(data) - 1:
            out.append('"' + ''.join(line) + '"')
            line = []
    return '\n'.join(out) or '""'


def main():
    out, symbol, root, *files = sys.argv[1:]
    with open(out, 'w', encoding='ascii') as f:
        f.write('/* Made by tools/embed.py. */\n#include "base/embed.h"\n\n')
        f.write(f'extern const struct dm_embedded {symbol}[];\n')
        f.write(f'const struct dm_embedded {symbol}[] = {{\n')
        for path in files:
            with open(path, 'rb') as source:
                data = source.read()
            f.write(f'{{"{os.path.relpath(path, root)}", {len(data)},\n{literal(data)}}},\n')
        f.write('{0, 0, 0},\n};\n')


main()
