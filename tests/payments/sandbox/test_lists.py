"""Pages, filters and expansions."""

import time
from typing import Any

import pytest

from tests.payments.sandbox.account import Account, refusal


@pytest.fixture(scope="module")
def refunds(account: Account) -> tuple[Any, list[str]]:
    """A charge with 25 refunds, newest first."""
    charge = account.charge(25 * 100)
    made = [account.v1.refunds.create({"charge": charge.id, "amount": 100}).id for _ in range(25)]
    return charge, made[::-1]


def test_a_list_starts_with_the_newest_ten(account: Account, refunds: tuple[Any, list[str]]) -> None:
    charge, newest_first = refunds
    page = account.v1.refunds.list({"charge": charge.id})

    assert [one.id for one in page.data] == newest_first[:10]
    assert (page.has_more, page.url) == (True, "/v1/refunds")


@pytest.mark.parametrize("limit", [1, 7, 24, 25, 100])
def test_all_pages_together_are_the_whole_list(
    account: Account, refunds: tuple[Any, list[str]], limit: int
) -> None:
    charge, newest_first = refunds
    page = account.v1.refunds.list({"charge": charge.id, "limit": limit})

    assert [one.id for one in page.auto_paging_iter()] == newest_first


def test_a_page_before_an_object_ends_just_before_it(
    account: Account, refunds: tuple[Any, list[str]]
) -> None:
    charge, newest_first = refunds
    params = {"charge": charge.id, "limit": 3, "ending_before": newest_first[10]}

    assert [one.id for one in account.v1.refunds.list(params).data] == newest_first[7:10]


@pytest.mark.parametrize("limit", [0, 101])
def test_a_page_has_one_to_a_hundred_objects(account: Account, limit: int) -> None:
    error = refusal(lambda: account.v1.refunds.list({"limit": limit}))

    assert (error.http_status, error.param) == (400, "limit")


def test_a_cursor_that_names_nothing_is_refused(account: Account) -> None:
    error = refusal(lambda: account.v1.refunds.list({"starting_after": "re_nothing"}))

    assert (error.http_status, error.code, error.param) == (400, "resource_missing", "starting_after")


def test_lists_are_cut_by_time(account: Account, refunds: tuple[Any, list[str]]) -> None:
    charge, newest_first = refunds
    moment = account.v1.refunds.retrieve(newest_first[0]).created

    def listed(**created: int) -> int:
        params = {"charge": charge.id, "created": created, "limit": 100}
        return len(account.v1.refunds.list(params).data)

    assert listed(gt=moment) == 0
    assert listed(gte=charge.created) == 25
    assert listed(lt=charge.created) == 0
    assert listed(gte=charge.created, lte=moment) == 25


def test_an_expansion_goes_through_the_objects_of_a_list(
    account: Account, refunds: tuple[Any, list[str]]
) -> None:
    charge, _ = refunds
    expand = ["data.charge.payment_intent", "data.balance_transaction"]
    one = account.v1.refunds.list({"charge": charge.id, "limit": 1, "expand": expand}).data[0]

    assert one.charge.payment_intent.id == charge.payment_intent
    assert (one.balance_transaction.amount, one.balance_transaction.type) == (-100, "refund")


def test_refunds_are_included_in_a_charge_when_asked_for(
    account: Account, refunds: tuple[Any, list[str]]
) -> None:
    charge, newest_first = refunds
    shown = account.v1.charges.retrieve(charge.id, {"expand": ["refunds"]})

    assert [one.id for one in shown.refunds.data] == newest_first


@pytest.mark.parametrize(
    "path", ["amount", "colour", "payment_intent.colour", "charge.payment_intent.customer.a.b"]
)
def test_what_cannot_be_expanded_is_refused(
    account: Account, refunds: tuple[Any, list[str]], path: str
) -> None:
    error = refusal(lambda: account.v1.refunds.retrieve(refunds[1][0], {"expand": [path]}))

    assert (error.http_status, error.param) == (400, "expand")


def test_customers_are_found_by_their_exact_address(account: Account) -> None:
    customer = account.v1.customers.create({"email": "one.of.a.kind@example.org"})

    assert [one.id for one in account.v1.customers.list({"email": customer.email})] == [customer.id]
    assert account.v1.customers.list({"email": "one.of.a.kind@example"}).data == []


def test_prices_are_found_by_product_lookup_key_and_activity(account: Account) -> None:
    first = account.price()
    account.v1.prices.update(first.id, {"lookup_key": f"key-{first.id}", "active": False})

    def listed(**params: Any) -> list[str]:
        return [one.id for one in account.v1.prices.list(params)]

    assert listed(product=first.product) == [first.id]
    assert listed(product=first.product, active=True) == []
    assert listed(lookup_keys=[f"key-{first.id}"]) == [first.id]


