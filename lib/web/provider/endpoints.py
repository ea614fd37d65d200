"""OpenID Connect, as much of it as one known client needs: the authorization code flow with PKCE.

https://openid.net/specs/openid-connect-core-1_0.html and its discovery document.
"""

import base64
import binascii
import hmac
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, Final
from urllib.parse import unquote, urlencode

from anyio import to_thread
from joserfc import jwt
from joserfc.jwk import RSAKey
from sqlalchemy import select
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send

from lib.core import moments
from lib.core.database import Database
from lib.core.settings import Settings
from lib.models import AdminUser
from lib.web.local import asks_from_this_machine
from lib.web.provider import codes, form, passwords
from lib.web.provider.passwords import Answer

log = logging.getLogger(__name__)

TOKEN_VALID_FOR: Final = timedelta(hours=1)
_NOT_KEPT: Final = {"Cache-Control": "no-store"}
_SENTENCES: Final = {
    Answer.WRONG: ("The e-mail or the password is wrong.", 401),
    Answer.LOCKED: ("Too many wrong passwords for this address. Wait a minute, then try again.", 429),
}


class Provider:
    """An ASGI app to be mounted at `/idp`. It serves programs and browsers on this machine only."""

    def __init__(self, settings: Settings, database: Database, key: RSAKey) -> None:
        self.settings = settings
        self.database = database
        self.key = key
        self.issuer = f"{settings.url}/idp"
        self.router = Router(
            [
                Route("/.well-known/openid-configuration", self.discovery),
                Route("/jwks", self.jwks),
                Route("/authorize", self.authorize, methods=["GET", "POST"]),
                Route("/token", self.token, methods=["POST"]),
                Route("/logout", self.logout),
                Route("/style.css", self.style),
                Route("/icon.svg", self.icon),
            ]
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, of this machine's."""
        answer: Callable[[Scope, Receive, Send], Awaitable[None]] = self.router
        if not asks_from_this_machine(Request(scope)):
            answer = PlainTextResponse("The demo's sign-in serves this machine only.", 403)
        await answer(scope, receive, send)

    async def discovery(self, _request: Request) -> Response:
        """Where everything is (OpenID Connect Discovery 1.0)."""
        return JSONResponse(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/jwks",
                "end_session_endpoint": f"{self.issuer}/logout",
                "response_types_supported": ["code"],
                "grant_types_supported": ["authorization_code"],
                "subject_types_supported": ["public"],
                "scopes_supported": ["openid", "email", "profile"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "code_challenge_methods_supported": ["S256"],
                "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            }
        )

    async def jwks(self, _request: Request) -> Response:
        """The public half of the signing key."""
        return JSONResponse({"keys": [self._public_key()]})

    async def authorize(self, request: Request) -> Response:
        """Show the form; with the right password, send the browser back to the app with a code."""
        query = request.query_params
        fault = self._fault(query)
        if fault:
            return PlainTextResponse(f"This sign-in request cannot be answered: {fault}", 400)
        if request.method == "GET":
            return form.page(query)
        sent = await request.form()
        email = str(sent.get("email", "")).strip().lower()[:254]
        password = str(sent.get("password", ""))[:200]
        now = moments.now()
        answer = await to_thread.run_sync(passwords.check, self.database, email, password, now)
        if answer is not Answer.RIGHT:
            log.warning("Sign-in refused: the password is %s.", answer.value)
            sentence, status = _SENTENCES[answer]
            return form.page(query, email=email, problem=sentence, status=status)
        code = await to_thread.run_sync(
            codes.issue, self.database, email, query.get("nonce"), query["code_challenge"], now
        )
        back = urlencode({"code": code, "state": query.get("state", "")})
        return RedirectResponse(f"{self.settings.sign_in.redirect_uri}?{back}", 303, _NOT_KEPT)

    async def token(self, request: Request) -> Response:
        """Exchange a code for an identity token, for the one client that knows the secret."""
        if not self._is_client(request.headers.get("authorization", "")):
            headers = {"WWW-Authenticate": "Basic", **_NOT_KEPT}
            return JSONResponse({"error": "invalid_client"}, 401, headers)
        sent = await request.form()
        if sent.get("grant_type") != "authorization_code":
            return JSONResponse({"error": "unsupported_grant_type"}, 400, _NOT_KEPT)
        if sent.get("redirect_uri") != self.settings.sign_in.redirect_uri:
            return JSONResponse({"error": "invalid_grant"}, 400, _NOT_KEPT)
        code, verifier = str(sent.get("code", "")), str(sent.get("code_verifier", ""))
        claims = await to_thread.run_sync(self._claims, code, verifier)
        if claims is None:
            return JSONResponse({"error": "invalid_grant"}, 400, _NOT_KEPT)
        token = jwt.encode({"alg": "RS256", "kid": self._public_key()["kid"]}, claims, self.key)
        # The access token is this provider's to read, and it has nothing to give for one.
        answer = {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": int(TOKEN_VALID_FOR.total_seconds()),
            "id_token": token,
        }
        return JSONResponse(answer, 200, _NOT_KEPT)

    async def logout(self, _request: Request) -> Response:
        """Nothing is kept here about who is signed in; back to the app, and to nowhere else."""
        return RedirectResponse(f"{self.settings.url}/", 302)

    async def style(self, _request: Request) -> Response:
        """The form's style sheet: a file of its own, because the policy allows no inline style."""
        return Response(form.STYLE, media_type="text/css")

    async def icon(self, _request: Request) -> Response:
        """The product's icon."""
        return Response(form.ICON, media_type="image/svg+xml")

    def _fault(self, query: QueryParams) -> str | None:
        sign_in = self.settings.sign_in
        if query.get("client_id") != sign_in.client_id or query.get("redirect_uri") != sign_in.redirect_uri:
            return "it is not from the app at this address. Open the app at ADMIN_URL, as it is set."
        if query.get("response_type") != "code" or "openid" not in query.get("scope", "").split():
            return "it must ask for a code, with the scope openid."
        if query.get("code_challenge_method") != "S256" or not query.get("code_challenge"):
            return "it must carry an S256 code challenge."
        return None

    def _is_client(self, authorization: str) -> bool:
        scheme, _, encoded = authorization.partition(" ")
        try:
            client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return False
        sign_in = self.settings.sign_in
        return (
            scheme.lower() == "basic"
            and unquote(client_id) == sign_in.client_id
            and hmac.compare_digest(unquote(secret).encode(), sign_in.client_secret.encode())
        )

    def _claims(self, code: str, verifier: str) -> dict[str, Any] | None:
        now = moments.now()
        redeemed = codes.redeem(self.database, code, verifier, now)
        if redeemed is None:
            return None
        with self.database.primary.execution_options(writes=False).connect() as connection:
            name = connection.scalar(select(AdminUser.name).where(AdminUser.email == redeemed.email))
        claims = {
            "iss": self.issuer,
            "sub": redeemed.email,
            "aud": self.settings.sign_in.client_id,
            "iat": int(now.timestamp()),
            "exp": int((now + TOKEN_VALID_FOR).timestamp()),
            "email": redeemed.email,
            "email_verified": True,
            "name": name or redeemed.email,
        }
        return claims if redeemed.nonce is None else {**claims, "nonce": redeemed.nonce}

    def _public_key(self) -> dict[str, Any]:
        return {
            **self.key.as_dict(private=False),
            "kid": self.key.thumbprint(),
            "use": "sig",
            "alg": "RS256",
        }
