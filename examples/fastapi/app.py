"""The app: sign-up, a session cookie, the page of integrations, and the notices."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from fastapi import Depends, FastAPI, Form, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from fastapi.templating import Jinja2Templates
from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from standardwebhooks.webhooks import WebhookVerificationError
from starlette.middleware.sessions import SessionMiddleware

from cobalt_mirror import UserDeleted, UserSignedUp, publish
from cobalt_mirror.web import integrations_page

from .notices import keep_notice, list_notices, read_notice
from .users import Base, User, find_user, new_user

templates = Jinja2Templates(Path(__file__).parent / "templates")
#: The largest notice, in bytes.
LARGEST_NOTICE = 64 * 1024


def open_session(request: Request) -> Iterator[Session]:
    """Give a request a database session of its own."""
    with Session(request.app.state.engine) as session:
        yield session


def account_of(request: Request) -> str | None:
    """Return the linked account of who is signed in: the user's own id. A user who has left is signed in nowhere."""
    user_id: str | None = request.session.get("user_id")
    with Session(request.app.state.engine) as session:
        return None if user_id is None or session.get(User, user_id) is None else user_id


OpenSession = Annotated[Session, Depends(open_session)]
UserId = Annotated[str | None, Depends(account_of)]
Text = Annotated[str, Form(min_length=1, max_length=200)]


def create_app(engine: Engine, *, session_secret: str, notices_secret: str) -> FastAPI:
    """Return the app. Its tables and the mirror's are in one database, so both are written in one transaction."""
    app = FastAPI(openapi_url=None)
    app.state.engine, app.state.notices_secret = engine, notices_secret
    app.add_middleware(SessionMiddleware, secret_key=session_secret, same_site="lax")
    app.add_api_route("/", home, response_class=HTMLResponse)
    app.add_api_route("/sign-up", sign_up, methods=["POST"], response_class=Response)
    app.add_api_route("/sign-in", sign_in, methods=["POST"], response_class=Response)
    app.add_api_route("/sign-out", sign_out, methods=["POST"], response_class=Response)
    app.add_api_route("/leave", leave, methods=["POST"], response_class=Response)
    app.add_api_route("/notices", receive_notice, methods=["POST"], response_class=Response)
    app.mount("/integrations", integrations_page(account_of, title="Integrations of Exemplary", home="/", sign_in="/"))
    Base.metadata.create_all(engine)
    return app


def from_environment() -> FastAPI:
    """Return the app as `uvicorn --factory` runs it."""
    engine = create_engine(os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+psycopg://"))
    return create_app(engine, session_secret=os.environ["SESSION_SECRET"], notices_secret=os.environ["NOTICES_SECRET"])


def home(request: Request, session: OpenSession, user_id: UserId) -> Response:
    """Show who is signed in what they have, and anybody else the forms to sign up and in."""
    user = None if user_id is None else session.get(User, user_id)
    notices = [] if user is None else list_notices(session, user)
    return templates.TemplateResponse(request, "home.html", {"user": user, "notices": notices})


def sign_up(request: Request, session: OpenSession, company: Text, email: Text, password: Text) -> Response:
    """Save a user, and tell Cobalt of a new customer: both or neither."""
    user = new_user(email, company, password)
    session.add(user)
    try:
        session.flush()
    except IntegrityError:
        return templates.TemplateResponse(request, "home.html", {"problem": "This address is taken."}, 409)
    publish(UserSignedUp(user.id, name=company, udf={"email": user.email}), session)
    session.commit()
    request.session["user_id"] = user.id
    return RedirectResponse("/integrations/", 303)


def sign_in(request: Request, session: OpenSession, email: Text, password: Text) -> Response:
    """Begin a session."""
    user = find_user(session, email, password)
    if user is None:
        return templates.TemplateResponse(request, "home.html", {"problem": "Wrong address or password."}, 401)
    request.session["user_id"] = user.id
    return RedirectResponse("/", 303)


def sign_out(request: Request) -> Response:
    """End the session."""
    request.session.clear()
    return RedirectResponse("/", 303)


def leave(request: Request, session: OpenSession, user_id: UserId) -> Response:
    """Delete a user, and have everything about the customer deleted at Cobalt: both or neither."""
    if user_id is not None and (user := session.get(User, user_id)) is not None:
        session.delete(user)
        publish(UserDeleted(user_id), session)
        session.commit()
    return sign_out(request)


async def receive_notice(request: Request) -> Response:
    """Take a notice from the mirror, and show it to the customer the next time."""
    body = await request.body()
    if len(body) > LARGEST_NOTICE:
        raise HTTPException(413)
    try:
        notice = read_notice(request.app.state.notices_secret, body, dict(request.headers))
    except WebhookVerificationError as error:
        raise HTTPException(401, str(error)) from None
    with Session(request.app.state.engine) as session:
        keep_notice(session, notice)
        session.commit()
    return Response(status_code=204)
