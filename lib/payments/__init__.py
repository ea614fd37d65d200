"""Everything that talks to Stripe or reads what Stripe sends."""
