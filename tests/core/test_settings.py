"""The environment is read once, and refused in a sentence that names the variable."""

from datetime import timedelta

import pytest

from lib.core.errors import Invalid
from lib.core.settings import Settings, required_for_web

SECRETS = {
    "DATABASE_URL": "postgresql://admin:hunter2@db/admin",
    "STRIPE_SECRET_KEY": "sk_live_hunter2",
    "STRIPE_WEBHOOK_SECRET": "whsec_hunter2",
    "OIDC_CLIENT_SECRET": "hunter2",
    "ADMIN_COOKIE_SECRET": "hunter2",
}


def read(**environment: str) -> Settings:
    return Settings.from_environment(environment)


def test_without_anything_it_is_no_demo_and_observes_revenue() -> None:
    settings = read()

    assert (settings.demo, settings.rollups, settings.stripe_key, settings.livemode) == (
        False,
        "observe",
        None,
        None,
    )
    assert settings.database_url.startswith("sqlite:///")


@pytest.mark.parametrize("key", ["sk_live_1", "rk_live_1"])
def test_a_demo_does_not_start_with_a_live_key(key: str) -> None:
    with pytest.raises(Invalid, match="STRIPE_SECRET_KEY") as refusal:
        read(ADMIN_DEMO="1", STRIPE_SECRET_KEY=key)

    assert key not in str(refusal.value)


@pytest.mark.parametrize("key", ["sk_test_1", "rk_test_1", ""])
def test_a_demo_starts_with_a_test_key_or_none(key: str) -> None:
    assert read(ADMIN_DEMO="1", STRIPE_SECRET_KEY=key).demo


@pytest.mark.parametrize(
    "url",
    ["https://admin.example.org", "http://192.0.2.1:8501", "http://localhost.example.org", "http://0.0.0.0"],
)
def test_a_demo_serves_this_machine_only(url: str) -> None:
    with pytest.raises(Invalid, match="ADMIN_URL"):
        read(ADMIN_DEMO="1", ADMIN_URL=url)


@pytest.mark.parametrize("url", ["http://localhost:8501/", "http://127.0.0.1:9000", "http://[::1]:8501"])
def test_a_demo_starts_on_a_loopback_address(url: str) -> None:
    settings = read(ADMIN_DEMO="1", ADMIN_URL=url)

    assert settings.sign_in.redirect_uri == f"{url.rstrip('/')}/oauth2callback"


@pytest.mark.parametrize("name", ["SESSION_IDLE_MINUTES", "SESSION_HOURS"])
@pytest.mark.parametrize("value", ["0", "-1", "soon", "1.5", "²"])
def test_a_number_that_is_none_is_refused_by_its_name(name: str, value: str) -> None:
    with pytest.raises(Invalid, match=name):
        read(**{name: value})


def test_sessions_have_the_limits_that_are_set() -> None:
    sign_in = read(SESSION_IDLE_MINUTES="15", SESSION_HOURS="8").sign_in

    assert (sign_in.idle_limit, sign_in.absolute_limit) == (timedelta(minutes=15), timedelta(hours=8))


@pytest.mark.parametrize("name", ["STRIPE_WEBHOOKS", "ROLLUPS"])
def test_a_mode_that_does_not_exist_is_refused_by_its_name(name: str) -> None:
    with pytest.raises(Invalid, match=f"{name} is one of"):
        read(**{name: "sometimes"})


def test_the_reporting_currency_is_three_letters() -> None:
    assert (read().reporting_currency, read(REPORTING_CURRENCY="eur").reporting_currency) == ("USD", "EUR")
    with pytest.raises(Invalid, match="REPORTING_CURRENCY"):
        read(REPORTING_CURRENCY="Euro")


@pytest.mark.parametrize(("key", "live"), [("sk_live_1", True), ("sk_test_1", False), ("rk_live_1", True)])
def test_a_key_says_whether_it_moves_real_money(key: str, live: bool) -> None:
    assert read(STRIPE_SECRET_KEY=key).livemode is live


def test_several_webhook_secrets_are_read_while_one_is_rolled() -> None:
    assert read(STRIPE_WEBHOOK_SECRET="whsec_1, whsec_2,").stripe_webhook_secrets == ("whsec_1", "whsec_2")


def test_the_web_app_names_everything_that_is_missing_at_once() -> None:
    with pytest.raises(Invalid, match=r"ADMIN_COOKIE_SECRET.*OIDC_CLIENT_ID"):
        required_for_web(read())


def test_no_secret_is_in_what_settings_look_like() -> None:
    assert "hunter2" not in repr(read(**SECRETS))
