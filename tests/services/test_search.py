"""One box over people, couples and everything with an id; on SQLite with the index of names, on PostgreSQL
with trigrams."""

import stat
from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from lib import models
from lib.core.database import Database
from lib.core.errors import Invalid, NotAllowed
from lib.jobs import search_index
from lib.services import people, search
from lib.services.name_index import Named, NameIndex
from tests.factories import (
    NOW,
    make_couple,
    make_dispute,
    make_invoice,
    make_payment,
    make_refund,
    make_subscription,
    make_user,
    write,
)
from tests.services.desk import act, hired, read, somebody
from tests.sized import times
from tests.statements import counted


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def sqlite(sqlite_url: str) -> Iterator[Database]:
    opened = Database(sqlite_url)
    yield opened
    opened.dispose()


def make_person(database: Database, name: str, **over: object) -> str:
    return make_user(database, name=name, updated_at=NOW - timedelta(days=1), **over)


def ids(database: Database, typed: str, kind: str = "person", role: str = "support") -> list[str]:
    found = read(database, search.everything, typed, by=somebody(role))
    return [hit.id for hit in found.hits if hit.kind == kind]


@pytest.mark.parametrize("typed", ["johanna", "JOHANNA", "hann", "weidner", "johanna weid", "jo@example.org"])
def test_any_part_of_a_name_finds_the_person(database: Database, typed: str) -> None:
    wanted = make_person(database, "Johanna Weidner", email="jo@example.org")
    make_person(database, "Somebody Else")
    search_index.run(database, NOW)

    assert ids(database, typed) == [wanted]


@pytest.mark.parametrize("typed", ["jhonathan", "jonathn", "jonatham", "jonnathan"])
def test_one_typing_error_is_forgiven(database: Database, typed: str) -> None:
    wanted = make_person(database, "Jonathan Okafor")
    search_index.run(database, NOW)

    assert ids(database, typed) == [wanted]


def test_a_nickname_finds_the_person(database: Database) -> None:
    wanted = make_person(database, "Elisabeth Roy", nickname="Bettina")
    search_index.run(database, NOW)

    assert ids(database, "bettina") == [wanted]


def test_accents_make_no_difference(sqlite: Database) -> None:
    wanted = make_person(sqlite, "Zoë Müller")
    search_index.run(sqlite, NOW)

    assert ids(sqlite, "zoe muller") == ids(sqlite, "Zoë Müller") == [wanted]


def test_finding_a_person_finds_the_couple_and_so_the_partner(database: Database) -> None:
    one = make_person(database, "Quentin Abel")
    couple = make_couple(database, user_1_id=make_person(database, "Beatrix Noor"), user_2_id=one)
    search_index.run(database, NOW)

    found = read(database, search.everything, "quentin")

    assert [(hit.kind, hit.id) for hit in found.hits] == [("person", one), ("couple", couple)]
    assert found.hits[1].title == "Beatrix N. & Quentin A."


def test_every_id_finds_its_row_first(database: Database) -> None:
    user = make_person(database, "Ida Holm", email="ida@example.org")
    couple = make_couple(database, user_1_id=user)
    subscription = make_subscription(
        database,
        user_id=user,
        relationship_id=couple,
        stripe_subscription_id="sub_X1",
        stripe_customer_id="cus_X1",
    )
    payment = make_payment(database, user_id=user, stripe_payment_intent_id="pi_X1", stripe_charge_id="ch_X1")
    make_invoice(database, payment_id=payment, stripe_invoice_id="in_X1")
    make_dispute(database, payment_id=payment, stripe_dispute_id="dp_X1")
    refund = make_refund(database, transaction_id=payment, user_id=user, stripe_refund_id="re_X1")
    write(
        database,
        models.StripeWebhook,
        id="w1",
        event_id="evt_X1",
        event_type="invoice.paid",
        event_data={},
        created_at=NOW,
    )
    write(
        database,
        models.InboxEvent,
        event_id="evt_X1",
        event_type="invoice.paid",
        stripe_object_id="in_X2",
        stripe_created=NOW,
        state="applied",
        received_at=NOW,
    )
    code = write(
        database,
        models.DiscountCode,
        id="code_1",
        code="SPRING25",
        discount_type="percentage",
        discount_value=25,
        valid_from=NOW,
        valid_until=NOW,
    )
    visit = write(database, models.UserSession, id="sess_1", user_id=user, session_start=NOW)
    error = write(
        database, models.ErrorLog, id="err_1", error_type="Timeout", error_message="slow", user_id=user
    )
    expected = {
        "ida@example.org": ("person", user, "users", user),
        user: ("person", user, "users", user),
        couple: ("couple", couple, "relationships", couple),
        subscription: ("subscription", subscription, "subscriptions", subscription),
        "sub_X1": ("subscription", subscription, "subscriptions", subscription),
        "cus_X1": ("subscription", subscription, "subscriptions", subscription),
        "pi_X1": ("payment", payment, "payments", payment),
        "ch_X1": ("payment", payment, "payments", payment),
        "dp_X1": ("dispute", "dp_X1", "payments", payment),
        "re_X1": ("refund", refund, "refunds", refund),
        "evt_X1": ("event", "evt_X1", "inbox", "evt_X1"),
        "in_X1": ("invoice", "in_X1", "payments", payment),
        "in_X2": ("event", "in_X2", "inbox", "evt_X1"),
        "spring25": ("code", code, "discounts", code),
        visit: ("session", visit, "users", user),
        error: ("error", error, "errors", error),
    }

    found = {
        typed: read(database, search.everything, typed, by=somebody("admin")).hits[0] for typed in expected
    }

    assert {typed: (hit.kind, hit.id, hit.page, hit.opens) for typed, hit in found.items()} == expected
    assert all(hit.exact for hit in found.values())


