"""The slug of an application that an account's answer shows."""

import pytest

from cobalt_mirror.cobalt import AccountIntegration, Application
from cobalt_mirror.workers.slugs import Slugs

SLUGS = Slugs(by_app_id={"app-1": "order_desk", "app-2": "hubspot", "app-3": "hubspot_eu"})

#: The type and the `app_id` of an integration, and its slug.
INTEGRATIONS = [
    pytest.param("slack", None, "slack", id="one of Cobalt's own has its slug for a type"),
    pytest.param("unheard_of", None, "unheard_of", id="one of Cobalt's own that the catalogue does not have"),
    pytest.param("custom", "app-1", "order_desk", id="a custom one is named by the catalogue"),
    pytest.param("hubspot", "app-2", "hubspot", id="one of Cobalt's own with an id of the catalogue"),
    pytest.param("hubspot", "app-3", "hubspot_eu", id="the catalogue counts more than the type"),
    pytest.param("slack", "app-9", "slack", id="one of Cobalt's own with an id that the catalogue does not have"),
    pytest.param("custom", "app-9", None, id="a custom one that the catalogue does not have"),
    pytest.param("custom", None, None, id="a custom one without an id"),
    pytest.param("custom", "", None, id="a custom one with an empty id"),
]


@pytest.mark.parametrize(("kind", "app_id", "slug"), INTEGRATIONS)
def test_the_catalogue_names_what_has_no_slug_of_its_own(kind: str, app_id: str | None, slug: str | None) -> None:
    assert SLUGS.find(AccountIntegration(type=kind, app_id=app_id)) == slug


@pytest.mark.parametrize(
    ("default_app_id", "app_id", "expected"),
    [
        pytest.param(None, "app-9", True, id="the default application is not known"),
        pytest.param(None, None, True, id="it is not known, and there is no id"),
        pytest.param("app-9", "app-9", False, id="it is the default application"),
        pytest.param("app-8", "app-9", True, id="it is another"),
        pytest.param("app-9", "app-1", False, id="it is in the catalogue"),
    ],
)
def test_the_default_application_is_not_unmapped(
    default_app_id: str | None, app_id: str | None, expected: bool
) -> None:
    slugs = Slugs(by_app_id=SLUGS.by_app_id, default_app_id=default_app_id)

    assert slugs.is_unmapped(AccountIntegration(type="custom", app_id=app_id)) is expected


def test_a_catalogue_that_was_read_later_adds_applications_and_changes_slugs() -> None:
    catalogue = [
        Application(slug="orders", name="Order Desk", app_id="app-1"),
        Application(slug="warehouse", name="Warehouse", app_id="app-4"),
        Application(slug="slack", name="Slack"),
    ]

    expected = {"app-1": "orders", "app-2": "hubspot", "app-3": "hubspot_eu", "app-4": "warehouse"}
    assert SLUGS.with_catalogue(catalogue).by_app_id == expected
