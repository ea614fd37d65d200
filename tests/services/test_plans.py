"""Combined plans: shown as a dry run, proposed by one, decided as a whole by another."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from lib.core import moments
from lib.core.database import Database
from lib.core.errors import NotAllowed, NotFound, Refused
from lib.core.work import reading
from lib.models import ActionPlan, Addon, AiCredit, Operation, Refund, RefundAttempt, Subscription, UserAddon
from lib.services import refunds
from lib.services.plans import case, dry_run, plan
from lib.services.plans.wishes import Wishes
from tests.factories import make_couple, make_payment, make_subscription, make_user, write
from tests.staff import FINANCE, OTHER_FINANCE, PRODUCT, SUPPORT, do, read

NOW = moments.now()


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    opened = Database(sqlite_url)
    yield opened
    opened.dispose()


class Home:
    """A couple with a subscription, a payment, 30 unused credits and an add-on."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.payer = make_user(database)
        self.couple = make_couple(database, user_1_id=self.payer)
        of_them = {"user_id": self.payer, "relationship_id": self.couple}
        self.subscription = make_subscription(
            database, current_period_end=NOW + timedelta(days=20), **of_them
        )
        paid = dict.fromkeys(("created_at", "processed_at"), NOW - timedelta(days=2))
        self.payment = make_payment(database, subscription_id=self.subscription, **paid, **of_them)
        write(
            database,
            AiCredit,
            id=f"credits_{self.couple}",
            transaction_type="grant",
            credits_amount=30,
            credits_balance=30,
            created_at=NOW - timedelta(days=9),
            **of_them,
        )
        write(
            database,
            Addon,
            id=f"addon_{self.couple}",
            addon_name="Date-night pack",
            addon_type="content",
            price_cents=900,
            billing_period="one_time",
        )
        self.addon = write(
            database,
            UserAddon,
            id=f"bought_{self.couple}",
            addon_id=f"addon_{self.couple}",
            status="active",
            price_cents=900,
            billing_period="one_time",
            purchase_date=NOW,
            **of_them,
        )

    def wishes(self, **over: object) -> Wishes:
        everything = {
            "payment_id": self.payment,
            "amount_cents": 3000,
            "subscription_id": self.subscription,
            "cancel": "now",
            "credits": True,
            "addon_ids": (self.addon,),
        }
        return Wishes(**everything | over)

    def look(self, **over: object) -> dry_run.DryRun:
        return read(self.database, SUPPORT, dry_run.dry_run, self.couple, self.wishes(**over))

    def propose(self, actor=SUPPORT, **over: object) -> str:
        return do(
            self.database,
            actor,
            plan.propose,
            self.couple,
            self.wishes(**over),
            shown=self.look(**over).digest,
            reason="Moving abroad",
        )


@pytest.fixture
def home(database: Database) -> Home:
    return Home(database)


def one(database: Database, plan_id: str, actor=FINANCE) -> case.PlanCase:
    return read(database, actor, case.one, plan_id)


def approve(database: Database, plan_id: str, actor=FINANCE) -> None:
    shown = one(database, plan_id, actor).digest
    do(database, actor, plan.approve, plan_id, shown=shown, reason="Fair")


def rest(database: Database, verb, plan_id: str, actor=FINANCE) -> None:
    shown = one(database, plan_id, actor).plan_digest
    do(database, actor, verb, plan_id, shown=shown, reason="Talked to them")


def refund_of(database: Database, plan_id: str) -> Refund:
    with reading(database, FINANCE) as view:
        return view.session.get_one(Refund, view.session.get_one(ActionPlan, plan_id).refund_id)


def change(database: Database, statement) -> None:
    with database.primary.begin() as connection:
        connection.execute(statement)


def test_a_dry_run_says_of_each_step_what_it_does_and_writes_nothing(database: Database, home: Home) -> None:
    shown = home.look()

    assert [(step.kind, step.title) for step in shown.steps] == [
        ("cancel_now", "Cancel Try It Out now"),
        ("take_back_credits", "Take back 30 AI credits"),
        ("end_addon", "End Date-night pack"),
        ("refund", "Give back $30.00"),
    ]
    assert shown.steps[0].mrr == "MRR falls by $30.00 at once."
    assert shown.steps[0].access == "Access ends at once, for both partners."
    assert shown.steps[3].money == "$30.00 go back to the card; $0.00 stay."
    assert shown.why_not is None
    assert shown.recommendation.verdict == "refund"
    with reading(database, FINANCE) as view:
        assert view.session.scalars(select(ActionPlan)).all() == []


