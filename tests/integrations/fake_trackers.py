"""Stand-ins for the packages wandb and mlflow, with the parts that rnner calls.

Parameters have the names and the order of wandb 0.31 and mlflow 3.17. Each call is recorded.
"""

import sys
from importlib.machinery import ModuleSpec
from types import ModuleType, SimpleNamespace


def _module(name, **content):
    module = ModuleType(name)
    module.__spec__ = ModuleSpec(name, None)
    vars(module).update(content)
    return module


def install(monkeypatch, *modules):
    """Let `import` find these modules, and import rnner's adapters again."""
    for module in modules:
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.delitem(sys.modules, f"rnner.integrations.{module.__name__}", raising=False)


class FakeWandb:
    """Runs by id: settings of the last `init`, points, summary and exit code."""

    def __init__(self):
        self.runs = {}

    def module(self):
        return _module("wandb", init=self.init, Settings=SimpleNamespace)

    def init(self, *, project=None, name=None, group=None, config=None, id=None, resume=None, settings=None):
        run_id = id or f"id{len(self.runs)}"
        run = self.runs.setdefault(run_id, SimpleNamespace(points=[], summary={}, exit_code=None))
        run.settings = {"project": project, "name": name, "group": group, "resume": resume, **vars(settings)}
        run.config = config

        def log(data, step=None, commit=None):
            run.points.append((step, data))

        def finish(exit_code=None, quiet=None):
            run.exit_code = exit_code

        return SimpleNamespace(id=run_id, log=log, finish=finish, summary=run.summary)


class FakeMLflow:
    """Runs by id: name, tags, status, parameters, and points as (name, step, value)."""

    def __init__(self):
        self.runs = {}

    def modules(self):
        entities = _module(
            "mlflow.entities",
            Metric=lambda key, value, timestamp, step: (key, step, value),
            Param=lambda key, value: (key, value),
        )
        return (
            _module(
                "mlflow",
                MlflowClient=lambda: self,
                entities=entities,
                set_experiment=lambda experiment_name: SimpleNamespace(experiment_id=f"of {experiment_name}"),
            ),
            entities,
        )

    def create_run(self, experiment_id, start_time=None, tags=None, run_name=None):
        run_id = f"id{len(self.runs)}"
        self.runs[run_id] = SimpleNamespace(
            experiment=experiment_id, name=run_name, tags=tags, status="RUNNING", points=[], parameters={}
        )
        return SimpleNamespace(info=SimpleNamespace(run_id=run_id))

    def log_batch(self, run_id, metrics=(), params=(), tags=()):
        self.runs[run_id].points += metrics
        self.runs[run_id].parameters |= dict(params)

    def update_run(self, run_id, status=None, name=None):
        self.runs[run_id].status = status

    def set_terminated(self, run_id, status=None, end_time=None):
        self.runs[run_id].status = status
