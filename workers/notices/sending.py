"""Send a notice to an endpoint, and return how the attempt ended."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus

import httpcore

from cobalt_mirror.cobalt.deadline import CountdownBackend, Deadline
from cobalt_mirror.workers.endpoints import Endpoint
from cobalt_mirror.workers.notices.addresses import AddressRefused, PublicBackend
from cobalt_mirror.workers.notices.notice import Notice, make_body
from cobalt_mirror.workers.notices.schedule import Answer, Ending, read_retry_after
from cobalt_mirror.workers.notices.signing import signed_headers
from cobalt_mirror.workers.release import release

#: The total time of one attempt, however slowly a receiver answers.
TIMEOUT_SECONDS = 20.0


def create_pool(context: ssl.SSLContext, *, allows_private: bool) -> httpcore.ConnectionPool:
    """Return a pool for requests to endpoints: each attempt connects anew, directly, and to checked addresses."""
    public = PublicBackend(httpcore.SyncBackend(), allows_private=allows_private)
    return httpcore.ConnectionPool(
        ssl_context=context,
        max_connections=None,
        max_keepalive_connections=0,
        network_backend=CountdownBackend(public),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Sends notices to one endpoint. Nothing is retried and no redirect is followed here."""

    endpoint: Endpoint
    pool: httpcore.ConnectionPool
    timeout_seconds: float = TIMEOUT_SECONDS
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def send(self, notice: Notice) -> Answer:
        """Make one attempt. What the receiver writes into its answer is not read."""
        body = make_body(notice)
        headers = {
            "content-type": "application/json",
            "user-agent": f"cobalt-mirror/{release()}",
            "connection": "close",
            **signed_headers(self.endpoint.secrets, id_=notice.id, at=self.clock(), body=body),
        }
        try:
            with self.pool.stream(
                "POST",
                self.endpoint.url,
                headers=list(headers.items()),
                content=body,
                extensions={"timeout": Deadline(self.timeout_seconds).as_extension()},
            ) as response:
                return _answer(response, now=self.clock())
        except AddressRefused as error:
            return Answer(ending=Ending.FAILED, detail=str(error))
        except (httpcore.ConnectError, httpcore.ConnectTimeout, httpcore.PoolTimeout) as error:
            return Answer(ending=Ending.FAILED, detail=f"it was not reached ({type(error).__name__})")
        except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError) as error:
            return Answer(
                ending=Ending.UNANSWERED,
                detail=f"it did not answer within {self.timeout_seconds:g} s, or hung up ({type(error).__name__})",
            )


def _answer(response: httpcore.Response, *, now: datetime) -> Answer:
    status = response.status
    if HTTPStatus(200) <= status < HTTPStatus(300):
        return Answer(ending=Ending.TAKEN)
    if status == HTTPStatus.GONE:
        return Answer(ending=Ending.GONE, detail="it answered 410: it wants nothing any more")
    redirects = "; redirects are not followed" if 300 <= status < 400 else ""
    header = {name.lower(): value for name, value in response.headers}.get(b"retry-after")
    return Answer(
        ending=Ending.FAILED,
        detail=f"it answered {status}{redirects}",
        retry_after_seconds=read_retry_after(None if header is None else header.decode("latin-1"), now=now),
    )
