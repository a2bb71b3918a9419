"""Keys, tokens and credentials appear in no error, no repr and no traceback."""

from __future__ import annotations

import traceback
from collections.abc import Callable

import httpx
import pytest

from cobalt_mirror.cobalt import Client, CobaltError, CredentialsRefused, Environment, Refused
from cobalt_mirror.cobalt.call import Call
from tests.unit.cobalt.scripted import KEY, Answer, ScriptedCobalt, account_answer, answer, refusal, token_answer

SECRET = "hunter22"
TOKEN = "token-that-must-not-leak"
SAID = f"{KEY} {SECRET} {TOKEN}"


def upsert(client: Client) -> None:
    client.upsert_account("é", auth_credentials={"password": SECRET})


def save(client: Client) -> None:
    client.save_key_credentials("acme", "sendgrid", {"api_key": SECRET})


def set_credential(client: Client) -> None:
    client.set_auth_credential("acme", "api_key", SECRET)


def read_with_token(client: Client) -> None:
    client.fetch_applications("é")


def network_error(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadError("reset", request=request)


@pytest.mark.parametrize("use", [upsert, save, set_credential, read_with_token])
@pytest.mark.parametrize(
    "given",
    [
        refusal(400, "BAD", SAID),
        refusal(400, SAID, "m"),
        refusal(401, "UNAUTHORIZED", SAID),
        refusal(500, "INTERNAL", SAID),
        answer({"error": "BAD", "message": "m", "request_id": SAID}, 400),
        httpx.Response(200, content=f'{{"{SAID}'.encode()),
        answer([SAID]),
        answer({"account_id": [SAID]}),
        httpx.Response(200, html=SAID),
        network_error,
    ],
)
def test_no_error_and_nothing_chained_to_it_shows_a_secret(
    use: Callable[[Client], None], given: Answer | Callable[[httpx.Request], httpx.Response]
) -> None:
    cobalt = ScriptedCobalt(token_answer(TOKEN), given) if use is read_with_token else ScriptedCobalt(given)
    # A call with a token does not carry the key; an answer that repeats what it was never shown is not the client's.
    sent = [TOKEN] if use is read_with_token else [KEY, SECRET]
    try:
        use(cobalt.client())
    except CobaltError as error:
        shown = "".join(traceback.format_exception(error)) + repr(error) + repr(vars(error)) + _chained(error)
        assert not [secret for secret in sent if secret in shown]


def _chained(error: BaseException) -> str:
    shown = ""
    cause = error.__cause__
    while cause is not None:
        request = cause.request if isinstance(cause, httpx.RequestError) else None
        shown += repr(cause) + (str(request.headers.raw) + str(request.content) if request else "")
        cause = cause.__cause__
    return shown


def test_a_message_that_repeats_a_credential_is_withheld() -> None:
    with pytest.raises(CredentialsRefused) as raised:
        save(ScriptedCobalt(refusal(500, "INTERNAL", f"Failed to verify credentials {SECRET}")).client())
    assert raised.value.message.startswith("(withheld")


def test_a_message_without_a_secret_is_kept() -> None:
    with pytest.raises(Refused, match="name is too long"):
        upsert(ScriptedCobalt(refusal(400, "BAD", "name is too long")).client())


def test_the_client_hides_its_key_and_names_its_environment() -> None:
    client = ScriptedCobalt(account_answer()).client()
    assert KEY not in f"{client!r} {client}"
    assert "https://app.refold.ai" in repr(client)
    assert client.environment is Environment.TEST


@pytest.mark.parametrize(
    ("key", "environment"),
    [("tk_1", Environment.TEST), ("pk_1", Environment.PRODUCTION), ("sk_1", None), ("t", None)],
)
def test_the_key_tells_the_environment_or_nothing(key: str, environment: Environment | None) -> None:
    assert Client(key).environment is environment


@pytest.mark.parametrize("key", ["", "tk_1\n", " tk_1", "tk_é"])
def test_a_key_that_no_header_carries_is_refused_without_being_shown(key: str) -> None:
    with pytest.raises(ValueError, match="api_key") as raised:
        Client(key)
    assert not key.strip() or key.strip() not in str(raised.value)


def test_a_call_hides_what_it_carries() -> None:
    call = Call(method="PUT", path="/x", headers={"x-api-key": KEY}, body={"password": SECRET}, secrets=(KEY, SECRET))
    assert KEY not in repr(call)
    assert SECRET not in repr(call)
