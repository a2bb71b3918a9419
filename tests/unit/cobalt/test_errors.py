"""Every answer that is not what was asked for becomes one error of the tree."""

from collections.abc import Callable
from datetime import timedelta
from email.utils import format_datetime

import httpx
import pytest

from cobalt_mirror.cobalt import (
    Client,
    CobaltError,
    ConnectFailed,
    CredentialsRefused,
    DeadlineExceeded,
    KeyRefused,
    NoAnswer,
    RateLimited,
    Refused,
    ResponseError,
    ServerError,
    TransportError,
    UnexpectedAnswer,
    UnknownAccount,
    UnknownApplication,
    UnknownConfig,
)
from tests.unit.cobalt.calls import ALL_CALLS
from tests.unit.cobalt.scripted import NOON, Answer, ScriptedCobalt, account_answer, answer, refusal

HTML = "<html><h1>502 Bad Gateway</h1></html>"

Use = Callable[[Client], object]


def read_account(client: Client) -> object:
    return client.fetch_account("acme")


def write_account(client: Client) -> object:
    return client.upsert_account("acme")


def read_application(client: Client) -> object:
    return client.fetch_application("acme", "slack")


def create_config(client: Client) -> object:
    return client.config("acme", "slack")


def write_config(client: Client) -> object:
    return client.update_config("acme", "slack", fields={}, workflows=[])


def save_key(client: Client) -> None:
    client.save_key_credentials("acme", "sendgrid", {"api_key": "hunter22"})


def set_credential(client: Client) -> None:
    client.set_auth_credential("acme", "api_key", "hunter22")


def delete_credential(client: Client) -> None:
    client.delete_auth_credential("acme", "api_key")


def disconnect(client: Client) -> object:
    return client.disconnect("acme", "slack")


def delete_webhook(client: Client) -> None:
    client.delete_webhook("w1")


def html(status: int) -> httpx.Response:
    return httpx.Response(status, html=HTML)


UNVERIFIED = refusal(500, "INTERNAL", "Failed to verify credentials")


