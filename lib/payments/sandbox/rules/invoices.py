"""Invoices: retrieve, list, preview, finalize, pay, void, write off, and what was paid to them."""

from stripe import params as typed

from lib.payments.sandbox import shapes
from lib.payments.sandbox.errors import StripeError, missing_object, missing_param, unsupported
from lib.payments.sandbox.facts import Facts
from lib.payments.sandbox.ids import tail
from lib.payments.sandbox.listing import PAGE_PARAMS, Page, bounds, cut, page, page_size
from lib.payments.sandbox.router import Params, Rendered, Route
from lib.payments.sandbox.rules import customer_balance
from lib.payments.sandbox.rules.billing import (
    card_for,
    charge_invoice,
    drop_intent,
    finalize,
    mark_paid,
    no_card,
    settle_subscription,
)
from lib.payments.sandbox.rules.charging import declined
from lib.payments.sandbox.rules.merging import merge_metadata
from lib.payments.sandbox.rules.payment_methods import usable
from lib.payments.sandbox.session import Session
from lib.payments.sandbox.shapes.invoice_lines import lines
from lib.payments.sandbox.shapes.invoices import amounts
from lib.payments.sandbox.shapes.lists import list_of

_LINES = "/v1/invoices/{}/lines"


def retrieve(session: Session, _params: Params, invoice_id: str) -> Facts:
    """One invoice."""
    return session.get("invoice", invoice_id)


def list_(session: Session, params: Params) -> Page:
    """Invoices, newest first, of a customer or subscription, with one status."""
    method = params.get("collection_method")
    return page(
        session,
        "invoice",
        params,
        customer=params.get("customer"),
        parent=params.get("subscription"),
        statuses=[params["status"]] if "status" in params else (),
        keep=lambda facts: method in (None, facts.get("collection_method", "charge_automatically")),
    )


def update(session: Session, params: Params, invoice_id: str) -> Facts:
    """Change description or metadata; a description only while the invoice is a draft."""
    invoice = session.get("invoice", invoice_id)
    if "description" in params and invoice["status"] != "draft":
        raise StripeError("Finalized invoices can't be updated in this way", code="invoice_not_editable")
    with session.changing(invoice, "invoice.updated"):
        merge_metadata(invoice, params)
        if "description" in params:
            invoice["description"] = params["description"]
    return invoice


def list_lines(session: Session, params: Params, invoice_id: str) -> Rendered:
    """The lines of one invoice."""
    shown = lines(session, session.get("invoice", invoice_id))
    after = params.get("starting_after")
    names = [line["id"] for line in shown]
    if after is not None and after not in names:
        raise missing_object("line_item", after, param="starting_after")
    rest = shown[names.index(after) + 1 :] if after is not None else shown
    data, has_more = cut(rest, page_size(params))
    return Rendered(list_of(data, _LINES.format(invoice_id), has_more=has_more))


def finalize_invoice(session: Session, _params: Params, invoice_id: str) -> Facts:
    """Make a draft final."""
    invoice = session.get("invoice", invoice_id)
    if invoice["status"] != "draft":
        raise StripeError(
            "This invoice is already finalized, you can't re-finalize a non-draft invoice.",
            code="invoice_not_editable",
        )
    finalize(session, invoice)
    return invoice


def pay(session: Session, params: Params, invoice_id: str) -> Facts:
    """Collect an invoice now. A refused card is a 402 whose attempt stays on record."""
    invoice = session.get("invoice", invoice_id)
    if invoice["status"] == "draft":
        finalize(session, invoice)
    elif invoice["status"] == "paid":
        raise StripeError("Invoice is already paid")
    elif invoice["status"] not in ("open", "uncollectible"):
        raise StripeError(f"This invoice can no longer be paid: its status is {invoice['status']}.")
    if invoice["status"] == "paid":
        return invoice
    if params.get("paid_out_of_band"):
        mark_paid(session, invoice, paid_out_of_band=True)
    else:
        _charge(session, invoice, params)
    settle_subscription(session, invoice)
    return invoice


def _charge(session: Session, invoice: Facts, params: Params) -> None:
    customer = session.get("customer", invoice["customer"])
    subscription = session.find("subscription", invoice.get("subscription") or "")
    if "payment_method" in params:
        method: Facts | None = usable(session, params["payment_method"])
    else:
        method = card_for(session, customer, subscription)
    if method is None:
        raise no_card()
    charge = charge_invoice(session, invoice, method)
    if charge["status"] == "failed":
        raise declined(session, charge)


def void(session: Session, _params: Params, invoice_id: str) -> Facts:
    """Cancel an open or uncollectible invoice for good; credit that it used comes back."""
    invoice = _unsettled(session, invoice_id, ("open", "uncollectible"), "void")
    customer = session.get("customer", invoice["customer"])
    used = amounts(invoice)["ending_balance"] - amounts(invoice)["starting_balance"]
    with session.changing(invoice, "invoice.updated", "invoice.voided"):
        invoice |= {"status": "void", "voided_at": session.now, "next_payment_attempt": None}
    drop_intent(session, invoice)
    customer_balance.move(session, customer, -used, "unapplied_from_invoice", invoice=invoice["id"])
    return invoice


