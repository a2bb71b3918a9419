"""An account that the mirror has and that Cobalt denies: how long that is not believed."""

from cobalt_mirror.workers.errors import AccountDenied
from cobalt_mirror.workers.handlers.findings import Findings
from cobalt_mirror.workers.handlers.looking import is_outage, next_look


def wait_while_denied(findings: Findings, *, is_expected: bool = False) -> None:
    """Return if it is believed that Cobalt does not have the account.

    Args:
        findings: what is noted while it is not.
        is_expected: whether another answer says so, too, so that this one is believed.

    Raises:
        AccountDenied: It was not looked at for long enough, or so many are denied that it looks like an outage.
    """
    loaded, denial = findings.loaded, findings.loaded.denial
    delay = next_look(loaded.now if denial is None else denial.since, loaded.now)
    if is_expected or (
        delay is None and denial is not None and not is_outage(denial, loaded.settings.reconcile_brake_share)
    ):
        return
    findings.is_denied = True
    if delay is not None:
        raise AccountDenied("Cobalt says that it does not have this account, and is asked again", delay=delay)
    assert denial is not None  # noqa: S101 - a new denial has a delay
    raise AccountDenied(
        f"Cobalt says that it does not have {denial.denied} of {denial.accounts} accounts, which looks like an outage; "
        "if they were deleted there: cobalt-mirror reconcile --allow-missing",
        delay=None,
    )
