"""Reconciliation: Cobalt is asked for everything, and the mirror is made to agree."""

from cobalt_mirror.workers.reconcile.options import Options
from cobalt_mirror.workers.reconcile.progress import Progress, Stage
from cobalt_mirror.workers.reconcile.reconciliation import Reconciliation
from cobalt_mirror.workers.reconcile.report import Ending, FieldDifference, Report

__all__ = ["Ending", "FieldDifference", "Options", "Progress", "Reconciliation", "Report", "Stage"]
