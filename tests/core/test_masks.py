"""What a reader sees of personal data that they have not asked to see."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.models import Base, masks
from lib.models.masks import HIDDEN, Kind, mask, redact
from lib.models.types import Json, Personal


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        ("email", "mara.lind@example.org", f"m{HIDDEN}@example.org"),
        ("email", "no address", HIDDEN),
        ("name", "Mara Lind", "Mara L."),
        ("name", "Mara van der Lind", "Mara L."),
        ("name", "Mara", f"M{HIDDEN}"),
        ("phone", "+49 170 1234567", f"{HIDDEN} 67"),
        ("ip", "203.0.113.7", f"203.0.{HIDDEN}"),
        ("ip", "2001:db8:1::7", f"2001:db8:{HIDDEN}"),
        ("text", "We had a fight.", HIDDEN),
        ("url", "https://photos.example.org/mara.jpg", HIDDEN),
        ("log", "No mail for mara@example.org", f"No mail for m{HIDDEN}@example.org"),
        ("log", "Call +49 170 1234567 now", f"Call {HIDDEN} now"),
    ],
)
def test_each_kind_has_its_mask(kind: Kind, value: str, shown: str) -> None:
    assert mask(kind, value) == shown


@pytest.mark.parametrize("value", [None, ""])
def test_nothing_stays_nothing(value: str | None) -> None:
    assert mask("email", value) == value


local_parts = st.text(alphabet="abcdefghijklmnopqrstuvwxyz0123456789.+_-", min_size=2, max_size=64)


@given(local_parts)
def test_a_masked_address_never_contains_its_local_part(local: str) -> None:
    assert local not in str(mask("email", f"{local}@{HIDDEN}")).removesuffix(f"@{HIDDEN}")


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz0123456789", min_size=2, max_size=20))
def test_an_address_in_a_log_is_masked_wherever_it_stands(local: str) -> None:
    shown = str(mask("log", f"Sent to <{local}@mail.test>, twice"))

    assert f"{local}@" not in shown
    assert shown.startswith("Sent to <")


def test_a_document_keeps_its_shape_and_loses_its_people() -> None:
    document = {
        "id": "evt_1",
        "amount": 3000,
        "object": {
            "customer_email": "mara@example.org",
            "billing_details": {"name": "Mara Lind", "address": {"city": "Bonn", "country": None}},
            "lines": [{"description": "Refund for mara@example.org"}],
        },
    }

    assert redact(document) == {
        "id": "evt_1",
        "amount": 3000,
        "object": {
            "customer_email": HIDDEN,
            "billing_details": {"name": HIDDEN, "address": {"city": HIDDEN, "country": None}},
            "lines": [{"description": f"Refund for m{HIDDEN}@example.org"}],
        },
    }


def test_masked_is_the_default_and_comes_back_also_after_an_error() -> None:
    def fail() -> None:
        with masks.unmasked():
            assert not masks.personal_data_is_masked()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    assert masks.personal_data_is_masked()


# Every column of production that holds a person's contact data, words or whereabouts. A new one belongs here.
PERSONAL = {
    "users": {"email", "name", "nickname", "profile_photo_url", "phone_number", "relationship_preferences"},
    "important_dates": {"event_name", "description"},
    "shared_goals": {"goal_name", "goal_description"},
    "daily_checkins": {"gratitude_note", "support_needed", "highlight_of_day"},
    "activities": {"activity_name", "description", "location", "notes", "photos"},
    "communication_log": {"topic", "description"},
    "challenge_participation": {"completion_notes"},
    "challenge_entries": {"entry_content", "reflection"},
    "user_achievements": {"notes"},
    "notifications": {"message"},
    "subscriptions": {"cancel_reason", "gift_message"},
    "payment_transactions": {"description", "metadata", "failure_reason"},
    "ai_credits": {"usage_description"},
    "stripe_webhooks": {"event_data", "error_message"},
    "refunds": {"refund_reason", "notes"},
    "analytics_events": {"event_data", "ip_address"},
    "user_sessions": {"ip_address"},
    "error_logs": {"error_message", "stack_trace"},
    "admin_drift": {"outcome"},
    "admin_error_groups": {"title"},
    "admin_inbox_replays": {"reason"},
    "admin_inbox_replay_steps": {"outcome"},
}


def test_every_column_that_holds_peoples_words_is_classified() -> None:
    classified = {
        name: {column.name for column in table.columns if _is_personal(column.type)}
        for name, table in Base.metadata.tables.items()
    }

    assert {name: columns for name, columns in classified.items() if columns} == PERSONAL


def _is_personal(kind: object) -> bool:
    return isinstance(kind, Personal) or (isinstance(kind, Json) and kind.personal)


# A column so named holds words of people, whatever table it is in, unless it stands here with its reason.
TELLING = (
    "name",
    "email",
    "phone",
    "note",
    "message",
    "description",
    "reason",
    "address",
    "photo",
    "content",
)
OTHERWISE = {
    "subscription_plans.plan_name": "the price list",
    "subscription_addons.addon_name": "the price list",
    "subscription_addons.description": "the price list",
    "challenges.challenge_name": "a template",
    "challenges.challenge_description": "a template",
    "achievements.achievement_name": "a template",
    "achievements.achievement_description": "a template",
    "analytics_events.event_name": "a code of the app",
    "feature_usage_metrics.feature_name": "a code of the app",
    "conversion_funnels.funnel_name": "a code of the app",
    "conversion_funnels.step_name": "a code of the app",
    "ab_test_variants.test_name": "a code of the app",
    "ab_test_variants.variant_name": "a code of the app",
    "ab_test_variants.description": "staff's words about a test",
    "ab_test_assignments.test_name": "a code of the app",
    "user_cohorts.cohort_name": "a code of the app",
    "partner_analytics.partner_name": "a business",
    "email_campaign_analytics.campaign_name": "a campaign",
    "engagement_scores.messages_sent": "a count",
}


def test_a_column_with_a_telling_name_is_classified_or_has_a_reason() -> None:
    from lib.core import schema

    telling = {
        f"{table}.{column.name}"
        for table in schema.production()
        for column in Base.metadata.tables[table].columns
        if any(word in column.name for word in TELLING) and not _is_personal(column.type)
    }

    assert telling == set(OTHERWISE)