def test_hits_are_masked_also_those_that_an_id_found(database: Database) -> None:
    user = make_person(database, "Ida Holm", email="ida@example.org")
    make_subscription(database, user_id=user, stripe_subscription_id="sub_X1")
    search_index.run(database, NOW)

    shown = [
        f"{hit.title} {hit.subtitle}"
        for typed in ("ida", "sub_X1", user)
        for hit in read(database, search.everything, typed).hits
    ]

    assert len(shown) >= 4
    assert not any("Holm" in line or "ida@" in line for line in shown)


def test_what_a_role_may_not_read_is_not_searched(database: Database) -> None:
    write(database, models.ErrorLog, id="err_1", error_type="Timeout", error_message="slow")

    assert ids(database, "err_1", "error", role="support") == ["err_1"]
    assert ids(database, "err_1", "error", role="finance") == []


def test_product_does_not_search_people(database: Database) -> None:
    with pytest.raises(NotAllowed):
        ids(database, "ida", role="product")


def test_a_search_of_ten_thousand_characters_is_told_so_in_a_sentence(sqlite: Database) -> None:
    with pytest.raises(Invalid, match=r"200 characters at most.*10,000"):
        ids(sqlite, "x" * 10_000)


@pytest.mark.parametrize(
    "typed", ["", "   ", "\x00", "'", '"*', "%", "_", "(", "a AND b", "NEAR(", "-", "é", "🙂"]
)
def test_no_sign_breaks_the_search(database: Database, typed: str) -> None:
    make_person(database, "Ida Holm")
    search_index.run(database, NOW)

    assert ids(database, typed) == []


def test_whoever_changed_after_the_index_was_made_is_found_plainly(sqlite: Database) -> None:
    make_person(sqlite, "Ida Holm")
    search_index.run(sqlite, NOW)
    newcomer = make_user(sqlite, name="Marguerite Vasquez", updated_at=NOW + timedelta(seconds=5))

    assert ids(sqlite, "guerite") == [newcomer]


def test_without_an_index_the_beginning_of_a_name_finds_and_the_reader_is_told(sqlite: Database) -> None:
    wanted = make_person(sqlite, "Ida Holm")

    found = read(sqlite, search.everything, "ida")

    assert [hit.id for hit in found.hits] == [wanted]
    assert found.note == search.BEING_MADE


def test_a_search_takes_four_statements_at_most(database: Database) -> None:
    make_couple(database, user_1_id=make_person(database, "Ida Holm"))
    search_index.run(database, NOW)

    with counted(database) as statements:
        ids(database, "ida", role="admin")

    assert len(statements) <= 4


def test_every_statement_of_a_search_uses_an_index(sqlite: Database) -> None:
    make_couple(sqlite, user_1_id=make_person(sqlite, "Ida Holm"))
    search_index.run(sqlite, NOW)
    plans: list[str] = []

    def explain(connection, cursor, statement, parameters, context, many) -> None:  # type: ignore[no-untyped-def]
        if statement.startswith("SELECT"):
            raw = connection.connection.dbapi_connection
            plans.extend(row[3] for row in raw.execute(f"EXPLAIN QUERY PLAN {statement}", parameters))

    event.listen(sqlite.primary, "before_cursor_execute", explain)
    ids(sqlite, "ida", role="admin")

    # Scans are of what a part of the statement has found already.
    whole_tables = [step for step in plans if step.startswith("SCAN") and "INDEX" not in step]
    assert not {step.split()[1] for step in whole_tables} & set(models.Base.metadata.tables)
    assert any("idx_admin_users_updated" in step for step in plans)


