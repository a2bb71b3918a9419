"""The slug of an application that an account's answer shows: for a custom one, the catalogue says which it is."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from cobalt_mirror.cobalt import AccountIntegration, Application

#: The type of every custom application in an account's answer, so no application's slug.
CUSTOM = "custom"


def is_of(integration: AccountIntegration, *, slug: str, app_id: str | None) -> bool:
    """Return whether an integration is of an application; `app_id` None: its id in the catalogue is not known."""
    return integration.type == slug or (integration.app_id is not None and integration.app_id == app_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slugs:
    """The slugs of applications by the catalogue.

    Attributes:
        by_app_id: Slug by `app_id`.
        default_app_id: The `app_id` of the organisation's default application, which is in no catalogue and which no
            customer connects; None: not known.
    """

    by_app_id: Mapping[str, str] = field(default_factory=dict)
    default_app_id: str | None = None

    def find(self, integration: AccountIntegration) -> str | None:
        """Find the slug of an integration; None: it is of a custom application that the catalogue does not have."""
        slug = None if integration.app_id is None else self.by_app_id.get(integration.app_id)
        if slug is None and integration.type != CUSTOM:
            return integration.type
        return slug

    def is_unmapped(self, integration: AccountIntegration) -> bool:
        """Return whether an integration is a connection whose slug is not known."""
        is_default = self.default_app_id is not None and integration.app_id == self.default_app_id
        return not is_default and self.find(integration) is None

    def with_catalogue(self, applications: Iterable[Application]) -> "Slugs":
        """Return these slugs with those of a catalogue that was read later."""
        newer = {each.app_id: each.slug for each in applications if each.app_id is not None}
        return replace(self, by_app_id={**self.by_app_id, **newer})
