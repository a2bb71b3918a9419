"""What requests came to: the template of every path the client calls, the status, the error, and no value of theirs."""

import httpx
import pytest

from cobalt_mirror.cobalt import CobaltError, RateLimited, Refused
from cobalt_mirror.cobalt.exchanged import Exchanged, collecting
from cobalt_mirror.cobalt.templates import OTHER, TEMPLATES, template_of
from tests.unit.cobalt.calls import ALL_CALLS
from tests.unit.cobalt.scripted import KEY, ScriptedCobalt, account_answer, refusal, token_answer


@pytest.mark.parametrize("account", ["acme", "a/b c@d", "ünï-😀"])
@pytest.mark.parametrize("name", ALL_CALLS)
def test_every_call_of_the_client_has_a_template_without_the_ids_in_its_path(name: str, account: str) -> None:
    def reply(request: httpx.Request) -> httpx.Response:
        return token_answer() if request.url.path.endswith("/session-token") else ALL_CALLS[name].answer

    cobalt, exchanged = ScriptedCobalt(reply), list[Exchanged]()
    with collecting(exchanged), cobalt.client() as client:
        ALL_CALLS[name].call(client, account)

    assert [(each.method, each.status, each.error) for each in exchanged] == [
        (request.method, 200, None) for request in cobalt.requests
    ]
    assert {each.template for each in exchanged} <= set(TEMPLATES)
    for each, request in zip(exchanged, cobalt.requests, strict=True):
        assert each.template.count("/") == request.url.raw_path.partition(b"?")[0].count(b"/")


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/api/v2/public/linked-account", "/api/v2/public/linked-account"),
        ("/api/v2/public/linked-account/integration", "/api/v2/public/linked-account/{account}"),
        ("/api/v2/public/linked-account/integration/slack", "/api/v2/public/linked-account/integration/{slug}"),
        ("/api/v2/public/session-token/revoke", "/api/v2/public/session-token/revoke"),
        ("/api/v2/public/slug/configs/configs", "/api/v2/public/slug/{slug}/configs"),
        ("/api/v2/public/linked-account/", OTHER),
        ("/api/v2/public/linked-account/acme/more", OTHER),
        ("/api/v3/public/config", OTHER),
        ("", OTHER),
    ],
)
def test_a_path_has_the_template_that_fits_it(path: str, template: str) -> None:
    assert template_of(path) == template


def test_an_error_is_noted_with_its_status_and_cobalts_name_for_the_request() -> None:
    exchanged = list[Exchanged]()
    with collecting(exchanged), pytest.raises(Refused):
        ScriptedCobalt(refusal(400, "BAD", "secret words")).client().upsert_account("acme")

    (each,) = exchanged
    assert (each.status, each.error, each.request_id, each.is_sent) == (400, Refused, "req-1", True)
    assert [word for word in ("secret words", "acme", KEY) if word in repr(each)] == []


def test_a_request_without_an_answer_has_no_status() -> None:
    exchanged = list[Exchanged]()
    with collecting(exchanged), pytest.raises(CobaltError):
        ScriptedCobalt(httpx.ReadTimeout("no")).client().fetch_account("acme")

    assert [(each.status, each.is_sent) for each in exchanged] == [(None, True)]


class _Full:
    def acquire(self) -> None:
        raise RateLimited(1.0)

    def throttled(self, retry_after_seconds: float | None) -> None:
        raise AssertionError(retry_after_seconds)


def test_a_request_that_the_governor_keeps_back_is_noted_as_not_sent() -> None:
    exchanged = list[Exchanged]()
    cobalt = ScriptedCobalt(account_answer())
    with collecting(exchanged), pytest.raises(RateLimited):
        cobalt.client(governor=_Full()).fetch_account("acme")

    (each,) = exchanged
    assert (each.is_sent, each.status, each.took_seconds) == (False, None, 0)
    assert cobalt.requests == []


def test_outside_a_block_nothing_is_kept_and_blocks_do_not_mix() -> None:
    client = ScriptedCobalt(account_answer()).client()
    outer, inner = list[Exchanged](), list[Exchanged]()
    client.fetch_account("acme")
    with collecting(outer):
        client.fetch_account("acme")
        with collecting(inner):
            client.upsert_account("acme")
    client.fetch_account("acme")

    assert ([each.method for each in outer], [each.method for each in inner]) == (["GET"], ["PUT"])
