"""Secrets of a demo: made once on this machine, for their owner only, never the same on two machines."""

import os
import secrets
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from joserfc.jwk import RSAKey

from lib.core.settings import ROOT, SignIn

FOLDER: Final = ROOT / "var" / "keys"


def complete(sign_in: SignIn, folder: Path) -> SignIn:
    """Fill in the secrets that the environment left out, from `folder`."""
    return replace(
        sign_in,
        client_secret=sign_in.client_secret or kept(folder / "client_secret", _random),
        cookie_secret=sign_in.cookie_secret or kept(folder / "cookie_secret", _random),
    )


def signing_key(folder: Path) -> RSAKey:
    """The key that the embedded provider signs identity tokens with."""
    return RSAKey.import_key(kept(folder / "signing_key.pem", _pem))


def kept(path: Path, make: Callable[[], str]) -> str:
    """The secret in a file; made the first time. Of several processes that make it at once, all get one."""
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, written = tempfile.mkstemp(dir=path.parent)  # 0600
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(make())
        with suppress(FileExistsError):  # another process was quicker: its secret counts
            os.link(written, path)
        Path(written).unlink()
    return path.read_text(encoding="ascii")


def _random() -> str:
    return secrets.token_urlsafe(48)


def _pem() -> str:
    return RSAKey.generate_key(2048).as_pem(private=True).decode("ascii")
