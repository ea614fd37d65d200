"""What is dear to build is built once in a run of tests: by the worker that needs it first."""

import fcntl
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.databases import WORKER


def built_once(factory: pytest.TempPathFactory, name: str, build: Callable[[Path], object]) -> Path:
    """The folder of a name that `build` filled; nobody may change what is in it. The other workers wait.

    It is built beside its place and then moved, so that a build that failed leaves none half done.
    """
    base = factory.getbasetemp()
    # With pytest-xdist each worker has a folder of its own within the run's.
    root = base if WORKER == "main" else base.parent
    folder = root / "built" / name
    folder.parent.mkdir(exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            unfinished = folder.with_suffix(".unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir()
            build(unfinished)
            unfinished.rename(folder)
    return folder
