"""Logging, set up once in each process of ours."""

import logging


def configure_logging() -> None:
    """One line per event on the standard error stream. Does nothing the second time."""
    root = logging.getLogger()
    if not root.handlers:
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
        for chatty in ("alembic", "httpx"):
            logging.getLogger(chatty).setLevel(logging.WARNING)
