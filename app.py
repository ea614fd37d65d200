"""The web app. `streamlit run app.py`, or `uvicorn app:app`."""

import streamlit as st
from starlette.middleware import Middleware

from lib.core.settings import ROOT
from lib.ui import finder, navigation, resources
from lib.ui.incidents import on_script_error
from lib.web import start
from lib.web.addresses import PageAddresses
from lib.web.headers import SecurityHeaders, WantedPage
from lib.web.routes import routes

settings, database = start.settings_and_database()
resources.set_up(settings, database)

app = st.App(
    ROOT / "lib" / "ui" / "shell.py",
    routes=routes(settings, database),
    middleware=[
        Middleware(SecurityHeaders, url=settings.url, scripts=[finder.FOCUS]),
        Middleware(WantedPage, url=settings.url),
        Middleware(
            PageAddresses,
            pages=[desk.slug for desk in navigation.DESKS],
            home=navigation.HOME.slug,
            missing=navigation.MISSING,
        ),
    ],
    secrets=start.auth_secrets(settings),
    lifespan=start.lifespan(settings, database),
    on_script_error=on_script_error,
)
