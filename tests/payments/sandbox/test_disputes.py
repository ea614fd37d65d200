"""Disputes at the local Stripe: opened and decided on demand, with events and what the balance did."""

import pytest

from tests.payments.sandbox.account import MONTHLY, Account, refusal


def test_a_dispute_takes_the_charge_and_a_fee_from_the_balance(account: Account) -> None:
    charge = account.charge()

    opened = account.control("POST", f"charges/{charge.id}/dispute", reason="fraudulent", due_in_days=7)

    dispute = account.v1.disputes.retrieve(opened["id"])
    assert (dispute.status, dispute.reason, dispute.amount) == ("needs_response", "fraudulent", MONTHLY)
    assert dispute.evidence_details.due_by - dispute.created == 7 * 86_400
    [moved] = dispute.balance_transactions
    assert (moved.type, moved.amount, moved.fee, moved.net) == ("adjustment", -MONTHLY, 1500, -MONTHLY - 1500)
    assert account.v1.charges.retrieve(charge.id).disputed is True
    told = [event.type for event in account.events(dispute)]
    assert told == ["charge.dispute.created", "charge.dispute.funds_withdrawn"]


@pytest.mark.parametrize(("outcome", "moves"), [("won", [-MONTHLY, MONTHLY]), ("lost", [-MONTHLY])])
def test_a_decided_dispute_is_closed_and_only_one_that_is_won_gives_the_money_back(
    account: Account, outcome: str, moves: list[int]
) -> None:
    charge = account.charge()
    opened = account.control("POST", f"charges/{charge.id}/dispute")
    account.control("POST", f"charges/{charge.id}/dispute", outcome="under_review")

    account.control("POST", f"charges/{charge.id}/dispute", outcome=outcome)

    dispute = account.v1.disputes.retrieve(opened["id"])
    assert dispute.status == outcome
    assert [each.amount for each in dispute.balance_transactions] == moves
    listed = account.v1.balance_transactions.list({"source": dispute.id}).data
    assert sorted(each.amount for each in listed) == sorted(moves)
    told = [event.type for event in account.events(dispute)]
    assert told[2:4] == ["charge.dispute.updated", "charge.dispute.closed"]
    assert ("charge.dispute.funds_reinstated" in told) == (outcome == "won")


def test_disputes_are_listed_by_charge_and_by_payment(account: Account) -> None:
    charge = account.charge()
    opened = account.control("POST", f"charges/{charge.id}/dispute")

    by_charge = account.v1.disputes.list({"charge": charge.id}).data
    by_payment = account.v1.disputes.list({"payment_intent": charge.payment_intent}).data

    assert [each.id for each in by_charge] == [each.id for each in by_payment] == [opened["id"]]


def test_a_disputed_charge_is_not_refunded_as_well(account: Account) -> None:
    charge = account.charge()
    account.control("POST", f"charges/{charge.id}/dispute")

    error = refusal(lambda: account.v1.refunds.create({"charge": charge.id}))

    assert error.code == "charge_disputed"


def test_a_charge_is_disputed_once_and_a_decision_needs_an_open_dispute(account: Account) -> None:
    charge, quiet = account.charge(), account.charge()
    account.control("POST", f"charges/{charge.id}/dispute")

    twice, _ = account.refused_control("POST", f"charges/{charge.id}/dispute")
    undisputed, _ = account.refused_control("POST", f"charges/{quiet.id}/dispute", outcome="won")
    odd, sentence = account.refused_control("POST", f"charges/{charge.id}/dispute", outcome="settled")

    assert (twice, undisputed, odd) == (400, 400, 400)
    assert sentence == "The outcome of a dispute is under_review, won, lost."