@pytest.mark.parametrize(
    ("use", "given", "error", "effect_possible"),
    [
        # Cobalt's own words
        (read_account, refusal(401, "UNAUTHORIZED"), KeyRefused, False),
        (write_account, refusal(403, "FORBIDDEN"), KeyRefused, False),
        (read_account, answer({"message": "Forbidden"}, 403), KeyRefused, False),
        (read_account, refusal(404, "NOT_FOUND"), UnknownAccount, False),
        (disconnect, refusal(404, "NOT_FOUND"), UnknownAccount, False),
        (write_config, refusal(400, "INVALID_LINKED_ACCOUNT_ID"), UnknownAccount, False),
        (write_config, answer({"error_code": "INVALID_LINKED_ACCOUNT_ID"}, 400), UnknownAccount, False),
        (read_application, refusal(404, "EXTERNAL_API_FAILURE"), UnknownApplication, False),
        (read_application, refusal(404, "NOT_FOUND"), UnknownApplication, False),
        (create_config, refusal(404, "INVALID_APP_ID"), UnknownApplication, False),
        (write_config, refusal(404, "INVALID_APP_ID"), UnknownApplication, False),
        (write_config, refusal(404, "NOT_FOUND"), UnknownConfig, False),
        (write_config, refusal(400, "BAD_REQUEST", "field region: no such option"), Refused, False),
        (write_config, refusal(409, "CONFLICT"), Refused, False),
        (write_config, refusal(422, "UNPROCESSABLE"), Refused, False),
        (write_account, refusal(404, "NOT_FOUND"), Refused, False),
        (write_config, refusal(400, "RESOURCE_NOT_FOUND"), UnknownConfig, False),
        (write_config, answer({"error_code": "RESOURCE_NOT_FOUND"}, 400), UnknownConfig, False),
        (write_config, refusal(404, "RESOURCE_NOT_FOUND"), UnknownConfig, False),
        (write_config, refusal(409, "RESOURCE_NOT_FOUND"), Refused, False),
        (write_config, refusal(401, "RESOURCE_NOT_FOUND"), KeyRefused, False),
        (read_account, refusal(400, "RESOURCE_NOT_FOUND"), UnknownAccount, False),
        (read_account, refusal(400, None, "RESOURCE_NOT_FOUND"), Refused, False),
        (delete_webhook, refusal(400, "RESOURCE_NOT_FOUND"), Refused, False),
        (set_credential, refusal(404, "RESOURCE_NOT_FOUND", "no default application"), Refused, False),
        (delete_credential, refusal(404, "RESOURCE_NOT_FOUND", "no such key"), Refused, False),
        (set_credential, refusal(400, "INVALID_LINKED_ACCOUNT_ID"), UnknownAccount, False),
        (delete_credential, html(404), UnexpectedAnswer, True),
        (set_credential, refusal(502), ServerError, True),
        (save_key, UNVERIFIED, CredentialsRefused, False),
        (save_key, refusal(500, "INTERNAL", "oops"), ServerError, True),
        (write_account, refusal(500, "INTERNAL"), ServerError, True),
        (read_account, refusal(503, "UNAVAILABLE"), ServerError, False),
        (write_account, refusal(408, "TIMEOUT"), ServerError, True),
        (write_account, refusal(429, "RATE_LIMIT"), RateLimited, False),
        # not Cobalt's words
        (write_account, html(429), RateLimited, False),
        (write_account, html(502), ServerError, True),
        (read_account, html(200), UnexpectedAnswer, False),
        (write_account, html(200), UnexpectedAnswer, True),
        (read_account, html(404), UnexpectedAnswer, False),
        (read_account, html(403), UnexpectedAnswer, False),
        (read_account, answer({"message": "no Route matched"}, 404), UnexpectedAnswer, False),
        (read_account, answer(["not found"], 404), UnexpectedAnswer, False),
        (read_account, httpx.Response(302, headers={"location": "https://elsewhere"}), UnexpectedAnswer, False),
        (read_account, httpx.Response(200, content=b'{"account_id": "ac'), UnexpectedAnswer, False),
        (read_account, httpx.Response(200), UnexpectedAnswer, False),
        (read_account, httpx.Response(200, content=b"\xff\xfe"), UnexpectedAnswer, False),
        (read_account, answer(None), UnexpectedAnswer, False),
        (read_account, answer({"name": "no id"}), UnexpectedAnswer, False),
        # no answer
        (write_account, httpx.ConnectError("refused"), ConnectFailed, False),
        (write_account, httpx.ConnectTimeout("slow"), ConnectFailed, False),
        (write_account, httpx.PoolTimeout("busy"), ConnectFailed, False),
        (write_account, httpx.ProxyError("407"), ConnectFailed, False),
        (write_account, httpx.ReadTimeout("slow"), DeadlineExceeded, True),
        (write_account, httpx.WriteTimeout("slow"), DeadlineExceeded, True),
        (read_account, httpx.ReadTimeout("slow"), DeadlineExceeded, False),
        (write_account, httpx.ReadError("reset"), NoAnswer, True),
        (write_account, httpx.WriteError("broken pipe"), NoAnswer, True),
        (write_account, httpx.RemoteProtocolError("closed"), NoAnswer, True),
        (read_account, httpx.RemoteProtocolError("closed"), NoAnswer, False),
    ],
)
def test_an_answer_or_its_absence_becomes_exactly_one_error(
    use: Use, given: Answer, error: type[CobaltError], effect_possible: bool
) -> None:
    cobalt = ScriptedCobalt(given)
    with pytest.raises(CobaltError) as raised:
        use(cobalt.client())
    assert type(raised.value) is error
    assert raised.value.effect_possible is effect_possible
    assert raised.value.call == f"{cobalt.request.method} {cobalt.request.url.raw_path.decode().partition('?')[0]}"
    assert str(raised.value).startswith(raised.value.call)
    assert len(cobalt.requests) == 1, "nothing is retried"


