#!/usr/bin/env python3
"""Writes a C header with the digest of a script, as task/known_scripts.h defines it.

    tools/script-digest.py NAME SCRIPT HEADER

The digest is SHA-256 after CRLF -> LF and with exactly one final LF.
"""
import hashlib
import sys

name, script, header = sys.argv[1:]
with open(script, "rb") as f:
    text = f.read().replace(b"\r\n", b"\n").rstrip(b"\n") + b"\n"
with open(header, "w") as f:
    f.write(f'#define {name} "{hashlib.sha256(text).hexdigest()}"\n')
