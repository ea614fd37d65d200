"""Money in, worked by hand: what each figure counts, and that the payments behind it add up to it."""

from collections import defaultdict
from datetime import UTC, datetime

import pytest

from lib.core.access import Actor, Role
from lib.core.database import Database
from lib.core.errors import Invalid, NotAllowed
from lib.core.settings import Settings
from lib.core.work import reading
from lib.jobs import payment_days
from lib.metrics import money_in, money_rows
from lib.metrics.money_behind import payments_behind
from tests.factories import make_couple, make_invoice, make_payment, make_refund, make_subscription, make_user
from tests.metrics.ledger import DESK, NOW, day

SETTINGS = Settings.from_environment({})
JUNE = {"since": day("06-01"), "until": day("06-30")}


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-{text}").replace(tzinfo=UTC)


@pytest.fixture
def company(database: Database) -> Database:
    """One couple: May's payment is refused and paid on the second try; June's goes through at once.

    In June it also buys a gift and credits, gets the gift's price back, and a first payment of another
    subscription is refused. One invoice was paid at its third try, which Stripe keeps as one payment.
    """
    user = make_user(database, name="Anna Example")
    couple = make_couple(database, id="c1", user_1_id=user)
    for key in ("s1", "s2", "s3"):
        make_subscription(database, id=key, relationship_id=couple, user_id=user)
    mine = {"user_id": user, "relationship_id": couple}
    for on, key, status in (
        ("05-30 10:00", "s1", "failed"),
        ("06-02 10:00", "s1", "succeeded"),
        ("06-29 23:00", "s1", "succeeded"),
        ("06-03 09:00", "s2", "failed"),
    ):
        moment = at(on)
        make_payment(
            database, **mine, subscription_id=key, status=status, created_at=moment, processed_at=moment
        )
    gift = make_payment(
        database,
        **mine,
        transaction_type="gift",
        status="refunded",
        amount_cents=12_000,
        created_at=at("06-05 09:00"),
        processed_at=None,
    )
    make_payment(
        database,
        **mine,
        transaction_type="credits",
        amount_cents=900,
        currency="eur",
        processed_at=at("06-06 09:00"),
    )
    for reason, cents in (("duplicate", 11_000), ("the moon", 1_000)):
        make_refund(
            database,
            transaction_id=gift,
            user_id=user,
            refund_reason=reason,
            refund_amount_cents=cents,
            status="processed",
            processed_at=at("06-07 09:00"),
        )
    retried = make_payment(database, **mine, subscription_id="s3", processed_at=at("06-08 09:00"))
    make_invoice(database, payment_id=retried, status="paid", attempt_count=3)
    payment_days.run(database, SETTINGS, NOW.replace(day=30))
    return database


def behind(database: Database, what: str, detail: str | None = None, currency: str = "USD") -> list[int]:
    with reading(database, DESK, now=NOW) as view:
        found = payments_behind.stream(view, what=what, detail=detail, currency=currency, **JUNE)
        return sorted(row.cents for row in found)


def test_what_went_through_counts_by_what_it_was_for_in_its_own_currency(company: Database) -> None:
    assert behind(company, "paid", "subscription") == [3_000, 3_000, 3_000]
    assert behind(company, "paid", "gift") == [12_000]
    assert (behind(company, "paid", "credits"), behind(company, "paid", "credits", "EUR")) == ([], [900])


def test_money_that_went_back_counts_by_its_reason_and_strange_ones_together(company: Database) -> None:
    assert behind(company, "refunded", "duplicate") == [11_000]
    assert behind(company, "refunded", money_rows.OTHER) == [1_000]


def test_a_payment_recovers_the_refusal_before_it_and_the_next_one_does_not(company: Database) -> None:
    # Of s1 only 06-02, though 06-29 is within thirty days of it too; and the invoice with three tries.
    assert behind(company, "recovered") == [3_000, 3_000]
    assert behind(company, "failed") == [3_000]


def test_the_payments_behind_a_figure_add_up_to_it(company: Database) -> None:
    with reading(company, DESK, now=NOW) as view:
        (month,) = money_in.money_in(view, JUNE["since"], JUNE["until"]).months
    sums: dict[str, int] = defaultdict(int)
    for what in money_rows.WHATS:
        sums[what] = sum(behind(company, what))

    assert sums == {what: month.cents(what) for what in money_rows.WHATS}
    assert sum(behind(company, "paid", "gift")) == month.cents("gift")
    assert month.failed_rate is not None
    assert str(month.failed_rate) == "1/5"


def test_days_are_those_of_the_zone(company: Database) -> None:
    with reading(company, DESK, now=NOW) as view:
        in_tokyo = list(payments_behind.stream(view, what="paid", zone="Asia/Tokyo", **JUNE))

    # 23:00 on the 29th is the 30th there, still June; 10:00 on the 30th of May stays May.
    assert sum(row.cents for row in in_tokyo) == 21_000


def test_names_come_masked_and_who_may_not_see_payments_does_not(company: Database) -> None:
    product = Actor("staff_p", "product@example.org", Role.PRODUCT)
    with reading(company, DESK, now=NOW) as view:
        (row,) = payments_behind.page(view, what="failed", **JUNE).rows

    assert (row.person, row.relationship_id) == ("Anna E.", "c1")
    with pytest.raises(NotAllowed, match="payments:read"), reading(company, product) as view:
        payments_behind.page(view, what="failed", **JUNE)


def test_what_is_no_money_and_no_detail_is_refused(company: Database) -> None:
    with reading(company, DESK, now=NOW) as view:
        with pytest.raises(Invalid, match="Money is paid, refunded, failed, recovered"):
            payments_behind.page(view, what="found", **JUNE)
        with pytest.raises(Invalid, match="Nothing is paid for"):
            payments_behind.page(view, what="paid", detail="moon", **JUNE)
