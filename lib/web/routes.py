"""The addresses beside the pages."""

from collections.abc import Sequence
from pathlib import Path

from starlette.routing import BaseRoute, Mount, Route

from lib.core.database import Database
from lib.core.settings import Settings
from lib.web import keys, provider
from lib.web.exports import Exports
from lib.web.health import Health
from lib.web.metrics import Metrics
from lib.web.webhooks import StripeWebhooks


def routes(settings: Settings, database: Database, *, keys_folder: Path = keys.FOLDER) -> Sequence[BaseRoute]:
    """Every address of ours; the embedded sign-in, with its key from `keys_folder`, only in demo mode."""
    found: list[BaseRoute] = [
        Route("/healthz", Health(database).answer, methods=["GET"]),
        Route("/metrics", Metrics(database).answer, methods=["GET"]),
        Route("/export/{token}", Exports(settings, database).answer, methods=["GET"]),
        Route("/webhooks/stripe", StripeWebhooks(settings, database).answer, methods=["POST"]),
    ]
    if settings.demo:
        found.append(Mount("/idp", provider.Provider(settings, database, keys.signing_key(keys_folder))))
    return found
