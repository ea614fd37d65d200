"""Lists: one SELECT serves the page, the export and the command line.

    @listing(Permission.REFUNDS_READ, columns=(Column("id", "Refund"), ...))
    def pending(*, status: str = "pending") -> Select: ...

The decorated function becomes a `Listing`: `page()` gives one page of it, `stream()` every row with constant
memory. Both ask for the permission; both leave masking to the columns.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from sqlalchemy import Row, Select, func, select

from lib.core.access import Permission
from lib.core.errors import Invalid
from lib.core.work import QUERIES, View, name_of

Kind = Literal[
    "text",
    "figure",
    "id",
    "code",
    "status",
    "moment",
    "day",
    "money",
    "count",
    "decimal",
    "percent",
    "flag",
    "action",
    "table",
    "trend",
    "link",
]

AnyRow: TypeAlias = Row[*tuple[Any, ...]]
AnySelect: TypeAlias = Select[*tuple[Any, ...]]

PAGE_SIZE: Final = 50
COUNTED_UP_TO: Final = 10_000


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a list: the name in the SELECT, its title, and how to show it.

    A `money` column is in minor units; its currency is the row's `currency`, if it has one. A `figure` is a
    number or an amount that is text already, a `trend` numbers with blanks between, shown as small bars. A
    `code` such as `requested_by_customer` is shown as words, and so are an `action` and a `table`; exports
    have them as they are. A `link` is an address, which opens in a tab of its own. `of` makes the value from
    the whole row, where no column of the SELECT has it.
    """

    name: str
    title: str
    kind: Kind = "text"
    of: Callable[[Any], Any] | None = None

    def value(self, row: Any) -> Any:
        """What a row has in this column."""
        return getattr(row, self.name) if self.of is None else self.of(row)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list. `total` counts to 10,000 and no further; `more_than_counted` says so."""

    rows: Sequence[AnyRow]
    number: int
    size: int
    total: int

    @property
    def more_than_counted(self) -> bool:
        """Whether there are more rows than were counted."""
        return self.total > COUNTED_UP_TO

    @property
    def pages(self) -> int:
        """How many pages can be turned to."""
        return max(1, -(-min(self.total, COUNTED_UP_TO) // self.size))


class Listing:
    """A list that staff page through, filter and export. Its name is `module.function`."""

    def __init__(
        self,
        build: Callable[..., AnySelect],
        permission: Permission,
        columns: tuple[Column, ...],
        key: Any = None,
    ) -> None:
        self.name = name_of(build)
        self.permission = permission
        self.columns = columns
        self.build = build
        self.key = key
        self.__doc__ = build.__doc__
        self.__module__ = build.__module__
        self.__name__ = build.__name__
        QUERIES[self.name] = permission
        LISTINGS[self.name] = self

    def page(self, view: View, /, *, number: int = 1, size: int = PAGE_SIZE, **filters: Any) -> Page:
        """Read one page; a number past the end gives the last page. Two statements."""
        view.actor.must(self.permission)
        if number < 1:
            raise Invalid("Pages are numbered from 1.")
        statement = self.build(**filters)
        counted = statement.with_only_columns(1, maintain_column_froms=True).order_by(None)
        total = view.session.execute(
            select(func.count()).select_from(counted.limit(COUNTED_UP_TO + 1).subquery())
        ).scalar_one()
        last = max(1, -(-total // size))
        number = min(number, last)
        page = statement.limit(size).offset((number - 1) * size)
        if self.key is not None:
            page = self.build().where(self.key.in_(page.with_only_columns(self.key).correlate(None)))
        return Page(view.session.execute(page).all(), number, size, total)

    def stream(self, view: View, /, **filters: Any) -> Iterator[AnyRow]:
        """Read every row, a thousand at a time."""
        view.actor.must(self.permission)
        yield from view.session.execute(self.build(**filters).execution_options(yield_per=1000))


LISTINGS: Final[dict[str, Listing]] = {}


def listing(
    permission: Permission, *, columns: tuple[Column, ...], key: Any = None
) -> Callable[[Callable[..., AnySelect]], Listing]:
    """Make a function that builds a SELECT into a Listing.

    With `key`, the key column of its rows, a page is found by its keys alone, and only then do its rows get
    their other columns: for lists that have to sort what they find and whose columns are dear. Without
    filters such a function must select every row.
    """

    def decorate(build: Callable[..., AnySelect]) -> Listing:
        return Listing(build, permission, columns, key)

    return decorate
