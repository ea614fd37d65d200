"""A local Stripe: an HTTP server on loopback that the real SDK talks to through `base_addresses`.

It exists for the demo and for tests. It checks each request against the SDK's own typed parameters, keeps
Stripe's rules about money, records events and delivers them as signed webhooks. A SQLite file holds what it
knows; `store.Store.load` fills that file in bulk, `server.running` starts it in a process of its own.

    request -> api (key, version, idempotency) -> params (typed check) -> rules -> session -> store
                                                                            |
    answer <- versions (today's shape or an older one) <- expansion <- shapes +-> events -> delivery

It does not have tax, 3-D Secure, Checkout, the billing portal, search (but of customers by metadata) or test
clocks. Credit notes lower an open
invoice or credit the customer, by an amount; they send no money back, name no lines and are not voided.
Disputes are opened and decided by a control route; evidence is not handed in. A path that is not here answers
404 with a sentence that says so. A parameter that Stripe knows and the sandbox
does not is refused with the code `sandbox_unsupported` instead of being ignored.
"""
