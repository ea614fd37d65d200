"""Error logs: groups that recur, and two bursts after bad deploys, the later of them still open."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from lib.demo.book import Book
from lib.demo.clock import DAY, HOUR, js_form, stamp
from lib.demo.material import failures
from lib.demo.people import Couple
from lib.demo.visits import DEVICES

_SAMPLE = 4_000
_KEPT_DAYS = 90


@dataclass(frozen=True, slots=True)
class Victim:
    """A couple that ran into the bad deploy which is still open; `pays`: they have paid before."""

    couple: Couple
    pays: bool
    moment: int


class Witnesses:
    """A sample of couples that errors can happen to, in the order of their sign-up; its size is fixed."""

    def __init__(self, couples: int) -> None:
        self._every = max(1, couples // _SAMPLE)
        self._joined: list[int] = []
        self._who: list[tuple[Couple, bool]] = []

    def offer(self, number: int, joined: int, couple: Couple, *, pays: bool) -> None:
        """Remember every n-th couple."""
        if number % self._every == 0:
            self._joined.append(joined)
            self._who.append((couple, pays))

    def at(self, moment: int, random: Random) -> tuple[Couple, bool] | None:
        """A couple that had an account then, and whether they ever paid. None when nobody had one."""
        known = bisect_left(self._joined, moment)
        return self._who[random.randrange(known)] if known else None


def write(
    book: Book, number: int, start: int, horizon: int, witnesses: Witnesses, random: Random
) -> list[Victim]:
    """Write `number` error logs of the last 90 days, in no order of time, as many workers send them.

    Gives whom the bad deploy hit that is still open, each couple at its last error.
    """
    victims: dict[str, Victim] = {}
    groups, bursts = failures()["groups"], failures()["bursts"]
    weights = [group["weight"] for group in groups]
    broken = next(group for group in groups if group.get("burst"))
    since = max(start, horizon - _KEPT_DAYS * DAY)
    shares = [burst["share"] for burst in bursts]
    for _ in range(number):
        which = random.choices((None, *bursts), (1 - sum(shares), *shares))[0]
        if which is None:
            group = random.choices(groups, weights)[0]
            _log(book, group, random.randrange(since, horizon), horizon, witnesses, random)
            continue
        begins = horizon - int(which["days_ago"] * DAY)
        # Most of a burst comes at once; it fades as the release is taken back.
        moment = begins + int(min(1.0, random.expovariate(3)) * which["hours"] * HOUR)
        if start <= moment < horizon:
            resolved = which.get("resolved", False)
            who = _log(book, broken, moment, horizon, witnesses, random, resolved=resolved)
            if who is not None and not resolved:
                couple, pays = who
                victims[couple.id] = max(
                    Victim(couple, pays, moment),
                    victims.get(couple.id, Victim(couple, pays, 0)),
                    key=lambda victim: victim.moment,
                )
        book.turn_page()
    return list(victims.values())


def _log(
    book: Book,
    group: dict[str, Any],
    moment: int,
    horizon: int,
    witnesses: Witnesses,
    random: Random,
    *,
    resolved: bool | None = None,
) -> tuple[Couple, bool] | None:
    who = witnesses.at(moment, random) if random.random() < 0.86 else None
    payer, couple = (who[0].payer, who[0]) if who else (None, None)
    email = payer.email if payer else "guest@example.org"
    if resolved is None:
        resolved = moment < horizon - 12 * DAY and random.random() < 0.6
    message = group["message"].format(
        hex=f"{random.getrandbits(48):012x}",
        email=email,
        n=random.choice((0, 11, 12))
        if group["type"] == "ValidationError"
        else random.randrange(900, 9_999_999),
        ms=random.randrange(5_000, 9_999),
        uuid=f"{random.getrandbits(32):08x}-{random.getrandbits(16):04x}-4{random.getrandbits(12):03x}-a1b2-{random.getrandbits(48):012x}",
        code=f"GIFT-{random.getrandbits(32):08X}",
    )
    fixed = min(moment + random.randrange(2 * HOUR, 6 * DAY), horizon - 1)
    book.write(
        "error_logs",
        id=book.ids.row("err"),
        error_type=group["type"],
        error_message=message,
        stack_trace=_stack(group, message, moment),
        user_id=payer.id if payer else None,
        relationship_id=couple.id if couple else None,
        session_id=book.ids.row("ses") if payer else None,
        page_url=f"https://app.example.com{group['page']}" if group["page"] else None,
        user_agent=random.choices(DEVICES, (40, 27, 14, 10, 4, 5, 0.3))[0][3],
        severity=group["severity"],
        resolved=resolved,
        resolved_at=js_form(fixed) if resolved else None,
        created_at=stamp(moment),
    )
    return who


def _stack(group: dict[str, Any], message: str, moment: int) -> str | None:
    """The frames, whose line numbers move with every release of the app (about every three weeks)."""
    frames: Sequence[str] = group["frames"]
    if not frames:
        return None
    release = moment // (21 * DAY) % 40
    lines = [
        f"    at {frame}".replace("{a}", str(40 + release)).replace("{b}", str(112 + release))
        for frame in frames
    ]
    return "\n".join([f"{group['type']}: {message}", *lines])
