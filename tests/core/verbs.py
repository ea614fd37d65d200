"""Queries, actions and a job over people, for tests of what stands around every one of them."""

from sqlalchemy import select, update

from lib.core.access import Permission
from lib.core.errors import Refused
from lib.core.work import Digest, View, Work, action, digest, job, query
from lib.models import Note, Refund, User


@query(Permission.PEOPLE_READ)
def name_of(view: View, user_id: str) -> str | None:
    return view.session.scalar(select(User.name).where(User.id == user_id))


@query(Permission.PEOPLE_READ)
def open_person(view: View, user_id: str) -> None:
    view.note_opening("users", user_id)


@query(Permission.REFUNDS_READ)
def shown(view: View, refund_id: str) -> Digest:
    refund = view.session.get(Refund, refund_id)
    assert refund is not None
    return digest(refund)


@action(Permission.NOTES_WRITE, about="users")
def rename(work: Work, user_id: str, *, name: str) -> None:
    user = work.session.get(User, user_id)
    assert user is not None
    user.name = name


@action(Permission.NOTES_WRITE, about="users")
def rename_and_say_why(work: Work, user_id: str, *, name: str, reason: str) -> None:
    user = work.session.get(User, user_id)
    assert user is not None
    user.name = name


@action(Permission.NOTES_WRITE, about="users")
def refuse(work: Work, user_id: str) -> None:
    user = work.session.get(User, user_id)
    assert user is not None
    user.name = "Half done"
    work.session.flush()
    raise Refused("A rule says no.")


@action(Permission.NOTES_WRITE, about="users")
def break_down(work: Work, user_id: str) -> None:
    raise ZeroDivisionError


@action(Permission.NOTES_WRITE, about="users")
def keep_a_note(work: Work, user_id: str, *, ending: type[Exception] | None = None) -> None:
    def row(why_not: str | None) -> Note:
        return Note(
            id="kept",
            object_type="users",
            object_id=user_id,
            body=why_not or "done",
            author_id=work.actor.id,
            author_email=work.actor.email,
            created_at=work.now,
        )

    work.keep(row)
    if ending is not None:
        raise ending("A rule says no.")


@action(Permission.NOTES_WRITE)
def act_within_an_action(work: Work, user_id: str) -> None:
    rename(work, user_id, name="Inner")


@action(Permission.NOTES_WRITE)
def keep_secrets(work: Work, *, password: str, api_token: str, client_secret: str, colour: str) -> None:
    pass


@action(Permission.NOTES_WRITE)
def rename_everybody(work: Work) -> None:
    work.session.execute(update(User).values(name="Everybody"))


@action(Permission.NOTES_WRITE, about="users")
def delete_person(work: Work, user_id: str) -> None:
    user = work.session.get(User, user_id)
    work.session.delete(user)


@action(Permission.REFUNDS_DECIDE, about="refunds")
def decide(work: Work, refund_id: str, *, status: str, shown: Digest | None = None) -> None:
    refund = work.session.get(Refund, refund_id)
    assert refund is not None
    if shown is not None:
        work.expect(refund, shown)
    refund.status = status


@job
def rename_by_job(work: Work, user_id: str, name: str) -> None:
    user = work.session.get(User, user_id)
    assert user is not None
    user.name = name


@job
def rename_in_bulk(work: Work, name: str) -> None:
    work.session.execute(update(User).values(name=name))
    work.count("users", 2)
