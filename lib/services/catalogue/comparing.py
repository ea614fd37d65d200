"""Our entries held against Stripe's whole catalogue: what is missing, what differs, what is only there."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from lib.core import money
from lib.core.listing import Column
from lib.payments.events import PriceFacts, ProductFacts
from lib.payments.gateway import Gateway
from lib.services.catalogue.entries import INTERVALS, Entry

State = Literal["in_step", "missing", "differs", "archived", "not_asked"]
"""Where an entry's price stands at Stripe: there and equal, not there, different, or switched off."""

Wish = Literal["create", "new_price", "adopt"]

ABOUT: Final = (
    "What is sold, as our rows have it and as Stripe charges it. Click an entry to bring both into step."
)
STRAYS: Final = (
    "Products on offer at Stripe that no plan or add-on here points to. Archive them there, or add a row."
)

LINE_COLUMNS: Final = (
    Column("name", "Name"),
    Column("state", "At Stripe", "status"),
    Column("price_cents", "Price here", "money"),
    Column("stripe_price", "Price at Stripe"),
    Column("what", "What", "code"),
    Column("billing_period", "Billed", "code"),
    Column("holders", "Who has it", "count"),
    Column("is_active", "On offer", "flag"),
    Column("said", "What differs"),
)
STRAY_COLUMNS: Final = (
    Column("name", "Product at Stripe"),
    Column("prices", "Prices"),
    Column("id", "Product", "id"),
)


@dataclass(frozen=True, slots=True)
class Line:
    """An entry against Stripe: both prices, and what differs in a sentence."""

    ref: str
    name: str
    what: str
    price_cents: int
    currency: str
    billing_period: str
    holders: int
    is_active: bool
    state: State
    stripe_price: str
    said: str


@dataclass(frozen=True, slots=True)
class Stray:
    """A product that is on offer at Stripe and that no entry here points to."""

    id: str
    name: str
    prices: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """Every entry against Stripe, and what is only there."""

    lines: tuple[Line, ...]
    strays: tuple[Stray, ...]

    def number(self, state: State) -> int:
        """How many entries stand so."""
        return sum(line.state == state for line in self.lines)

    @property
    def out_of_step(self) -> int:
        """How many have a price at Stripe that differs or cannot be bought at."""
        return self.number("differs") + self.number("archived")


def compare(gateway: Gateway, ours: Sequence[Entry]) -> Comparison:
    """Ask Stripe for its whole catalogue and hold ours against it. Raises StripeFailed."""
    products = {product.id: product for product in gateway.catalogue.products()}
    prices = {price.id: price for price in gateway.catalogue.prices()}
    lines = tuple(_held(entry, prices.get(entry.stripe_price_id or ""), products) for entry in ours)
    known = {entry.stripe_product_id for entry in ours}
    strays = (
        Stray(product.id, product.name or "–", _amounts(prices.values(), product.id))
        for product in products.values()
        if product.active and product.id not in known
    )
    return Comparison(lines, tuple(strays))


def compare_one(gateway: Gateway, entry: Entry) -> Line:
    """Ask Stripe about the price and the product of one entry. Raises StripeFailed."""
    if entry.stripe_product_id is None:
        return _held(entry, None, {})
    prices = {price.id: price for price in gateway.catalogue.prices(product_id=entry.stripe_product_id)}
    price = prices.get(entry.stripe_price_id or "")
    product = gateway.catalogue.product(entry.stripe_product_id) if price else None
    return _held(entry, price, {product.id: product} if product else {})


def unasked(ours: Sequence[Entry]) -> Comparison:
    """Our entries alone, while Stripe cannot say anything."""
    return Comparison(tuple(_line(entry, "not_asked", "–", "Stripe did not answer.") for entry in ours), ())


def why_not(line: Line | None, wish: Wish) -> str | None:
    """Why a wish cannot be granted for an entry as it stands, as a sentence; None when it can."""
    if line is None or line.state == "not_asked":
        return "Stripe did not answer, so it is not known what is there. Try again in a minute."
    if wish == "create":
        return None if line.state in {"missing", "archived"} else "Its price is at Stripe."
    if line.state == "missing":
        return "It is not at Stripe yet: make it there first."
    if wish == "adopt":
        return None if line.state == "differs" else "There is nothing to take over: the prices are the same."
    return None


def _held(entry: Entry, price: PriceFacts | None, products: Mapping[str, ProductFacts]) -> Line:
    if price is None:
        named = entry.stripe_price_id is not None
        said = f"Stripe does not know {entry.stripe_price_id}." if named else "It has no price at Stripe."
        return _line(entry, "missing", "–", said)
    if not price.active:
        return _line(entry, "archived", _shown(price), "The price is archived: nobody can buy it.")
    differences = list(_differences(entry, price, products.get(price.product_id or "")))
    return _line(entry, "differs" if differences else "in_step", _shown(price), " ".join(differences))


def _line(entry: Entry, state: State, stripe_price: str, said: str) -> Line:
    return Line(
        entry.ref,
        entry.name,
        entry.what,
        entry.price_cents,
        entry.currency,
        entry.billing_period,
        entry.holders,
        entry.is_active,
        state,
        stripe_price,
        said,
    )


def _differences(entry: Entry, price: PriceFacts, product: ProductFacts | None) -> Iterable[str]:
    if price.unit_amount != entry.price_cents or (price.currency or "").upper() != entry.currency:
        yield f"{money.show(entry.price_cents, entry.currency)} here, {_shown(price)} at Stripe."
    if price.interval != INTERVALS.get(entry.billing_period):
        yield f"Billed {entry.billing_period} here, by {price.interval or 'nothing'} at Stripe."
    if price.product_id != entry.stripe_product_id:
        yield f"Its price belongs to the product {price.product_id}."
    if product is not None and product.active is False:
        yield "Its product is archived."


def _shown(price: PriceFacts) -> str:
    return money.show(price.unit_amount, price.currency)


def _amounts(prices: Iterable[PriceFacts], product_id: str) -> str:
    active = (price for price in prices if price.product_id == product_id and price.active)
    return ", ".join(_shown(price) for price in active) or "–"
