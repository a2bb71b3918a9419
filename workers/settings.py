"""The settings of our processes, read from the environment and checked once at start."""

import re
from datetime import timedelta
from typing import Any

from pydantic import Field, SecretStr, field_validator

from cobalt_mirror.addresses import checked_address
from cobalt_mirror.db.errors import BadSetting
from cobalt_mirror.workers.endpoints import NoticeSettings
from cobalt_mirror.workers.log_format import LogFormat
from cobalt_mirror.workers.redis_options import checked_options
from cobalt_mirror.workers.web_addresses import is_web_address

#: The longest that a call waits for a slot under Cobalt's rate limit before its work is snoozed.
LONGEST_WAIT_SECONDS = 2.0
_LARGEST_PORT = 65_535
EVERY_ADDRESS = "0.0.0.0"  # noqa: S104 - where a platform says that it sends requests from outside
#: A slower one makes the next slot a date that Redis cannot keep.
_LOWEST_RATE = 0.001
#: In seconds. Without a limit, adding a time that a setting allows to a date could fail in the middle of an attempt.
_WEEK = 7 * 86_400


class Settings(NoticeSettings):
    """The settings of the workers, the relay and the command line. Each is a variable of the same name in capitals.

    Attributes:
        redis_url: `redis://` or `rediss://`. If not set, `cobalt-mirror up` starts a Redis.
        redis_namespace: Prefix of our keys in Redis.
        cobalt_api_key: `tk...` for the test environment, `pk...` for production.
        cobalt_previous_api_key: The previous key while it is being replaced; notifications signed with it are accepted.
        cobalt_base_url: URL of Cobalt, or of the sandbox for development.
        cobalt_default_app_id: The `app_id` of the organisation's default application. Cobalt may list it with every
            account that has credentials for it, and has it in no catalogue; reconcile does not count it.
        cobalt_rate_per_second: Cobalt's rate limit for the whole organisation; 0 switches the governor off.
        cobalt_burst: Number of calls that Cobalt accepts at once.
        cobalt_processes: Number of processes on all machines that call Cobalt and share its limit while Redis does not
            answer. If not set: `worker_processes`, which is right for one `worker` on one machine.
        cobalt_timeout_seconds: Total time for one call.
        worker_processes: Number of processes of the `worker` line in the Procfile.
        worker_threads: Number of threads in each of them.
        find_config_on_authorization: Whether to find or create the config right after a verified authorisation.
        retry_base_seconds: Longest wait after the first failure; it doubles with each further failure.
        retry_cap_seconds: Longest wait between two attempts.
        retry_give_up_days: An event that fails for this long is dead.
        catalogue_refresh_seconds: Time between two reads of the catalogue.
        delayed_write_seconds: A write whose answer never came has had its effect by then, if it has one.
        calls_sample_share: Share of the attempts, and of other calls, that are kept in the table `calls`; 0: none.
        reconcile_configs_within_hours: Hours within which plain reconciliations read the configs of each connection; 0
            reads only those of accounts in doubt.
        reconcile_config_share: Share of all connections whose configs each reconciliation reads, whatever the time
            between them, instead.
        reconcile_brake_share: A reconciliation stops if a greater share than this, ...
        reconcile_brake_count: ... and more accounts or connections than this, seem to be gone.
        events_token: Bearer token of hosts over HTTP, to publish and to read; if not set, all that is disabled.
        metrics_token: Bearer token of `GET /metrics`; if not set, that endpoint is disabled.
        metrics_host: Address at which workers and relays serve their own numbers; `0.0.0.0` for every address.
        worker_metrics_port: Port at which one `worker`, with all its processes, does; if not set, none does.
        relay_metrics_port: Port at which a `relay` does; if not set, none does.
        notification_error_characters: Number of characters kept of the error in a notification, and as many of all
            else in it that Cobalt does not document; 0 keeps nothing of them.
        web_host: Address at which `cobalt-mirror web` listens; `0.0.0.0` for every address of the machine, which is
            also the default where `PORT` decides the port.
        web_port: Port at which it listens; 0 for a free one.
        port: Port at which it listens if `WEB_PORT` is not set. Platforms such as Heroku, Render and Cloud Run set it.
        public_url: Address at which customers' browsers reach `cobalt-mirror web`, or the app that mounts it; if not
            set, there are no reconnect links.
        reconnect_link_days: Number of days for which a reconnect link opens.
        reconnect_return_url: Address to which Cobalt's connect page leads back, if a reconnect link opened it.
        status_longest_wait_seconds: `status` calls for the operator when a due event waits for longer than this.
        otel_exporter_otlp_endpoint: Where workers send traces by OTLP over HTTP; if not set, there are none. This and
            all other variables of OpenTelemetry are read by its SDK.
        otel_exporter_otlp_traces_endpoint: The same, for traces only.
        otel_sdk_disabled: Whether there are no traces nevertheless.
        otel_service_name: Whose traces they are.
        sentry_dsn: Where workers send errors; if not set, nowhere. The SDK of Sentry reads its other variables.
        log_level: `debug`, `info`, `warning` or `error`, in any case.
        log_format: `json`, `console`, or `auto`: readable on a terminal, JSON anywhere else.
    """

    redis_url: str | None = Field(default=None, repr=False)
    redis_namespace: str = "cobalt-mirror"
    cobalt_api_key: SecretStr = SecretStr("")
    cobalt_previous_api_key: SecretStr = SecretStr("")
    cobalt_base_url: str = "https://app.refold.ai"
    cobalt_default_app_id: str | None = None
    cobalt_rate_per_second: float = Field(default=20, ge=0, le=100_000)
    cobalt_burst: int = Field(default=5, ge=1, le=10_000)
    cobalt_processes: int | None = Field(default=None, ge=1, le=10_000)
    cobalt_timeout_seconds: float = Field(default=10, gt=0, le=120)
    worker_processes: int = Field(default=2, ge=1, le=64)
    worker_threads: int = Field(default=4, ge=1, le=64)
    find_config_on_authorization: bool = True
    retry_base_seconds: float = Field(default=2, gt=0, le=_WEEK)
    retry_cap_seconds: float = Field(default=900, gt=0, le=_WEEK)
    retry_give_up_days: float = Field(default=3, gt=0, le=36_500)
    catalogue_refresh_seconds: float = Field(default=3600, gt=0, le=52 * _WEEK)
    delayed_write_seconds: float = Field(default=60, ge=0, le=_WEEK)
    calls_sample_share: float = Field(default=1, ge=0, le=1)
    reconcile_configs_within_hours: float = Field(default=48, ge=0, le=8_760)
    reconcile_config_share: float | None = Field(default=None, ge=0, le=1)
    reconcile_brake_share: float = Field(default=0.05, ge=0, le=1)
    reconcile_brake_count: int = Field(default=20, ge=0, le=1_000_000_000)
    events_token: SecretStr = SecretStr("")
    metrics_token: SecretStr = SecretStr("")
    metrics_host: str = "127.0.0.1"
    worker_metrics_port: int | None = Field(default=None, ge=1, le=_LARGEST_PORT)
    relay_metrics_port: int | None = Field(default=None, ge=1, le=_LARGEST_PORT)
    notification_error_characters: int = Field(default=2000, ge=0, le=100_000)
    web_host: str = "127.0.0.1"
    web_port: int = Field(default=8475, ge=0, le=_LARGEST_PORT)
    port: str | None = None
    public_url: str | None = None
    reconnect_link_days: float = Field(default=14, gt=0, le=366)
    reconnect_return_url: str | None = None
    status_longest_wait_seconds: float = Field(default=900, gt=0, le=_WEEK)
    otel_exporter_otlp_endpoint: str | None = Field(default=None, repr=False)
    otel_exporter_otlp_traces_endpoint: str | None = Field(default=None, repr=False)
    otel_sdk_disabled: bool = False
    otel_service_name: str = "cobalt-mirror"
    sentry_dsn: SecretStr = SecretStr("")
    log_level: str = Field(default="info", pattern="^(debug|info|warning|error)$")
    log_format: LogFormat = LogFormat.AUTO

    @field_validator("redis_url")
    @classmethod
    def _is_redis(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if not value.startswith(("redis://", "rediss://")):
            raise ValueError("must be a URL such as redis://host:6379/0 or rediss://host:6379/0")
        return checked_options(checked_address(value))

    @field_validator("cobalt_rate_per_second")
    @classmethod
    def _is_a_rate(cls, value: float) -> float:
        if 0 < value < _LOWEST_RATE:
            raise ValueError(f"must be 0 or at least {_LOWEST_RATE:g}")
        return value

    @field_validator("cobalt_base_url")
    @classmethod
    def _is_http(cls, value: str) -> str:
        if not is_web_address(value) or {"?", "#", "@"} & set(value):
            raise ValueError("must be a URL such as https://app.refold.ai, without user, password, ? and #")
        return value.rstrip("/")

    @field_validator("public_url")
    @classmethod
    def _is_the_beginning_of_addresses(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if not is_web_address(value) or not value.isascii() or {"?", "#", "@"} & set(value):
            raise ValueError("must be an address without ?, # and @, such as https://mirror.example.com")
        return value.rstrip("/")

    @field_validator("reconnect_return_url")
    @classmethod
    def _is_an_address(cls, value: str | None) -> str | None:
        if value is not None and not is_web_address(value):
            raise ValueError("must be an address such as https://app.example.com/integrations")
        return value

    @field_validator("otel_exporter_otlp_endpoint", "otel_exporter_otlp_traces_endpoint")
    @classmethod
    def _has_no_bare_password(cls, value: str | None) -> str | None:
        return None if value is None else checked_address(value)  # its SDK logs one that it cannot read

    @field_validator("sentry_dsn")
    @classmethod
    def _is_dsn(cls, value: SecretStr) -> SecretStr:
        dsn = value.get_secret_value()
        if dsn and not re.fullmatch(r"https?://[^@/\s]+@[^@/\s]+(/[^\s]*)?/[0-9]+", dsn):
            raise ValueError("must be a DSN such as https://<key>@<host>/<number>; copy it again from Sentry")
        return value

    @field_validator("log_level", mode="before")
    @classmethod
    def _in_any_case(cls, value: Any) -> Any:
        return value.strip().lower() if isinstance(value, str) else value

    @field_validator("cobalt_api_key", "cobalt_previous_api_key", "events_token", "metrics_token")
    @classmethod
    def _can_be_a_header(cls, value: SecretStr) -> SecretStr:
        text = value.get_secret_value()
        if not (text.isascii() and text.isprintable()) or " " in text:
            raise ValueError("must be printable ASCII without spaces; copy it again, without quotes")
        return value

    def require_key(self) -> str:
        """Return Cobalt's API key.

        Raises:
            BadSetting: It is not set. Set COBALT_API_KEY.
        """
        if not self.cobalt_api_key.get_secret_value():
            raise BadSetting("COBALT_API_KEY is not set; set it to your key (for the sandbox: tk_sandbox)")
        return self.cobalt_api_key.get_secret_value()

    def require_redis(self) -> str:
        """Return the URL of Redis.

        Raises:
            BadSetting: It is not set. Set REDIS_URL.
        """
        if self.redis_url is None:
            raise BadSetting("REDIS_URL is not set; set it, or use `cobalt-mirror up`, which starts a Redis of its own")
        return self.redis_url

    @property
    def port_variable(self) -> str:
        """The variable that decides the port of `web`: `PORT` if that is set and `WEB_PORT` is not."""
        return "WEB_PORT" if self.port is None or "web_port" in self.model_fields_set else "PORT"

    @property
    def listening_host(self) -> str:
        """The address at which `web` listens. Platforms that set `PORT` reach it from outside, so there it is all."""
        is_default = "web_host" not in self.model_fields_set
        return EVERY_ADDRESS if is_default and self.port_variable == "PORT" else self.web_host

    def require_port(self) -> int:
        """Return the port at which `web` listens.

        Raises:
            BadSetting: `PORT` decides it and is no port. It is checked here, as it may be meant for another program.
        """
        if self.port_variable == "WEB_PORT" or self.port is None:
            return self.web_port
        if not re.fullmatch(r"[0-9]{1,5}", self.port) or int(self.port) > _LARGEST_PORT:
            raise BadSetting(f"PORT: must be a number from 0 to {_LARGEST_PORT}; correct it or set WEB_PORT")
        return int(self.port)

    @property
    def share_per_second(self) -> float:
        """One process's share of the rate limit, for as long as Redis does not answer."""
        processes = self.worker_processes if self.cobalt_processes is None else self.cobalt_processes
        return self.cobalt_rate_per_second / processes

    @property
    def longest_call_seconds(self) -> float:
        """The longest time for one call, its wait for a slot included. With less lease left, no call is made."""
        return self.cobalt_timeout_seconds + LONGEST_WAIT_SECONDS

    @property
    def lease_ttl(self) -> timedelta:
        """How long a worker's lease on an account lasts; if the worker dies, the account waits at most this long."""
        return timedelta(seconds=2 * self.longest_call_seconds + 6)
