"""What each operation does: one module per resource, each with its `ROUTES`."""
