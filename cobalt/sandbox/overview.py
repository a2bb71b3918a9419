"""The page at `/`: accounts, connections, configs and calls as they come, with a button for each change by hand."""

from base64 import b64encode
from collections.abc import Iterable
from functools import cache
from hashlib import sha256
from heapq import nlargest
from html import escape
from importlib.resources import files
from json import dumps
from typing import Any

from cobalt_mirror.cobalt.sandbox import snapshot
from cobalt_mirror.cobalt.sandbox.ledger import CallRecord
from cobalt_mirror.cobalt.sandbox.messages import HTML_TYPE, Refusal, SandboxRequest, SandboxResponse, json_response
from cobalt_mirror.cobalt.sandbox.notifications import WorkflowEvent
from cobalt_mirror.cobalt.sandbox.origin import check_origin
from cobalt_mirror.cobalt.sandbox.state import Account, World

ACCOUNTS, CALLS = 50, 50


def answer(world: World, request: SandboxRequest) -> SandboxResponse:
    """Serve the page, without secrets, to this machine's browser alone."""
    try:
        check_origin(request)
    except Refusal as refusal:
        return json_response(refusal.status, refusal.body("-"))
    template, policy = _template()
    page = template.replace("<!-- content -->", _content(world))
    headers = {"content-type": HTML_TYPE, "content-security-policy": policy, "cache-control": "no-store"}
    return SandboxResponse(status=200, headers=headers, body=page.encode())


@cache
def _template() -> tuple[str, str]:
    """Return the frame of the page, and the policy that lets its own script run and no other."""
    template = files(__package__).joinpath("overview.html").read_text("utf-8")
    script = template.partition("<script>")[2].partition("</script>")[0]
    digest = b64encode(sha256(script.encode()).digest()).decode()
    ours = f"script-src 'sha256-{digest}'; style-src 'unsafe-inline'; connect-src 'self'"
    return template, f"default-src 'none'; {ours}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def _content(world: World) -> str:
    accounts = [account for of_one in world.accounts.values() for account in of_one.values()]
    newest = nlargest(ACCOUNTS, accounts, key=lambda account: account.created_at)
    shown = "".join(_account(world, account) for account in newest) or "<p>There are none yet.</p>"
    more = f"<p>These are the newest {ACCOUNTS} of {len(accounts)}.</p>" if len(accounts) > ACCOUNTS else ""
    applications = "".join(_application(world, slug) for slug in sorted(world.applications))
    calls = "".join(_call(call) for call in world.ledger.latest_calls(CALLS))
    heads = "".join(f'<th scope="col">{name}</th>' for name in ("call", "account", "status"))
    return (
        f"<h2>Accounts</h2>{shown}{more}"
        f"<h2>Latest calls</h2><table><thead><tr>{heads}</tr></thead><tbody>{calls}</tbody></table>"
        f'<h2>Applications</h2><details data-key="applications"><summary>{len(world.applications)} applications'
        f"</summary><ul>{applications}</ul></details>"
    )


def _account(world: World, account: Account) -> str:
    about = {"linked_account_id": account.linked_account_id, "environment": account.environment.value}
    state = snapshot.of_account(world, account)
    name = account.linked_account_id
    connections = "".join(_connection(row, part, about) for row in state["connections"] for part in row["accounts"])
    configs = "".join(_config(row, about) for row in state["configs"])
    [row] = state["accounts"]
    counts = f"{len(state['connections'])} connected, {len(state['configs'])} configs"
    return (
        f'<details data-key="{escape(dumps(about))}"><summary><b>{escape(name)}</b> {escape(row["name"] or "")} '
        f"({account.environment.value}): {counts}</summary>"
        f"<p>udf: {escape(dumps(row['udf'], ensure_ascii=False))}</p>"
        f"<ul>{connections}{configs}</ul>{_forms(world, name, about)}"
        f"{_button('delete_account', 'Delete the account', of=name, **about)}</details>"
    )


