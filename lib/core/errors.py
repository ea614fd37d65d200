"""Errors that staff may see.

    AdminError
    ├── Invalid       the input cannot be accepted          (correct the form)
    ├── NotFound      there is no such row                  (check the address, reload)
    ├── NotAllowed    the actor lacks the permission        (ask an admin)
    ├── Refused       a rule says no                        (the message says which)
    └── StripeFailed  Stripe did not do it, or we cannot tell (`retryable`, `outcome_known`)

The message is a full sentence for the person at the screen: what happened and what to do. It is written at
the place that raises; only `lib.ui`, the command line and the routes show it. Any other exception is a bug.
"""


class AdminError(Exception):
    """An expected failure; its message is written for staff."""


class Invalid(AdminError):
    """The input cannot be accepted as it stands."""


class NotFound(AdminError):
    """The row that was asked for does not exist (any more)."""


class NotAllowed(AdminError):
    """The actor's role does not include what was asked for."""


class Refused(AdminError):
    """A rule of the business says no."""


class StripeFailed(AdminError):
    """Stripe said no, or did not answer.

    `retryable`: sending the same request again later may work.
    `outcome_known`: False when the request may have taken effect although no answer came back;
    then Stripe must be asked before anything is sent again.
    `code`: Stripe's own error code where it gave one, such as `charge_already_refunded`.
    """

    def __init__(
        self, message: str, *, retryable: bool = False, outcome_known: bool = True, code: str | None = None
    ) -> None:
        super().__init__(message)
        self.retryable = retryable
        self.outcome_known = outcome_known
        self.code = code
