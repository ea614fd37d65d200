"""The months of every currency in the reporting currency; what rates moved is a movement of its own."""

from collections import defaultdict
from datetime import date
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lib.core.access import Permission
from lib.core.work import View, query
from lib.metrics import revenue
from lib.metrics.exchange import Rate, Rates, ReportedMonth, checked, reported
from lib.metrics.policies import HOUSE, Policy
from lib.metrics.series import Month
from lib.models import ExchangeRate

DEFAULT_CURRENCY: Final = "USD"


@query(Permission.REVENUE_READ)
def reported_months(
    view: View, since: date, until: date, policy: Policy = HOUSE, reporting: str = DEFAULT_CURRENCY
) -> list[ReportedMonth]:
    """Each month from that of `since` to that of `until`, all currencies in the reporting one.

    A month that lacks a rate says so and has no amounts. A statement for each currency, and two.
    """
    by_month: dict[date, list[Month]] = defaultdict(list)
    for currency in revenue.currencies(view, policy):
        for month in revenue.churn_by_month(view, since, until, currency, policy).months:
            by_month[month.month].append(month)
    rates = rates_into(view.session, reporting)
    return [reported(by_month[month], rates) for month in sorted(by_month)]


def rates_into(session: Session, reporting: str) -> Rates:
    """Every rate into a currency that counts: of several for one day, the one that was entered last."""
    newest = (
        func.row_number()
        .over(
            partition_by=(ExchangeRate.currency, ExchangeRate.valid_from),
            order_by=(ExchangeRate.recorded_at.desc(), ExchangeRate.id.desc()),
        )
        .label("nth")
    )
    entered = (
        select(ExchangeRate.currency, ExchangeRate.valid_from, ExchangeRate.rate, newest)
        .where(ExchangeRate.reporting_currency == reporting)
        .subquery()
    )
    rows = session.execute(
        select(entered.c.currency, entered.c.valid_from, entered.c.rate).where(entered.c.nth == 1)
    )
    return Rates.of(reporting, (Rate(currency, day, checked(rate)) for currency, day, rate in rows))
