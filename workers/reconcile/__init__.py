"""Reconciliation: compare the whole mirror with Cobalt and repair the differences."""

from cobalt_mirror.workers.reconcile.options import Options
from cobalt_mirror.workers.reconcile.progress import ShowProgress, Stage
from cobalt_mirror.workers.reconcile.reconciliation import Reconciliation
from cobalt_mirror.workers.reconcile.report import Ending, FieldDifference, Report

__all__ = ["Ending", "FieldDifference", "Options", "Reconciliation", "Report", "ShowProgress", "Stage"]
