"""Compares what the hand-written pages name with what there is: commands, options, operators, files.

usage: facts.py ROOT    prints what is named and not there
"""
import glob
import os
import re
import sys

root = sys.argv[1]


def read(path):
    with open(os.path.join(root, path), encoding='utf-8') as f:
        return f.read()


def commands():
    """Command -> its options, from the generated page."""
    common = {'-C', '--project', '--json', '--quiet', '-q', '--help', '-h', '--version'}
    found = {}
    for part in re.split(r'^## daymill ', read('docs/cli.md'), flags=re.M)[1:]:
        name = ' '.join(re.match(r'[a-z -]+?(?=\s*(?:[A-Z\[]|\n))', part).group().split())
        found[name] = common | set(re.findall(r'(?<![\w-])--?[a-z][a-z-]*', ' '.join(re.findall(r'^\| (`.*?`)', part, re.M))))
    return found


def spoken(page):
    """What a page says in code spans and sh blocks, as (line number, text)."""
    text = read(page)
    for m in re.finditer(r'^```sh\n(.*?)^```', text, re.M | re.S):
        for i, line in enumerate(m.group(1).splitlines()):
            yield text[:m.start()].count('\n') + 2 + i, line
    plain = re.sub(r'^```.*?^```', lambda m: '\n' * m.group().count('\n'), text, flags=re.M | re.S)
    for m in re.finditer(r'`([^`]+)`', plain):
        yield plain[:m.start()].count('\n') + 1, ' '.join(m.group(1).split())


def command_error(line, known):
    """Why a line that begins with `daymill` is no command, or None."""
    words = re.sub(r'"[^"]*"|\'[^\']*\'', '_', line).split(' -- ')[0].split()[1:]
    while words[:1] == ['-C']:
        words = words[2:]
    if not words or words[0].startswith('-'):
        return None
    name = ' '.join(words[:2]) if ' '.join(words[:2]) in known else words[0]
    if '|' in line or '…' in words[0]:
        return None
    if name not in known:
        group = [k for k in known if k.startswith(name + ' ')]
        return None if len(words) == 1 and group else f'no command "{name}"'
    unknown = [w for w in words if re.match(r'--?[a-z]', w) and w.split('=')[0] not in known[name]]
    return f'"{name}" has no {unknown[0]}' if unknown else None


def file_error(text, page):
    """Why a path of this tree does not exist, or None."""
    if not re.fullmatch(r'(?:src|script|tests|docs|tools|dags|base|lang|text|state|proc|conn|op|task|sched|warehouse|cmd)/'
                        r'[\w/.-]+\.(?:[chd]|def|sh|py|sql|yaml|json|md|sha256)', text):
        return None
    places = ['', 'src', 'tests', os.path.dirname(page)]
    return None if any(os.path.exists(os.path.join(root, p, text)) for p in places) else f'no file {text}'


def main():
    known = commands()
    bad = 0
    pages = [p for p in glob.glob('**/*.md', root_dir=root, recursive=True) if not p.startswith(('build', '.'))]
    for page in sorted(pages):
        for line, text in spoken(page):
            error = command_error(text, known) if text.startswith('daymill ') else file_error(text, page)
            if error:
                print(f'{page}:{line}: {error}: {text}')
                bad += 1
    if len(known) < 20:
        print('docs/cli.md lists fewer commands than there are')
        bad += 1
    sys.exit(bad > 0)


main()
