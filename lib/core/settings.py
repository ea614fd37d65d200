"""What the environment says, read once. Nothing else in the product looks at it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final, Literal, Self, get_args
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from lib.core.errors import Invalid

ROOT: Final = Path(__file__).resolve().parents[2]
LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
DEFAULT_DATABASE: Final = f"sqlite:///{ROOT / 'var' / 'admin.db'}"

_LETTERS_OF_A_CURRENCY: Final = 3

WebhookMode = Literal["receive", "observe"]
RollupMode = Literal["write", "observe"]
StripeChurn = Literal["at_end", "at_cancellation"]


@dataclass(frozen=True, slots=True)
class SignIn:
    """How staff sign in: an OpenID Connect provider, the embedded one in demo mode."""

    client_id: str
    client_secret: str = field(repr=False)
    metadata_url: str
    cookie_secret: str = field(repr=False)
    redirect_uri: str
    idle_limit: timedelta
    absolute_limit: timedelta


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set, with the product's own names in the environment (docs/settings.md).

    `demo` is the laptop: embedded sign-in, local Stripe, loopback only.
    """

    demo: bool
    url: str
    database_url: str = field(repr=False)
    replica_url: str | None = field(repr=False)
    stripe_key: str | None = field(repr=False)
    stripe_api_base: str | None
    stripe_webhook_secrets: tuple[str, ...] = field(repr=False)
    stripe_webhooks: WebhookMode
    stripe_reads_per_second: int
    rollups: RollupMode
    business_zone: str
    stripe_churn: StripeChurn
    reporting_currency: str
    sign_in: SignIn

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Read the settings; raises Invalid, naming the variable, when they cannot work together."""
        env = os.environ if environment is None else environment
        demo = env.get("ADMIN_DEMO", "") in {"1", "true", "yes"}
        url = env.get("ADMIN_URL", "http://localhost:8501").rstrip("/")
        settings = cls(
            demo=demo,
            url=url,
            database_url=env.get("DATABASE_URL") or DEFAULT_DATABASE,
            replica_url=env.get("REPLICA_URL") or None,
            stripe_key=env.get("STRIPE_SECRET_KEY") or None,
            stripe_api_base=env.get("STRIPE_API_BASE") or None,
            stripe_webhook_secrets=_several(env.get("STRIPE_WEBHOOK_SECRET", "")),
            stripe_webhooks=_webhook_mode(env.get("STRIPE_WEBHOOKS", "receive")),
            stripe_reads_per_second=_whole(env, "STRIPE_READS_PER_SECOND", 20),
            rollups=_rollup_mode(env.get("ROLLUPS", "write" if demo else "observe")),
            business_zone=_zone(env.get("BUSINESS_ZONE", "UTC")),
            stripe_churn=_stripe_churn(env.get("STRIPE_CHURN", "at_end")),
            reporting_currency=_currency(env, "REPORTING_CURRENCY", "USD"),
            sign_in=_sign_in(env, url, demo=demo),
        )
        if demo:
            settings._refuse_what_is_no_demo()
        return settings

    @property
    def livemode(self) -> bool | None:
        """Whether the Stripe key moves real money; None without a key."""
        return None if self.stripe_key is None else "_live_" in self.stripe_key

    def _refuse_what_is_no_demo(self) -> None:
        if urlsplit(self.url).hostname not in LOOPBACK:
            raise Invalid(
                f"Demo mode serves this machine only, and ADMIN_URL is {self.url}. "
                "Use http://localhost:PORT, or unset ADMIN_DEMO."
            )
        if self.livemode:
            raise Invalid(
                "Demo mode does not start with a live Stripe key. Unset STRIPE_SECRET_KEY or ADMIN_DEMO."
            )


def child_environment(**values: str) -> dict[str, str]:
    """This process's environment with some values set, for a process that it starts."""
    return {**os.environ, **values}


def _sign_in(env: Mapping[str, str], url: str, *, demo: bool) -> SignIn:
    defaults = {
        "OIDC_CLIENT_ID": "better-together-admin",
        "OIDC_METADATA_URL": f"{url}/idp/.well-known/openid-configuration",
    }
    given = (defaults if demo else {}) | {name: value for name, value in env.items() if value}
    return SignIn(
        client_id=given.get("OIDC_CLIENT_ID", ""),
        client_secret=given.get("OIDC_CLIENT_SECRET", ""),
        metadata_url=given.get("OIDC_METADATA_URL", ""),
        cookie_secret=given.get("ADMIN_COOKIE_SECRET", ""),
        redirect_uri=f"{url}/oauth2callback",
        idle_limit=timedelta(minutes=_whole(env, "SESSION_IDLE_MINUTES", 60)),
        absolute_limit=timedelta(hours=_whole(env, "SESSION_HOURS", 12)),
    )


def required_for_web(settings: Settings) -> None:
    """Raise Invalid, naming the variables, unless everything that the web app needs is set."""
    sign_in = settings.sign_in
    needed = {
        "OIDC_CLIENT_ID": sign_in.client_id,
        "OIDC_CLIENT_SECRET": sign_in.client_secret,
        "OIDC_METADATA_URL": sign_in.metadata_url,
        "ADMIN_COOKIE_SECRET": sign_in.cookie_secret,
    }
    missing = sorted(name for name, value in needed.items() if not value)
    if missing:
        raise Invalid(f"The web app cannot sign anybody in. Set {', '.join(missing)} (docs/settings.md).")


def _several(value: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.split(",") if part.strip())


def _whole(env: Mapping[str, str], name: str, default: int) -> int:
    value = env.get(name, str(default))
    if not value.isdecimal() or int(value) < 1:
        raise Invalid(f"{name} must be a whole number of at least 1, not “{value[:20]}”.")
    return int(value)


def _currency(env: Mapping[str, str], name: str, default: str) -> str:
    code = (env.get(name) or default).upper()
    if len(code) != _LETTERS_OF_A_CURRENCY or not code.isascii() or not code.isalpha():
        raise Invalid(f"{name} is a currency's three letters, such as USD, not “{code[:20]}”.")
    return code


def _webhook_mode(value: str) -> WebhookMode:
    match value:
        case "receive" | "observe":
            return value
    raise Invalid(f"STRIPE_WEBHOOKS is one of {', '.join(get_args(WebhookMode))}, not “{value[:20]}”.")


def _rollup_mode(value: str) -> RollupMode:
    match value:
        case "write" | "observe":
            return value
    raise Invalid(f"ROLLUPS is one of {', '.join(get_args(RollupMode))}, not “{value[:20]}”.")


def _stripe_churn(value: str) -> StripeChurn:
    match value:
        case "at_end" | "at_cancellation":
            return value
    raise Invalid(f"STRIPE_CHURN is one of {', '.join(get_args(StripeChurn))}, not “{value[:20]}”.")


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        raise Invalid(f"BUSINESS_ZONE is a zone such as Europe/Berlin, not “{value[:40]}”.") from None
    return value
