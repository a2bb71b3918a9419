"""The examination of an installation: every part of it is looked at, and judged with a remedy."""

from cobalt_mirror.workers.ops.doctor.examine import examine
from cobalt_mirror.workers.ops.doctor.finding import Finding, Level, exit_code

__all__ = ["Finding", "Level", "examine", "exit_code"]
