"""What is one fault and what is two, whatever builds, browsers and people change."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.metrics.error_fingerprints import NO_TYPE, fingerprint, normalised
from lib.metrics.error_places import browser_of, device_of, page_of
from lib.metrics.error_stacks import LONGEST_READ, frames_of

CHECKOUT = """TypeError: Cannot read properties of undefined (reading 'couponId')
    at applyDiscount (src/billing/checkout.ts:{line}:17)
    at buildCheckout (src/billing/checkout.ts:140:22)
    at dispatch (node_modules/hono/dist/compose.js:22:17)"""
RENEWAL = """Traceback (most recent call last):
  File "{root}src/jobs/worker.py", line 8, in main
    renew(subscription)
  File "{root}src/jobs/renewals.py", line {line}, in renew
    charge(amount)
  File "/usr/lib/python3.11/json/decoder.py", line 337, in decode
    obj, end = self.raw_decode(s)
{message}"""


def group(stack: str | None, *, kind: str | None = "TypeError", message: str | None = "broken") -> str:
    return fingerprint(kind, message, stack).group_id


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (CHECKOUT.format(line=52), CHECKOUT.format(line=69)),
        (
            "E: x\n    at load (webpack-internal:///(rsc)/./src/app/page.tsx?a1b2:12:3)",
            "E: x\n    at async load (webpack:///src/app/page.tsx?ffff:9:1)",
        ),
        (
            "E: x\n    at save (C:\\agent\\_work\\12\\s\\src\\ui\\Home.tsx:12:3)",
            "E: x\n    at save (/builds/app/src/ui/Home.tsx:14:3)",
        ),
        (
            "E: x\n    at Object.saveCheckin (https://app.example.com/assets/index-DbQ2xY9p.js:1:23)",
            "E: x\n    at saveCheckin (https://app.example.com/assets/index-a81Kd0zQ.js:1:99)",
        ),
        (
            "E: x\n    at saveCheckin (https://a.example.com/js/checkin.4185d9aade26cd3a6285.js:1:23)",
            "saveCheckin@https://a.example.com/js/checkin.0f0f0f0f0f0f0f0f0f0f.js:1:23",
        ),
        (
            RENEWAL.format(root="/srv/release-41/", line=30, message="ValueError: 12"),
            RENEWAL.format(root="D:\\build\\", line=34, message="ValueError: 977"),
        ),
        (
            "E: x\n" + "    at walk (src/tree.ts:3:1)\n" * 9,
            "E: x\n" + "    at walk (src/tree.ts:3:1)\n" * 200,
        ),
        (
            "E: x\n    at a.b (src/tree.ts:3:1)\n    at visit (src/tree.ts:9:1)",
            "E: x\n    at q.z (src/tree.ts:3:1)\n    at visit (src/tree.ts:9:1)",
        ),
    ],
    ids=["line", "webpack", "windows", "bundle", "browser", "python", "recursion", "minified"],
)
def test_a_release_a_build_a_browser_and_a_recursion_make_no_other_fault(first: str, second: str) -> None:
    assert group(first) == group(second)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (CHECKOUT.format(line=1), CHECKOUT.format(line=1).replace("applyDiscount", "applyTax")),
        (CHECKOUT.format(line=1), CHECKOUT.format(line=1).replace("billing/checkout", "gifts/checkout")),
        (
            "E: x\n    at step (src/onboarding/one.ts:1:1)",
            "E: x\n    at step (src/onboarding/two.ts:1:1)",
        ),
    ],
)
def test_another_function_or_module_is_another_fault(first: str, second: str) -> None:
    assert group(first) != group(second)


def test_code_of_libraries_makes_no_difference_and_neither_do_the_words_where_there_is_a_stack() -> None:
    stack = CHECKOUT.format(line=3)
    other = stack.replace("hono/dist/compose.js", "express/lib/router.js")

    assert group(stack) == group(other)
    assert group(stack, message="for anna") == group(stack, message="for ben")
    assert group(stack) != group(stack, kind="RangeError")


def test_the_innermost_own_frame_names_the_group_in_both_orders_of_writing() -> None:
    python = RENEWAL.format(root="/srv/", line=1, message="ValueError")

    assert fingerprint("E", "m", CHECKOUT.format(line=1)).culprit == "applyDiscount in src/billing/checkout"
    assert fingerprint("E", "m", python).culprit == "renew in src/jobs/renewals"
    assert [frame.own for frame in frames_of(python)] == [False, True, True]


def test_of_a_chain_in_python_the_last_error_counts() -> None:
    first = 'Traceback (most recent call last):\n  File "src/a.py", line 1, in first\nKeyError\n'
    chain = (
        first + "\nDuring handling of the above exception, another exception occurred:\n\n"
        'Traceback (most recent call last):\n  File "src/b.py", line 1, in second\nValueError'
    )

    assert fingerprint("ValueError", "m", chain).culprit == "second in src/b"


@pytest.mark.parametrize(
    "stack",
    [
        None,
        "",
        "no stack at all",
        "E: x\n    at t (https://a.example.com/assets/index-DbQ2xY9p.js:1:2)\n    at n.e (<anonymous>)",
        "E: x\n    at dispatch (node_modules/hono/dist/compose.js:22:17)\n    at native",
    ],
)
def test_without_a_usable_stack_the_words_decide(stack: str | None) -> None:
    made = fingerprint("NetworkError", "Failed to fetch https://api.example.com/v2?since=12", stack)

    assert made.by_words
    assert made.group_id == group(None, kind="NetworkError", message="Failed to fetch http://x.org/7")
    assert made.group_id != group(None, kind="NetworkError", message="Failed to parse http://x.org/7")


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("SQLITE_BUSY after 5123 ms", "SQLITE_BUSY after # ms"),
        ("Photo of 1,234.5 bytes", "Photo of # bytes"),
        ("Request req_32e1fc98c258 for anna@example.org", "Request # for <email>"),
        ("Request req_000000000000 for ben@example.org", "Request # for <email>"),
        ("conversation 12345678-aaaa-4bbb-8ccc-0123456789ab", "conversation #"),
        ("Gift code GIFT-7B925030 was redeemed", "Gift code # was redeemed"),
        ("reading 'couponId' of “Anna”", "reading <value> of <value>"),
        ("user's cart can't be saved", "user's cart can't be saved"),
        ("D1_ERROR in utf8 at 0xff", "D1_ERROR in utf8 at #"),
        ("wss://push.example.com/a/b?c closed", "<url> closed"),
    ],
)
def test_numbers_ids_addresses_and_quoted_values_are_taken_out_of_words(message: str, expected: str) -> None:
    assert normalised(message) == expected


def test_a_stack_of_a_megabyte_and_binary_are_read_in_part_and_shown_without_what_nobody_can_read() -> None:
    huge = CHECKOUT.format(line=1) + "\n    at x (src/a.ts:1:1)" * 50_000
    made = fingerprint(None, "\x00\x1b[31mbad \ud800 \ufffd bytes", huge)

    assert len(huge) > 1_000_000
    assert made.group_id == fingerprint("", "other", huge[:LONGEST_READ]).group_id
    assert (made.error_type, made.title) == (NO_TYPE, "[31mbad bytes")


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=300), st.text(max_size=300), st.text(max_size=1_000))
def test_whatever_the_app_sends_has_a_group(kind: str, message: str, stack: str) -> None:
    made = fingerprint(kind, message, f"{message}\n    at {stack}")

    assert made == fingerprint(kind, message, f"{message}\n    at {stack}")
    assert made.title
    assert made.error_type
    made.title.encode("utf-8")


@pytest.mark.parametrize(
    ("url", "page"),
    [
        ("https://app.example.com/couples/rel_00000001/edit?tab=2#top", "/couples/:id/edit"),
        ("/checkout", "/checkout"),
        ("https://app.example.com", "/"),
        (None, "unknown"),
    ],
)
def test_a_page_is_its_path_without_anybodys_id(url: str | None, page: str) -> None:
    assert page_of(url) == page


def test_a_user_agent_names_a_device_and_a_browser() -> None:
    iphone = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Version/17.5 Mobile/15E148 Safari/604.1"
    edge = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/126.0 Safari/537.36 Edg/126.0"

    assert (device_of(iphone), browser_of(iphone)) == ("iPhone", "Safari")
    assert (device_of(edge), browser_of(edge)) == ("Windows", "Edge")
    assert (device_of(None), browser_of("\x00")) == ("unknown", "unknown")
