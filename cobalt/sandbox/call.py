"""One API call while it is handled: its caller, its subject and its checked body."""

from dataclasses import dataclass, field
from typing import Annotated, Any, NoReturn, TypeVar
from urllib.parse import parse_qsl

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError
from pydantic_core import from_json

from cobalt_mirror.cobalt.sandbox.messages import AccountRefusal, Refusal, SandboxRequest, bad_request
from cobalt_mirror.cobalt.sandbox.state import Account, Environment, World

Identifier = Annotated[str, StringConstraints(min_length=1, max_length=512, pattern=r"^[^\x00-\x1f\x7f]+$")]
"""A non-empty text without control characters."""


class Body(BaseModel):
    """A request body: exact types, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


BodyT = TypeVar("BodyT", bound=Body)


@dataclass(kw_only=True, slots=True)
class Call:
    """The argument of a handler.

    Attributes:
        environment: Decided by the key or the session token.
        token: The session token, when the caller has one instead of a key.
        token_account: The account of that session token.
    """

    world: World
    request: SandboxRequest
    params: dict[str, str]
    base_url: str
    environment: Environment = Environment.TEST
    token: str | None = field(default=None, repr=False)
    token_account: Account | None = None
    _query: dict[str, str] | None = None

    @property
    def slug(self) -> str:
        """The application in the path."""
        return self.params["slug"]

    def query(self, name: str) -> str | None:
        """Return the first value of a query parameter.

        Raises:
            Refusal: 400 when the query is no UTF-8.
        """
        if self._query is None:
            try:
                pairs = parse_qsl(self.request.query, keep_blank_values=True, errors="strict")
            except UnicodeDecodeError:
                raise bad_request("The query is not UTF-8.") from None
            self._query = dict(reversed(pairs))
        return self._query.get(name)

    def header_flag(self, name: str) -> bool:
        """Return whether a header is `true`; it may be absent.

        Raises:
            Refusal: 400 when it is neither `true` nor `false`.
        """
        value = self.request.headers.get(name, "false")
        if value not in {"true", "false"}:
            raise bad_request(f"The header {name} must be true or false.")
        return value == "true"

    def account_from_header(self) -> Account:
        """Return the account of this call: the session token's, or the one in the header `linked_account_id`.

        Raises:
            Refusal: 400 when there is neither, or no such account.
        """
        if self.token_account is not None:
            return self.token_account
        linked_account_id = self.request.headers.get("linked_account_id")
        if not linked_account_id:
            raise AccountRefusal(400, "BAD_REQUEST", "The header linked_account_id is missing.")
        return self.world.get_account(self.environment, linked_account_id)

    def account_from_header_or_query(self) -> Account:
        """Return the account of this call; a header takes precedence over the query.

        Raises:
            Refusal: 400 when there is neither, or no such account.
        """
        if "linked_account_id" in self.request.headers or self.query("linked_account_id") is None:
            return self.account_from_header()
        return self.account_from_query()

    def account_from_query(self) -> Account:
        """Return the account of this call: the session token's, or the one in the query's `linked_account_id`.

        Raises:
            Refusal: 400 when there is neither, the two differ, or no such account.
        """
        named = self.query("linked_account_id")
        if self.token_account is not None:
            if named is not None and named != self.token_account.linked_account_id:
                raise bad_request("The session token belongs to another account than linked_account_id.")
            return self.token_account
        if not named:
            raise bad_request("The query parameter linked_account_id is missing.")
        return self.world.get_account(self.environment, named)

    def body(self, model: type[BodyT]) -> BodyT:
        """Return the JSON body, checked.

        Raises:
            Refusal: 400 that names what is wrong.
        """
        return check_body(model, self.json_object())

    def json_object(self) -> dict[str, Any]:
        """Return the JSON body, which must be an object.

        Raises:
            Refusal: 400 when it is not.
        """
        if not self.request.headers.get("content-type", "").lower().startswith("application/json"):
            raise bad_request("The body must be sent as application/json.")
        parsed = read_json(self.request.body)
        if not isinstance(parsed, dict):
            raise bad_request("The body must be a JSON object.")
        return parsed


def check_body(model: type[BodyT], fields: dict[str, Any]) -> BodyT:
    """Return the fields of a body, checked.

    Raises:
        Refusal: 400 that names what is wrong.
    """
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        refuse_invalid(error)


def read_json(body: bytes) -> Any:
    """Parse strict JSON: UTF-8, no NaN, no lone surrogates.

    Raises:
        Refusal: 400.
    """
    try:
        return from_json(body, allow_inf_nan=False)
    except ValueError:
        raise bad_request("The body is not valid JSON.") from None


def refuse_invalid(error: ValidationError) -> NoReturn:
    """Raise a 400 for an error of pydantic; it names the field and never repeats its value."""
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "body"
    raise Refusal(400, "BAD_REQUEST", f"{where}: {first['msg']}") from None