def _forms(world: World, name: str, about: dict[str, Any]) -> str:
    slugs = [(slug, each.name) for slug, each in world.applications.items() if slug not in world.disabled]
    workflows = [(flow.id, flow.name) for each in world.applications.values() for flow in each.workflows]
    ends = [(each.value, each.value) for each in WorkflowEvent]
    return (
        _form("connect", "Connect", _select("slug", "Application", slugs), of=name, **about)
        + _form("rename_account", "Rename", _text("name", "New name"), of=name, **about)
        + _form("set_udf", "Set udf", _text("udf", 'Fields, such as {"plan": "pro"}', json=True), of=name, **about)
        + _form(
            "notify_workflow",
            "Notify",
            _select("workflow_id", "Workflow", workflows) + _select("event", "Event", ends),
            of=name,
            **about,
        )
    )


def _connection(row: dict[str, Any], part: dict[str, Any], about: dict[str, Any]) -> str:
    which: dict[str, Any] = {name: part[name] for name in ("connection_id", "auth_type") if name in part}
    arguments = {**about, "slug": row["slug"], **which}
    labels = {
        "disconnect": "Disconnect",
        "expire_connection": "Expire",
        "recover_connection": "Recover",
        "renew_token": "Renew the token",
    }
    of = f"{row['slug']} of {row['linked_account_id']}"
    buttons = "".join(_button(action, label, of=of, **arguments) for action, label in labels.items())
    shown = " ".join([row["slug"], *which.values(), part["status"]])
    return f"<li>{escape(shown)}<br>{buttons}</li>"


def _config(row: dict[str, Any], about: dict[str, Any]) -> str:
    which: dict[str, Any] = {name: row[name] for name in ("config_id", "connection_id") if row[name]}
    arguments, of = {**about, "slug": row["slug"], **which}, f"the config {row['config_id']} of {row['slug']}"
    values = dumps(row["fields"], ensure_ascii=False)
    enabled = ", ".join(flow["id"] for flow in row["workflows"] if flow["enabled"]) or "none"
    edit = _form("edit_config", "Change", _text("fields", "Fields as JSON", json=True), of=of, **arguments)
    return (
        f"<li>{escape(of)}: {escape(values)}; workflows on: {escape(enabled)}"
        f"{edit}{_button('delete_config', 'Delete', of=of, **arguments)}</li>"
    )


def _application(world: World, slug: str) -> str:
    application = world.applications[slug]
    action, label = ("enable_application", "Enable") if slug in world.disabled else ("disable_application", "Disable")
    return f"<li>{escape(application.name)} {_button(action, label, of=application.name, slug=slug)}</li>"


def _call(call: CallRecord) -> str:
    status = "no answer" if call.status is None else str(call.status)
    fault = "" if call.fault is None else f" ({call.fault})"
    what = f"{call.n} {call.at[11:19]} {call.method} {call.path}"
    cells = (what, call.linked_account_id or "", status + fault)
    return f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"


def _button(action: str, label: str, *, of: str, **arguments: Any) -> str:
    return f'<button type="button" {_does(action, arguments)} aria-label="{escape(f"{label}: {of}")}">{label}</button>'


def _form(action: str, label: str, inputs: str, *, of: str, **arguments: Any) -> str:
    button = f'<button aria-label="{escape(f"{label}: {of}")}">{label}</button>'
    return f"<form {_does(action, arguments)}>{inputs}{button}</form>"


def _does(action: str, arguments: dict[str, Any]) -> str:
    return f'data-action="{action}" data-arguments="{escape(dumps(arguments))}"'


def _text(name: str, label: str, *, json: bool = False) -> str:
    return f'<label>{escape(label)} <input type="text" name="{name}" required{" data-json" if json else ""}></label>'


def _select(name: str, label: str, choices: Iterable[tuple[str, str]]) -> str:
    options = "".join(f'<option value="{escape(value)}">{escape(text)}</option>' for value, text in choices)
    return f'<label>{label} <select name="{name}">{options}</select></label>'