@pytest.mark.parametrize(
    ("over", "number", "sentence"),
    [
        ({"amount_cents": 3001}, 4, r"Only \$30.00 of this payment is left"),
        ({"amount_cents": 0}, 4, "more than zero"),
        ({"payment_id": "pay_of_others"}, 4, "The couple has no such payment."),
        ({"subscription_id": "sub_of_others"}, 1, "The couple has no such subscription."),
        ({"addon_ids": ("addon_of_others",)}, 3, "The couple has no such add-on."),
    ],
)
def test_an_impossible_step_says_why_and_is_not_proposed(
    database: Database, home: Home, over: dict, number: int, sentence: str
) -> None:
    shown = home.look(**over)

    assert sentence.replace("\\", "") in shown.steps[number - 1].why_not
    assert "is impossible" in shown.why_not
    with pytest.raises((Refused, NotFound)):
        home.propose(**over)


def test_what_has_ended_or_is_used_up_is_impossible(database: Database, home: Home) -> None:
    change(database, update(Subscription).values(status="canceled"))
    change(database, update(UserAddon).values(status="canceled"))
    change(database, update(AiCredit).values(credits_balance=0))

    assert [step.why_not is None for step in home.look().steps] == [False, False, False, True]


def test_one_step_alone_is_no_plan(home: Home) -> None:
    alone = {"credits": False, "addon_ids": (), "subscription_id": None}

    assert "two steps at least" in home.look(**alone).why_not
    with pytest.raises(Refused, match="two steps at least"):
        home.propose(**alone)


def test_a_plan_is_proposed_as_it_was_shown(database: Database, home: Home) -> None:
    shown = home.look()
    change(database, update(AiCredit).values(credits_balance=12))

    with pytest.raises(Refused, match="changed since the dry run"):
        do(database, SUPPORT, plan.propose, home.couple, home.wishes(), shown=shown.digest, reason="Moving")


def test_a_couple_has_one_open_plan(database: Database, home: Home) -> None:
    first = home.propose(amount_cents=1000)

    with pytest.raises(Refused, match="has an open plan already"):
        home.propose(amount_cents=500)
    rest(database, plan.deny, first)
    home.propose(amount_cents=500)


def test_the_refund_of_a_plan_counts_and_is_decided_with_it_only(database: Database, home: Home) -> None:
    plan_id = home.propose()
    refund = refund_of(database, plan_id)

    found = read(database, FINANCE, refunds.one, refund.id)
    assert (found.status, found.plan_id, found.requested_by.email) == ("pending", plan_id, SUPPORT.email)
    assert "step of a plan" in found.why_not_decide
    with pytest.raises(Refused, match="step of a plan"):
        do(database, FINANCE, refunds.approve, refund.id, shown=found.digest, reason="Fair")
    with pytest.raises(Refused, match="Nothing of this payment is left"):
        do(database, SUPPORT, refunds.request, home.payment, amount_cents=1, reason="duplicate")


def test_whoever_proposed_a_plan_does_not_decide_on_it(database: Database, home: Home) -> None:
    plan_id = home.propose(actor=FINANCE)

    with pytest.raises(Refused, match="somebody else has to decide"):
        approve(database, plan_id)
    with pytest.raises(Refused, match="somebody else has to decide"):
        rest(database, plan.deny, plan_id)
    approve(database, plan_id, actor=OTHER_FINANCE)

    assert one(database, plan_id).state == "running"


def test_a_plan_is_decided_as_it_stands_now(database: Database, home: Home) -> None:
    plan_id = home.propose()
    shown = one(database, plan_id).digest
    change(database, update(AiCredit).values(credits_balance=12))

    with pytest.raises(Refused, match="changed since the plan was shown"):
        do(database, FINANCE, plan.approve, plan_id, shown=shown, reason="Fair")
    found = one(database, plan_id)
    assert (found.changed, found.steps[1].title) == ((2,), "Take back 12 AI credits")
    approve(database, plan_id)


