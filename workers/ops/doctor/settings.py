"""The judgement of the settings: which are set, and which variables look like settings and are none."""

from collections.abc import Collection, Iterable, Iterator

from cobalt_mirror.db.errors import BadSetting
from cobalt_mirror.db.settings import KeySettings
from cobalt_mirror.workers.ops.doctor.finding import Finding, broken, fine, warning
from cobalt_mirror.workers.settings import Settings

AREA = "settings"
#: Variables that begin like this are meant for us.
_OURS = ("COBALT_", "MIRROR_", "NOTICES_", "RECONCILE_")


def judge_settings(settings: Settings, variables: Collection[str], key_problems: Iterable[str]) -> Iterator[Finding]:
    """Judge the settings.

    Args:
        settings: the settings in force.
        variables: the names of the variables in the environment that are not empty.
        key_problems: what is wrong with Cobalt's keys; see `readiness.list_key_problems`.
    """
    names = {name.upper() for name in Settings.model_fields}
    set_here = sorted(name for name in (each.upper() for each in variables) if name in names)
    listed = f"from the environment: {', '.join(set_here)}; " if set_here else ""
    yield fine(AREA, f"{listed}{len(names) - len(set_here)} have their defaults (docs/settings.md)")
    yield from judge_names(variables)
    if not settings.cobalt_api_key.get_secret_value():
        yield broken(AREA, "COBALT_API_KEY is not set", "copy the key from Cobalt's dashboard")
    for problem in key_problems:
        yield warning(AREA, *_parts(problem))
    yield from judge_secret_keys(settings)
    yield from _judge_notices(settings)


def judge_names(variables: Iterable[str]) -> Iterator[Finding]:
    """Judge whether variables that begin like ours are settings."""
    names = {name.upper() for name in Settings.model_fields}
    for name in sorted(each for each in variables if each.upper().startswith(_OURS) and each.upper() not in names):
        yield warning(AREA, f"{name} is set, and is no setting of this release", "correct its name, or remove it")


def judge_secret_keys(settings: KeySettings) -> Iterator[Finding]:
    """Judge whether a secret can be published."""
    if not settings.vault():
        remedy = "set it, if customers have passwords or keys in their configs (docs/settings.md)"
        yield warning(AREA, "MIRROR_SECRET_KEYS is not set, so no secret can be published", remedy)


def _judge_notices(settings: Settings) -> Iterator[Finding]:
    try:
        endpoints = settings.endpoints()
    except BadSetting as error:
        yield broken(AREA, *_parts(str(error)))
        return
    if endpoints and settings.public_url is None:
        remedy = "set it to the address at which customers reach `cobalt-mirror web`"
        yield warning(AREA, "PUBLIC_URL is not set, so notices have no reconnect link", remedy)


def _parts(problem: str) -> tuple[str, str]:
    """Split a sentence into what is wrong and what to do."""
    wrong, _, remedy = problem.partition("; ")
    return wrong, remedy
