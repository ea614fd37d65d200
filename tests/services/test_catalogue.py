"""The catalogue against Stripe's: what is missing or differs, and how both come into step."""

from datetime import timedelta

import pytest

from lib.core import moments
from lib.core.database import Database
from lib.core.errors import Invalid, NotAllowed, NotFound, Refused
from lib.core.work import reading
from lib.models import Addon, SubscriptionPlan
from lib.payments import operations
from lib.services import catalogue
from lib.services.catalogue import Line
from tests.factories import make_plan, make_subscription, write
from tests.faults.offer_scenarios import of_plan, plan_at_stripe
from tests.local_stripe import LocalStripe
from tests.staff import FINANCE, PRODUCT, SUPPORT, do, read


def line(database: Database, stripe: LocalStripe, key: str) -> Line:
    entry = read(database, PRODUCT, catalogue.one, f"subscription_plans/{key}")
    found: Line = catalogue.compare_one(stripe.gateway, entry)
    [listed] = [
        each
        for each in catalogue.compare(stripe.gateway, read(database, PRODUCT, catalogue.entries)).lines
        if each.ref == entry.ref
    ]
    assert listed == found
    return found


def row(database: Database, key: str) -> SubscriptionPlan:
    with reading(database, FINANCE) as view:
        return view.session.get_one(SubscriptionPlan, key)


def work_off(database: Database, stripe: LocalStripe) -> None:
    for waiting in operations.due(database, moments.now() + timedelta(seconds=1)):
        operations.run(database, stripe.gateway, waiting, "worker")
        operations.settle(database, stripe.gateway, waiting)


def test_an_entry_whose_price_is_the_same_is_in_step(sqlite: Database, stripe: LocalStripe) -> None:
    found = line(sqlite, stripe, plan_at_stripe(sqlite, stripe))

    assert (found.state, found.stripe_price, found.said) == ("in_step", "$30.00", "")


def test_a_price_that_drifted_is_shown_with_both_values(sqlite: Database, stripe: LocalStripe) -> None:
    found = line(sqlite, stripe, plan_at_stripe(sqlite, stripe, 3500))

    assert (found.state, found.said) == ("differs", "$30.00 here, $35.00 at Stripe.")


def test_another_interval_is_a_difference_too(sqlite: Database, stripe: LocalStripe) -> None:
    key = plan_at_stripe(sqlite, stripe)
    with sqlite.primary.begin() as connection:
        connection.exec_driver_sql("UPDATE subscription_plans SET billing_period = 'annual'")

    assert line(sqlite, stripe, key).said == "Billed annual here, by month at Stripe."


def test_what_stripe_does_not_have_is_missing_and_is_made(sqlite: Database, stripe: LocalStripe) -> None:
    key = make_plan(sqlite, id=f"plan_{id(sqlite)}", stripe_price_id=None, stripe_product_id=None)
    before = line(sqlite, stripe, key)
    of_plan(sqlite, key, catalogue.create)
    work_off(sqlite, stripe)
    made = row(sqlite, key)
    price = stripe.gateway.catalogue.price(str(made.stripe_price_id))

    assert (before.state, before.said) == ("missing", "It has no price at Stripe.")
    assert line(sqlite, stripe, key).state == "in_step"
    assert (made.stripe_product_id, price.lookup_key) == (f"prod_{key}", key)
    assert price.metadata["catalogue_id"] == key


def test_a_new_price_takes_the_place_of_the_old_one_which_is_archived(
    sqlite: Database, stripe: LocalStripe
) -> None:
    key = plan_at_stripe(sqlite, stripe)
    old = str(row(sqlite, key).stripe_price_id)
    subscription = make_subscription(sqlite, plan_id=key)
    of_plan(sqlite, key, catalogue.new_price, price_cents=3_350)
    work_off(sqlite, stripe)
    plan = row(sqlite, key)
    new = stripe.gateway.catalogue.price(str(plan.stripe_price_id))
    product = stripe.gateway.catalogue.product(str(plan.stripe_product_id))

    assert (plan.price_cents, plan.price_display) == (3350, "$33.50/month per person")
    assert (new.unit_amount, new.active, product.default_price_id) == (3350, True, new.id)
    assert stripe.gateway.catalogue.price(old).active is False
    with reading(sqlite, FINANCE) as view:
        held = view.session.connection().exec_driver_sql(
            "SELECT price_cents FROM subscriptions WHERE id = ?", (subscription,)
        )
        assert held.scalar_one() == 3000


def test_our_price_wins_by_a_new_price_of_the_same_amount(sqlite: Database, stripe: LocalStripe) -> None:
    key = plan_at_stripe(sqlite, stripe, 3500)
    of_plan(sqlite, key, catalogue.new_price, price_cents=3000)
    work_off(sqlite, stripe)

    assert line(sqlite, stripe, key).state == "in_step"
    assert row(sqlite, key).price_cents == 3000