def test_the_index_follows_changes_and_forgets_the_deleted(sqlite: Database) -> None:
    kept = make_person(sqlite, "Ida Holm")
    deleted = make_person(sqlite, "Gone Person")
    search_index.run(sqlite, NOW)
    index = NameIndex.beside(sqlite.primary.url)
    assert index is not None
    with sqlite.primary.begin() as connection:
        users = models.User.__table__
        connection.execute(users.update().where(users.c.id == kept).values(name="Nora Vale", updated_at=NOW))
        connection.execute(users.delete().where(users.c.id == deleted))

    after = search_index.run(sqlite, NOW + timedelta(minutes=1))

    assert after == search_index.Kept(indexed=1, forgotten=1)
    assert index.find("nora", limit=5) == [kept]
    assert index.find("ida", limit=5) == index.find("gone", limit=5) == []


def test_an_index_of_another_database_is_made_anew(sqlite: Database) -> None:
    make_person(sqlite, "Ida Holm")
    search_index.run(sqlite, NOW)
    index = NameIndex.beside(sqlite.primary.url)
    assert index is not None
    index.put([Named("stranger", ("Foreign Person",))], database="another")

    search_index.run(sqlite, NOW + timedelta(minutes=1))

    assert index.find("foreign", limit=5) == []
    assert len(index.find("ida", limit=5)) == 1


def test_a_run_goes_on_where_a_killed_one_was(sqlite: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_index, "BATCH", 2)
    for number in range(5):
        make_user(sqlite, name=f"Walker {number}", updated_at=NOW - timedelta(hours=number))
    search_index.run(sqlite, NOW - timedelta(hours=3, minutes=30))  # sees one of them
    index = NameIndex.beside(sqlite.primary.url)
    assert index is not None
    assert len(index.find("walker", limit=9)) == 1

    kept = search_index.run(sqlite, NOW)

    assert len(index.find("walker", limit=9)) == 5
    assert kept.indexed == 4


def test_it_is_due_when_somebody_changed_and_from_time_to_time(sqlite: Database) -> None:
    assert search_index.is_due(sqlite, NOW)
    search_index.run(sqlite, NOW)

    assert not search_index.is_due(sqlite, NOW + timedelta(minutes=2))
    assert search_index.is_due(sqlite, NOW + timedelta(minutes=11))
    make_user(sqlite, updated_at=NOW + timedelta(minutes=1))
    assert search_index.is_due(sqlite, NOW + timedelta(minutes=2))


@pytest.mark.postgres
def test_postgresql_needs_no_index_file(postgres_url: str) -> None:
    database = Database(postgres_url)

    assert not search_index.is_due(database, NOW)
    assert search_index.run(database, NOW) == search_index.Kept(0, 0)
    database.dispose()


def test_nobody_else_may_read_the_index(sqlite: Database) -> None:
    search_index.run(sqlite, NOW)
    index = NameIndex.beside(sqlite.primary.url)
    assert index is not None

    assert stat.S_IMODE(index.path.stat().st_mode) == 0o600


@pytest.fixture(scope="module")
def made_index(tmp_path_factory: pytest.TempPathFactory) -> NameIndex:
    index = NameIndex(tmp_path_factory.mktemp("index") / "x.search.db")
    index.clear()
    return index


@pytest.mark.sized
@settings(max_examples=times(25, 500), deadline=None)
@example("abcd", "bacd")
@given(st.text(alphabet="abc", min_size=4, max_size=8), st.text(alphabet="abc", min_size=4, max_size=8))
def test_a_word_is_found_exactly_when_one_error_lies_between(
    made_index: NameIndex, word: str, typed: str
) -> None:
    made_index.put([Named("u", (word,))])

    found = made_index.find(typed, limit=5) == ["u"]

    assert found == (typed in word or errors(word, typed) <= 1)


def errors(one: str, other: str) -> int:
    """Optimal string alignment (Damerau 1964): insertions, deletions, changes, swapped neighbours."""
    table = [[i + j if i * j == 0 else 0 for j in range(len(other) + 1)] for i in range(len(one) + 1)]
    for i in range(1, len(one) + 1):
        for j in range(1, len(other) + 1):
            table[i][j] = min(
                table[i - 1][j] + 1,
                table[i][j - 1] + 1,
                table[i - 1][j - 1] + (one[i - 1] != other[j - 1]),
            )
            if i > 1 and j > 1 and one[i - 1] == other[j - 2] and one[i - 2] == other[j - 1]:
                table[i][j] = min(table[i][j], table[i - 2][j - 2] + 1)
    return table[-1][-1]


def test_somebody_who_was_revealed_is_still_masked_in_the_search(sqlite: Database) -> None:
    user = make_person(sqlite, "Ida Holm")
    agent = hired(sqlite)
    act(sqlite, people.reveal, (user,), reason="legal_request", by=agent)

    assert read(sqlite, search.everything, user, by=agent).hits[0].title == "Ida H."
