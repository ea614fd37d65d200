import logging
import re

import pytest
from streamlit.testing.v1 import AppTest


def _bug() -> None:
    from lib.ui.incidents import on_script_error

    try:
        raise ZeroDivisionError("the secret inner workings")
    except ZeroDivisionError as error:
        on_script_error(error)


def _rule() -> None:
    from lib.core.errors import Refused
    from lib.ui.incidents import on_script_error

    on_script_error(Refused("A rule says no."))


def test_a_bug_is_shown_as_a_number_and_logged_under_it(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        (shown,) = AppTest.from_function(_bug).run().error
    number = re.search(r"incident `([0-9a-f]{8})`", shown.value)

    assert number is not None
    assert "secret" not in shown.value
    assert f"Incident {number[1]}" in caplog.text
    assert "ZeroDivisionError: the secret inner workings" in caplog.text


def test_an_expected_error_is_shown_in_its_own_words() -> None:
    (shown,) = AppTest.from_function(_rule).run().error

    assert shown.value == "A rule says no."
