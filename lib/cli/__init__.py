"""The command line: `python -m lib ...`. A group of commands is a module; `common` has what they share."""

from lib.cli.main import main

__all__ = ["main"]
