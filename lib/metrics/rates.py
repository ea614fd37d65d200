"""Rates of a subscription business, each by a named formula whose words and source go with its result.

Vendors publish different formulas under one name, so a rate never stands alone: it carries its `Formula`.
Numbers go in as they were counted (couples, attempts, cents, annualised or monthly alike) and come out
exact. What cannot be computed is None with the sentence that says why; what a vendor assumes instead of
computing is said in `remark`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import Final, Literal

from lib.metrics.figure import percent, rounded

Kind = Literal["share", "ratio", "money"]
Number = int | Fraction

_STRIPE: Final = "https://support.stripe.com/questions/"
_CHARTMOGUL: Final = "https://help.chartmogul.com/hc/en-us/articles/"
_REVENUECAT: Final = "https://github.com/RevenueCat/docs, docs/dashboard-and-metrics/charts/"
_OURS: Final = "docs/metrics.md"
STRIPE_CHURN_OF_NONE: Final = Fraction(167, 10_000)
"""The churn that Stripe assumes for a lifetime where nobody left: about 60 months."""


@dataclass(frozen=True, slots=True)
class Formula:
    """How a rate is worked out, in words: `vendor` is whose formula it is, `source` where it is published.

    `kind` says what comes out: a share of 1, a ratio, or money in the unit that went in.
    """

    name: str
    title: str
    vendor: str
    kind: Kind
    definition: str
    source: str


@dataclass(frozen=True, slots=True)
class Rate:
    """What a formula gives. None with `why_not`; `infinite` where nothing stands below the line."""

    formula: Formula
    value: Fraction | None
    why_not: str | None = None
    remark: str | None = None
    infinite: bool = False

    @property
    def text(self) -> str:
        """For a reader: `4.2 %`, `2.5`, `∞`, a dash for None; money as a plain whole number of its unit."""
        if self.infinite:
            return "∞"
        if self.value is None:
            return "–"
        match self.formula.kind:
            case "share":
                return percent(self.value)
            case "ratio":
                tenths = rounded(10 * abs(self.value))
                return f"{'−' if self.value < 0 else ''}{tenths // 10:,}.{tenths % 10}"
            case "money":
                return f"{rounded(self.value):,}"


@dataclass(frozen=True, slots=True)
class RevenueDay:
    """One day of a sum of daily rates: what recurred when it began and ended, and what moved in it."""

    opening: int
    closing: int
    new: int = 0
    contraction: int = 0
    churn: int = 0


CUSTOMER_CHURN: Final = Formula(
    "customer_churn",
    "Customer churn",
    "House",
    "share",
    "Couples that churned in the period / couples active at its start.",
    _OURS,
)
CUSTOMER_CHURN_STRIPE: Final = Formula(
    "customer_churn_stripe",
    "Subscriber churn",
    "Stripe",
    "share",
    "Churned in the last 30 days / (active 30 days ago + new in the 30 days); whoever came and left within "
    "them is in both.",
    f"{_STRIPE}calculating-subscriber-churn-rate-in-billing",
)
CUSTOMER_CHURN_CHARTMOGUL_B2C: Final = Formula(
    "customer_churn_chartmogul_b2c",
    "Customer churn, daily sum",
    "ChartMogul",
    "share",
    "The sum over the days of the period of: churned on the day / active when it began.",
    f"{_CHARTMOGUL}207340419-Churn-rate-formulas",
)
CUSTOMER_CHURN_REVENUECAT: Final = Formula(
    "customer_churn_revenuecat",
    "Churn net of resubscriptions",
    "RevenueCat",
    "share",
    "(Expired − resubscribed) / active at the start of the period; below zero when more came back than left.",
    f"{_REVENUECAT}churn-chart.md",
)
GROSS_MRR_CHURN: Final = Formula(
    "gross_mrr_churn",
    "Gross MRR churn",
    "ChartMogul",
    "share",
    "(Churn + contraction) / MRR at the start of the period.",
    f"{_CHARTMOGUL}203359341-Metric-MRR-Churn-Rate",
)
GROSS_MRR_CHURN_B2C: Final = Formula(
    "gross_mrr_churn_b2c",
    "Gross MRR churn, daily sum",
    "ChartMogul",
    "share",
    "The sum over the days of the period of: (churn + contraction) / MRR when the day began.",
    f"{_CHARTMOGUL}207340419-Churn-rate-formulas",
)
NET_MRR_CHURN: Final = Formula(
    "net_mrr_churn",
    "Net MRR churn",
    "ChartMogul",
    "share",
    "(Churn + contraction − expansion − reactivation) / MRR at the start of the period; below zero when "
    "those who stayed and came back made up for more than was lost.",
    f"{_CHARTMOGUL}4414075567250-Metric-Net-MRR-Churn-Rate",
)
NET_MRR_CHURN_B2C: Final = Formula(
    "net_mrr_churn_b2c",
    "Net MRR churn, daily sum",
    "ChartMogul",
    "share",
    "The sum over the days of the period of: 1 − (MRR at the day's end − new) / MRR when it began.",
    f"{_CHARTMOGUL}4414075567250-Metric-Net-MRR-Churn-Rate",
)
GRR: Final = Formula(
    "grr", "Gross revenue retention", "House", "share", "1 − gross MRR churn: gains are left out.", _OURS
)
NRR: Final = Formula(
    "nrr",
    "Net revenue retention",
    "House",
    "share",
    "1 − net MRR churn: what recurs at the end from those who were there at the start or came back, / MRR at "
    "the start.",
    _OURS,
)
NRR_BAREMETRICS: Final = Formula(
    "nrr_baremetrics",
    "Net revenue retention",
    "Baremetrics",
    "share",
    "1 − (churned − expansion) / MRR 30 days ago; who came back does not count.",
    "https://changelog.baremetrics.com/new-metric-net-revenue-retention-2BOJIA",
)
QUICK_RATIO: Final = Formula(
    "quick_ratio",
    "Quick ratio",
    "House",
    "ratio",
    "(New + expansion + reactivation) / (contraction + churn); infinite when nothing was lost.",
    _OURS,
)
ARPA: Final = Formula("arpa", "ARPA", "House", "money", "MRR / paying couples.", _OURS)
ARR: Final = Formula("arr", "ARR", "House", "money", "12 × MRR.", _OURS)
LTV: Final = Formula(
    "ltv", "Lifetime value", "House", "money", "ARPA / customer churn of a month; none without churn.", _OURS
)
LTV_STRIPE: Final = Formula(
    "ltv_stripe",
    "Subscriber lifetime value",
    "Stripe",
    "money",
    "Average MRR of a subscriber / subscriber churn; where nobody churned, a churn of 1.67 % is assumed.",
    f"{_STRIPE}calculating-subscriber-lifetime-value-in-billing",
)
LTV_CHARTMOGUL: Final = Formula(
    "ltv_chartmogul",
    "Customer lifetime value",
    "ChartMogul",
    "money",
    "ARPA / customer churn; 0 where nobody churned.",
    f"{_CHARTMOGUL}203359061-Metric-Customer-Lifetime-Value-LTV-",
)
FAILED_PAYMENTS: Final = Formula(
    "failed_payment_rate",
    "Failed payment rate",
    "House",
    "share",
    "Failed attempts / (failed + succeeded) attempts in the period.",
    _OURS,
)

FORMULAS: Final[Mapping[str, Formula]] = MappingProxyType(
    {
        formula.name: formula
        for formula in (
            CUSTOMER_CHURN,
            CUSTOMER_CHURN_STRIPE,
            CUSTOMER_CHURN_CHARTMOGUL_B2C,
            CUSTOMER_CHURN_REVENUECAT,
            GROSS_MRR_CHURN,
            GROSS_MRR_CHURN_B2C,
            NET_MRR_CHURN,
            NET_MRR_CHURN_B2C,
            GRR,
            NRR,
            NRR_BAREMETRICS,
            QUICK_RATIO,
            ARPA,
            ARR,
            LTV,
            LTV_STRIPE,
            LTV_CHARTMOGUL,
            FAILED_PAYMENTS,
        )
    }
)
"""Every formula by its name."""

_NOBODY_AT_START: Final = "No couple was active at the start."
_NO_MRR_AT_START: Final = "Nothing recurred at the start."


def customer_churn(churned: int, at_start: int) -> Rate:
    """Couples that churned / couples active at the start."""
    return _over(CUSTOMER_CHURN, churned, at_start, _NOBODY_AT_START)


def customer_churn_stripe(churned: int, active_before: int, new: int) -> Rate:
    """Churned in 30 days / (active 30 days ago + new in the 30 days)."""
    return _over(
        CUSTOMER_CHURN_STRIPE, churned, active_before + new, "Nobody was active 30 days ago or came since."
    )


def customer_churn_chartmogul_b2c(days: Iterable[tuple[int, int]]) -> Rate:
    """The sum of (churned / active when the day began) over `days`, each `(churned, active)`.

    A day that began with nobody has no rate and adds nothing; None when every day did.
    """
    rates = [Fraction(churned, active) for churned, active in days if active]
    return _summed(CUSTOMER_CHURN_CHARTMOGUL_B2C, rates, "No day began with an active couple.")


def customer_churn_revenuecat(expired: int, resubscribed: int, at_start: int) -> Rate:
    """(Expired − resubscribed) / active at the start."""
    return _over(CUSTOMER_CHURN_REVENUECAT, expired - resubscribed, at_start, _NOBODY_AT_START)


def gross_mrr_churn(opening: int, churn: int, contraction: int) -> Rate:
    """(Churn + contraction) / opening."""
    return _over(GROSS_MRR_CHURN, churn + contraction, opening, _NO_MRR_AT_START)


def gross_mrr_churn_b2c(days: Iterable[RevenueDay]) -> Rate:
    """The daily sum of gross MRR churn; a day that began with nothing adds nothing."""
    rates = [Fraction(day.churn + day.contraction, day.opening) for day in days if day.opening]
    return _summed(GROSS_MRR_CHURN_B2C, rates, "On no day did anything recur when it began.")


def net_mrr_churn(opening: int, churn: int, contraction: int, expansion: int, reactivation: int = 0) -> Rate:
    """(Churn + contraction − expansion − reactivation) / opening."""
    lost = churn + contraction - expansion - reactivation
    return _over(NET_MRR_CHURN, lost, opening, _NO_MRR_AT_START)


def net_mrr_churn_b2c(days: Iterable[RevenueDay]) -> Rate:
    """The daily sum of net MRR churn; a day that began with nothing adds nothing."""
    rates = [1 - Fraction(day.closing - day.new, day.opening) for day in days if day.opening]
    return _summed(NET_MRR_CHURN_B2C, rates, "On no day did anything recur when it began.")


def grr(opening: int, churn: int, contraction: int) -> Rate:
    """1 − gross MRR churn."""
    return _over(GRR, opening - churn - contraction, opening, _NO_MRR_AT_START)


def nrr(opening: int, churn: int, contraction: int, expansion: int, reactivation: int = 0) -> Rate:
    """1 − net MRR churn."""
    kept = opening - churn - contraction + expansion + reactivation
    return _over(NRR, kept, opening, _NO_MRR_AT_START)


def nrr_baremetrics(opening: int, churn: int, expansion: int) -> Rate:
    """1 − (churned − expansion) / opening."""
    return _over(NRR_BAREMETRICS, opening - churn + expansion, opening, _NO_MRR_AT_START)


def quick_ratio(new: int, expansion: int, reactivation: int, contraction: int, churn: int) -> Rate:
    """Gains / losses; infinite, with the word for it, when there were gains and no losses."""
    gained, lost = new + expansion + reactivation, contraction + churn
    if lost:
        return Rate(QUICK_RATIO, Fraction(gained, lost))
    if gained:
        return Rate(QUICK_RATIO, None, "Nothing was lost, so the ratio is infinite.", infinite=True)
    return Rate(QUICK_RATIO, None, "Nothing was gained and nothing was lost, so there is no ratio.")


def arpa(mrr: Number, accounts: int) -> Rate:
    """MRR / accounts, in the unit of `mrr`."""
    return _over(ARPA, mrr, accounts, "No couple pays, so there is no average.")


def arr(mrr: Number) -> Rate:
    """12 × MRR, in its unit."""
    return Rate(ARR, 12 * Fraction(mrr))


def ltv(arpa: Number, churn: Number) -> Rate:
    """ARPA / monthly churn; None when nobody churned."""
    return _over(LTV, arpa, churn, "Nobody churned, so the formula has no end to a lifetime.")


def ltv_stripe(arps: Number, churn: Number) -> Rate:
    """As Stripe: without churn one of 1.67 % is assumed, which the remark says."""
    if churn:
        return Rate(LTV_STRIPE, Fraction(arps) / Fraction(churn))
    remark = "Nobody churned: Stripe assumes 1.67 %, which makes about 60 months."
    return Rate(LTV_STRIPE, Fraction(arps) / STRIPE_CHURN_OF_NONE, remark=remark)


def ltv_chartmogul(arpa: Number, churn: Number) -> Rate:
    """As ChartMogul: 0 without churn, which the remark says."""
    if churn:
        return Rate(LTV_CHARTMOGUL, Fraction(arpa) / Fraction(churn))
    return Rate(LTV_CHARTMOGUL, Fraction(0), remark="Nobody churned: ChartMogul shows 0.")


def failed_payment_rate(failed: int, succeeded: int) -> Rate:
    """Failed / all attempts that ended."""
    return _over(FAILED_PAYMENTS, failed, failed + succeeded, "There was no attempt in this time.")


def _over(formula: Formula, part: Number, whole: Number, why_not: str) -> Rate:
    if not whole:
        return Rate(formula, None, why_not)
    return Rate(formula, Fraction(part) / Fraction(whole))


def _summed(formula: Formula, rates: list[Fraction], why_not: str) -> Rate:
    return Rate(formula, sum(rates, Fraction(0))) if rates else Rate(formula, None, why_not)