def test_the_balance_shows_what_charges_and_refunds_did(account: Account) -> None:
    charge = account.charge(10_000)
    refund = account.v1.refunds.create({"charge": charge.id, "amount": 4_000})
    account.control("POST", f"/refunds/{refund.id}/fail")
    of_charge = account.v1.balance_transactions.list({"source": charge.id}).data
    of_refund = account.v1.balance_transactions.list({"source": refund.id}).data
    alone = account.v1.balance_transactions.retrieve(of_charge[0].id, {"expand": ["source"]})

    assert [(one.amount, one.fee, one.net, one.type) for one in of_charge] == [(10_000, 320, 9_680, "charge")]
    assert [(one.amount, one.type) for one in of_refund] == [(4_000, "refund_failure"), (-4_000, "refund")]
    assert alone.source.id == charge.id


def test_balance_transactions_are_paged_through_all_sources(account: Account) -> None:
    charge = account.charge(1000)
    account.v1.refunds.create({"charge": charge.id})
    listed = account.v1.balance_transactions.list({"limit": 5}).auto_paging_iter()
    ids = [one.id for one in listed]
    types = {one.type for one in account.v1.balance_transactions.list({"type": "charge", "limit": 5})}

    assert len(ids) == len(set(ids))
    assert charge.balance_transaction in ids
    assert types == {"charge"}


def test_a_failed_refund_stands_in_the_balance_when_it_failed_not_when_it_was_made(account: Account) -> None:
    charge = account.charge(1000)
    refund = account.v1.refunds.create({"charge": charge.id})
    made = account.v1.balance_transactions.retrieve(refund.balance_transaction)
    time.sleep(max(0.0, made.created + 1.01 - time.time()))
    account.control("POST", f"/refunds/{refund.id}/fail")
    later = account.v1.balance_transactions.list({"created": {"gt": made.created}, "limit": 100})
    until_then = account.v1.balance_transactions.list({"created": {"lte": made.created}, "limit": 100})

    assert [one.type for one in later if one.source == refund.id] == ["refund_failure"]
    assert [one.type for one in until_then if one.source == refund.id] == ["refund"]


def test_customers_are_found_by_what_their_metadata_says(account: Account) -> None:
    made = account.customer(metadata={"user_id": "usr_o'hara"})
    account.customer(metadata={"user_id": "usr_other"})

    found = account.v1.customers.search({"query": "metadata['user_id']:'usr_o\\'hara'"})
    none = account.v1.customers.search({"query": "metadata['user_id']:'nobody'"})

    assert (found.object, [each.id for each in found.data]) == ("search_result", [made.id])
    assert (none.data, none.has_more) == ([], False)


def test_a_search_in_other_words_is_refused_rather_than_guessed(account: Account) -> None:
    error = refusal(lambda: account.v1.customers.search({"query": "email~'a'"}))

    assert error.code == "sandbox_unsupported"


@pytest.fixture(scope="module")
def many(account: Account) -> dict[str, list[str]]:
    """Twelve objects of each kind that is compared with our rows; their ids, newest first."""
    made: dict[str, list[str]] = {}
    for number in range(12):
        price = account.price()
        customer = account.customer()
        subscription = account.subscription(customer, price)
        charge = account.charge()
        coupon = account.v1.coupons.create({"percent_off": 10, "duration": "once"})
        code = {"promotion": {"type": "coupon", "coupon": coupon.id}, "code": f"PAGED{number}"}
        for kind, object_id in (
            ("prices", price.id),
            ("products", price.product),
            ("customers", customer.id),
            ("subscriptions", subscription.id),
            ("charges", charge.id),
            ("payment_intents", charge.payment_intent),
            ("refunds", account.v1.refunds.create({"charge": charge.id}).id),
            ("coupons", coupon.id),
            ("promotion_codes", account.v1.promotion_codes.create(code).id),
        ):
            made.setdefault(kind, []).insert(0, object_id)
    return made


KINDS = (
    "prices",
    "products",
    "customers",
    "subscriptions",
    "charges",
    "payment_intents",
    "refunds",
    "coupons",
    "promotion_codes",
)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_read_page_after_page(account: Account, many: dict[str, list[str]], kind: str) -> None:
    wanted, listed, after = set(many[kind]), [], None
    while True:
        cursor = {"starting_after": after} if after else {}
        page = getattr(account.v1, kind).list({"limit": 5, **cursor})
        listed += [one.id for one in page.data]
        if not page.has_more:
            break
        after = page.data[-1].id

    assert [one for one in listed if one in wanted] == many[kind]
    assert len(listed) == len(set(listed))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "refunds"])
def test_every_kind_is_cut_by_time(account: Account, many: dict[str, list[str]], kind: str) -> None:
    moment = getattr(account.v1, kind).retrieve(many[kind][-1]).created

    def listed(**created: int) -> set[str]:
        found = getattr(account.v1, kind).list({"created": created, "limit": 100}).auto_paging_iter()
        return {one.id for one in found}

    assert set(many[kind]) <= listed(gte=moment)
    assert many[kind][-1] not in listed(gt=moment)
    assert not set(many[kind]) & listed(lt=moment)
