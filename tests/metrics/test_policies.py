from dataclasses import dataclass, replace
from itertools import product

import pytest
from sqlalchemy import select

from lib.core.database import Database
from lib.core.errors import Invalid
from lib.metrics.policies import HOUSE, POLICIES, Policy, counted, counted_in, named
from lib.models import SubscriptionChange
from tests.metrics.ledger import entry

# list price $30 a month, $27 paid: annualised 36,000 and 32,400 cents
NOT_HOUSE = Policy(
    "test",
    "The opposite",
    64,
    trial=True,
    past_due=False,
    paused=True,
    set_to_cancel=False,
    gift=True,
    price="list",
)
STRICT = Policy("strict", "Free months are lost", 128, free_months=False)


@dataclass(frozen=True)
class Facts:
    status: str = "active"
    list_arr_cents: int = 36_000
    net_arr_cents: int = 32_400
    goodwill_arr_cents: int = 0
    forever_arr_cents: int = 0
    is_gift: bool = False
    collection_paused: bool = False
    set_to_cancel: bool = False


@pytest.mark.parametrize(
    ("over", "arr"),
    [
        ({}, 32_400),  # net of the discount while it lasts
        ({"status": "trialing"}, 0),
        ({"status": "past_due"}, 32_400),
        ({"status": "paused"}, 0),
        ({"collection_paused": True}, 0),
        ({"set_to_cancel": True}, 32_400),  # in until the end
        ({"is_gift": True}, 0),
        ({"net_arr_cents": 0, "goodwill_arr_cents": 32_400}, 32_400),  # a free month is not a lower price
        ({"status": "canceled"}, 0),
        ({"status": "incomplete"}, 0),
        ({"status": "something_new"}, 0),
    ],
)
def test_the_house_policy_counts_as_its_table_says(over: dict[str, object], arr: int) -> None:
    assert counted_in(HOUSE, replace(Facts(), **over)) == arr


@pytest.mark.parametrize("policy", [*POLICIES.values(), NOT_HOUSE, STRICT], ids=lambda policy: policy.name)
def test_the_rule_in_sql_is_the_rule_in_python(database: Database, policy: Policy) -> None:
    statuses = ("active", "trialing", "past_due", "paused", "canceled", "incomplete")
    cases = [
        Facts(
            status,
            is_gift=gift,
            collection_paused=paused,
            set_to_cancel=ending,
            goodwill_arr_cents=3_600 if given else 0,
            forever_arr_cents=1_200 if given else 0,
        )
        for status, gift, paused, ending, given in product(statuses, *[(False, True)] * 4)
    ]
    for number, facts in enumerate(cases):
        entry(
            database,
            "06-01",
            subscription_id=f"s{number:03}",
            status=facts.status,
            list_arr_cents=facts.list_arr_cents,
            net_arr_cents=facts.net_arr_cents,
            goodwill_arr_cents=facts.goodwill_arr_cents,
            forever_arr_cents=facts.forever_arr_cents,
            is_gift=facts.is_gift,
            collection_paused=facts.collection_paused,
            set_to_cancel=facts.set_to_cancel,
        )
    with database.primary.connect() as connection:
        found = connection.scalars(select(counted(policy)).order_by(SubscriptionChange.subscription_id)).all()

    assert found == [counted_in(policy, facts) for facts in cases]


def test_every_switch_of_a_policy_changes_what_counts() -> None:
    opposite = [
        (Facts("trialing"), 36_000),
        (Facts("past_due"), 0),
        (Facts("paused"), 36_000),
        (Facts(collection_paused=True), 36_000),
        (Facts(set_to_cancel=True), 0),
        (Facts(is_gift=True), 36_000),
    ]

    assert [counted_in(NOT_HOUSE, facts) for facts, _ in opposite] == [arr for _, arr in opposite]
    assert counted_in(STRICT, Facts(net_arr_cents=0, goodwill_arr_cents=32_400)) == 0


def test_a_policy_answers_every_question_in_words() -> None:
    assert dict(HOUSE.answers) == {
        "Free trial": "does not count",
        "Past due": "counts",
        "Paused": "does not count",
        "Set to cancel": "counts until it ends",
        "Gift": "does not count",
        "Free months from staff": "count as if paid",
        "Discount": "the price paid, while a discount lasts",
        "Came and left within a month": "new and churned",
        "Tax, one-off add-ons, credits": "do not count",
    }


# One subscription of $30 a month, $27 paid (of the $3 off $1 has no end, $1 is a free month's), per policy
# and per what is the matter with it: as the table of definitions has it, in annualised cents.
_LIST, _NET, _GIVEN, _FOREVER = 36_000, 32_400, 33_600, 34_800
_TABLE = {
    "house": {"plain": _GIVEN, "past_due": _GIVEN, "ending": _GIVEN},
    "stripe": {
        "plain": _FOREVER,
        "past_due": _FOREVER,
        "ending": _FOREVER,
        "paused": _FOREVER,
        "held": _FOREVER,
    },
    "chartmogul": {"plain": _NET, "past_due": _NET, "ending": _NET, "paused": _NET, "held": _NET},
    "profitwell": {"plain": _NET, "past_due": _NET, "ending": _NET},
    "committed": {"plain": _GIVEN, "past_due": _GIVEN, "paused": _GIVEN, "held": _GIVEN},
    "contracted": {
        "plain": _LIST,
        "past_due": _LIST,
        "ending": _LIST,
        "paused": _LIST,
        "held": _LIST,
        "gift": _LIST,
    },
}
_MATTER: dict[str, dict[str, object]] = {
    "plain": {},
    "trial": {"status": "trialing"},
    "past_due": {"status": "past_due"},
    "paused": {"status": "paused"},
    "held": {"collection_paused": True},
    "ending": {"set_to_cancel": True},
    "gift": {"is_gift": True},
    "over": {"status": "canceled"},
    "begun": {"status": "incomplete"},
}


@pytest.mark.parametrize("matter", _MATTER)
@pytest.mark.parametrize("policy", POLICIES.values(), ids=lambda policy: policy.name)
def test_each_policy_counts_as_the_table_of_definitions_says(policy: Policy, matter: str) -> None:
    facts = Facts(goodwill_arr_cents=1_200, forever_arr_cents=1_200)

    assert counted_in(policy, replace(facts, **_MATTER[matter])) == _TABLE[policy.name].get(matter, 0)


def test_an_unknown_policy_is_refused_with_the_names_of_those_there_are() -> None:
    with pytest.raises(Invalid, match=r"no metrics policy “chart”.*house"):
        named("chart")
