"""Credit notes: they lower an open invoice, or credit the customer for a paid one; none sends money back.

Source: https://docs.stripe.com/invoicing/dashboard/credit-notes.
"""

from stripe import params as typed

from lib.payments.sandbox import shapes
from lib.payments.sandbox.errors import StripeError
from lib.payments.sandbox.facts import Facts
from lib.payments.sandbox.listing import PAGE_PARAMS, Page, page
from lib.payments.sandbox.router import Params, Rendered, Route
from lib.payments.sandbox.rules import customer_balance
from lib.payments.sandbox.rules.billing import drop_intent, mark_paid, settle_subscription
from lib.payments.sandbox.rules.merging import merge_metadata
from lib.payments.sandbox.session import Session
from lib.payments.sandbox.shapes.invoices import amounts

_TAKEN = "invoice amount credit_amount reason memo metadata expand"


def create(session: Session, params: Params) -> Facts:
    """Take an amount off an invoice: what is not paid yet asks for less, what is paid becomes a credit."""
    invoice = session.get("invoice", params["invoice"], param="invoice")
    amount = _amount(invoice, params)
    before_payment = invoice["status"] == "open"
    earlier = sum(1 for _ in session.select("credit_note", parent=invoice["id"]))
    number = shapes.render(session, invoice)["number"]
    note = session.add(
        "credit_note",
        {
            "invoice": invoice["id"],
            "customer": invoice["customer"],
            "amount": amount,
            "pre_payment": amount if before_payment else 0,
            "number": f"{number}-CN-{earlier + 1:02d}",
            "status": "issued",
            "currency": invoice.get("currency", "usd"),
            "reason": params.get("reason"),
            "memo": params.get("memo"),
        },
    )
    merge_metadata(note, params)
    if before_payment:
        _ask_for_less(session, invoice, amount)
    else:
        _credit(session, invoice, note)
    session.store.put(note)
    session.record_now("credit_note.created", note)
    return note


def _amount(invoice: Facts, params: Params) -> int:
    if invoice["status"] not in ("open", "paid"):
        raise StripeError(
            "You can only create a credit note for an invoice that is open or paid; this one's status is "
            f"{invoice['status']}.",
            param="invoice",
        )
    amount = int(params.get("amount", 0))
    if amount < 1:
        raise StripeError("Invalid positive integer", code="parameter_invalid_integer", param="amount")
    sums = amounts(invoice)
    left = sums["amount_remaining"]
    if invoice["status"] == "paid":
        left = sums["amount_paid"] - invoice.get("post_credit", 0)
        if params.get("credit_amount") != amount:
            raise StripeError(
                "The sum of credit_amount, refund_amount and out_of_band_amount must equal the credit note "
                "amount, because the invoice is paid.",
                param="credit_amount",
            )
    elif "credit_amount" in params:
        raise StripeError(
            "credit_amount can only be given for an invoice that is paid.", param="credit_amount"
        )
    if amount > left:
        raise StripeError(
            f"The credit note amount ({amount}) is greater than what is left to credit ({left}).",
            param="amount",
        )
    return amount


def _ask_for_less(session: Session, invoice: Facts, amount: int) -> None:
    """The invoice asks for less; with nothing left it is paid, and its payment is dropped."""
    with session.changing(invoice, "invoice.updated"):
        invoice["pre_credit"] = invoice.get("pre_credit", 0) + amount
    due = amounts(invoice)["amount_due"]
    intent = session.newest("payment_intent", parent=invoice["id"])
    if due == 0:
        drop_intent(session, invoice)
        mark_paid(session, invoice)
        settle_subscription(session, invoice)
    elif intent:
        intent["amount"] = due
        session.store.put(intent)


def _credit(session: Session, invoice: Facts, note: Facts) -> None:
    with session.changing(invoice, "invoice.updated"):
        invoice["post_credit"] = invoice.get("post_credit", 0) + note["amount"]
    customer = session.get("customer", invoice["customer"])
    moved = customer_balance.move(
        session, customer, -note["amount"], "credit_note", credit_note=note["id"], invoice=invoice["id"]
    )
    note["customer_balance_transaction"] = moved["id"] if moved else None


def preview(session: Session, params: Params) -> Rendered:
    """What `create` would make. It is made inside a savepoint and rolled back, so the two cannot disagree."""
    session.store.connection.execute("SAVEPOINT credit_note")
    try:
        trial = Session(session.store, now=session.now)
        shape = shapes.render(trial, create(trial, params))
    finally:
        session.store.connection.execute("ROLLBACK TO credit_note")
        session.store.connection.execute("RELEASE credit_note")
    return Rendered(shape)


def retrieve(session: Session, _params: Params, note_id: str) -> Facts:
    """One credit note."""
    return session.get("credit_note", note_id)


def list_(session: Session, params: Params) -> Page:
    """Credit notes, newest first, of an invoice or a customer."""
    return page(session, "credit_note", params, customer=params.get("customer"), parent=params.get("invoice"))


ROUTES = (
    Route("POST", "/v1/credit_notes", create, typed.CreditNoteCreateParams, _TAKEN),
    Route("GET", "/v1/credit_notes/preview", preview, typed.CreditNotePreviewParams, _TAKEN),
    Route(
        "GET",
        "/v1/credit_notes",
        list_,
        typed.CreditNoteListParams,
        f"{PAGE_PARAMS} created invoice customer",
    ),
    Route("GET", "/v1/credit_notes/{}", retrieve, typed.CreditNoteRetrieveParams, "expand"),
)
