"""`python -m lib metrics ...`: figures for finance, from the functions that the pages use."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Annotated

import typer

from lib.cli import rendered
from lib.cli.common import OPERATOR, AsJson, DatabaseUrl, connected, day, say, settings
from lib.core import moments, money
from lib.core.errors import Invalid, NotFound
from lib.core.moments import next_month
from lib.core.work import reading
from lib.metrics import bridge as bridges
from lib.metrics import cohorts, ledger_segments, policies, revenue, roll_forward
from lib.metrics import mrr as recurring
from lib.metrics.policies import Policy

metrics = typer.Typer(help="Figures, as the pages show them.", no_args_is_help=True)

Named = Annotated[str, typer.Option("--policy", help=f"One of {', '.join(policies.POLICIES)}.")]
Since = Annotated[
    str, typer.Option("--from", metavar="DAY", help="YYYY-MM-DD; figures of months begin with its month.")
]
Until = Annotated[str | None, typer.Option("--to", metavar="DAY", help="YYYY-MM-DD; today if left out.")]
Currency = Annotated[str, typer.Option(help="Amounts of several currencies are never added.")]
AsOf = Annotated[
    str | None,
    typer.Option("--as-of", metavar="MOMENT", help="Only what was recorded by then; UTC if it has no zone."),
]
By = Annotated[
    ledger_segments.By | None,
    typer.Option(help="Segments, which add up to the whole; a cohort is the month of the first payment."),
]


@metrics.command()
def mrr(
    on: Annotated[str | None, typer.Option("--date", help="The same as --to.")] = None,
    until: Until = None,
    policy: Named = "house",
    as_of: AsOf = None,
    by: By = None,
    database: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Monthly recurring revenue at the end of a day, one line per currency."""
    chosen, on_day, known = _policy(policy, database), _day(until or on), _moment(as_of)
    with connected(database) as db, reading(db, OPERATOR) as view:
        standings = recurring.mrr_at(view, on_day, chosen, as_of=known)
        parts = ledger_segments.standing_by(view.session, on_day, chosen, by, as_of=known) if by else {}
    data = [
        rendered.standing(each, chosen, known)
        | ({"by": by, "segments": rendered.parts(parts.get(each.currency, {}))} if by else {})
        for each in standings
    ]
    lines = []
    for each in standings:
        lines.append(f"{money.show(each.mrr_cents, each.currency)} MRR from {each.couples:,} couples")
        lines += [
            f"  {name or 'not known'}: {money.show(cents, each.currency)} a year from {rows:,} subscriptions"
            for name, (cents, rows) in sorted(parts.get(each.currency, {}).items())
        ]
    say(data, as_json, *(lines or ["Nothing recurs on that day."]))


