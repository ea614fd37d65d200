"""How large a company to make, and how much of its life to write down."""

from dataclasses import dataclass
from datetime import date

from lib.core.errors import Invalid


@dataclass(frozen=True, slots=True)
class Scale:
    """`couples` sign up in the `months` before `today`; nothing happens on `today` itself.

    `events`, `assignments` and `errors` are how many rows of analytics events, A/B test assignments and error
    logs there shall be, about; None: as many as such a company has. The other tables follow from the couples,
    and keep less of each couple's diary the larger the company is.
    """

    couples: int
    months: int
    seed: int
    today: date
    events: int | None = None
    assignments: int | None = None
    errors: int | None = None

    def __post_init__(self) -> None:
        """Raises Invalid for sizes that make no company."""
        if self.couples < 1 or not 1 <= self.months <= 120:
            raise Invalid("A demo company needs at least 1 couple, and 1 to 120 months.")
        for name in ("events", "assignments", "errors"):
            if (getattr(self, name) or 0) < 0:
                raise Invalid(f"The number of {name} cannot be negative.")

    @property
    def start(self) -> date:
        """The company's first day: the first of a month."""
        months = self.today.year * 12 + self.today.month - 1 - self.months
        return date(months // 12, months % 12 + 1, 1)

    @property
    def large(self) -> bool:
        """From here on the size of the file counts more than the detail of each couple."""
        return self.couples > 10_000

    @property
    def events_per_couple(self) -> float:
        """How many analytics events an average couple leaves behind."""
        default = 20.0 if self.large else 50.0
        return default if self.events is None else self.events / self.couples

    @property
    def total_errors(self) -> int:
        """How many error logs there are."""
        default = min(self.couples * 2, 60_000) + 150
        return default if self.errors is None else self.errors

    @property
    def diary_days(self) -> int:
        """For how many days at the end of their time with us a couple's check-ins are written."""
        return 10 if self.large else 45

    @property
    def weeks_before(self) -> int:
        """For how many weeks before those days a check-in a week is written."""
        return 6 if self.large else 26

    @property
    def webhook_days(self) -> int:
        """For how long the app keeps what Stripe sent."""
        return 14 if self.large else 90
