"""Calls one Python function as Airflow's PythonOperator does, without Airflow.

The program that starts this reads `order` (JSON) from standard input and executes this text.  Descriptor 3 is the
channel to the task: requests and the result go up, answers come down, one JSON text per line.  Standard output and
error are the task's log.
"""
import datetime
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import inspect
import json
import linecache
import logging
import math
import os
import re
import socket
import sys
import traceback
import types
from collections.abc import Mapping

CHANNEL = 3
SELF = "<daymill>"  # this text, in tracebacks
TAG = "__daymill__"
NOTHING = object()
UTC = datetime.timezone.utc


# ---- the channel ----

class Channel:
    def __init__(self):
        os.set_inheritable(CHANNEL, False)
        self.socket = socket.socket(fileno=CHANNEL)
        self.lines = self.socket.makefile("rb")

    def tell(self, message):
        self.socket.sendall(json.dumps(message, ensure_ascii=True).encode() + b"\n")

    def ask(self, message):
        self.tell(message)
        line = self.lines.readline()
        if not line:
            raise SystemExit(1)  # the task is gone
        answer = json.loads(line)
        if "error" in answer:
            raise RuntimeError(answer["error"])
        secrets.update(s for s in answer.get("secrets", ()) if s)
        return answer["value"] if answer["found"] else NOTHING


secrets = set()


class Masked:
    """A log in which the secrets read so far are ***."""

    def __init__(self, out):
        self._out = out

    def write(self, text):
        shown = text
        for s in sorted(secrets, key=len, reverse=True):
            shown = shown.replace(s, "***")
        self._out.write(shown)
        return len(text)

    def writelines(self, lines):
        for line in lines:
            self.write(line)

    def __getattr__(self, name):
        return getattr(self._out, name)


# ---- values ----

def zone_of(name):
    if not name or name == "UTC":
        return UTC
    if name[0] in "+-":
        return datetime.datetime.fromisoformat("2000-01-01T00:00:00" + name).tzinfo
    try:
        import zoneinfo
        return zoneinfo.ZoneInfo(name)
    except (ImportError, LookupError, ValueError, OSError):
        return UTC


