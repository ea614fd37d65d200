"""A form that is sent again while its action is still under way."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

from lib.ui.desk import Attempt
from lib.ui.forms import _Once


def test_a_second_click_waits_for_the_first_and_says_what_it_did() -> None:
    once, acting, may_end = _Once(), Event(), Event()
    tried: list[str] = []

    def first() -> Attempt[str]:
        tried.append("first")
        acting.set()
        assert may_end.wait(10)
        return Attempt("done by the first")

    def second() -> Attempt[str]:
        tried.append("second")
        return Attempt(why_not="Somebody changed this.")

    with ThreadPoolExecutor(2) as clicks:
        one = clicks.submit(once.act, {"reason": "Fair"}, first)
        assert acting.wait(10)
        two = clicks.submit(once.act, {"reason": "Fair"}, second)
        may_end.set()

    assert (one.result(), two.result()) == (Attempt("done by the first"), Attempt("done by the first"))
    assert tried == ["first"]


def test_what_was_refused_or_is_answered_otherwise_is_tried() -> None:
    once = _Once()
    refused: Attempt[str] = Attempt(why_not="Too much.")

    assert once.act({"amount": 5}, lambda: refused) is refused
    assert once.act({"amount": 5}, lambda: Attempt("five")) == Attempt("five")
    assert once.act({"amount": 6}, lambda: Attempt("six")) == Attempt("six")
