"""The commands put together, and how they fail: one sentence on standard error, never a traceback."""

from typing import Annotated

import typer

from lib.cli import closing, db, experiments, figures, journeys, numbers, staff, stripe
from lib.cli.common import DatabaseUrl, connected, settings
from lib.core.errors import AdminError
from lib.core.logs import configure_logging
from lib.demo import opening
from lib.jobs import worker as workers

app = typer.Typer(
    help="Better Together admin.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(db.app, name="db")
app.add_typer(staff.app, name="staff")
app.add_typer(stripe.app, name="stripe")
figures.metrics.command()(experiments.experiment)
figures.metrics.add_typer(journeys.app)
app.add_typer(figures.metrics, name="metrics")
app.add_typer(numbers.jobs, name="jobs")
app.add_typer(numbers.audit, name="audit")
app.add_typer(closing.app, name="close")


@app.command()
def demo(
    couples: Annotated[int, typer.Option(min=1, help="How many couples ever signed up.")] = 2000,
    months: Annotated[int, typer.Option(min=1, max=120, help="How long the company exists.")] = 24,
    seed: Annotated[int, typer.Option(help="The same seed gives the same company.")] = 7,
    events: Annotated[int | None, typer.Option(min=0, help="How many events of the app in all.")] = None,
    assignments: Annotated[int | None, typer.Option(min=0, help="How many people are in tests.")] = None,
    errors: Annotated[int | None, typer.Option(min=0, help="How many errors the app noted.")] = None,
    database: DatabaseUrl = None,
) -> None:
    """Fill an empty database, and the local Stripe, with a believable company."""
    with connected(database) as chosen:
        opening.fill(
            chosen,
            settings(database),
            couples=couples,
            months=months,
            seed=seed,
            events=events,
            assignments=assignments,
            errors=errors,
            say=typer.echo,
        )


@app.command()
def worker(database: DatabaseUrl = None) -> None:
    """Do at Stripe what people decided, apply its events, run the jobs, until interrupted."""
    configure_logging()
    workers.serve(settings(database))


@app.command()
def run(
    port: Annotated[int, typer.Option(help="The first one that is free from here on is taken.")] = 8501,
) -> None:
    """Start the demo: a local Stripe, the worker and the app, until Ctrl-C."""
    from lib import supervisor

    supervisor.run(port)


def main() -> int:
    """Run one command; gives 1 for what cannot be done. Words that it cannot read end it with 2."""
    try:
        app()
    except AdminError as error:
        typer.echo(str(error), err=True)
        return 1
    return 0
