"""The variables of our processes: which one decides, and in which forms a value is understood."""

from typing import Any

import pytest

from cobalt_mirror.db.errors import BadSetting
from cobalt_mirror.workers.ops.readiness import list_key_problems
from cobalt_mirror.workers.settings import Settings


@pytest.fixture(autouse=True)
def _nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WEB_HOST", "WEB_PORT", "PORT", "LOG_LEVEL"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("variables", "port", "variable"),
    [
        ({}, 8475, "WEB_PORT"),
        ({"PORT": "5000"}, 5000, "PORT"),
        ({"PORT": "0"}, 0, "PORT"),
        ({"PORT": "65535"}, 65535, "PORT"),
        ({"WEB_PORT": "9000"}, 9000, "WEB_PORT"),
        ({"WEB_PORT": "9000", "PORT": "5000"}, 9000, "WEB_PORT"),
        ({"WEB_PORT": "8475", "PORT": "5000"}, 8475, "WEB_PORT"),
        ({"WEB_PORT": "0", "PORT": "5000"}, 0, "WEB_PORT"),
        ({"WEB_PORT": "", "PORT": "5000"}, 5000, "PORT"),
        ({"PORT": ""}, 8475, "WEB_PORT"),
        ({"WEB_PORT": "9000", "PORT": "a pipe"}, 9000, "WEB_PORT"),
    ],
)
def test_the_port_is_that_of_web_port_then_of_port(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], port: int, variable: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    settings = Settings.from_environment()

    assert (settings.require_port(), settings.port_variable) == (port, variable)


@pytest.mark.parametrize(
    ("variables", "host"),
    [
        ({}, "127.0.0.1"),
        ({"PORT": "5000"}, "0.0.0.0"),
        ({"PORT": "5000", "WEB_HOST": ""}, "0.0.0.0"),
        ({"PORT": "5000", "WEB_HOST": "127.0.0.1"}, "127.0.0.1"),
        ({"PORT": "5000", "WEB_HOST": "::1"}, "::1"),
        ({"PORT": "5000", "WEB_PORT": "9000"}, "127.0.0.1"),
        ({"WEB_PORT": "9000"}, "127.0.0.1"),
        ({"PORT": ""}, "127.0.0.1"),
        ({"WEB_HOST": "0.0.0.0"}, "0.0.0.0"),
    ],
)
def test_web_listens_at_every_address_where_port_decides_the_port_and_web_host_is_not_set(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], host: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    settings = Settings.from_environment()

    assert settings.listening_host == host
    assert settings.web_host == (variables.get("WEB_HOST") or "127.0.0.1")


@pytest.mark.parametrize("value", ["65536", "-1", "a pipe", "٣٣", "1.5", "123456", " "])
def test_a_port_that_is_none_stops_web_and_nothing_else(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("PORT", value)

    settings = Settings.from_environment()

    with pytest.raises(BadSetting, match=r"^PORT: must be a number from 0 to 65535; correct it or set WEB_PORT$"):
        settings.require_port()


@pytest.mark.parametrize("value", ["info", "INFO", "Info", " info "])
def test_a_log_level_is_understood_in_any_case(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("LOG_LEVEL", value)

    assert Settings.from_environment().log_level == "info"


@pytest.mark.parametrize("value", ["loud", "info error", "20"])
def test_what_is_no_log_level_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("LOG_LEVEL", value)

    with pytest.raises(BadSetting, match=r"^LOG_LEVEL: "):
        Settings.from_environment()


@pytest.mark.parametrize("dsn", ["", "https://key@sentry.test/1", "http://key:s3cret@sentry.test:9000/a/path/42"])
def test_a_dsn_of_sentry_is_taken(dsn: str) -> None:
    assert Settings(sentry_dsn=dsn).sentry_dsn.get_secret_value() == dsn


@pytest.mark.parametrize("dsn", ["s3cret", "https://sentry.test/1", "https://s3cret@sentry.test/", "ftp://s3cret@a/1"])
def test_what_is_no_dsn_is_refused_and_not_shown(monkeypatch: pytest.MonkeyPatch, dsn: str) -> None:
    monkeypatch.setenv("SENTRY_DSN", dsn)
    with pytest.raises(BadSetting, match=r"^SENTRY_DSN: must be a DSN such as") as refused:
        Settings.from_environment()

    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize("key", ["", "tk", "tk_x", "pk_x"])
def test_a_key_that_may_be_one_of_cobalts_is_not_warned_of(key: str) -> None:
    assert list_key_problems(Settings(cobalt_api_key=key, cobalt_previous_api_key=key)) == []


@pytest.mark.parametrize("key", ["sk_s3cret", "k", "TK_s3cret", "s3cret_tk"])
def test_a_key_that_cannot_be_one_of_cobalts_is_named_and_not_shown(key: str) -> None:
    settings = Settings(cobalt_api_key=key, cobalt_previous_api_key=key)

    said = list_key_problems(settings)

    assert [each.partition(" begins with neither tk nor pk")[0] for each in said] == [
        "COBALT_API_KEY",
        "COBALT_PREVIOUS_API_KEY",
    ]
    assert "s3cret" not in "".join(said)


@pytest.mark.parametrize(
    ("options", "wrong"),
    [
        ("family=0", "family"),
        ("ssl_cert_reqs=none", "ssl_cert_reqs"),
        ("db=abc", "db"),
        ("password=s3cret&protocol=9", "protocol"),
        ("max_connections=-1", "max_connections"),
        ("password=s3cret&colour=s3cret", "colour"),
    ],
)
def test_an_option_that_redis_does_not_take_is_named_and_no_value_is_shown(
    monkeypatch: pytest.MonkeyPatch, options: str, wrong: str
) -> None:
    monkeypatch.setenv("REDIS_URL", f"redis://user:s3cret@127.0.0.1:1/0?{options}")

    with pytest.raises(
        BadSetting, match=rf"^REDIS_URL: must have only options .*; correct or remove {wrong}$"
    ) as refused:
        Settings.from_environment()

    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "redis://127.0.0.1:1",
        "redis://127.0.0.1:1/0?",
        "redis://127.0.0.1:1?db=3&socket_timeout=1.5",
        "rediss://127.0.0.1:1/0?ssl_cert_reqs=none",
    ],
)
def test_an_option_that_redis_takes_is_kept(url: str) -> None:
    assert Settings(redis_url=url).redis_url == url


