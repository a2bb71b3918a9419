"""Each address is served with a slash at its end as without one. Cobalt follows no redirect."""

import pytest

from tests.integration.web.endpoints import EVENTS_TOKEN, Endpoints, connection_notification


def test_a_notification_at_the_address_with_a_slash_is_recorded(endpoints: Endpoints) -> None:
    answer = endpoints.notify(connection_notification(), path="/webhooks/cobalt/")

    assert (answer.status_code, answer.json()) == (200, {"recorded": "Connection Created"})
    assert endpoints.world.due_accounts() == ["acme"]


def test_an_event_at_the_address_with_a_slash_is_published(endpoints: Endpoints) -> None:
    answer = endpoints.request(
        "POST",
        "/events/",
        headers={"authorization": f"Bearer {EVENTS_TOKEN}"},
        json={
            "specversion": "1.0",
            "type": "user_signed_up",
            "source": "shop",
            "id": "1",
            "time": "2026-01-31T12:00:00Z",
            "data": {"linked_account_id": "acme"},
        },
    )

    assert answer.status_code == 202
    assert endpoints.world.row("events")["linked_account_id"] == "acme"


@pytest.mark.parametrize("path", ["/webhooks/cobalt", "/events", "/healthz", "/readyz"])
def test_both_addresses_answer_the_same(endpoints: Endpoints, path: str) -> None:
    for method in ("GET", "POST"):
        answers = [endpoints.request(method, address) for address in (path, f"{path}/")]

        assert answers[0].status_code == answers[1].status_code
        assert answers[0].content == answers[1].content


def test_nothing_is_redirected(endpoints: Endpoints) -> None:
    assert endpoints.request("GET", "/healthz//").status_code == 404
