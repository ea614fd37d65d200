"""The embedded sign-in, driven as Authlib and a browser drive it."""

import base64
import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet
from sqlalchemy import select, update

from lib.core import moments
from lib.core.access import system
from lib.core.database import Database
from lib.core.settings import Settings
from lib.core.work import working
from lib.demo.staff import PASSWORD
from lib.models import SignInCode, SignInFailure
from lib.services import staff
from lib.web.provider import codes, passwords
from lib.web.provider.passwords import Answer
from tests.web.conftest import URL, Site

VERIFIER = secrets.token_urlsafe(48)
SUPPORT = "support@example.org"


def asked(site: Site, **over: str | None) -> dict[str, str]:
    query: dict[str, str | None] = {
        "client_id": site.settings.sign_in.client_id,
        "redirect_uri": site.settings.sign_in.redirect_uri,
        "response_type": "code",
        "scope": "openid email profile",
        "state": "state-1",
        "nonce": "nonce-1",
        "code_challenge": codes.challenge_of(VERIFIER),
        "code_challenge_method": "S256",
    }
    return {name: value for name, value in (query | over).items() if value is not None}


def code_of(site: Site, email: str = SUPPORT) -> str:
    answer = site.client.post(
        "/idp/authorize", params=asked(site), data={"email": email, "password": PASSWORD}
    )
    assert answer.status_code == 303, answer.text
    return parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]


def exchange(site: Site, code: str, *, verifier: str = VERIFIER, secret: str | None = None) -> Any:
    sign_in = site.settings.sign_in
    return site.client.post(
        "/idp/token",
        data={
            "grant_type": "authorization_code",
            "code": code,
            "code_verifier": verifier,
            "redirect_uri": sign_in.redirect_uri,
        },
        auth=(sign_in.client_id, secret if secret is not None else sign_in.client_secret),
    )


def test_the_whole_flow_gives_an_identity_token_for_this_sign_in(site: Site) -> None:
    found = site.client.get("/idp/.well-known/openid-configuration").json()
    answer = exchange(site, code_of(site))
    keys = KeySet.import_key_set(site.client.get(urlsplit(found["jwks_uri"]).path).json())
    claims = jwt.decode(answer.json()["id_token"], keys, algorithms=["RS256"]).claims

    assert answer.headers["cache-control"] == "no-store"
    assert claims["iss"] == found["issuer"] == f"{URL}/idp"
    assert claims["aud"] == site.settings.sign_in.client_id
    assert (claims["email"], claims["name"], claims["nonce"]) == (SUPPORT, "Sam Support", "nonce-1")
    assert 0 < claims["exp"] - moments.now().timestamp() <= 3600


def test_the_published_key_has_no_private_part(site: Site) -> None:
    (key,) = site.client.get("/idp/jwks").json()["keys"]

    assert set(key) == {"kty", "n", "e", "kid", "use", "alg"}


def test_the_form_returns_to_the_app_with_the_state_it_came_with(site: Site) -> None:
    answer = site.client.post(
        "/idp/authorize", params=asked(site), data={"email": SUPPORT.upper(), "password": PASSWORD}
    )

    target = urlsplit(answer.headers["location"])
    assert target._replace(query="").geturl() == f"{URL}/oauth2callback"
    assert parse_qs(target.query)["state"] == ["state-1"]


def test_the_form_lists_the_accounts_and_fills_one_in_without_a_script(site: Site) -> None:
    page = site.client.get("/idp/authorize", params=asked(site, login_hint="finance@example.org"))

    assert all(f"{role}@example.org" in page.text for role in ("support", "finance", "product", "admin"))
    assert 'value="finance@example.org"' in page.text
    assert "<script" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]


def test_markup_in_the_address_is_shown_as_text(site: Site) -> None:
    page = site.client.get("/idp/authorize", params=asked(site, login_hint='"><b>x'))

    assert "<b>x" not in page.text
    assert "&lt;b&gt;x" in page.text


@pytest.mark.parametrize(
    "change",
    [
        {"client_id": "somebody-else"},
        {"redirect_uri": "http://evil.example.com/oauth2callback"},
        {"response_type": "token"},
        {"scope": "email"},
        {"code_challenge": None},
        {"code_challenge_method": "plain"},
    ],
    ids=str,
)
def test_a_request_that_is_not_the_apps_own_is_refused(site: Site, change: dict[str, str | None]) -> None:
    shown = site.client.get("/idp/authorize", params=asked(site, **change))
    sent = site.client.post(
        "/idp/authorize", params=asked(site, **change), data={"email": SUPPORT, "password": PASSWORD}
    )

    assert (shown.status_code, sent.status_code) == (400, 400)


def test_a_code_works_once(site: Site) -> None:
    code = code_of(site)

    assert exchange(site, code).status_code == 200
    assert exchange(site, code).json() == {"error": "invalid_grant"}


def test_a_code_is_kept_as_a_digest_only(site: Site) -> None:
    code = code_of(site)
    with site.database.primary.connect() as connection:
        (kept,) = connection.execute(select(SignInCode.code_digest)).scalars()

    assert code not in kept


