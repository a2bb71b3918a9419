"""A notification of our own, sent to the webhook's address as Cobalt would send it: does it arrive?"""

import json
from dataclasses import dataclass

import httpx

from cobalt_mirror.cobalt.deadline import Deadline, countdown_transport
from cobalt_mirror.cobalt.signatures import NOT_SIGNED, SIGNATURE_HEADER, sign
from cobalt_mirror.db.notifications import DELIVERY_TEST

#: How long the address may take, from the name lookup to the end of the answer.
DELIVERY_TIMEOUT_SECONDS = 10.0
#: How much of the answer is read, in bytes; that of a mirror is a line.
_ANSWER_BYTES = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """Whether the test notification arrived, and a sentence that says so, or why not and what to do."""

    arrived: bool
    sentence: str


def send_test_notification(url: str, *, api_key: str, timeout_seconds: float = DELIVERY_TIMEOUT_SECONDS) -> Delivery:
    """Send a signed notification to `url` once, and return what came of it. The mirror behind it records it.

    Args:
        url: The address that Cobalt has, `http://` or `https://`.
        api_key: The key that signs it; Cobalt signs its notifications with the same.
        timeout_seconds: Total time that the address may take.
    """
    body = json.dumps({"event": DELIVERY_TEST}).encode()
    headers = {"content-type": "application/json", "accept-encoding": "identity", SIGNATURE_HEADER: sign(body, api_key)}
    deadline = Deadline(timeout_seconds)
    try:
        with (
            httpx.Client(transport=countdown_transport(httpx.URL(url))) as client,
            client.stream(
                "POST", url, content=body, headers=headers, extensions={"timeout": deadline.as_extension()}
            ) as response,
        ):
            return judge(url, response.status_code, _beginning(response), location=response.headers.get("location"))
    except httpx.TimeoutException:
        return _unreachable(url, f"no answer within {timeout_seconds:g} s")
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:  # the last: of a proxy or of certificates
        return _unreachable(url, str(error) or type(error).__name__)


def _beginning(response: httpx.Response) -> bytes:
    answer = b""
    for piece in response.iter_raw():
        answer += piece
        if len(answer) >= _ANSWER_BYTES:
            break
    return answer[:_ANSWER_BYTES]


def _unreachable(url: str, reason: str) -> Delivery:
    return Delivery(
        arrived=False,
        sentence=f"a test notification did not reach {url} from here ({reason}); if this machine should reach it, "
        "start `cobalt-mirror web` or correct the address, then run this again",
    )


def judge(url: str, status: int, answer: bytes, *, location: str | None = None) -> Delivery:
    """Return whether an answer is that of a mirror which recorded the test notification, and what to do if not.

    Args:
        url: The address that answered.
        status: HTTP status of the answer.
        answer: Its body, or the beginning of it.
        location: Where a redirect points to; None if the answer does not say.
    """
    match status:
        case 200 if _is_recorded(answer):
            return Delivery(arrived=True, sentence=f"a test notification arrived at {url}")
        case 200:
            cause = "something else than `cobalt-mirror web` answers there; correct the address or the proxy before it"
        case 401 if NOT_SIGNED.encode() in answer:
            cause = f"{NOT_SIGNED} arrived there; let the proxy before it pass that header on"
        case 401:
            cause = "it has another COBALT_API_KEY than this command; set the same one for both and restart `web`"
        case 404 | 405:
            cause = "it does not serve POST at this path; the path of `cobalt-mirror web` is /webhooks/cobalt"
        case 503:
            cause = "its database failed or its proxy found no `cobalt-mirror web`; see its log"
        case _ if 300 <= status < 400:
            target = f" to {location}" if location is not None and location.isprintable() else ""
            cause = f"it redirects{target}, which Cobalt does not follow; register the address that answers by itself"
        case _:
            cause = "Cobalt takes any answer but 200 for a failure; see the log of `cobalt-mirror web` and of its proxy"
    return Delivery(arrived=False, sentence=f"a test notification did not arrive: {url} answers {status}: {cause}")


def _is_recorded(answer: bytes) -> bool:
    try:
        return bool(json.loads(answer) == {"recorded": DELIVERY_TEST})
    except ValueError:
        return False
