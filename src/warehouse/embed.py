#!/usr/bin/env python3
"""Writes a file as a C array: embed.py NAME INPUT OUTPUT."""
import sys

name, source, target = sys.argv[1:]
with open(source, "rb") as f:
    data = f.read()
rows = [", ".join(str(b) for b in data[i:i + 20]) for i in range(0, len(data), 20)]
with open(target, "w", encoding="ascii") as f:
    f.write("#include <stddef.h>\n")
    f.write(f"extern const char {name}[];\nextern const size_t {name}_len;\n")
    f.write(f"const char {name}[] = {{\n    " + ",\n    ".join(rows) + ", 0};\n")
    f.write(f"const size_t {name}_len = {len(data)};\n")
