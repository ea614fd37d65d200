"""Error logs: groups that recur, and two bursts after bad deploys, the later of them still open."""

from bisect import bisect_left
from collections.abc import Sequence
from random import Random
from typing import Any

from lib.demo.book import Book
from lib.demo.clock import DAY, HOUR, js_form, stamp
from lib.demo.material import failures
from lib.demo.visits import DEVICES

_SAMPLE = 4_000
_KEPT_DAYS = 90


class Witnesses:
    """A sample of couples that errors can happen to, in the order of their sign-up; its size is fixed."""

    def __init__(self, couples: int) -> None:
        self._every = max(1, couples // _SAMPLE)
        self._joined: list[int] = []
        self._who: list[tuple[str, str, str]] = []

    def offer(self, number: int, joined: int, person: str, email: str, couple: str) -> None:
        """Remember every n-th couple."""
        if number % self._every == 0:
            self._joined.append(joined)
            self._who.append((person, email, couple))

    def at(self, moment: int, random: Random) -> tuple[str, str, str] | None:
        """Somebody who had an account then: user, e-mail, couple. None when nobody had."""
        known = bisect_left(self._joined, moment)
        return self._who[random.randrange(known)] if known else None


def newest_burst(horizon: int) -> tuple[int, int]:
    """From when and until when the newest bad deploy was in the app, which is still open."""
    newest = min(failures()["bursts"], key=lambda burst: float(burst["days_ago"]))
    begins = horizon - int(newest["days_ago"] * DAY)
    return begins, begins + int(newest["hours"] * HOUR)


def strike(book: Book, who: tuple[str, str, str], moment: int, horizon: int, random: Random) -> None:
    """Write that somebody (user, e-mail, couple) ran into the newest bad deploy at a moment."""
    _log(book, _broken(), moment, horizon, who, random, resolved=False)


def write(book: Book, number: int, start: int, horizon: int, witnesses: Witnesses, random: Random) -> None:
    """Write `number` error logs of the last 90 days, in no order of time, as many workers send them."""
    groups, bursts = failures()["groups"], failures()["bursts"]
    weights = [group["weight"] for group in groups]
    broken = _broken()
    since = max(start, horizon - _KEPT_DAYS * DAY)
    shares = [burst["share"] for burst in bursts]
    for _ in range(number):
        which = random.choices((None, *bursts), (1 - sum(shares), *shares))[0]
        if which is None:
            group = random.choices(groups, weights)[0]
            moment = random.randrange(since, horizon)
            _log(book, group, moment, horizon, _somebody(witnesses, moment, random), random)
            continue
        begins = horizon - int(which["days_ago"] * DAY)
        # Most of a burst comes at once; it fades as the release is taken back.
        moment = begins + int(min(1.0, random.expovariate(3)) * which["hours"] * HOUR)
        if start <= moment < horizon:
            who = _somebody(witnesses, moment, random)
            _log(book, broken, moment, horizon, who, random, resolved=which.get("resolved", False))
        book.turn_page()


def _broken() -> dict[str, Any]:
    return next(group for group in failures()["groups"] if group.get("burst"))


def _somebody(witnesses: Witnesses, moment: int, random: Random) -> tuple[str, str, str] | None:
    return witnesses.at(moment, random) if random.random() < 0.86 else None


def _log(
    book: Book,
    group: dict[str, Any],
    moment: int,
    horizon: int,
    who: tuple[str, str, str] | None,
    random: Random,
    *,
    resolved: bool | None = None,
) -> None:
    user, email, couple = who or (None, "guest@example.org", None)
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
        user_id=user,
        relationship_id=couple,
        session_id=book.ids.row("ses") if user else None,
        page_url=f"https://app.example.com{group['page']}" if group["page"] else None,
        user_agent=random.choices(DEVICES, (40, 27, 14, 10, 4, 5, 0.3))[0][3],
        severity=group["severity"],
        resolved=resolved,
        resolved_at=js_form(fixed) if resolved else None,
        created_at=stamp(moment),
    )


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
