"""Starting the web app: what must hold before the first request, said in one sentence when it does not."""

import gc
import importlib
import logging
import pkgutil
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import Any, Final

from streamlit import config

from lib import services
from lib.core.database import Database
from lib.core.errors import AdminError, Invalid, Refused
from lib.core.logs import configure_logging
from lib.core.schema import revisions
from lib.core.settings import LOOPBACK, Settings, required_for_web
from lib.web import keys, metrics

log = logging.getLogger(__name__)

HEAVY: Final = ("pandas", "pyarrow", "plotly.graph_objects", "stripe", "streamlit.dataframe_util")


def settings_and_database() -> tuple[Settings, Database]:
    """Read the settings, fill in a demo's own secrets, and open the database.

    Ends the process with one sentence when the app cannot start so; a traceback would hide it.
    """
    configure_logging()
    try:
        settings = _settings()
        database = Database(settings.database_url, replica_url=settings.replica_url)
        refuse_wrong_schema(database)
    except AdminError as error:
        sys.exit(f"The web app does not start. {error}")
    return settings, database


def auth_secrets(settings: Settings) -> dict[str, Any]:
    """Streamlit's `[auth]` section. The embedded provider always asks for the password."""
    sign_in = settings.sign_in
    return {
        "auth": {
            "redirect_uri": sign_in.redirect_uri,
            "cookie_secret": sign_in.cookie_secret,
            "client_id": sign_in.client_id,
            "client_secret": sign_in.client_secret,
            "server_metadata_url": sign_in.metadata_url,
            "client_kwargs": {"prompt": "login" if settings.demo else "select_account"},
        }
    }


def lifespan(
    settings: Settings, database: Database
) -> Callable[[Any], AbstractAsyncContextManager[dict[str, Any] | None]]:
    """What the server does before its first request and after its last."""

    @asynccontextmanager
    async def around(_app: Any) -> AsyncIterator[dict[str, Any] | None]:
        metrics.watch(database)
        _load_everything()
        log.info("Better Together admin is ready at %s", settings.url)
        yield None
        database.dispose()

    return around


def refuse_wrong_schema(database: Database) -> None:
    """Raise unless the database answers and is at the revision that this version was written for."""
    database.ping()
    with database.primary.execution_options(writes=False).connect() as connection:
        revision = revisions.current(connection)
    pending = revisions.pending(revision)
    if revision is None:
        raise Refused("The database holds no schema of ours. Run `python -m lib db upgrade` (or `db adopt`).")
    if pending:
        raise Refused(
            f"The database is at revision {revision}; {', '.join(pending)} are missing. "
            "Run `python -m lib db upgrade`."
        )


def _settings() -> Settings:
    settings = Settings.from_environment()
    if settings.demo:
        address = config.get_option("server.address") or ""
        if address not in LOOPBACK:
            raise Invalid(
                f"Demo mode listens on this machine only, and server.address is “{address}”. "
                "Set it to localhost, or unset ADMIN_DEMO."
            )
        settings = replace(settings, sign_in=keys.complete(settings.sign_in, keys.FOLDER))
    required_for_web(settings)
    return settings


def _load_everything() -> None:
    """Import what pages will need, then keep the garbage collector from looking at it ever again.

    Streamlit collects after every run of a page: with these modules loaded a rerun took 92 ms of CPU, 8 ms
    once they were frozen (2 cores, Streamlit 1.67). The services fill the registry of lists for exports.
    """
    for name in HEAVY:
        importlib.import_module(name)
    for module in pkgutil.iter_modules(services.__path__, f"{services.__name__}."):
        importlib.import_module(module.name)
    gc.collect()
    gc.freeze()
