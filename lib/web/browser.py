"""Who is behind a plain HTTP request: the same cookie, session row and rules as for a page."""

import json
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from streamlit.auth_util import get_cookie_with_chunks
from streamlit.web.server.starlette.starlette_app_utils import decode_signed_value
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

from lib.core.access import Actor
from lib.core.database import Database
from lib.core.errors import NotAllowed
from lib.core.settings import SignIn
from lib.services import sessions


def signed_in(request: Request, database: Database, sign_in: SignIn) -> Actor:
    """The member of staff whose browser asks; raises NotAllowed when nobody is signed in there."""
    actor = sessions.recognise(
        database,
        claims(request, sign_in.cookie_secret),
        sign_in,
        user_agent=request.headers.get("user-agent"),
    )
    if not isinstance(actor, Actor):
        raise NotAllowed("You are not signed in (any more). Sign in, then try again.")
    return actor


def claims(request: Request, cookie_secret: str) -> Mapping[str, Any]:
    """What Streamlit's signed identity cookie says; nothing when there is none or it was altered."""

    def cookie(name: str) -> bytes | None:
        value = request.cookies.get(name)
        return decode_signed_value(cookie_secret, name, value.encode("latin-1")) if value else None

    content = get_cookie_with_chunks(cookie, USER_COOKIE_NAME)
    return dict(json.loads(content)) if content else {}