def mark_uncollectible(session: Session, _params: Params, invoice_id: str) -> Facts:
    """Write an open invoice off."""
    invoice = _unsettled(session, invoice_id, ("open",), "mark as uncollectible")
    with session.changing(invoice, "invoice.updated", "invoice.marked_uncollectible"):
        invoice |= {
            "status": "uncollectible",
            "marked_uncollectible_at": session.now,
            "next_payment_attempt": None,
        }
    return invoice


def send(session: Session, _params: Params, invoice_id: str) -> Facts:
    """Record that the invoice was sent to the customer; no mail leaves the sandbox."""
    invoice = session.get("invoice", invoice_id)
    if invoice["status"] == "draft":
        finalize(session, invoice)
    if invoice["status"] not in ("open", "paid", "uncollectible"):
        raise StripeError(f"You can't manually send an invoice with status {invoice['status']}.")
    session.record_now("invoice.sent", invoice)
    return invoice


def _unsettled(session: Session, invoice_id: str, statuses: tuple[str, ...], verb: str) -> Facts:
    invoice = session.get("invoice", invoice_id)
    if invoice["status"] not in statuses:
        raise StripeError(
            f"You can only {verb} an invoice with status {' or '.join(statuses)}; this one's status is "
            f"{invoice['status']}.",
            code="invoice_not_editable",
        )
    return invoice


def list_payments(session: Session, params: Params) -> Rendered:
    """What was paid to invoices: of one invoice, or of one payment intent."""
    intents = list(_paying_intents(session, params))
    shown = [shapes.invoices.invoice_payment(session, one) for one in intents]
    shown = [one for one in shown if params.get("status") in (None, one["status"])]
    after = params.get("starting_after")
    if after is not None:
        names = [one["id"] for one in shown]
        if after not in names:
            raise missing_object("invoice_payment", after, param="starting_after")
        shown = shown[names.index(after) + 1 :]
    data, has_more = cut(shown, page_size(params))
    return Rendered(list_of(data, "/v1/invoice_payments", has_more=has_more))


def _paying_intents(session: Session, params: Params) -> list[Facts]:
    payment = params.get("payment") or {}
    if payment.get("type") == "payment_record":
        raise unsupported("payment records")
    if "payment_intent" in payment:
        intent = session.find("payment_intent", payment["payment_intent"])
        found = [intent] if intent and intent.get("invoice") else []
        return [one for one in found if params.get("invoice") in (None, one["invoice"])]
    if payment:
        raise missing_param("payment[payment_intent]")
    if "invoice" not in params:
        raise unsupported("invoice payments without an invoice or a payment intent to list them of")
    session.get("invoice", params["invoice"], param="invoice")
    return list(session.select("payment_intent", parent=params["invoice"], created=bounds(params)))


def retrieve_payment(session: Session, _params: Params, payment_id: str) -> Rendered:
    """One invoice payment."""
    intent = session.find("payment_intent", f"pi_{tail(payment_id)}")
    if intent is None or not intent.get("invoice"):
        raise missing_object("invoice_payment", payment_id)
    return Rendered(shapes.invoices.invoice_payment(session, intent))


_PAGED = f"{PAGE_PARAMS} created"

ROUTES = (
    Route("GET", "/v1/invoices/{}", retrieve, typed.InvoiceRetrieveParams, "expand"),
    Route(
        "GET",
        "/v1/invoices",
        list_,
        typed.InvoiceListParams,
        f"{_PAGED} customer subscription status collection_method",
    ),
    Route("POST", "/v1/invoices/{}", update, typed.InvoiceUpdateParams, "description metadata expand"),
    Route("GET", _LINES, list_lines, typed.InvoiceLineItemListParams, "limit starting_after expand"),
    Route("POST", "/v1/invoices/{}/finalize", finalize_invoice, typed.InvoiceFinalizeInvoiceParams, "expand"),
    Route(
        "POST",
        "/v1/invoices/{}/pay",
        pay,
        typed.InvoicePayParams,
        "payment_method paid_out_of_band off_session expand",
    ),
    Route("POST", "/v1/invoices/{}/void", void, typed.InvoiceVoidInvoiceParams, "expand"),
    Route(
        "POST",
        "/v1/invoices/{}/mark_uncollectible",
        mark_uncollectible,
        typed.InvoiceMarkUncollectibleParams,
        "expand",
    ),
    Route("POST", "/v1/invoices/{}/send", send, typed.InvoiceSendInvoiceParams, "expand"),
    Route(
        "GET",
        "/v1/invoice_payments",
        list_payments,
        typed.InvoicePaymentListParams,
        "limit starting_after expand created invoice payment status",
    ),
    Route("GET", "/v1/invoice_payments/{}", retrieve_payment, typed.InvoicePaymentRetrieveParams, "expand"),
)