def test_a_code_needs_the_verifier_it_was_asked_for_with_and_is_lost_without(site: Site) -> None:
    code = code_of(site)

    assert exchange(site, code, verifier="stolen").json() == {"error": "invalid_grant"}
    assert exchange(site, code).json() == {"error": "invalid_grant"}


def test_a_code_lasts_a_minute(site: Site) -> None:
    now = moments.now()
    code = codes.issue(site.database, SUPPORT, None, codes.challenge_of(VERIFIER), now)

    assert codes.redeem(site.database, code, VERIFIER, now + timedelta(minutes=1)) is None


@pytest.mark.parametrize("secret", ["", "wrong"])
def test_the_token_is_for_the_client_that_knows_the_secret(site: Site, secret: str) -> None:
    answer = exchange(site, code_of(site), secret=secret)

    assert (answer.status_code, answer.json()) == (401, {"error": "invalid_client"})


def test_a_token_request_without_readable_credentials_is_refused(site: Site) -> None:
    odd = base64.b64encode(b"\xff\xfe").decode()
    answers = [
        site.client.post("/idp/token", data={"code": "x"}, headers={"Authorization": header})
        for header in ("", "Basic", "Basic ???", f"Basic {odd}", "Bearer x")
    ]

    assert {answer.status_code for answer in answers} == {401}


def test_wrong_password_and_unknown_address_are_answered_alike(site: Site) -> None:
    def text(email: str) -> str:
        answer = site.client.post(
            "/idp/authorize", params=asked(site), data={"email": email, "password": "wrong"}
        )
        assert answer.status_code == 401
        return str(answer.text).replace(email, "")

    assert text("somebody@example.org") == text("nobody@example.com")


@pytest.mark.parametrize("email", [SUPPORT, "nobody@example.org"])
def test_five_wrong_passwords_lock_an_address_for_a_minute(database: Database, email: str) -> None:
    now = moments.now()
    answers = [passwords.check(database, email, "wrong", now) for _ in range(5)]
    locked = passwords.check(database, email, PASSWORD, now + timedelta(seconds=59))

    assert answers == [Answer.WRONG] * 4 + [Answer.LOCKED]
    assert locked is Answer.LOCKED


def test_after_the_minute_the_right_password_works_and_a_wrong_one_has_five_tries_again(
    database: Database,
) -> None:
    now = moments.now()
    for _ in range(5):
        passwords.check(database, SUPPORT, "wrong", now)
    later = now + timedelta(minutes=1)

    assert passwords.check(database, SUPPORT, "wrong", later) is Answer.WRONG
    assert passwords.check(database, SUPPORT, PASSWORD, later) is Answer.RIGHT


def test_the_right_password_forgets_the_wrong_ones(database: Database) -> None:
    now = moments.now()
    for _ in range(4):
        passwords.check(database, SUPPORT, "wrong", now)
    passwords.check(database, SUPPORT, PASSWORD, now)
    with database.primary.connect() as connection:
        kept = connection.execute(select(SignInFailure.failures)).all()

    assert kept == []


def test_the_page_says_that_an_address_is_locked(site: Site) -> None:
    with site.database.primary.begin() as connection:
        for _ in range(1):
            connection.execute(
                SignInFailure.__table__.insert().values(
                    email=SUPPORT, failures=5, locked_until=moments.now() + timedelta(seconds=50)
                )
            )
    answer = site.client.post(
        "/idp/authorize", params=asked(site), data={"email": SUPPORT, "password": PASSWORD}
    )

    assert answer.status_code == 429
    assert "Wait a minute" in answer.text


def test_withdrawn_staff_cannot_use_their_password(database: Database) -> None:
    with working(database, system("test")) as work:
        staff.revoke(work, SUPPORT, reason="left")

    assert passwords.check(database, SUPPORT, PASSWORD, moments.now()) is Answer.WRONG


def test_an_account_without_a_password_cannot_be_signed_in_to(database: Database) -> None:
    with database.primary.begin() as connection:
        connection.execute(update(staff.AdminUser).values(password_hash=None))

    assert passwords.check(database, SUPPORT, PASSWORD, moments.now()) is Answer.WRONG


@pytest.mark.parametrize("path", ["authorize", "token", "jwks", ".well-known/openid-configuration"])
def test_it_serves_this_machine_only(make_site: Callable[..., Site], settings: Settings, path: str) -> None:
    from_elsewhere = make_site(settings, asked_from="192.0.2.7").client.get(f"/idp/{path}")
    through_a_proxy = make_site(settings).client.get(f"/idp/{path}", headers={"X-Forwarded-For": "192.0.2.7"})

    assert (from_elsewhere.status_code, through_a_proxy.status_code) == (403, 403)


def test_it_does_not_exist_outside_a_demo(make_site: Callable[..., Site], settings: Settings) -> None:
    site = make_site(replace(settings, demo=False))

    assert site.client.get("/idp/.well-known/openid-configuration").status_code == 404


def test_signing_out_leads_back_to_the_app_and_nowhere_else(site: Site) -> None:
    answer = site.client.get("/idp/logout", params={"post_logout_redirect_uri": "http://evil.example.com"})

    assert answer.headers["location"] == f"{URL}/"
