"""What the examples call."""


def numbers():
    return [[1], [2], [3]]


def double(n, factor=2):
    return n * factor


def words():
    return ["on", "off"]


def shout(word, end):
    return word.upper() + end


def where(ds, params, ti, **context):
    ti.xcom_push(key="level", value=params["level"])
    return f"{context['dag'].dag_id} {ds}"


def fetch() -> dict:
    return {"rows": 3, "name": "sales"}


def report(rows, whole, day=None):
    return f"{whole['name']}: {rows} rows on {day}"


def pick(ds):
    return "weekday" if ds != "2024-01-06" else "weekend"


def is_there(path):
    import os
    return os.path.exists(path)
