"""Refunds: asked for by one, decided by another, within what is left and within a limit."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from lib.core import audit, moments
from lib.core.database import Database
from lib.core.errors import Invalid, NotAllowed, NotFound, Refused
from lib.core.work import reading
from lib.models import AuditEntry, Operation, Payment, Refund, RefundAttempt, RefundLimit, Reveal
from lib.services import limit_use, payments, refunds
from tests.factories import make_couple, make_dispute, make_payment, make_refund, make_user, write
from tests.staff import FINANCE, OTHER_FINANCE, PRODUCT, SUPPORT, do, read
from tests.statements import counted


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    opened = Database(sqlite_url)
    yield opened
    opened.dispose()


def ask(database: Database, payment: str, cents: int = 1000, actor=SUPPORT, **over: str) -> str:
    given = {"reason": "requested_by_customer"} | over
    return do(database, actor, refunds.request, payment, amount_cents=cents, **given)


def approve(database: Database, refund: str, actor=FINANCE) -> Operation:
    shown = read(database, actor, refunds.one, refund).digest
    return do(database, actor, refunds.approve, refund, shown=shown, reason="Fair")


def deny(database: Database, refund: str, actor=FINANCE) -> None:
    shown = read(database, actor, refunds.one, refund).digest
    do(database, actor, refunds.deny, refund, shown=shown, reason="Used it for a year")


def row(database: Database, refund: str) -> Refund:
    with reading(database, FINANCE) as view:
        return view.session.get_one(Refund, refund)


def attempts(database: Database) -> list[RefundAttempt]:
    with reading(database, FINANCE) as view:
        return list(view.session.scalars(select(RefundAttempt).order_by(RefundAttempt.id)))


def test_a_request_waits_for_a_decision_with_its_payment_and_who_asked(database: Database) -> None:
    payment = make_payment(database, amount_cents=3000)

    case = read(database, FINANCE, refunds.one, ask(database, payment, 1200, note="By phone"))

    assert (case.status, case.amount_cents, case.left_cents, case.notes) == (
        "pending",
        1200,
        3000,
        "By phone",
    )
    assert case.requested_by.email == SUPPORT.email
    assert case.payment.promised_cents == 1200
    assert case.why_not_decide is None


def test_a_refund_larger_than_what_is_left_is_refused(database: Database) -> None:
    payment = make_payment(database, amount_cents=3000)
    ask(database, payment, 2500)

    with pytest.raises(Refused, match=r"Only \$5\.00 .* is left to refund, and this asks for \$5\.01"):
        ask(database, payment, 501)


@pytest.mark.parametrize("status", ["pending", "approved", "processed"])
def test_what_is_asked_for_approved_or_paid_counts_against_the_payment(
    database: Database, status: str
) -> None:
    payment = make_payment(database, amount_cents=3000)
    make_refund(database, transaction_id=payment, refund_amount_cents=3000, status=status)

    with pytest.raises(Refused, match="Nothing of this payment is left"):
        ask(database, payment, 1)


def test_a_denied_refund_leaves_the_money_to_be_asked_for_again(database: Database) -> None:
    payment = make_payment(database, amount_cents=3000)
    make_refund(database, transaction_id=payment, refund_amount_cents=3000, status="denied")

    assert row(database, ask(database, payment, 3000)).status == "pending"


def test_a_refund_that_stripe_made_elsewhere_counts_and_ours_is_not_counted_twice(database: Database) -> None:
    payment = make_payment(database, amount_cents=3000, refund_amount_cents=1500)
    make_refund(
        database,
        transaction_id=payment,
        refund_amount_cents=1000,
        status="processed",
        stripe_refund_id="re_1",
    )

    assert read(database, SUPPORT, payments.one, payment).left_cents == 1500


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        ({"status": "failed"}, "payment failed"),
        ({"status": "pending"}, "still pending"),
        ({"status": "refunded"}, "given back in full"),
        ({"transaction_type": "refund"}, "a refund cannot be refunded"),
        ({"stripe_payment_intent_id": None, "stripe_charge_id": None}, "no Stripe payment"),
    ],
)
def test_a_payment_that_cannot_be_given_back_says_why_in_the_list_and_on_request(
    database: Database, facts: dict, sentence: str
) -> None:
    payment = make_payment(database, **facts)

    assert sentence in read(database, SUPPORT, payments.one, payment).why_not
    with pytest.raises(Refused, match=sentence):
        ask(database, payment, 1)


def test_a_refund_of_somebody_elses_payment_is_refused(database: Database) -> None:
    payment = make_payment(database, relationship_id=make_couple(database))

    with pytest.raises(Refused, match="somebody else's"):
        ask(database, payment, for_user=make_user(database))
    with pytest.raises(Refused, match="somebody else's"):
        ask(database, payment, for_couple=make_couple(database))


@pytest.mark.parametrize("cents", [0, -5])
def test_an_amount_that_is_not_positive_is_invalid(database: Database, cents: int) -> None:
    payment = make_payment(database)

    with pytest.raises(Invalid, match="more than zero"):
        ask(database, payment, cents)


def test_ids_that_do_not_exist_get_a_short_sentence(database: Database) -> None:
    with pytest.raises(NotFound, match="There is no payment"):
        ask(database, "x" * 10_000)
    with pytest.raises(NotFound) as missing:
        read(database, SUPPORT, refunds.one, "y" * 10_000)

    assert len(str(missing.value)) < 100


def test_approving_queues_one_payment_at_stripe_and_keeps_the_attempt(database: Database) -> None:
    payment = make_payment(database)
    refund = ask(database, payment, 1000)

    operation = approve(database, refund)

    case = read(database, FINANCE, refunds.one, refund)
    assert (case.status, case.processed_by) == ("approved", FINANCE.id)
    assert [(step.id, step.state, step.is_open) for step in case.operations] == [
        (operation.id, "prepared", True)
    ]
    assert [(each.allowed, each.admin_user_id) for each in case.attempts] == [(True, FINANCE.id)]


def test_whoever_asked_for_a_refund_does_not_decide_on_it(database: Database) -> None:
    refund = ask(database, make_payment(database), actor=FINANCE)

    for decide in (approve, deny):
        with pytest.raises(Refused, match="somebody else has to decide"):
            decide(database, refund)
    approve(database, refund, actor=OTHER_FINANCE)

    assert row(database, refund).status == "approved"


def test_a_refund_that_the_app_made_has_no_requester_and_may_be_decided(database: Database) -> None:
    refund = make_refund(database)

    approve(database, refund)

    assert read(database, FINANCE, refunds.one, refund).requested_by is None


def test_only_the_first_decision_counts(database: Database) -> None:
    refund = make_refund(database)
    shown = read(database, FINANCE, refunds.one, refund).digest
    deny(database, refund)

    with pytest.raises(Refused, match="Somebody changed this"):
        do(database, FINANCE, refunds.approve, refund, shown=shown, reason="Fair")
    with pytest.raises(Refused, match="denied already"):
        approve(database, refund)

    assert row(database, refund).status == "denied"
    assert row(database, refund).notes == "Denied: Used it for a year"


def test_support_cannot_decide_and_product_cannot_even_look(database: Database) -> None:
    refund = make_refund(database)
    shown = read(database, FINANCE, refunds.one, refund).digest

    with pytest.raises(NotAllowed):
        do(database, SUPPORT, refunds.approve, refund, shown=shown, reason="Fair")
    with pytest.raises(NotAllowed):
        read(database, PRODUCT, refunds.one, refund)


def test_approving_more_than_the_limit_of_a_day_is_refused_and_remembered(database: Database) -> None:
    big = make_payment(database, amount_cents=90_000)
    first, second = (
        make_refund(database, transaction_id=big, refund_amount_cents=cents) for cents in (40_000, 20_000)
    )
    approve(database, first)

    with pytest.raises(Refused, match=r"beyond your limit: \$500\.00 within 24 hours, of which \$400\.00"):
        approve(database, second)

    kept = [(each.refund_id, each.allowed, each.used_cents, each.limit_cents) for each in attempts(database)]
    assert kept == [(first, True, 0, 50_000), (second, False, 40_000, 50_000)]
    assert "beyond your limit" in attempts(database)[1].refusal
    assert row(database, second).status == "pending"


def test_a_refused_attempt_is_kept_whatever_the_reason_and_stands_in_the_audit(database: Database) -> None:
    refund = ask(database, make_payment(database), actor=FINANCE)

    with pytest.raises(Refused):
        approve(database, refund)

    assert [(each.refund_id, each.allowed) for each in attempts(database)] == [(refund, False)]
    with reading(database, FINANCE) as view:
        outcomes = view.session.scalars(
            select(AuditEntry.outcome).where(AuditEntry.action == "refunds.approve")
        ).all()
        assert outcomes == ["refused"]
        assert audit.verify(view.session).broken_at is None


def test_the_limit_is_used_up_for_24_hours_only(database: Database) -> None:
    payment = make_payment(database, amount_cents=100_000)
    make_attempt(database, at=moments.now() - timedelta(hours=24), amount_cents=50_000)

    approve(database, make_refund(database, transaction_id=payment, refund_amount_cents=50_000))

    assert [use.left_cents for use in read(database, FINANCE, limit_use.mine, "refunds")] == [0]


def make_attempt(database: Database, **over: object) -> None:
    values = {
        "id": "attempt",
        "admin_user_id": FINANCE.id,
        "refund_id": "elsewhere",
        "at": moments.now(),
        "amount_cents": 1,
        "currency": "USD",
        "limit_cents": 50_000,
        "used_cents": 0,
        "allowed": True,
    }
    write(database, RefundAttempt, **values | over)


@pytest.mark.parametrize(
    ("holders", "limit"),
    [((), 50_000), (("finance",), 70_000), (("finance", FINANCE.id), 90_000), (("support",), 50_000)],
)
def test_the_persons_own_limit_goes_before_the_roles_before_the_default(
    database: Database, holders: tuple[str, ...], limit: int
) -> None:
    cents = {"finance": 70_000, FINANCE.id: 90_000, "support": 10}
    for holder in holders:
        write(
            database,
            RefundLimit,
            holder=holder,
            currency="USD",
            limit_cents=cents[holder],
            updated_at=moments.now(),
            updated_by="test",
        )

    assert [
        (use.currency, use.limit_cents) for use in read(database, FINANCE, limit_use.mine, "refunds")
    ] == [("USD", limit)]
    assert read(database, SUPPORT, limit_use.mine, "refunds") == []


def test_limits_are_per_currency(database: Database) -> None:
    make_attempt(database, amount_cents=50_000, currency="EUR")
    euros = make_payment(database, currency="EUR")

    with pytest.raises(Refused, match=r"€500\.00"):
        approve(database, make_refund(database, transaction_id=euros))
    approve(database, make_refund(database))

    assert [use.currency for use in read(database, FINANCE, limit_use.mine, "refunds")] == ["EUR", "USD"]


def test_a_payment_that_shrank_since_the_request_is_not_paid_beyond_what_is_left(database: Database) -> None:
    payment = make_payment(database, amount_cents=3000)
    refund = ask(database, payment, 3000)
    with database.primary.begin() as connection:
        connection.execute(update(Payment).values(refund_amount_cents=100))

    with pytest.raises(Refused, match=r"Only \$29\.00"):
        approve(database, refund)


def test_only_an_approved_refund_whose_payment_failed_is_tried_again(database: Database) -> None:
    refund = make_refund(database)
    elsewhere = make_refund(database, status="approved")
    for each, sentence in ((refund, "is pending"), (elsewhere, "outside this dashboard")):
        shown = read(database, FINANCE, refunds.one, each).digest
        with pytest.raises(Refused, match=sentence):
            do(database, FINANCE, refunds.try_again, each, shown=shown, reason="Again")
    operation = approve(database, refund)
    shown = read(database, FINANCE, refunds.one, refund).digest
    with pytest.raises(Refused, match="already under way"):
        do(database, FINANCE, refunds.try_again, refund, shown=shown, reason="Again")

    with database.primary.begin() as connection:
        connection.execute(update(Operation).values(state="failed", open_key=None))
    again = do(database, FINANCE, refunds.try_again, refund, shown=shown, reason="Again")

    assert again.id != operation.id
    assert [step.state for step in read(database, FINANCE, refunds.progress, refund)] == [
        "prepared",
        "failed",
    ]


def test_pending_refunds_come_oldest_first_and_the_others_newest_first(database: Database) -> None:
    start = moments.now()
    for hours in (2, 1, 3):
        requested = start + timedelta(hours=hours)
        for status in ("pending", "processed"):
            make_refund(database, id=f"{status}_{hours}", status=status, requested_at=requested)

    def ids(status: str | None) -> list[str]:
        return [each.id for each in read(database, SUPPORT, refunds.requests.page, status=status).rows]

    assert ids("pending") == ["pending_1", "pending_2", "pending_3"]
    assert ids("processed") == ["processed_3", "processed_2", "processed_1"]
    assert len(ids(None)) == 6
    with pytest.raises(Invalid, match="Refunds are pending, approved"):
        ids("no such status")


def test_the_list_shows_people_masked(database: Database) -> None:
    make_refund(database, user_id=make_user(database, name="Mara Keller"))

    [line] = read(database, SUPPORT, refunds.requests.page).rows

    assert line.person == "Mara K."


@pytest.mark.parametrize("status", ["pending", "processed", None])
def test_the_list_is_served_by_an_index(database: Database, status: str | None) -> None:
    statement = refunds.requests.build(status=status).limit(50)
    with database.primary.connect() as connection:
        sql = statement.compile(connection, compile_kwargs={"literal_binds": True})
        plan = [step.detail for step in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}")]

    assert any("idx_admin_refunds_" in step for step in plan)
    assert not any("TEMP B-TREE" in step for step in plan)


def test_a_persons_and_a_couples_payments_say_what_is_refundable(database: Database) -> None:
    couple, person = make_couple(database), make_user(database)
    mine = make_payment(database, user_id=person, relationship_id=couple)
    failed = make_payment(database, user_id=person, relationship_id=couple, status="failed")
    make_payment(database)

    lines = {line.id: line for line in read(database, SUPPORT, payments.of_person, person)}

    assert {key: (line.left_cents, line.why_not is None) for key, line in lines.items()} == {
        mine: (3000, True),
        failed: (0, False),
    }
    assert {line.id for line in read(database, SUPPORT, payments.of_couple, couple)} == {mine, failed}


def test_one_refund_takes_as_many_statements_whatever_happened_to_its_payment(database: Database) -> None:
    payment = make_payment(database, amount_cents=90_000)
    refund = ask(database, payment)
    numbers = []
    for more in (0, 20):
        for _ in range(more):
            make_refund(database, transaction_id=payment, refund_amount_cents=1)
        with reading(database, FINANCE) as view, counted(database) as sent:
            refunds.one(view, refund)
            numbers.append(len(sent))

    assert numbers[0] == numbers[1] <= 11


def test_a_euro_refund_is_shown_in_euros_among_the_others(database: Database) -> None:
    payment = make_payment(database, currency="EUR")
    make_refund(database, transaction_id=payment, refund_amount_cents=1)

    case = read(database, FINANCE, refunds.one, ask(database, payment))

    assert [(each.amount_cents, each.currency) for each in case.earlier] == [(1, "EUR")]


def test_a_person_who_was_revealed_is_shown_by_name_to_whoever_asked_only(database: Database) -> None:
    person = make_user(database, name="Mara Keller", email="mara@example.org")
    refund = make_refund(database, user_id=person)
    write(
        database,
        Reveal,
        id="reveal",
        admin_user_id=SUPPORT.id,
        person_id=person,
        reason="A call",
        revealed_at=moments.now(),
        until=moments.now() + timedelta(minutes=15),
    )

    shown, masked = (read(database, who, refunds.one, refund) for who in (SUPPORT, FINANCE))

    assert (shown.person, shown.email, shown.payment.person) == (
        "Mara Keller",
        "mara@example.org",
        "Mara Keller",
    )
    assert (masked.person, masked.email) == ("Mara K.", "m•••@example.org")


def test_the_same_request_again_is_refused_while_it_waits(database: Database) -> None:
    payment = make_payment(database, amount_cents=3000)
    note = "Wrote from anna@example.org, +44 20 7946 0000"
    ask(database, payment, note=note)

    with pytest.raises(Refused, match="You have asked for this already"):
        ask(database, payment, note=note)


def test_a_request_that_differs_or_is_somebody_elses_or_was_decided_is_a_new_one(database: Database) -> None:
    payment = make_payment(database, amount_cents=9000)
    first = ask(database, payment, note="The first of two months")
    ask(database, payment, note="The second of two months")
    ask(database, payment, 1001, note="The first of two months")
    ask(database, payment, reason="duplicate", note="The first of two months")
    ask(database, payment, actor=OTHER_FINANCE, note="The first of two months")
    deny(database, first)
    again = ask(database, payment, note="The first of two months")

    assert row(database, again).status == "pending"


@pytest.mark.parametrize("status", ["needs_response", "under_review", "lost"])
def test_a_payment_that_a_bank_took_back_is_not_refunded_as_well(database: Database, status: str) -> None:
    payment = make_payment(database, amount_cents=3000)
    waiting = ask(database, payment, 1000)
    make_dispute(database, payment_id=payment, status=status)

    with pytest.raises(Refused, match="taken this payment back in a dispute"):
        ask(database, payment, 500)
    with pytest.raises(Refused, match="taken this payment back in a dispute"):
        approve(database, waiting)
    assert "dispute" in read(database, SUPPORT, payments.one, payment).why_not


def test_an_inquiry_of_a_bank_and_a_dispute_that_was_won_leave_a_payment_to_be_refunded(
    database: Database,
) -> None:
    payment = make_payment(database, amount_cents=3000)
    make_dispute(database, payment_id=payment, status="warning_needs_response")
    make_dispute(database, payment_id=payment, status="won")

    assert read(database, SUPPORT, payments.one, payment).why_not is None