def test_stripes_price_wins_by_taking_it_over(sqlite: Database, stripe: LocalStripe) -> None:
    key = plan_at_stripe(sqlite, stripe, 3500)
    old = row(sqlite, key).stripe_price_id
    of_plan(sqlite, key, catalogue.adopt_price)
    work_off(sqlite, stripe)
    plan = row(sqlite, key)

    assert (plan.price_cents, plan.price_display, plan.stripe_price_id) == (
        3500,
        "$35/month per person",
        old,
    )


def test_an_archived_price_can_be_made_anew(sqlite: Database, stripe: LocalStripe) -> None:
    key = plan_at_stripe(sqlite, stripe)
    plan = row(sqlite, key)
    gateway = stripe.gateway.catalogue
    other = gateway.create_price(
        product_id=str(plan.stripe_product_id),
        unit_amount=1,
        currency="usd",
        interval="month",
        lookup_key=f"o_{key}",
        metadata={},
        key=f"o{key}",
    )
    gateway.set_default_price(str(plan.stripe_product_id), other.id, key=f"d{key}")
    gateway.archive_price(str(plan.stripe_price_id), key=f"a{key}")
    before = line(sqlite, stripe, key).state
    of_plan(sqlite, key, catalogue.create)
    work_off(sqlite, stripe)

    assert (before, line(sqlite, stripe, key).state) == ("archived", "in_step")


def test_products_that_no_row_points_to_are_listed(sqlite: Database, stripe: LocalStripe) -> None:
    found = catalogue.compare(stripe.gateway, read(sqlite, PRODUCT, catalogue.entries))

    [stray] = [each for each in found.strays if each.id == "prod_1"]
    assert (stray.name, "$30.00" in stray.prices) == ("Try It Out", True)
    assert found.lines == ()


def test_while_stripe_is_silent_nothing_is_claimed(sqlite: Database) -> None:
    make_plan(sqlite)
    found = catalogue.unasked(read(sqlite, PRODUCT, catalogue.entries))

    assert [each.state for each in found.lines] == ["not_asked"]
    assert "did not answer" in str(catalogue.why_not(found.lines[0], "create"))
    assert "did not answer" in str(catalogue.why_not(None, "adopt"))


@pytest.mark.parametrize(
    ("cents", "can"),
    [(3000, {"new_price"}), (3500, {"new_price", "adopt"})],
)
def test_only_what_makes_sense_is_offered(
    sqlite: Database, stripe: LocalStripe, cents: int, can: set[str]
) -> None:
    found = line(sqlite, stripe, plan_at_stripe(sqlite, stripe, cents))
    wishes = ("create", "new_price", "adopt")

    assert {wish for wish in wishes if catalogue.why_not(found, wish) is None} == can


def test_what_cannot_be_done_is_refused_in_a_sentence(sqlite: Database, stripe: LocalStripe) -> None:
    off_offer = make_plan(sqlite, is_active=False)
    bare = make_plan(sqlite, stripe_product_id=None, stripe_price_id=None)
    priced = plan_at_stripe(sqlite, stripe)

    with pytest.raises(Refused, match="not on offer"):
        of_plan(sqlite, off_offer, catalogue.create)
    with pytest.raises(Refused, match="no product at Stripe"):
        of_plan(sqlite, bare, catalogue.new_price, price_cents=100)
    with pytest.raises(Refused, match="names no price"):
        of_plan(sqlite, bare, catalogue.adopt_price)
    with pytest.raises(Invalid, match="eight digits"):
        of_plan(sqlite, priced, catalogue.new_price, price_cents=100_000_000)
    with pytest.raises(NotFound, match="no plan or add-on"):
        read(sqlite, PRODUCT, catalogue.one, "users/1")


def test_only_finance_changes_the_price_list(sqlite: Database, stripe: LocalStripe) -> None:
    key = plan_at_stripe(sqlite, stripe)
    shown = read(sqlite, PRODUCT, catalogue.one, f"subscription_plans/{key}").digest

    with pytest.raises(NotAllowed):
        do(sqlite, PRODUCT, catalogue.create, "subscription_plans", key, shown=shown, reason="Mine")
    with pytest.raises(NotAllowed):
        read(sqlite, SUPPORT, catalogue.entries)


def test_entries_count_who_has_them(sqlite: Database) -> None:
    plan = make_plan(sqlite)
    make_subscription(sqlite, plan_id=plan)
    make_subscription(sqlite, plan_id=plan, status="canceled")
    write(sqlite, Addon, id="box", addon_name="Box", addon_type="surprise_box", price_cents=4900)
    found = {entry.id: entry for entry in read(sqlite, PRODUCT, catalogue.entries)}

    assert (found[plan].holders, found[plan].typed) == (1, "30.00")
    assert (found["box"].billing_period, found["box"].ref) == ("one_time", "subscription_addons/box")
    assert read(sqlite, PRODUCT, catalogue.one, "subscription_addons/box") == found["box"]
