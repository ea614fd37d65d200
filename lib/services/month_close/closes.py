"""Freezing a month's figures as they stand, and restating them when later entries changed what they would be.

    open --freeze--> version 1 --restate--> version 2 ...

A version is never changed, and neither are its files: what comes late shows as a difference, and only a
person makes a new version of it, with a reason.
"""

from datetime import date
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from lib.core.access import Permission
from lib.core.errors import NotFound, Refused
from lib.core.work import Digest, Work, action
from lib.metrics.reported import DEFAULT_CURRENCY
from lib.models import AuditHead, MonthClose, MonthCloseLine, SubscriptionChange, new_id
from lib.services.month_close import recurring
from lib.services.month_close.lines import differences, digest
from lib.services.month_close.standing import Standing, standing
from lib.services.month_close.versions import lines_of
from lib.services.month_close.versions import newest as newest_version

_AT_ONCE: Final = "Somebody closed this month at the same moment. Reload to see what was kept."


@action(Permission.REVENUE_CLOSE)
def freeze(
    work: Work, month: date, *, reason: str, reporting: str = DEFAULT_CURRENCY, zone: str = "UTC"
) -> str:
    """Keep the figures of the month that begins with `month` as they stand; gives the version's id.

    `zone` is where its days begin and end.

    A month that is frozen already keeps its newest version: that one's id is given, and nothing is written.
    Raises Refused while the month is not over or its days are not counted in full.
    """
    newest = newest_version(work.session, month)
    if newest is not None:
        work.about("admin_month_closes", newest.id)
        return newest.id
    now = standing(work.session, month, work.now, reporting, zone)
    if now.why_not:
        raise Refused(now.why_not)
    return _keep(work, now, 1, reporting, reason)


@action(Permission.REVENUE_CLOSE, about="admin_month_closes")
def restate(work: Work, close_id: str, *, shown: Digest, reason: str, zone: str = "UTC") -> str:
    """Make a new version of a month out of what its figures are now, and give its id; the former stays.

    `shown` is the digest of the figures that the person looked at. Raises NotFound, and Refused when it is
    not the newest version, nothing differs, the figures moved on since, or days are not counted.
    """
    close = work.session.get(MonthClose, close_id)
    if close is None:
        raise NotFound(f"There is no close {close_id[:40]}. Check the address.")
    newest = newest_version(work.session, close.month)
    if newest is None or newest.id != close.id:
        raise Refused("A newer version of this month stands already. Reload and look at that one.")
    now = standing(work.session, close.month, work.now, close.reporting_currency, zone)
    if now.why_not:
        raise Refused(now.why_not)
    if now.digest != shown:
        raise Refused("The figures have moved on since they were shown. Nothing was done; look again.")
    if not any(each.differs for each in differences(lines_of(work.session, close.id), now.lines)):
        raise Refused("Nothing differs: today's figures are those that were frozen.")
    return _keep(work, now, close.version + 1, close.reporting_currency, reason)


def _keep(work: Work, now: Standing, number: int, reporting: str, reason: str) -> str:
    newest = work.session.execute(
        select(SubscriptionChange.seq, func.max(SubscriptionChange.recorded_at).over())
        .order_by(SubscriptionChange.seq.desc())
        .limit(1)
    ).one_or_none()
    lines = [*now.lines, *recurring.history(work.session, now.month)]
    close = MonthClose(
        id=new_id(),
        month=now.month,
        version=number,
        reporting_currency=reporting,
        as_of=newest[1] if newest else None,
        ledger_seq=newest[0] if newest else 0,
        audit_seq=work.session.scalar(select(AuditHead.seq)) or 0,
        digest=digest(now.month, lines),
        reason=reason.strip(),
        closed_by=work.actor.id,
        closed_by_email=work.actor.email,
        closed_at=work.now,
    )
    work.about("admin_month_closes", close.id)
    work.session.add(close)
    try:
        work.session.flush()
    except IntegrityError:
        raise Refused(_AT_ONCE) from None
    work.session.add_all(
        MonthCloseLine(
            close_id=close.id,
            position=position,
            section=line.section,
            policy=line.policy,
            currency=line.currency,
            measure=line.measure,
            value=line.value,
            why_not=line.why_not,
        )
        for position, line in enumerate(lines, 1)
    )
    return close.id
