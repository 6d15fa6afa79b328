"""Turns folders into a C source: a table of names and bytes (base/embed.h).

usage: embed.py OUT.c DEPFILE SYMBOL PREFIX=DIR…

Every file below DIR becomes an entry of `struct dm_embedded SYMBOL[]` called PREFIX plus its path below DIR; the
table ends with a NULL name.  DEPFILE lists the files and folders, so that the build notices new ones.
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


def walk(root):
    """Yields (folder, its files), sorted, hidden ones and caches left out."""
    for folder, dirs, files in os.walk(root):
        dirs[:] = sorted(d for d in dirs if not d.startswith(('.', '__')))
        yield folder, sorted(f for f in files if not f.startswith('.'))


def main():
    out, depfile, symbol, *roots = sys.argv[1:]
    seen = []
    with open(out, 'w', encoding='ascii') as f:
        f.write('/* Made by tools/embed.py. */\n#include "base/embed.h"\n\n')
        f.write(f'extern const struct dm_embedded {symbol}[];\n')
        f.write(f'const struct dm_embedded {symbol}[] = {{\n')
        for root in roots:
            prefix, folder = root.split('=', 1)
            for where, files in walk(folder):
                seen.append(where)
                for name in files:
                    path = os.path.join(where, name)
                    seen.append(path)
                    with open(path, 'rb') as source:
                        data = source.read()
                    f.write(f'{{"{prefix}{os.path.relpath(path, folder)}", {len(data)},\n{literal(data)}}},\n')
        f.write('{0, 0, 0},\n};\n')
    with open(depfile, 'w', encoding='utf-8') as f:
        f.write(out + ': ' + ' '.join(s.replace(' ', '\\ ') for s in seen) + '\n')


main()
