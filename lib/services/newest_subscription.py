"""The newest subscription of a row, as a column of a list."""

from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, select

from lib.models import Base, Subscription, SubscriptionPlan, sortable


def of_newest_subscription(column: Any, theirs: ColumnElement[bool], owner: type[Base]) -> ScalarSelect[Any]:
    """A column of the newest subscription (or its plan) of each row of `owner`; `theirs` says whose it is.

    Looked up for the rows that are shown: as a join it would be for every row that is counted or passed over.
    """
    return (
        select(column)
        .select_from(Subscription)
        .outerjoin(SubscriptionPlan, SubscriptionPlan.id == Subscription.plan_id)
        .where(theirs)
        .order_by(sortable(Subscription.created_at).desc())
        .limit(1)
        .correlate(owner)
        .scalar_subquery()
    )
