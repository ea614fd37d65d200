"""A believable company at any size, seeded: rows in every table, and the same objects at the local Stripe.

    company.py       builds it couple by couple
    scale growth     how large, when people sign up
    people names     who they are (`data/names.json`, `data/texts.json` through `material`)
    life             a subscription's life as a state machine; writes nothing
    billing          subscriptions, ledger, invoices of a couple; purchases, refunds, extras beside it
    at_stripe        the same at the local Stripe; webhooks and payloads: what Stripe told us of it
    together diary visits messages    what couples do in the app
    bad_deploy                             what the newest burst of errors cost
    experiments failures outside figures    A/B tests, error logs, partners and campaigns, daily figures
    dirt             what is wrong with production's data on purpose
    book loader      rows collected in chunks, and their way into SQLite or PostgreSQL

All moments are Unix seconds until `clock` writes them down. Everything happened before `today` began, in UTC.
"""