#: Every setting that is a number, with the nearest values outside its limits; None: it has no such limit.
NUMBERS: dict[str, tuple[float | None, float | None]] = {
    "COBALT_RATE_PER_SECOND": (-0.001, 100_001),
    "COBALT_BURST": (0, 10_001),
    "COBALT_PROCESSES": (0, 10_001),
    "COBALT_TIMEOUT_SECONDS": (0, 120.5),
    "WORKER_PROCESSES": (0, 65),
    "WORKER_THREADS": (0, 65),
    "RETRY_BASE_SECONDS": (0, 604_801),
    "RETRY_CAP_SECONDS": (0, 604_801),
    "RETRY_GIVE_UP_DAYS": (0, 36_501),
    "CATALOGUE_REFRESH_SECONDS": (0, 31_449_601),
    "DELAYED_WRITE_SECONDS": (-1, 604_801),
    "CALLS_SAMPLE_SHARE": (-0.1, 1.1),
    "RECONCILE_CONFIGS_WITHIN_HOURS": (-0.1, 8_761),
    "RECONCILE_CONFIG_SHARE": (-0.1, 1.1),
    "RECONCILE_BRAKE_SHARE": (-0.1, 1.1),
    "RECONCILE_BRAKE_COUNT": (-1, 1_000_000_001),
    "NOTICES_SETTLE_SECONDS": (-1, 604_801),
    "NOTIFICATION_ERROR_CHARACTERS": (-1, 100_001),
    "STATUS_LONGEST_WAIT_SECONDS": (0, 604_801),
    "RECONNECT_LINK_DAYS": (0, 366.5),
    "WEB_PORT": (-1, 65_536),
    "WORKER_METRICS_PORT": (0, 65_536),
    "RELAY_METRICS_PORT": (0, 65_536),
}


def test_no_number_is_missing_from_the_table() -> None:
    kinds: dict[str, Any] = {name.upper(): field.annotation for name, field in Settings.model_fields.items()}

    assert {name for name, kind in kinds.items() if kind in {int, float, int | None, float | None}} == set(NUMBERS)


@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_outside_its_limits_is_refused_with_the_name_of_its_variable(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for value in ("inf", "-inf", "nan", "1e999", "", *NUMBERS[name]):
        monkeypatch.setenv(name, str(value))
        if value == "":  # unset
            Settings.from_environment()
            continue
        with pytest.raises(BadSetting, match=rf"^{name}: (Input )?(should|must) be"):
            Settings.from_environment()


def test_a_rate_may_be_off_and_is_otherwise_one_that_redis_can_keep() -> None:
    assert Settings(cobalt_rate_per_second=0).cobalt_rate_per_second == 0
    assert Settings(cobalt_rate_per_second=0.001).cobalt_rate_per_second == 0.001
    with pytest.raises(ValueError, match=r"must be 0 or at least 0\.001"):
        Settings(cobalt_rate_per_second=0.0009)


@pytest.mark.parametrize(
    ("value", "base"),
    [
        ("https://mirror.example.com", "https://mirror.example.com"),
        ("http://[::1]:8475/", "http://[::1]:8475"),
        ("https://app.example.com/cobalt/", "https://app.example.com/cobalt"),
        ("mirror.example.com", None),
        ("/cobalt", None),
        ("ftp://mirror.example.com", None),
        ("https://", None),
        ("https://h:0", None),
        ("https://h:65536", None),
        ("https://user@mirror.example.com", None),
        ("https://mirror.example.com/?a", None),
        ("https://mirror.example.com/#a", None),
        ("https://mirror example.com", None),
    ],
)
def test_the_public_address_is_one_that_paths_can_follow(value: str, base: str | None) -> None:
    if base is not None:
        assert Settings(public_url=value).public_url == base
        return
    with pytest.raises(ValueError, match="must be an address without"):
        Settings(public_url=value)
