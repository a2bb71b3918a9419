"""`cobalt-mirror doctor`: look at every part of the installation, and say what to do about it."""

from dataclasses import asdict
from typing import Annotated

import typer

from cobalt_mirror.workers.ops.doctor.finding import Finding, exit_code
from cobalt_mirror.workers.terminal.output import print_json, print_line


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Do not ask Cobalt, nor send to the webhook.")] = False,
) -> None:
    """Examine settings, database, Redis, Cobalt, webhook and processes.

    Each line says fine, warning or broken, what was seen, and what to do. It changes nothing, except that the webhook
    gets one signed test notification, Redis a key that expires after a second, and PostgreSQL a temporary file for the
    time of a statement. Exits with 0 if everything is fine, 1 if there are warnings, 2 if something is broken.

    \b
    Example:
      cobalt-mirror doctor --offline
    """
    from cobalt_mirror.workers.ops.doctor.examine import examine  # noqa: PLC0415 - `--help` does not wait for it

    findings: list[Finding] = []
    for finding in examine(offline=offline):
        findings.append(finding)
        if not as_json:
            remedy = "" if finding.remedy is None else f"; {finding.remedy}"
            print_line(finding.level, f"{finding.area}: {finding.text}{remedy}")
    if as_json:
        print_json({"findings": [asdict(finding) for finding in findings]})
    raise typer.Exit(exit_code(findings))
