"""Pages for customers: the OAuth consent, with Allow and Deny, and the frame of the hosted page."""

from html import escape
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from cobalt_mirror.cobalt.sandbox import connections, hosted
from cobalt_mirror.cobalt.sandbox.messages import Refusal, SandboxRequest, SandboxResponse, html_response
from cobalt_mirror.cobalt.sandbox.state import Account, Consent, World

_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{title}</title>
<style>body{{font:16px system-ui;max-width:32rem;margin:4rem auto;padding:0 1rem}}
button{{font:inherit;padding:.5rem 1.5rem;margin-right:.5rem}}</style>
<h1>{title}</h1>{content}</html>"""

_CONSENT = """<p>Let the sandbox connect <b>{account}</b> to <b>{application}</b>?</p>
<form method="post" action="/consent">
<input type="hidden" name="linked_account_id" value="{account}">
<input type="hidden" name="slug" value="{slug}"><input type="hidden" name="state" value="{state}">
<button name="decision" value="allow">Allow</button><button name="decision" value="deny">Deny</button></form>"""


def answer(world: World, request: SandboxRequest, *, base_url: str | None) -> SandboxResponse:
    """Serve a page or handle a decision; pages are neither rate-limited nor in the ledger."""
    try:
        if request.path.startswith("/connect/") and request.method == "GET":
            base = base_url or f"http://{request.headers.get('host', 'localhost')}"
            return _page(200, *hosted.title_and_content(world, request, base))
        if request.path.startswith("/connect/") and request.method == "POST":
            return hosted.submit(world, request)
        if request.path == "/consent" and request.method == "GET":
            return _consent_page(world, _pairs(request.query))
        if request.path == "/consent" and request.method == "POST":
            return _decide(world, _pairs(request.body.decode()))
        raise Refusal(404, "NOT_FOUND", "There is no such page.")
    except UnicodeDecodeError:
        return _page(400, "Bad request", "The form is not UTF-8.")
    except Refusal as refusal:
        return _page(refusal.status, "Sorry", escape(refusal.message))


def _consent_page(world: World, form: dict[str, str]) -> SandboxResponse:
    _, account, slug = _open_consent(world, form)
    content = _CONSENT.format(
        account=escape(account.linked_account_id),
        application=escape(world.applications[slug].name),
        slug=escape(slug),
        state=escape(form["state"]),
    )
    return _page(200, f"Connect {world.applications[slug].name}", content)


def _decide(world: World, form: dict[str, str]) -> SandboxResponse:
    consent, account, slug = _open_consent(world, form)
    decision = form.get("decision", "allow")
    if decision not in {"allow", "deny"}:
        raise Refusal(400, "BAD_REQUEST", "decision must be allow or deny.")
    application = world.find_application(slug)
    if application is None:
        raise Refusal(404, "EXTERNAL_API_FAILURE", f"The application {slug!r} is not enabled.")
    del world.consents[form["state"]]
    if decision == "allow":
        connections.connect(world, account, application, auth_type="oauth2", choice=consent.choice)
    outcome = {"status": "connected" if decision == "allow" else "denied", "slug": slug}
    if consent.redirect_url is not None:
        location = _with_query(consent.redirect_url, outcome)
        return SandboxResponse(status=303, headers={"location": location, "content-type": "text/plain"})
    title = "Connected" if decision == "allow" else "Not connected"
    return _page(200, title, "<p>You may close this window.</p>")


def _open_consent(world: World, form: dict[str, str]) -> tuple[Consent, Account, str]:
    consent = world.consents.get(form.get("state", ""))
    if consent is None or consent.slug is None:
        raise Refusal(400, "INVALID_STATE", "This consent was never requested, or was decided already.")
    named = (form.get("linked_account_id"), form.get("slug"))
    if named != (consent.linked_account_id, consent.slug):
        raise Refusal(400, "INVALID_STATE", "This consent was requested for another account or application.")
    return consent, world.get_account(consent.environment, consent.linked_account_id), consent.slug


def _page(status: int, title: str, content: str) -> SandboxResponse:
    return html_response(status, _PAGE.format(title=title, content=content))


def _pairs(encoded: str) -> dict[str, str]:
    return dict(parse_qsl(encoded, keep_blank_values=True, errors="strict"))


def _with_query(address: str, extra: dict[str, str]) -> str:
    parts = urlsplit(address)
    query = "&".join(piece for piece in (parts.query, urlencode(extra)) if piece)
    return urlunsplit(parts._replace(query=query))
