"""What the app sent to people: reminders, and messages about money."""

from random import Random

from lib.core import money as amounts
from lib.demo.billing import Money
from lib.demo.book import Book
from lib.demo.clock import DAY, HOUR, js_form, stamp
from lib.demo.material import texts
from lib.demo.people import Couple, Person
from lib.payments.sandbox.cards import DECLINES

_KEPT_DAYS = 90


class Messages:
    """Writes the notifications of the last months; older ones are cleared away by the app."""

    def __init__(self, book: Book, horizon: int) -> None:
        self._book = book
        self._horizon = horizon
        self._since = horizon - _KEPT_DAYS * DAY

    def couple(self, couple: Couple, money: Money, random: Random) -> None:
        """Reminders while they are with us, receipts and failed payments as they happened."""
        begin = max(couple.joined, money.until - 40 * DAY, self._since)
        for person in couple.people:
            partner = couple.other if person is couple.payer else couple.payer
            for _ in range(random.randint(1, 4)):
                if begin + HOUR < money.until:
                    kind, title, message, url, priority = random.choice(texts()["notifications"])
                    moment = random.randrange(begin, money.until - 1)
                    text = message.format(partner=partner.first_name)
                    title = title.format(partner=partner.first_name)
                    self._send(couple, person, kind, title, text, url, priority, moment, random)
        self._about_money(couple, money, random)

    def _about_money(self, couple: Couple, money: Money, random: Random) -> None:
        billing = texts()["billing_notifications"]
        for moment, cents, plan in money.receipts:
            title, message = billing["receipt"]
            text = message.format(amount=amounts.show(cents), plan=plan)
            self._billing(couple, title, text, "normal", moment + 60, random)
        for moment, decline in money.failed:
            title, message = billing["failed"]
            text = message.format(reason=DECLINES[decline].message.rstrip(".").lower())
            self._billing(couple, title, text, "urgent", moment + 60, random)
        for life in money.lives:
            if life.trial_end and life.trial_end - 3 * DAY > life.started:
                title, message = billing["trial"]
                text = message.format(amount=amounts.show(life.changes[0][1].net_price))
                self._billing(couple, title, text, "high", life.trial_end - 3 * DAY, random)

    def _billing(
        self, couple: Couple, title: str, text: str, priority: str, moment: int, random: Random
    ) -> None:
        if self._since <= moment < self._horizon:
            self._send(
                couple, couple.payer, "reminder", title, text, "/account/billing", priority, moment, random
            )

    def _send(
        self,
        couple: Couple,
        person: Person,
        kind: str,
        title: str,
        message: str,
        url: str,
        priority: str,
        moment: int,
        random: Random,
    ) -> None:
        self._book.write(
            "notifications",
            id=self._book.ids.row("ntf"),
            user_id=person.id,
            relationship_id=couple.id,
            notification_type=kind,
            title=title,
            message=message,
            action_url=url,
            is_read=random.random() < 0.25 + 0.4 * min(1.0, person.eagerness),
            priority=priority,
            scheduled_for=js_form(moment),
            sent_at=js_form(moment + 2),
            created_at=stamp(moment),
        )
