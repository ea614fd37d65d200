"""Which rule answers which path, and what each rule can do with its parameters."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from lib.payments.sandbox.errors import StripeError, unsupported
from lib.payments.sandbox.facts import Facts
from lib.payments.sandbox.listing import Page
from lib.payments.sandbox.params import check
from lib.payments.sandbox.session import Session

Params = dict[str, Any]


@dataclass(frozen=True)
class Rendered:
    """An answer that is JSON already."""

    shape: dict[str, Any]


Answer = Facts | Page | Rendered
"""What a rule gives back: an object (rendered and expanded by the caller), a page of them, or JSON."""


@dataclass(frozen=True)
class Route:
    """One operation: its path, the SDK's parameters for it, and the ones of them that the sandbox acts on."""

    method: str
    path: str
    run: Callable[..., Answer]
    params: type[Any]
    supports: str = ""

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Matches the path; each `{}` is one id."""
        return re.compile("^" + re.escape(self.path).replace(r"\{\}", "([^/]+)") + "$")

    def checked(self, form: Params) -> Params:
        """The typed parameters. Raises StripeError for what Stripe would refuse, and for what is not here."""
        params = check(form, self.params)
        absent = [name for name in params if name not in self.supports.split()]
        if absent:
            raise unsupported(f"the parameter {absent[0]!r} of {self.method} {self.path}")
        return params

    def answer(self, session: Session, params: Params, ids: Iterable[str]) -> Answer:
        """What the operation does, with ids from the path."""
        return self.run(session, params, *ids)


@dataclass(frozen=True)
class Router:
    """All operations that the sandbox has."""

    routes: tuple[Route, ...] = field(default_factory=tuple)

    def find(self, method: str, path: str) -> tuple[Route, tuple[str, ...]]:
        """The operation for a request and the ids in its path. Raises StripeError 404 where there is none."""
        for route in self._by_shape.get((method, path.count("/")), ()):
            if match := route.pattern.match(path):
                return route, match.groups()
        raise StripeError(
            f"Unrecognized request URL ({method}: {path}). The local Stripe does not have this operation; "
            "it has no tax, 3-D Secure, Checkout, billing portal, search (but of customers by metadata) or "
            "test clocks, and no evidence is handed in for disputes.",
            status=404,
        )

    @cached_property
    def _by_shape(self) -> dict[tuple[str, int], list[Route]]:
        """Routes by method and number of parts; those without ids first, so that they win."""
        shaped: dict[tuple[str, int], list[Route]] = {}
        for route in sorted(self.routes, key=lambda route: "{}" in route.path):
            shaped.setdefault((route.method, route.path.count("/")), []).append(route)
        return shaped
