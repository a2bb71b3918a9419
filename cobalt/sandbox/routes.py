"""Every path of Cobalt's API that the sandbox serves."""

from collections.abc import Callable
from dataclasses import replace

from cobalt_mirror.cobalt.sandbox import (
    accounts,
    applications,
    config_fields,
    configs,
    connecting,
    default_app,
    events,
    tokens,
    webhooks,
)
from cobalt_mirror.cobalt.sandbox.call import Call
from cobalt_mirror.cobalt.sandbox.router import Access, Route, Router

Handler = Callable[[Call], object]

_PUBLIC = "/api/v2/public"
_ACCOUNT = f"{_PUBLIC}/linked-account"
_CREDENTIAL = f"{_ACCOUNT}/default-app/auth-credentials/{{key}}"
_CONFIG = f"{_PUBLIC}/slug/{{slug}}/config"
_BROWSER = "/api/v2/f-sdk"
_BROWSER_CONFIG = f"{_BROWSER}/slug/{{slug}}/config"
KEY, TOKEN = Access.KEY, Access.TOKEN

_ORGANISATION: tuple[Route[Handler], ...] = (
    Route("create_account", "POST", _ACCOUNT, accounts.create, KEY),
    Route("list_accounts", "GET", _ACCOUNT, accounts.list_page, KEY),
    Route("delete_account", "DELETE", f"{_ACCOUNT}/{{linked_account_id}}", accounts.remove, KEY),
    Route("session_token", "POST", f"{_PUBLIC}/session-token", tokens.issue, KEY),
    Route("register_webhook", "POST", f"{_PUBLIC}/webhook", webhooks.register, KEY),
    Route("list_webhooks", "GET", f"{_PUBLIC}/webhook", webhooks.list_all, KEY),
    Route("read_webhook", "GET", f"{_PUBLIC}/webhook/{{id}}", webhooks.read, KEY),
    Route("change_webhook", "PUT", f"{_PUBLIC}/webhook/{{id}}", webhooks.change, KEY),
    Route("delete_webhook", "DELETE", f"{_PUBLIC}/webhook/{{id}}", webhooks.remove, KEY),
)

_OF_ONE_ACCOUNT: tuple[Route[Handler], ...] = (
    Route("active_account", "GET", f"{_PUBLIC}/session/active-linked-account", accounts.read_active, TOKEN),
    Route("set_credential", "PUT", _CREDENTIAL, default_app.set_credential),
    Route("delete_credential", "DELETE", _CREDENTIAL, default_app.delete_credential),
    Route("upsert_account", "PUT", _ACCOUNT, accounts.upsert),
    Route("read_account", "GET", f"{_ACCOUNT}/{{linked_account_id}}", accounts.read),
    Route("list_applications", "GET", f"{_PUBLIC}/application", applications.list_all),
    Route("read_application", "GET", f"{_PUBLIC}/application/{{slug}}", applications.read),
    Route("oauth_url", "GET", f"{_ACCOUNT}/integration/oauth-url/{{slug}}", connecting.oauth_url),
    Route(
        "save_credentials", "PUT", f"{_ACCOUNT}/integration/save-key-credentials/{{slug}}", connecting.save_credentials
    ),
    Route("connect_url", "POST", f"{_PUBLIC}/connect-url", connecting.connect_url, TOKEN),
    Route("delete_integration", "DELETE", f"{_ACCOUNT}/integration/{{slug}}", connecting.delete_integration),
    Route("revoke_token", "POST", f"{_PUBLIC}/session-token/revoke", tokens.revoke, TOKEN),
)

_OF_THE_BROWSER: tuple[Route[Handler], ...] = (
    Route("sdk_organisation", "GET", "/api/v3/org/basics", applications.read_organisation, TOKEN),
    Route("sdk_list_applications", "GET", f"{_BROWSER}/application", applications.list_all, TOKEN),
    Route("sdk_read_application", "GET", f"{_BROWSER}/application/{{slug}}", applications.read, TOKEN),
    Route("sdk_oauth_url", "GET", "/api/v1/{slug}/integrate", connecting.integrate, TOKEN),
    Route("sdk_integrate", "POST", "/api/v1/{slug}/integrate", connecting.integrate, TOKEN),
    Route("sdk_save_credentials", "POST", "/api/v2/app/{slug}/save", connecting.save_credentials, TOKEN),
    Route(
        "sdk_delete_integration",
        "DELETE",
        "/api/v1/linked-acc/integration/{slug}",
        connecting.delete_integration,
        TOKEN,
    ),
)

_CONFIGS: tuple[Route[Handler], ...] = (
    Route("find_or_create_config", "POST", f"{_PUBLIC}/config", configs.find_or_create),
    Route("replace_config", "PUT", f"{_PUBLIC}/config", configs.replace),
    Route("read_config", "GET", _CONFIG, configs.read),
    Route("read_config", "GET", f"{_CONFIG}/{{config_id}}", configs.read),
    Route("list_configs", "GET", f"{_PUBLIC}/slug/{{slug}}/configs", configs.list_ids),
    Route("delete_config", "DELETE", _CONFIG, configs.remove),
    Route("delete_config", "DELETE", f"{_CONFIG}/{{config_id}}", configs.remove),
    Route("toggle_workflow", "PATCH", f"{_CONFIG}/{{config_id}}/workflows/{{workflow_id}}", configs.toggle_workflow),
    Route("list_fields", "POST", f"{_PUBLIC}/config/field", config_fields.list_all),
    Route("read_field", "POST", f"{_PUBLIC}/config/field/{{field_id}}", config_fields.read),
    Route("set_field", "PUT", f"{_PUBLIC}/config/field/{{field_id}}", config_fields.set_value),
    Route("clear_field", "DELETE", f"{_PUBLIC}/config/field/{{field_id}}", config_fields.clear),
    Route("read_rule_options", "POST", f"{_PUBLIC}/config/rule-engine/{{field_id}}", config_fields.rule_options),
    Route("fire_event", "POST", f"{_PUBLIC}/event/trigger", events.fire),
    Route("fire_event", "POST", f"{_PUBLIC}/event/{{slug}}", events.fire),
    Route("sdk_find_or_create_config", "POST", f"{_BROWSER}/config", configs.find_or_create, TOKEN),
    Route("sdk_replace_config", "PUT", f"{_BROWSER}/config", configs.replace, TOKEN),
    Route("sdk_read_config", "GET", _BROWSER_CONFIG, configs.read, TOKEN),
    Route("sdk_read_config", "GET", f"{_BROWSER_CONFIG}/{{config_id}}", configs.read, TOKEN),
    Route("sdk_delete_config", "DELETE", _BROWSER_CONFIG, configs.remove, TOKEN),
    Route("sdk_delete_config", "DELETE", f"{_BROWSER_CONFIG}/{{config_id}}", configs.remove, TOKEN),
)

# The service behind configs and events calls the code of an error otherwise.
_CONFIG_ROUTES = tuple(replace(route, error_key="error_code") for route in _CONFIGS)
ROUTES = _ORGANISATION + _OF_ONE_ACCOUNT + _OF_THE_BROWSER + _CONFIG_ROUTES
ROUTER: Router[Handler] = Router(ROUTES)
