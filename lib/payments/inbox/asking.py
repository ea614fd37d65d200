"""Stripe is asked about several objects at once, while those that it has told of are applied.

No picture may be applied after a newer one. Objects overlap: an invoice brings its subscription along, a
refund its charge. Of two questions that are under way at the same time, either may bring the older state of
what they share. So the one that is applied second is asked again when it is its turn.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import islice
from typing import Final

from lib.payments.gateway import Gateway
from lib.payments.inbox.leases import Waiting
from lib.payments.inbox.pictures import Picture, picture_of

ASKED_AT_ONCE: Final = 4
"""With answers that take 0.2 s these are 20 questions a second, and a test key may ask 25."""

AHEAD: Final = 8
"""So many objects are asked about before they are applied, and so many are applied together, at most."""

_ASKERS: Final = ThreadPoolExecutor(ASKED_AT_ONCE, thread_name_prefix="asking")
"""They outlive a turn of the inbox, because each keeps its connection to Stripe."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What Stripe says about the object of some waiting events.

    `picture`: None when it cannot be had, and the payloads count. `failure`: why it is not known for now.
    `began`, `ended`: when it was asked, in seconds of a clock of this process.
    """

    stripe_id: str
    events: Sequence[Waiting]
    picture: Picture | None
    failure: Exception | None
    began: float
    ended: float


def answers(gateway: Gateway | None, due: Mapping[str, Sequence[Waiting]]) -> Iterator[list[Answer]]:
    """What Stripe says about each object, in lists of what has come since the last one.

    They are to be applied in this order. `due`: the events of each object, the newest last; its type says how
    to ask. Nothing that goes wrong is raised: it is the `failure` of an answer.
    """
    known: dict[str, float] = {}
    for several in _answered(gateway, due):
        in_turn = []
        for answer in several:
            if answer.picture and any(known.get(each, 0.0) > answer.began for each in answer.picture.objects):
                answer = _ask(gateway, answer.stripe_id, answer.events)  # noqa: PLW2901 - it takes its place
            if answer.picture:
                known.update(dict.fromkeys(answer.picture.objects, answer.ended))
            in_turn.append(answer)
        yield in_turn


def _answered(gateway: Gateway | None, due: Mapping[str, Sequence[Waiting]]) -> Iterator[list[Answer]]:
    waiting = iter(due.items())
    if gateway is None or len(due) == 1:
        while several := [_ask(gateway, *each) for each in islice(waiting, AHEAD)]:
            yield several
        return
    turn = {stripe_id: number for number, stripe_id in enumerate(due)}
    asked = {_ASKERS.submit(_ask, gateway, *each) for each in islice(waiting, AHEAD)}
    try:
        while asked:
            done, asked = wait(asked, return_when=FIRST_COMPLETED)
            # The next ones are asked about while these are applied.
            asked |= {_ASKERS.submit(_ask, gateway, *each) for each in islice(waiting, AHEAD - len(asked))}
            yield sorted((each.result() for each in done), key=lambda answer: turn[answer.stripe_id])
    finally:
        for each in asked:
            each.cancel()


def _ask(gateway: Gateway | None, stripe_id: str, events: Sequence[Waiting]) -> Answer:
    began = time.monotonic()
    picture: Picture | None = None
    failure: Exception | None = None
    try:
        picture = picture_of(gateway, stripe_id, events[-1].event_type)
    except Exception as error:  # noqa: BLE001 - one object that fails holds up no other, whatever it is
        failure = error
    return Answer(stripe_id, events, picture, failure, began, time.monotonic())