class DateTime(datetime.datetime):
    """A date-time with what functions written for pendulum's use most."""

    def add(self, years=0, months=0, weeks=0, days=0, hours=0, minutes=0, seconds=0, microseconds=0):
        month = self.month - 1 + months + 12 * years
        year, month = self.year + month // 12, month % 12 + 1
        last = (datetime.date(year + month // 12, month % 12 + 1, 1) - datetime.timedelta(1)).day
        moved = self.replace(year=year, month=month, day=min(self.day, last))
        moved += datetime.timedelta(days=days, weeks=weeks)
        span = datetime.timedelta(hours=hours, minutes=minutes, seconds=seconds, microseconds=microseconds)
        if not span or self.tzinfo is None:
            return moved + span
        return (moved.astimezone(UTC) + span).astimezone(self.tzinfo)

    def subtract(self, **spans):
        return self.add(**{unit: -n for unit, n in spans.items()})

    def start_of(self, unit):
        day = self.replace(hour=0, minute=0, second=0, microsecond=0)
        if unit == "week":
            return day - datetime.timedelta(self.weekday())
        cut = {"year": dict(month=1, day=1), "month": dict(day=1), "day": {}}
        if unit in cut:
            return day.replace(**cut[unit])
        smaller = {"hour": dict(minute=0, second=0), "minute": dict(second=0), "second": {}}
        return self.replace(microsecond=0, **smaller[unit])

    def end_of(self, unit):
        return self.start_of(unit).add(**{unit + "s": 1}) - datetime.timedelta(microseconds=1)

    def in_timezone(self, zone):
        return self.astimezone(zone_of(zone) if isinstance(zone, str) else zone)

    in_tz = in_timezone

    def to_date_string(self):
        return self.strftime("%Y-%m-%d")

    def to_time_string(self):
        return self.strftime("%H:%M:%S")

    def to_datetime_string(self):
        return self.strftime("%Y-%m-%d %H:%M:%S")

    def to_iso8601_string(self):
        return self.isoformat().replace("+00:00", "Z")

    def format(self, pattern):
        return re.sub("|".join(sorted(FORMATS, key=len, reverse=True)),
                      lambda m: FORMATS[m.group()](self), pattern)

    def naive(self):
        return self.replace(tzinfo=None)

    int_timestamp = property(lambda self: int(self.timestamp()))
    float_timestamp = property(datetime.datetime.timestamp)
    day_of_year = property(lambda self: self.timetuple().tm_yday)
    week_of_year = property(lambda self: self.isocalendar()[1])
    quarter = property(lambda self: (self.month + 2) // 3)
    timezone = property(lambda self: self.tzinfo)
    timezone_name = property(lambda self: str(self.tzinfo) if self.tzinfo else None)


FORMATS = {
    "YYYY": lambda d: f"{d.year:04}", "YY": lambda d: f"{d.year % 100:02}",
    "MMMM": lambda d: d.strftime("%B"), "MMM": lambda d: d.strftime("%b"),
    "MM": lambda d: f"{d.month:02}", "M": lambda d: str(d.month),
    "DD": lambda d: f"{d.day:02}", "D": lambda d: str(d.day),
    "dddd": lambda d: d.strftime("%A"), "ddd": lambda d: d.strftime("%a"),
    "HH": lambda d: f"{d.hour:02}", "H": lambda d: str(d.hour),
    "mm": lambda d: f"{d.minute:02}", "m": lambda d: str(d.minute),
    "ss": lambda d: f"{d.second:02}", "s": lambda d: str(d.second),
    "SSSSSS": lambda d: f"{d.microsecond:06}", "SSS": lambda d: f"{d.microsecond // 1000:03}",
}


def decode_tagged(m):
    kind = m.get(TAG)
    if kind == "datetime":
        at = DateTime.fromisoformat(m["at"])
        return at.replace(tzinfo=None) if m.get("naive") else at.astimezone(zone_of(m.get("zone")))
    if kind == "date":
        return datetime.date.fromisoformat(m["at"])
    if kind == "timedelta":
        return datetime.timedelta(microseconds=m["us"])
    if kind == "tuple":
        return tuple(m["items"])
    if kind == "map":
        return {k: v for k, v in m["pairs"]}
    if kind == "callable":
        return load(m["of"])
    return set(m["items"]) if kind == "set" else m


def decode(v):
    if isinstance(v, dict):
        return decode_tagged({k: decode(x) for k, x in v.items()})
    return [decode(x) for x in v] if isinstance(v, list) else v


def encode(v, where="the value"):
    """What JSON can hold of a value; a TypeError says where something else is."""
    if v is None or isinstance(v, (bool, str)):
        return v
    if isinstance(v, int):
        return int(v)
    if isinstance(v, float):
        return float(v) if math.isfinite(v) else None
    if isinstance(v, Mapping):
        return {str(k): encode(x, f"{where}[{k!r}]") for k, x in v.items()}
    if isinstance(v, (list, tuple)):
        return [encode(x, f"{where}[{i}]") for i, x in enumerate(v)]
    if isinstance(v, (set, frozenset)):
        return [encode(x, where) for x in sorted(v, key=lambda x: (str(type(x)), str(x)))]
    if isinstance(v, (datetime.datetime, datetime.date, datetime.time)):
        return v.isoformat()
    if isinstance(v, datetime.timedelta):
        return v.total_seconds()
    if isinstance(v, bytes):
        return v.decode()
    if isinstance(v, os.PathLike):
        return os.fspath(v)
    if type(v).__name__ == "Decimal":
        return int(v) if v == v.to_integral_value() else float(v)
    if type(v).__name__ == "UUID":
        return str(v)
    if hasattr(v, "item") and getattr(v, "shape", None) == ():  # a number of numpy
        return encode(v.item(), where)
    raise TypeError(f"{where} is of the type {type(v).__name__}, which JSON cannot hold: return texts, numbers, lists or dicts")


# ---- what Airflow's context holds ----

class Record(types.SimpleNamespace):
    """An object of Airflow as far as a task's process knows it."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        raise AttributeError(f"{type(self).__name__} has no {name!r} outside Airflow")


class DAG(Record):
    pass


class DagRun(Record):
    pass


class BaseOperator(Record):
    pass


class TaskInstance(Record):
    def xcom_push(self, key, value, execution_date=None, session=None):
        pushed[str(key)] = value
        channel.tell({"do": "push", "key": str(key), "value": encode(value)})

    def xcom_pull(self, task_ids=None, dag_id=None, key="return_value", include_prior_dates=False, session=None, *,
                  map_indexes=None, default=None, run_id=None):
        if include_prior_dates:
            raise NotImplementedError("xcom_pull(include_prior_dates=True) is not supported: name the run with run_id")
        where = {"dag_id": dag_id or self.dag_id, "run_id": run_id or self.run_id, "key": key}
        several = task_ids is not None and not isinstance(task_ids, str)
        if not several and (map_indexes is None or isinstance(map_indexes, int)):
            v = self.pull(where, task_ids or self.task_id, -1 if map_indexes is None else map_indexes)
            if v is NOTHING and map_indexes is None:
                v = self.pull(where, task_ids or self.task_id, None)
            return default if v is NOTHING else v
        values = []
        for task in task_ids if several else [task_ids or self.task_id]:
            values += self.pull_several(where, task, map_indexes)
        return values

    def pull_several(self, where, task_id, map_indexes):
        """Of the instances asked for, else of the task, else of all its instances: the values that there are."""
        indexes = [-1] if map_indexes is None else [map_indexes] if isinstance(map_indexes, int) else map_indexes
        got = [v for v in (self.pull(where, task_id, i) for i in indexes) if v is not NOTHING]
        if got or map_indexes is not None:
            return got
        v = self.pull(where, task_id, None)
        return [] if v is NOTHING else v

    def pull(self, where, task_id, map_index):
        """One value; that of all instances as a list where map_index is None."""
        own = (task_id, where["dag_id"], where["run_id"]) == (self.task_id, self.dag_id, self.run_id)
        if own and map_index in (-1, self.map_index) and where["key"] in pushed:
            return pushed[where["key"]]
        return channel.ask({"do": "xcom", "task_id": task_id, "map_index": -1 if map_index is None else map_index,
                            "all": map_index is None, **where})

    def get_dagrun(self, session=None):
        return self.dag_run

    def get_template_context(self, session=None):
        return current

    log = property(lambda self: logging.getLogger("airflow.task"))


class Connection:
    def __init__(self, conn_id=None, conn_type=None, host=None, login=None, password=None, schema=None, port=None,
                 extra=None, description=None):
        self.conn_id, self.conn_type, self.host, self.login = conn_id, conn_type, host, login
        self.password, self.schema, self.port, self.description = password, schema, port, description
        self.extra = extra if isinstance(extra, str) else json.dumps(extra or {})

    extra_dejson = property(lambda self: json.loads(self.extra or "{}"))

    def get_password(self):
        return self.password

    def get_uri(self):
        from urllib.parse import quote, urlencode
        login = quote(self.login or "", safe="") + (":" + quote(self.password, safe="") if self.password else "")
        extra = self.extra_dejson
        return (f"{(self.conn_type or '').replace('_', '-')}://{login + '@' if login else ''}"
                f"{quote(self.host or '', safe='')}{f':{self.port}' if self.port else ''}"
                f"{'/' + quote(self.schema, safe='') if self.schema else ''}{'?' + urlencode(extra) if extra else ''}")

    @classmethod
    def get(cls, conn_id):
        return find_connection(conn_id)

    @classmethod
    def get_connection_from_secrets(cls, conn_id):
        return find_connection(conn_id)

    def __repr__(self):
        return f"<Connection: {self.conn_id}>"


def find_connection(conn_id):
    found = channel.ask({"do": "connection", "id": conn_id})
    if found is NOTHING:
        raise AirflowNotFoundException(f"The conn_id `{conn_id}` isn't defined")
    return Connection(**found)


def find_variable(key, default=NOTHING, parse=False):
    found = channel.ask({"do": "variable", "key": key})
    if found is NOTHING:
        if default is NOTHING:
            raise KeyError(f"Variable {key} does not exist")
        return default
    return json.loads(found) if parse else found


class Variable:
    @staticmethod
    def get(key, default_var=NOTHING, deserialize_json=False, default=NOTHING):
        return find_variable(key, default if default is not NOTHING else default_var, deserialize_json)

    @staticmethod
    def set(key, value, *args, **kwargs):
        raise NotImplementedError("a task cannot set variables: push an XCom, or use `daymill variables set`")

    delete = update = set


class Accessor:
    """var.value, var.json and conn."""

    def __init__(self, find):
        self._find = find

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return self._find(name)

    def get(self, key, default_var=NOTHING, default_conn=NOTHING):
        try:
            return self._find(key)
        except (KeyError, AirflowNotFoundException):
            fallback = default_var if default_var is not NOTHING else default_conn
            if fallback is NOTHING:
                raise
            return fallback


def macros():
    import random
    import time
    import uuid
    day = datetime.datetime.strptime
    return Record(
        datetime=datetime.datetime, timedelta=datetime.timedelta, json=json, random=random.random, time=time, uuid=uuid,
        ds_add=lambda ds, days: (day(str(ds), "%Y-%m-%d") + datetime.timedelta(days)).strftime("%Y-%m-%d"),
        ds_format=lambda ds, before, after: day(str(ds), before).strftime(after))


def make_context(order):
    c = decode(order["context"])
    for name in ("exception", "reason"):  # of callbacks
        if c.get(name) is None:
            c.pop(name, None)
    dag = DAG(**c.pop("dag"))
    run = DagRun(**c.pop("dag_run"), dag_id=dag.dag_id, logical_date=c["logical_date"],
                 execution_date=c["logical_date"], run_id=c["run_id"], data_interval_start=c["data_interval_start"],
                 data_interval_end=c["data_interval_end"], end_date=None)
    run.external_trigger = run.run_type == "manual"
    run.get_task_instance = lambda task_id: ti if task_id == ti.task_id else None
    task = BaseOperator(**c.pop("task"), dag=dag, dag_id=dag.dag_id, op_args=args_of(order)[0],
                        op_kwargs=args_of(order)[1], params=c["params"])
    ti = TaskInstance(**c.pop("ti"), task_id=task.task_id, dag_id=dag.dag_id, run_id=run.run_id, task=task,
                      dag_run=run, start_date=run.start_date, end_date=None, duration=None,
                      execution_date=run.logical_date, logical_date=run.logical_date,
                      hostname=socket.gethostname(), pid=os.getpid())
    c.update(dag=dag, dag_run=run, task=task, ti=ti, task_instance=ti, macros=macros(), test_mode=False, inlets=[],
             outlets=[], expanded_ti_count=None, map_index_template=None,
             var=Record(value=Accessor(find_variable), json=Accessor(lambda key: find_variable(key, parse=True))),
             conn=Accessor(find_connection))
    return c


# ---- modules of Airflow, where it is not installed ----

class AirflowException(Exception):
    status_code = 500


class AirflowNotFoundException(AirflowException):
    status_code = 404


def exception(name, base=AirflowException):
    return type(name, (base,), {"__module__": "airflow.exceptions"})


class PokeReturnValue:
    def __init__(self, is_done, xcom_value=None):
        self.is_done, self.xcom_value = is_done, xcom_value

    def __bool__(self):
        return self.is_done


class BaseHook:
    log = property(lambda self: logging.getLogger("airflow.task"))
    get_connection = staticmethod(find_connection)
    get_hook = classmethod(lambda cls, *args, **kwargs: missing("get_hook", "airflow.hooks.base"))


def get_current_context():
    if current is None:
        raise AirflowException("there is no context before the function is called")
    return current


def missing(name, module):
    raise ImportError(f"cannot import name {name!r} from {module!r}: Airflow is not installed for this interpreter, "
                      "and daymill brings only a few names of it", name=module)


EXCEPTIONS = {"AirflowException": AirflowException, "AirflowNotFoundException": AirflowNotFoundException}
for _name in ("AirflowSkipException", "AirflowFailException", "AirflowSensorTimeout", "AirflowTaskTimeout",
              "AirflowBadRequest", "AirflowConfigException", "AirflowTimetableInvalid"):
    EXCEPTIONS[_name] = exception(_name)
MODELS = {"Variable": Variable, "Connection": Connection, "TaskInstance": TaskInstance, "DagRun": DagRun,
          "BaseOperator": BaseOperator, "DAG": DAG}
SHIM = {
    "airflow": {"AirflowException": AirflowException}, "airflow.exceptions": EXCEPTIONS, "airflow.models": MODELS,
    "airflow.models.variable": MODELS, "airflow.models.connection": MODELS, "airflow.models.taskinstance": MODELS,
    "airflow.models.dagrun": MODELS, "airflow.hooks": {}, "airflow.hooks.base": {"BaseHook": BaseHook},
    "airflow.sdk": {**MODELS, "BaseHook": BaseHook, "Context": dict, "PokeReturnValue": PokeReturnValue,
                    "get_current_context": get_current_context},
    "airflow.sdk.exceptions": EXCEPTIONS, "airflow.operators": {},
    "airflow.operators.python": {"get_current_context": get_current_context}, "airflow.sensors": {},
    "airflow.sensors.base": {"PokeReturnValue": PokeReturnValue}, "airflow.utils": {},
    "airflow.utils.context": {"Context": dict},
}


class Shim(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """The last finder: what nothing else provides."""

    def find_spec(self, name, path=None, target=None):
        return importlib.machinery.ModuleSpec(name, self, is_package=True) if name in SHIM else None

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        module.__dict__.update(SHIM[module.__name__])
        module.__getattr__ = lambda name: lacks(module.__name__, name)


def lacks(module, name):
    if name.startswith("__") or f"{module}.{name}" in SHIM:
        raise AttributeError(name)
    missing(name, module)


# ---- the function ----

class Given(importlib.abc.Loader):
    """A module of the text that belongs to the run, whatever lies on the disk by now."""

    def __init__(self, path, text):
        self.path, self.text = path, text

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        linecache.cache[self.path] = (len(self.text), None, self.text.splitlines(True), self.path)
        exec(compile(self.text, self.path, "exec"), module.__dict__)


def text_of(of):
    if of["text"] is not None:
        return of["text"]
    with open(of["path"], encoding="utf-8") as f:
        return f.read()


def load(of):
    if "lambda" in of:
        return eval(of["lambda"].strip(), {})
    if "path" not in of:
        return getattr(importlib.import_module(of["module"]), of["name"])
    module = sys.modules.get(of["module"])
    if module is None or getattr(module, "__file__", None) != of["path"]:
        package = of["module"].rpartition(".")[0]
        if package:
            importlib.import_module(package)
        is_package = os.path.basename(of["path"]) == "__init__.py"
        spec = importlib.util.spec_from_file_location(
            of["module"], of["path"], loader=Given(of["path"], text_of(of)),
            submodule_search_locations=[os.path.dirname(of["path"])] if is_package else None)
        module = importlib.util.module_from_spec(spec)
        sys.modules.setdefault(of["module"], module)
        spec.loader.exec_module(module)
    if not hasattr(module, of["name"]):
        raise AttributeError(f"{of['module']} has no {of['name']!r}")
    return getattr(module, of["name"])


def args_of(order):
    args, kwargs = decode(order["op_args"]), decode(order["op_kwargs"])
    return list(args or ()), dict(kwargs or {})


def determine(function, args, given):
    """Of what is there, what the function takes: as Airflow's KeywordParameters."""
    parameters = inspect.signature(function).parameters
    for name in list(parameters)[:len(args)]:
        if name in given:
            raise ValueError(f"The key {name!r} in args is a part of kwargs and therefore reserved.")
    if any(p.kind == p.VAR_KEYWORD for p in parameters.values()):
        return dict(given)
    return {name: given[name] for name in parameters if name in given}


def check_arguments(function, args, kwargs):
    """A decorated function is called with all its arguments, known or not."""
    try:
        inspect.signature(function).bind_partial(*args, **kwargs)
    except TypeError as e:
        raise TypeError(f"{getattr(function, '__name__', function)}() {e}") from None


def infers_outputs(function):
    """A decorated function that says that it returns a dict has one output per key."""
    try:
        import typing
        hint = typing.get_type_hints(function).get("return")
        return isinstance(typing.get_origin(hint) or hint, type) and issubclass(typing.get_origin(hint) or hint, Mapping)
    except Exception:
        return False


def with_pendulum(context):
    """A function that knows pendulum gets its dates."""
    pendulum = sys.modules.get("pendulum")
    if pendulum is None or not hasattr(pendulum, "instance"):
        return context
    return {k: pendulum.instance(v) if isinstance(v, DateTime) else v for k, v in context.items()}


def call_back(order, function, context):
    """A callback gets the context whole; of a class an object is made, and that is called."""
    global current
    current = context
    kwargs = decode(order["callable"]["kwargs"]) or {}
    if isinstance(function, type):
        function(**kwargs)(context)
    else:
        function(context, **kwargs)
    return {"do": "end", "state": "success", "value": None, "truth": True}


def call(order):
    global current, function
    function = load(order["callable"])
    args, kwargs = args_of(order)
    context = with_pendulum(make_context(order))
    if order["callable"].get("context"):
        return call_back(order, function, context)
    if order["decorated"]:
        check_arguments(function, args, kwargs)
    else:
        context["templates_dict"] = decode(order["templates_dict"])
    current = context
    value = function(*args, **determine(function, args, {**context, **kwargs}))
    if inspect.iscoroutine(value):
        import asyncio
        value = asyncio.run(value)
    result = {"do": "end", "state": "success"}
    result["poke"] = any(k.__name__ == "PokeReturnValue" for k in type(value).__mro__)
    if result["poke"]:
        result["truth"], value = bool(value.is_done), value.xcom_value
    else:
        result["truth"] = bool(value)
    if order["show"]:
        print(f"Done. Returned value was: {value}", flush=True)
    result["value"] = encode(value, "the returned value")
    result["outputs"] = bool(order["decorated"]) and infers_outputs(function)
    return result


# ---- errors ----

def place_of(error):
    """(file, line, function, source) of the innermost place that is the project's own, else the innermost of all."""
    if isinstance(error, SyntaxError) and error.filename:
        return error.filename, error.lineno or 0, "", (error.text or "").strip()
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename not in (SELF, "<string>")]
    own = [f for f in frames if f.filename.startswith(roots)] or frames
    if own:
        return own[-1].filename, own[-1].lineno, own[-1].name, own[-1].line or ""
    code = getattr(function, "__code__", None)  # it could not even be called
    return (code.co_filename, code.co_firstlineno, "", "") if code else ("", 0, "", "")


def hint_of(error):
    if isinstance(error, ImportError) and (getattr(error, "name", None) or "").split(".")[0] == "airflow":
        return "Name an interpreter that has it (interpreter: venv/bin/python), or do without."
    if isinstance(error, ModuleNotFoundError):
        return (f"Install it for {sys.executable}, name another interpreter (interpreter: venv/bin/python), or put the "
                "module's file beside the DAG.")
    return ""


def own_frames(error):
    """The traceback without this runner's frames."""
    tb = error.__traceback__
    while tb and tb.tb_frame.f_code.co_filename in (SELF, "<string>"):
        tb = tb.tb_next
    return tb


def failure(error):
    names = {k.__name__ for k in type(error).__mro__}
    lines = "".join(traceback.format_exception_only(type(error), error)).strip().splitlines()
    message = lines[-1] if isinstance(error, SyntaxError) else " ".join(lines)
    if "AirflowSkipException" in names:
        return {"do": "end", "state": "skipped", "message": str(error) or "AirflowSkipException"}
    if own_frames(error) is not None or isinstance(error, SyntaxError):
        traceback.print_exception(type(error), error, own_frames(error), file=sys.stderr)
    file, line, function, source = place_of(error)
    return {"do": "end", "state": "failed", "retry": "AirflowFailException" not in names, "message": message,
            "file": file, "line": line, "function": function, "source": source, "hint": hint_of(error)}


def main():
    global channel, roots
    channel = Channel()
    sys.dont_write_bytecode = True
    sys.stdout, sys.stderr = Masked(sys.stdout), Masked(sys.stderr)
    sys.path[:1] = order["path"]  # instead of the working folder, which is the run's scratch
    sys.meta_path.append(Shim())
    roots = tuple(p + "/" for p in order["path"])
    logging.basicConfig(stream=sys.stdout, level=logging.INFO,
                        format="[%(asctime)s] {%(filename)s:%(lineno)d} %(levelname)s - %(message)s")
    try:
        result = call(order)
    except SystemExit as e:
        result = {"do": "end", "state": "success", "value": None, "truth": False} if not e.code else failure(e)
    except BaseException as e:
        result = failure(e)
    sys.stdout.flush()
    sys.stderr.flush()
    channel.tell(result)


channel = current = function = None
pushed, roots = {}, ()
main()
