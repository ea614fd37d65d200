"""Combined plans: refund, cancel, and take back credits and add-ons of one couple, decided as a whole.

    wishes.py         what is wished for, and what one step would do
    cancellation.py   \
    ai_credits.py      | the steps: what each would do, how it is carried out
    addons.py          |
    refund.py         /
    kinds.py          every kind of step, in the order in which a plan takes them
    dry_run.py        what can be wished for a couple, and what a plan would do, before anything is done
    standing.py       how a plan stands: its steps, what they would do now, why it cannot be decided
    plan.py           propose, approve, deny, withdraw, go on, give up
    case.py           one plan, for who decides on it or watches it
    carrying_out.py   the worker takes one step after the other, each once
"""