@pytest.mark.parametrize("name", ALL_CALLS)
def test_every_call_knows_whether_it_may_have_had_an_effect(name: str) -> None:
    call = ALL_CALLS[name]

    def reply(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/session-token") and name == "connect_url":
            return answer({"token": "t", "expires_in": 86400})
        return refusal(503, "UNAVAILABLE")

    with pytest.raises(ServerError) as raised:
        call.call(ScriptedCobalt(reply).client(), "acme")
    assert raised.value.effect_possible is call.writes


def test_every_error_has_one_root_and_a_place_under_transport_or_response() -> None:
    assert issubclass(DeadlineExceeded, NoAnswer)
    assert issubclass(NoAnswer, TransportError)
    for each in (KeyRefused, RateLimited, ServerError, Refused, CredentialsRefused, UnknownConfig):
        assert issubclass(each, ResponseError)
        assert not issubclass(each, TransportError)


def test_an_error_keeps_what_cobalt_said() -> None:
    cobalt = ScriptedCobalt(refusal(400, "BAD_REQUEST", "field region: no such option"))
    with pytest.raises(Refused, match="field region: no such option") as raised:
        write_config(cobalt.client())
    error = raised.value
    assert (error.status, error.code, error.message) == (400, "BAD_REQUEST", "field region: no such option")
    assert error.request_id == "req-1"
    assert "req-1" in str(error)


def test_a_message_is_cut_to_a_bounded_length() -> None:
    with pytest.raises(Refused) as raised:
        write_config(ScriptedCobalt(refusal(400, "BAD_REQUEST", "x" * 100_000)).client())
    assert len(raised.value.message) == 501


def test_a_list_of_messages_is_joined() -> None:
    with pytest.raises(Refused) as raised:
        write_config(ScriptedCobalt(answer({"error": "Bad Request", "message": ["a is odd", "b too"]}, 400)).client())
    assert raised.value.message == "a is odd; b too"


def test_a_missing_key_is_named_with_its_place_and_the_call() -> None:
    cobalt = ScriptedCobalt(answer([{"slug": "slack", "name": "Slack"}, {"slug": "asana"}]))
    with pytest.raises(UnexpectedAnswer, match=r"GET /api/v2/public/application: .*1\.name: Field required"):
        cobalt.client().fetch_applications("acme")


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("7", 7.0),
        ("0.5", 0.5),
        ("-3", 0.0),
        ("soon", None),
        ("inf", None),
        ("nan", None),
        (format_datetime(NOON + timedelta(seconds=30), usegmt=True), 30.0),
        (format_datetime(NOON - timedelta(seconds=30), usegmt=True), 0.0),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(header: str | None, seconds: float | None) -> None:
    headers = {} if header is None else {"retry-after": header}
    with pytest.raises(RateLimited) as raised:
        read_account(ScriptedCobalt(answer({"error": "RATE_LIMIT"}, 429, headers)).client())
    assert raised.value.retry_after_seconds == seconds


def test_an_answer_that_is_too_large_is_refused_before_it_is_all_read() -> None:
    read = 0

    def endless() -> object:
        nonlocal read
        while True:
            read += 1
            yield b" " * 1024 * 1024

    cobalt = ScriptedCobalt(lambda _: httpx.Response(200, content=endless()))  # type: ignore[arg-type]
    with pytest.raises(UnexpectedAnswer, match="larger than"):
        read_account(cobalt.client())
    assert read == 11


class CountingGovernor:
    """A governor that counts, and refuses when told to."""

    def __init__(self) -> None:
        self.slots = 0
        self.pauses: list[float | None] = []
        self.refuses = False

    def acquire(self) -> None:
        if self.refuses:
            raise RateLimited(1.5)
        self.slots += 1

    def throttled(self, retry_after_seconds: float | None) -> None:
        self.pauses.append(retry_after_seconds)


def test_the_governor_is_asked_before_every_request_and_told_of_every_429() -> None:
    governor = CountingGovernor()
    unknown = refusal(400, "INVALID_LINKED_ACCOUNT_ID")
    cobalt = ScriptedCobalt(unknown, unknown, account_answer(), refusal(429))
    with pytest.raises(RateLimited):
        cobalt.client(governor=governor).session_token("acme", ensure=True)
    assert governor.slots == len(cobalt.requests) == 4
    assert governor.pauses == [None]


def test_a_governor_without_a_slot_sends_nothing() -> None:
    governor = CountingGovernor()
    governor.refuses = True
    cobalt = ScriptedCobalt(account_answer())
    with pytest.raises(RateLimited) as raised:
        cobalt.client(governor=governor).fetch_account("acme")
    assert raised.value.retry_after_seconds == 1.5
    assert cobalt.requests == []
    assert governor.pauses == []


@pytest.mark.parametrize("base_url", ["", "app.refold.ai", "ftp://x", "https://", "https://u:p@x", "https://x?y=1"])
def test_a_bad_base_url_is_named_when_the_client_is_made(base_url: str) -> None:
    with pytest.raises(ValueError, match="base_url"):
        ScriptedCobalt(account_answer()).client(base_url=base_url)


def test_a_timeout_of_zero_is_named_when_the_client_is_made() -> None:
    with pytest.raises(ValueError, match="timeout_seconds"):
        ScriptedCobalt(account_answer()).client(timeout_seconds=0)
