"""Retraining from Python: see `pipelines.api`."""

from pipelines.api import (
    Run,
    check,
    compare,
    init,
    load_model,
    models,
    outcomes,
    package,
    predict,
    predict_files,
    promote,
    report,
    rollback,
    run,
    runs,
)

__all__ = [
    "Run",
    "check",
    "compare",
    "init",
    "load_model",
    "models",
    "outcomes",
    "package",
    "predict",
    "predict_files",
    "promote",
    "report",
    "rollback",
    "run",
    "runs",
]
