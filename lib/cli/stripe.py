"""`python -m lib stripe ...`: the local Stripe, single events, and comparing with Stripe."""

import dataclasses
import json
from pathlib import Path
from typing import Annotated

import typer

from lib.cli import reconcile
from lib.cli.common import AsJson, DatabaseUrl, connected, say, settings
from lib.core.errors import Invalid
from lib.payments import inbox
from lib.payments.gateway import gateway_of
from lib.payments.sandbox import server

app = typer.Typer(
    help="The local Stripe, single events of Stripe's, and comparing our rows with it.", no_args_is_help=True
)
app.command("reconcile")(reconcile.reconcile)


@app.command()
def sandbox(
    file: Annotated[Path, typer.Option(help="Where it keeps its objects.")] = Path("var/stripe.db"),
    port: Annotated[int, typer.Option(help="0 takes a free one.")] = 12111,
    webhook_url: Annotated[str | None, typer.Option(help="Receives every event, signed.")] = None,
    webhook_secret: Annotated[str | None, typer.Option(help="Signs what is sent there.")] = None,
) -> None:
    """Serve a local Stripe on this machine until interrupted."""
    file.parent.mkdir(parents=True, exist_ok=True)
    server.serve(file, port=port, webhook_url=webhook_url, webhook_secret=webhook_secret)


@app.command("apply-event")
def apply_event(file: Path, database: DatabaseUrl = None, as_json: AsJson = False) -> None:
    """Store one event from a JSON file, apply it at once, and print what it changed."""
    try:
        payload = json.loads(file.read_text())
    except OSError as error:
        raise Invalid(f"{file} cannot be read: {error.strerror}.") from None
    except ValueError:
        raise Invalid(f"{file} is not JSON.") from None
    chosen = settings(database)
    gateway = gateway_of(chosen)
    with connected(database) as db:
        outcome = inbox.apply_event(
            db, gateway, payload, livemode_expected=chosen.livemode, mode=chosen.stripe_webhooks
        )
    changed = json.loads(outcome.changed) if outcome.changed else {}
    lines = [f"  {where}: {fields}" for where, fields in changed.items()]
    said = outcome.outcome or outcome.error or "nothing changed"
    say(dataclasses.asdict(outcome) | {"changed": changed}, as_json, f"{outcome.state}: {said}", *lines)
