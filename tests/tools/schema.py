"""Which YAML documents a JSON Schema refuses, read as an editor reads them: dates are texts.

usage: schema.py SCHEMA.json FILE…    prints FILE#N: PLACE: MESSAGE for each document that does not fit; exit status 77
                                      where Python's jsonschema or PyYAML is not installed
"""
import json
import sys

try:
    import jsonschema
    import yaml
except ImportError as missing:
    print(missing.name, 'is not installed')
    sys.exit(77)


class Loader(yaml.SafeLoader):
    """YAML's own types without dates."""


Loader.yaml_implicit_resolvers = {
    first: [pair for pair in pairs if pair[0] != 'tag:yaml.org,2002:timestamp']
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()}

with open(sys.argv[1], encoding='utf-8') as f:
    schema = json.load(f)
checker = jsonschema.validators.validator_for(schema)
checker.check_schema(schema)
checker = checker(schema)
for path in sys.argv[2:]:
    with open(path, encoding='utf-8') as f:
        for n, document in enumerate(yaml.load_all(f, Loader)):
            error = jsonschema.exceptions.best_match(checker.iter_errors(document))
            if error:
                print(f'{path}#{n}: {error.json_path}: {error.message[:200]}')
