"""Reconciliation: compare the whole mirror with Cobalt and repair the differences.

Each name is loaded when it is first used: `status` asks the brake about the last run, and does not wait for the rest.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cobalt_mirror.workers.reconcile.options import Options
    from cobalt_mirror.workers.reconcile.progress import ShowProgress, Stage
    from cobalt_mirror.workers.reconcile.reconciliation import Reconciliation
    from cobalt_mirror.workers.reconcile.report import Ending, FieldDifference, Report

_HOMES = {
    "Ending": "report",
    "FieldDifference": "report",
    "Options": "options",
    "Reconciliation": "reconciliation",
    "Report": "report",
    "ShowProgress": "progress",
    "Stage": "progress",
}

__all__ = ["Ending", "FieldDifference", "Options", "Reconciliation", "Report", "ShowProgress", "Stage"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
