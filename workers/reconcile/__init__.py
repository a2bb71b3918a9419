"""Reconciliation: Cobalt is asked for everything, and the mirror is made to agree."""

from workers.reconcile.options import Options
from workers.reconcile.progress import Progress, Stage
from workers.reconcile.reconciliation import Reconciliation
from workers.reconcile.report import Ending, FieldDifference, Report

__all__ = ["Ending", "FieldDifference", "Options", "Progress", "Reconciliation", "Report", "Stage"]