@metrics.command()
def movements(
    since: Since,
    until: Until = None,
    policy: Named = "house",
    as_of: AsOf = None,
    by: By = None,
    currency: Currency = "USD",
    reporting: Annotated[bool, typer.Option(help="All currencies, in the reporting one.")] = False,
    database: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """How each month's MRR came from the one before; from the ledger with --as-of or --by."""
    chosen, first, last = _policy(policy, database), _day(since), _day(until)
    known, code = _moment(as_of), currency.upper()
    anew = known is not None or by is not None
    if reporting and anew:
        raise Invalid("--reporting is read from the daily figures: leave out --as-of and --by.")
    _in_order(first, last)
    with connected(database) as db, reading(db, OPERATOR) as view:
        if anew:
            months = roll_forward.from_ledger(view, first, last, code, chosen, as_of=known, by=by)
        elif reporting:
            code = settings(database).reporting_currency
            months = roll_forward.in_reporting(view, first, last, code, chosen)
        else:
            months = roll_forward.from_roll_up(view, first, last, code, chosen)
    data = {
        "policy": chosen.name,
        "currency": code,
        "from": "ledger" if anew else "roll-up",
        "as_of": known.isoformat() if known else None,
        "by": by,
        "months": [rendered.month_forward(month) for month in months],
    }
    lines = [
        line
        for month in months
        for line in (rendered.forward_line(month, code), *rendered.segment_lines(month, code))
    ]
    say(data, as_json, *lines)


@metrics.command()
def churn(
    since: Since,
    until: Until = None,
    policy: Named = "house",
    currency: Currency = "USD",
    database: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Churn, retention of revenue and value of a couple by named formulas, for each month."""
    chosen, first, last, code = _policy(policy, database), _day(since), _day(until), currency.upper()
    _in_order(first, last)
    with connected(database) as db, reading(db, OPERATOR) as view:
        months = roll_forward.from_roll_up(view, first, last, code, chosen)
        days = revenue.mrr_by_day(
            view, months[0].month - timedelta(days=31), next_month(last), code, chosen
        ).days
    told = [(month, rendered.rates_of(month, days)) for month in months]
    data = {
        "policy": chosen.name,
        "currency": code,
        "from": "roll-up",
        "formulas": rendered.formulas(told),
        "months": [rendered.month_churn(month, rates) for month, rates in told],
    }
    lines = [
        f"{month.month:%Y-%m}: " + ", ".join(rendered.rate_text(rate, code) for rate in rates)
        for month, rates in told
    ]
    say(data, as_json, *lines)


@metrics.command()
def retention(
    since: Since,
    until: Until = None,
    policy: Named = "house",
    currency: Currency = "USD",
    database: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Couples and revenue that are left of each cohort, by months since it began."""
    _by_cohort(cohorts.retention_by_cohort, since, until, policy, currency, database, as_json=as_json)


@metrics.command()
def ltv(
    since: Since,
    until: Until = None,
    policy: Named = "house",
    currency: Currency = "USD",
    database: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Money in less refunds for each couple that joined, by cohort and months since it began."""
    _by_cohort(cohorts.realised_ltv, since, until, policy, currency, database, as_json=as_json)


@metrics.command()
def bridge(
    until: Until = None,
    policy: Named = "house",
    against: Annotated[str, typer.Option(help="The policy to compare with.")] = "stripe",
    as_of: AsOf = None,
    currency: Currency = "USD",
    database: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """From one policy's MRR to another's on a day: each reason, and each subscription that differs."""
    ours, theirs = _policy(policy, database), _policy(against, database)
    on_day, known, code = _day(until), _moment(as_of), currency.upper()
    with connected(database) as db, reading(db, OPERATOR) as view:
        found = bridges.bridge(view, on_day, ours, theirs, code, as_of=known)
        rows = bridges.differing(view, on_day, ours, theirs, code, as_of=known)
    lines = [f"{ours.title}: {money.show(found.ours_arr_cents, code)} a year"]
    lines += [
        f"  {step.words}: {money.show(step.difference_arr_cents, code)} in {step.subscriptions:,}"
        for step in found.steps
    ]
    lines += [f"{theirs.title}: {money.show(found.theirs_arr_cents, code)} a year"]
    say(rendered.bridge(found, rows), as_json, *lines)


@metrics.command("revenue")
def revenue_(
    since: Since,
    until: Until = None,
    policy: Named = "house",
    currency: Currency = "USD",
    database: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """MRR at the end of each day, and what each plan brings in on the last one."""
    chosen, first, last, code = _policy(policy, database), _day(since), _day(until), currency.upper()
    _in_order(first, last)
    with connected(database) as db, reading(db, OPERATOR) as view:
        series = revenue.mrr_by_day(view, first, last, code, chosen)
        mix = revenue.plan_mix(view, last, code, chosen)
    _counted(series.why_not)
    data = {"policy": chosen.name, "currency": code, "from": "roll-up"}
    days = [rendered.plain(each) | {"mrr_cents": money.monthly(each.arr_cents)} for each in series.days]
    lines = [f"{each.day}: {money.show(money.monthly(each.arr_cents), code)}" for each in series.days]
    say(data | {"days": days, "plans_on": mix.day, "plans": rendered.plain(mix.plans)}, as_json, *lines)


def _by_cohort(
    asked: Callable[..., cohorts.Retention | cohorts.RealisedLtv],
    since: str,
    until: str | None,
    policy: str,
    currency: str,
    database: str | None,
    *,
    as_json: bool,
) -> None:
    """Ask something of the cohorts that began in a time, and print it by cohort with the averages."""
    chosen, first, last, code = _policy(policy, database), _day(since), _day(until), currency.upper()
    with connected(database) as db, reading(db, OPERATOR) as view:
        found = asked(view, first.replace(day=1), last, code, chosen)
    _counted(found.why_not)
    data = {"policy": chosen.name, "currency": code, "cohorts": rendered.plain(found.cohorts)}
    lines = [f"{each.cohort:%Y-%m}: {each.joined:,} couples joined" for each in found.cohorts]
    say(data | {"averages": rendered.plain(found.averages)}, as_json, *lines)


def _policy(name: str, database: str | None) -> Policy:
    return policies.named(name, policies.of(settings(database)))


def _day(text: str | None) -> date:
    return day(text) or moments.now().date()


def _in_order(first: date, last: date) -> None:
    if first > last:
        raise Invalid(f"{first} is after {last}.")


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid(f"“{text[:40]}” is not a moment. Write it like 2026-05-31T12:00:00Z.") from None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _counted(why_not: str | None) -> None:
    if why_not:
        raise NotFound(why_not)
