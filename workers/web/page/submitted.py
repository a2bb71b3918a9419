"""The bodies that the page's script sends."""

from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request

from cobalt_mirror.workers.errors import NotJson
from cobalt_mirror.workers.web.body import decode, read_body

#: The largest body, in bytes: four times what an event may hold, so that a text that is too long is said to be.
LARGEST_BODY = 1024 * 1024

Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Sent = TypeVar("Sent", bound="Body")


class Body(BaseModel):
    """A body; what it holds is never shown in an error."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", hide_input_in_errors=True)


class TokenWanted(Body):
    """A session token is wanted; `anew`: Cobalt refused the last one."""

    anew: bool = False


class AboutConnection(Body):
    """An application, and which of its connections if it holds several."""

    slug: Name
    connection_id: str = Field(default="", max_length=200)

    def connection(self) -> dict[str, str | None]:
        """Return both as an event has them."""
        return {"slug": self.slug, "connection_id": self.connection_id or None}


class Subject(AboutConnection):
    """What is connected, disconnected or set up; `auth_type` is how it was connected."""

    auth_type: Name | None = None


class Answer(Body):
    """What one field was filled in with; `workflow` is None for one of the config itself."""

    workflow: Name | None
    field: Name
    values: list[str] = Field(repr=False)


class Submitted(AboutConnection):
    """What the customer changed in the form of a config: fields, and which workflows are enabled."""

    answers: list[Answer] = Field(default_factory=list, repr=False)
    enabled: dict[Name, bool] = Field(default_factory=dict)


async def read_sent(request: Request, kind: type[Sent]) -> Sent:
    """Read the body of a request.

    Raises:
        HTTPException: 400, as it is not what the page's script sends.
    """
    try:
        return kind.model_validate(decode(await read_body(request, limit=LARGEST_BODY)))
    except (NotJson, ValidationError):
        raise HTTPException(400, "the request is not one that this page sends; load the page again") from None
