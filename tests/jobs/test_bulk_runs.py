"""Bulk runs: frozen, looked at, confirmed, each row once, whoever is killed in between."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select, update

from lib.core import moments
from lib.core.access import Actor, Role, system
from lib.core.database import Database
from lib.core.errors import Invalid, NotAllowed, NotFound, Refused
from lib.core.work import reading, working
from lib.jobs import bulk_runs
from lib.models import AdminUser, AuditEntry, Note, Operation, Subscription
from lib.payments import operations
from lib.services import bulk, discounts
from lib.services.bulk import Run
from tests.factories import NOW, make_staff, make_subscription
from tests.faults.offer_scenarios import made_code
from tests.local_stripe import LocalStripe
from tests.staff import SUPPORT, do, read

WORKER = system("worker")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def finance(database: Database) -> Actor:
    return hired(database)


def hired(database: Database) -> Actor:
    key = make_staff(database, "finance")
    with reading(database, WORKER) as view:
        row = view.session.get_one(AdminUser, key)
    return Actor(row.id, row.email, Role.FINANCE, row.name)


def chosen(database: Database, person: Actor, name: str = "cancel_at_period_end", **over: Any) -> str:
    given = {"filters": {"status": "past_due"}, "reason": "Long overdue"} | over
    key: str = do(database, person, bulk.choose, name, given.pop("filters"), **given)
    return key


def looked_at(database: Database, person: Actor, name: str = "cancel_at_period_end", **over: Any) -> str:
    key = chosen(database, person, name, **over)
    while one(database, person, key).state == "choosing":
        assert work_off(database)
    return key


def started(database: Database, person: Actor, name: str = "cancel_at_period_end", **over: Any) -> str:
    key = looked_at(database, person, name, **over)
    do(database, person, bulk.start, key, number=one(database, person, key).can, reason="Agreed")
    return key


def one(database: Database, person: Actor, key: str) -> Run:
    found: Run = read(database, person, bulk.one, key)
    return found


def work_off(database: Database, **at: Any) -> int:
    return bulk_runs.work_off(database, "worker", at.get("now", moments.now()))


def rows(database: Database, person: Actor, key: str, **filters: Any) -> list[Any]:
    with reading(database, person) as view:
        return list(bulk.rows.stream(view, run_id=key, **filters))


def operations_of(database: Database) -> list[Operation]:
    with reading(database, WORKER) as view:
        return list(view.session.scalars(select(Operation)))


def past_due(database: Database, number: int, **over: Any) -> list[str]:
    return [make_subscription(database, status="past_due", **over) for _ in range(number)]


def test_the_preview_says_how_many_can_and_why_others_cannot(database: Database, finance: Actor) -> None:
    past_due(database, 3)
    past_due(database, 2, canceled_at=NOW)
    past_due(database, 1, stripe_subscription_id=None)
    make_subscription(database, status="active")
    key = looked_at(database, finance)
    run = one(database, finance, key)

    assert (run.state, run.total, run.can, run.counts) == ("ready", 6, 3, {"waiting": 3, "cannot": 3})
    assert [(each.rows, each.why[:36]) for each in run.reasons] == [
        (2, "This subscription is set to cancel a"),
        (1, "This subscription is not at Stripe ("),
    ]
    assert operations_of(database) == []


def test_the_selection_is_frozen_when_it_is_looked_at(database: Database, finance: Actor) -> None:
    past_due(database, 2)
    key = looked_at(database, finance)
    past_due(database, 5)
    do(database, finance, bulk.start, key, number=2, reason="Agreed")
    work_off(database)

    assert len(operations_of(database)) == 2


def test_every_row_is_done_once_in_the_persons_name(database: Database, finance: Actor) -> None:
    mine = past_due(database, 3)
    key = started(database, finance)
    while work_off(database):
        pass
    run = one(database, finance, key)
    queued = operations_of(database)
    with reading(database, WORKER) as view:
        acts = list(view.session.scalars(select(AuditEntry).where(AuditEntry.action == "bulk.act_on_row")))

    assert (run.state, run.done, run.counts) == ("done", 3, {"done": 3})
    assert sorted(each.object_id for each in queued) == sorted(mine)
    assert {(each.requested_by, each.reason) for each in queued} == {(finance.id, "Agreed")}
    assert {(each.actor_id, each.outcome) for each in acts} == {(finance.id, "done")}
    assert sorted(str(each.object_id) for each in acts) == sorted(mine)
    assert {row.at_stripe for row in rows(database, finance, key)} == {"prepared"}


def test_a_row_that_cannot_any_more_is_refused_and_the_others_go_on(
    database: Database, finance: Actor
) -> None:
    first, *_ = past_due(database, 3)
    key = started(database, finance)
    with database.primary.begin() as connection:
        connection.execute(update(Subscription).where(Subscription.id == first).values(status="canceled"))
    while work_off(database):
        pass
    run = one(database, finance, key)
    [refused] = rows(database, finance, key, state="refused")

    assert (run.state, run.done, run.counts) == ("done", 3, {"done": 2, "refused": 1})
    assert (refused.object_id, "has ended" in refused.result) == (first, True)


def test_a_worker_that_was_killed_repeats_no_row(database: Database, finance: Actor) -> None:
    past_due(database, 3)
    key = started(database, finance)
    now = moments.now()
    with working(database, WORKER, now=now) as work:
        person, numbers = bulk_runs.claim(work, key, "killed")
    assert person is not None
    with working(database, person, now=now) as work:
        bulk_runs.act_on_row(work, key, numbers[0])
    held = work_off(database, now=now)
    later = now + bulk_runs.LEASE
    taken_over = work_off(database, now=later)
    work_off(database, now=later)

    assert (held, taken_over) == (0, 2)
    assert len(operations_of(database)) == 3
    assert one(database, finance, key).state == "done"


def test_a_run_is_stopped_and_goes_on_with_the_rows_that_wait(database: Database, finance: Actor) -> None:
    past_due(database, bulk_runs.DONE_AT_ONCE + 3)
    key = started(database, finance)
    work_off(database)
    do(database, finance, bulk.stop, key, reason="Wait")
    stopped = work_off(database)
    other = hired(database)
    do(database, other, bulk.resume, key, reason="Go on")
    while work_off(database):
        pass

    assert stopped == 0
    assert one(database, finance, key).state == "done"
    by = [each.requested_by for each in operations_of(database)]
    assert (by.count(finance.id), by.count(other.id)) == (bulk_runs.DONE_AT_ONCE, 3)


def test_a_run_rests_when_who_started_it_has_left(database: Database, finance: Actor) -> None:
    past_due(database, 1)
    key = started(database, finance)
    with database.primary.begin() as connection:
        connection.execute(update(AdminUser).where(AdminUser.id == finance.id).values(is_active=False))
    work_off(database)
    run = one(database, finance, key)

    assert (run.state, operations_of(database)) == ("stopped", [])
    assert "does not work here any more" in str(run.error)


def test_a_row_needs_the_persons_permission_as_it_is_now(database: Database, finance: Actor) -> None:
    past_due(database, 1)
    key = started(database, finance)
    with database.primary.begin() as connection:
        connection.execute(update(AdminUser).where(AdminUser.id == finance.id).values(role="product"))
    work_off(database)

    assert operations_of(database) == []
    assert "does not include" in str(rows(database, finance, key, state="refused")[0].result)


def test_a_note_is_left_with_every_couple(database: Database, finance: Actor) -> None:
    past_due(database, 2)
    key = started(database, finance, "add_note", body="Written to on Monday")
    while work_off(database):
        pass
    with reading(database, WORKER) as view:
        notes = list(view.session.scalars(select(Note)))
    couples = {row.relationship_id for row in rows(database, finance, key)}

    assert {(note.body, note.author_id) for note in notes} == {("Written to on Monday", finance.id)}
    assert {note.object_id for note in notes} == couples


def test_the_number_is_confirmed_before_anything_is_done(database: Database, finance: Actor) -> None:
    past_due(database, 2)
    key = looked_at(database, finance)

    with pytest.raises(Refused, match="2 rows, not 3"):
        do(database, finance, bulk.start, key, number=3, reason="Agreed")
    assert work_off(database) == 0


def test_a_run_goes_through_its_states_only(database: Database, finance: Actor) -> None:
    past_due(database, 1)
    key = looked_at(database, finance)
    for function in (bulk.stop, bulk.resume):
        with pytest.raises(Refused, match="is ready"):
            do(database, finance, function, key, reason="Try")
    do(database, finance, bulk.drop, key, reason="Not after all")
    with pytest.raises(Refused, match="is dropped"):
        do(database, finance, bulk.start, key, number=1, reason="Agreed")
    with pytest.raises(Refused, match="is dropped"):
        do(database, finance, bulk.drop, key, reason="Again")


def test_a_selection_that_is_empty_or_too_large_is_dropped_saying_so(
    database: Database, finance: Actor
) -> None:
    nothing = looked_at(database, finance)
    past_due(database, 2)
    much = chosen(database, finance)
    with working(database, WORKER) as work:
        bulk_runs.look(work, much, largest=1)

    assert "find nothing" in str(one(database, finance, nothing).error)
    assert "more than 1 subscriptions" in str(one(database, finance, much).error)
    assert one(database, finance, much).state == "dropped"


def test_nothing_is_chosen_without_a_filter_an_action_or_leave(database: Database, finance: Actor) -> None:
    with pytest.raises(Invalid, match="about everybody"):
        chosen(database, finance, filters={"status": None})
    with pytest.raises(Invalid, match="Subscriptions are"):
        chosen(database, finance, filters={"status": "asleep"})
    with pytest.raises(NotFound, match="no bulk action"):
        chosen(database, finance, "delete_all")
    with pytest.raises(Invalid, match="note is empty"):
        chosen(database, finance, "add_note", body=" ")
    with pytest.raises(NotAllowed):
        chosen(database, SUPPORT)


def test_large_selections_are_looked_at_in_slices(database: Database, finance: Actor) -> None:
    past_due(database, 3)
    key = chosen(database, finance)
    frozen = work_off(database)
    between = one(database, finance, key)
    seen = work_off(database)

    assert (frozen, between.state, between.done, between.total_steps) == (3, "choosing", 0, 3)
    assert (seen, one(database, finance, key).state) == (3, "ready")


def test_a_code_is_applied_to_every_couple_that_may_use_it_and_stripe_has_it(
    sqlite_url: str, stripe: LocalStripe
) -> None:
    database = Database(sqlite_url)
    person = hired(database)
    code = made_code(database, stripe, first_time_only=False)
    text = read(database, person, discounts.one, code).code
    mine = [stripe.subscription(database) for _ in range(2)]
    stripe.subscription(database, canceled_at=NOW)
    make_subscription(database, stripe_subscription_id=None)
    key = started(database, person, "apply_code", filters={"status": "active"}, code=text.lower())
    while work_off(database):
        pass
    for waiting in operations.due(database, moments.now()):
        operations.run(database, stripe.gateway, waiting, "worker")
        operations.settle(database, stripe.gateway, waiting)
    run = one(database, person, key)
    with reading(database, WORKER) as view:
        at_stripe = [
            stripe.gateway.subscriptions.retrieve(
                str(view.session.get_one(Subscription, each).stripe_subscription_id)
            )
            for each in mine
        ]
    found = read(database, person, discounts.one, code)
    database.dispose()

    assert (run.state, run.counts) == ("done", {"done": 2, "cannot": 2})
    assert [each.coupon_id for facts in at_stripe for each in facts.discounts] == [f"bt-{code}"] * 2
    assert (found.redemptions, found.current_uses) == (2, 2)


def test_a_code_that_nobody_can_use_is_not_chosen(database: Database, finance: Actor) -> None:
    with pytest.raises(NotFound, match="no code"):
        chosen(database, finance, "apply_code", code="NOWHERE")
