"""The paths of Cobalt's API with a name in place of each id, so that a path can be stored without what it names."""

from collections.abc import Iterator
from functools import lru_cache

#: Every path that the client calls. A test makes each of its calls, and finds one that is missing here.
TEMPLATES = tuple(
    f"/api/v2/public/{path}"
    for path in (
        "application",
        "application/{slug}",
        "config",
        "config/field/{field_id}",
        "connect-url",
        "linked-account",
        "linked-account/{account}",
        "linked-account/default-app/auth-credentials/{key}",
        "linked-account/integration/{slug}",
        "linked-account/integration/oauth-url/{slug}",
        "linked-account/integration/save-key-credentials/{slug}",
        "session-token",
        "session-token/revoke",
        "slug/{slug}/config",
        "slug/{slug}/config/{config_id}",
        "slug/{slug}/config/{config_id}/workflows/{workflow_id}",
        "slug/{slug}/configs",
        "webhook",
        "webhook/{webhook_id}",
    )
)
#: Stands for a path of another form: nothing of it is known to be no id.
OTHER = "(another path)"


@lru_cache(maxsize=1024)  # of each attempt's few calls, most have a path of their own; a full walk repeats one
def template_of(path: str) -> str:
    """Return the template of a path; of several that fit, the one with the most words of its own."""
    return min(_fitting(path.split("/")), key=lambda template: template.count("{"), default=OTHER)


def _fitting(segments: list[str]) -> Iterator[str]:
    for template in TEMPLATES:
        words = template.split("/")
        is_fitting = len(words) == len(segments) and all(
            word == segment or (word.startswith("{") and segment) for word, segment in zip(words, segments, strict=True)
        )
        if is_fitting:
            yield template
