"""The slug of an application that an account's answer shows: for a custom one, the catalogue says which it is."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cobalt_mirror.cobalt import AccountIntegration, Application

#: The type of every custom application in an account's answer, so no application's slug.
CUSTOM = "custom"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slugs:
    """The slugs of applications by the catalogue.

    Attributes:
        by_app_id: Slug by `app_id`.
    """

    by_app_id: Mapping[str, str] = field(default_factory=dict)

    def find(self, integration: AccountIntegration) -> str | None:
        """Find the slug of an integration; None: it is of a custom application that the catalogue does not have."""
        slug = None if integration.app_id is None else self.by_app_id.get(integration.app_id)
        if slug is None and integration.type != CUSTOM:
            return integration.type
        return slug

    def with_catalogue(self, applications: Iterable[Application]) -> "Slugs":
        """Return these slugs with those of a catalogue that was read later."""
        newer = {each.app_id: each.slug for each in applications if each.app_id is not None}
        return Slugs(by_app_id={**self.by_app_id, **newer})