def test_a_plan_with_an_impossible_step_is_not_approved(database: Database, home: Home) -> None:
    plan_id = home.propose()
    change(database, update(Subscription).values(status="canceled"))

    with pytest.raises(Refused, match="is impossible now: This subscription has ended"):
        approve(database, plan_id)

    assert one(database, plan_id).state == "proposed"


def test_a_plan_counts_against_the_limit_of_who_approves_it(database: Database) -> None:
    home = Home(database)
    payment = make_payment(
        database, user_id=home.payer, relationship_id=home.couple, amount_cents=60_000, created_at=NOW
    )
    plan_id = home.propose(payment_id=payment, amount_cents=50_001)

    with pytest.raises(Refused, match="beyond your limit"):
        approve(database, plan_id)

    with reading(database, FINANCE) as view:
        [kept] = view.session.scalars(select(RefundAttempt))
    assert (kept.allowed, kept.refund_id) == (False, refund_of(database, plan_id).id)
    assert one(database, plan_id).state == "proposed"
    assert refund_of(database, plan_id).status == "pending"


def test_approving_decides_on_the_refund_too_and_sends_nothing_yet(database: Database, home: Home) -> None:
    plan_id = home.propose()

    approve(database, plan_id)

    refund = refund_of(database, plan_id)
    kept = read(database, FINANCE, refunds.one, refund.id).kept
    assert (refund.status, refund.processed_by) == ("approved", FINANCE.id)
    assert [(each.stage, each.decision) for each in kept] == [("request", None), ("decision", "approved")]
    with reading(database, FINANCE) as view:
        assert view.session.scalars(select(Operation)).all() == []


@pytest.mark.parametrize(
    ("verb", "actor", "state"), [(plan.deny, FINANCE, "denied"), (plan.withdraw, SUPPORT, "withdrawn")]
)
def test_a_plan_that_is_denied_or_withdrawn_promises_nothing_any_more(
    database: Database, home: Home, verb, actor, state: str
) -> None:
    plan_id = home.propose()

    rest(database, verb, plan_id, actor)

    found = one(database, plan_id)
    assert (found.state, {step.state for step in found.steps}) == (state, {"skipped"})
    assert (refund_of(database, plan_id).status, found.finished_at is not None) == ("denied", True)
    assert "Talked to them" in refund_of(database, plan_id).notes
    home.propose()


def test_only_who_proposed_a_plan_withdraws_it(database: Database, home: Home) -> None:
    plan_id = home.propose()

    with pytest.raises(Refused, match="Only who proposed"):
        rest(database, plan.withdraw, plan_id, FINANCE)
    with pytest.raises(NotAllowed):
        rest(database, plan.deny, plan_id, SUPPORT)
    with pytest.raises(NotAllowed):
        read(database, PRODUCT, case.one, plan_id)


def test_only_a_plan_that_has_stopped_is_continued_or_given_up(database: Database, home: Home) -> None:
    plan_id = home.propose()

    for verb in (plan.go_on, plan.give_up):
        with pytest.raises(Refused, match="only one that has stopped"):
            rest(database, verb, plan_id)


def test_what_can_be_wished_for_a_couple_is_offered(database: Database, home: Home) -> None:
    offered = read(database, SUPPORT, dry_run.choices, home.couple)

    assert [line.id for line in offered.payments] == [home.payment]
    assert offered.subscriptions == {home.subscription: "Try It Out, active"}
    assert (offered.credits, offered.addons) == (30, {home.addon: "Date-night pack"})
    assert offered.open_plan_id is None
    assert read(database, SUPPORT, dry_run.choices, home.couple) == offered
    with pytest.raises(NotFound):
        read(database, SUPPORT, dry_run.choices, "x" * 1000)


def test_plans_are_listed_newest_first_by_state(database: Database) -> None:
    first, second = (Home(database).propose() for _ in range(2))
    rest(database, plan.deny, first)

    assert [each.id for each in read(database, SUPPORT, plan.plans.page).rows] == [second, first]
    assert [each.id for each in read(database, SUPPORT, plan.plans.page, state="denied").rows] == [first]
