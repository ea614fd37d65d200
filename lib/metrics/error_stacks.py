"""Stacks as browsers, servers and Python write them: their frames, and which of them are the app's own.

Pure: text in, frames out. What a build, a release or a browser changes is taken off here: line numbers, the
folder it was built in, the hash in a bundle's name, the one-letter names that a minifier gives out anew.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

LONGEST_READ: Final = 65_536
"""Characters of a stack that are looked at; one of a megabyte says nothing new after them."""
_LINES: Final = 400
_LONGEST_LINE: Final = 1_000

_V8 = re.compile(
    r"\s*at (?:async )?(?:(?P<function>.{1,300}) \()?(?P<place>[^()]+?(?:\([^()]*\)[^()]*)?)\)?$"
)
_GECKO = re.compile(r"(?P<function>[^@\s]{0,300})@(?P<place>\S+)$")
_PYTHON = re.compile(r'\s*File "(?P<place>[^"]+)", line \d+(?:, in (?P<function>.+))?$')
_POSITION = re.compile(r"(?::\d+){1,2}$")
_QUERY = re.compile(r"[?#].*$")
_ORIGIN = re.compile(r"^(?:[a-z][a-z0-9+.-]*:/{2,3}[^/]*/?|file:/+|[A-Za-z]:/)", re.IGNORECASE)
_WEBPACK = re.compile(r"^(?:webpack-internal|webpack)://[^/]*/(?:\([^)]*\)/)?\.?/?", re.IGNORECASE)
_HASH = re.compile(
    r"[.~_-](?:[0-9a-f]{6,64}|(?=[A-Za-z]*[0-9])[A-Za-z0-9]{8,24}|(?=[\w-]*[a-z][A-Z])[\w-]{8})(?=\.|$)"
)
_EXTENSION = re.compile(r"\.(?:[cm]?[jt]sx?|py|vue|svelte|map|min)$")
_NUMBERED = re.compile(r"\d+")
_BUNDLES: Final = frozenset(
    {"app", "bundle", "chunk", "client", "entry", "index", "main", "polyfills", "runtime", "script", "vendor"}
    | {"vendors", "worker", "server", "#"}
)
_FOREIGN: Final = (
    "node_modules/",
    "node:",
    "internal/",
    "site-packages/",
    "dist-packages/",
    "lib/python",
    "<frozen",
    "webpack/",
    "eval at ",
    "native",
    "extension://",
    "js.stripe.com",
    "googletagmanager.com",
    "google-analytics.com",
    "connect.facebook.net",
)
_NOWHERE: Final = frozenset(
    {"", "<anonymous>", "anonymous", "native", "[native code]", "<string>", "<stdin>"}
)
_ROOTS: Final = ("src/", "app/", "pages/", "lib/", "server/", "client/", "functions/", "workers/")
_GIVEN_BY_A_MACHINE = re.compile(r"\$\d+$|\[as [^\]]*\]|<(?:computed|anonymous)>|^anonymous$|^eval$|^\?$")


@dataclass(frozen=True, slots=True)
class Frame:
    """One step of a stack: as the app wrote it, its module and function without what a build changes.

    `own`: code of the app rather than of a library, the browser or the runtime. A `function` or `module` that
    is empty is one that no two builds share.
    """

    text: str
    module: str
    function: str
    own: bool

    @property
    def name(self) -> str:
        """Module and function as the group's name has them: `applyDiscount in src/billing/checkout`."""
        return " in ".join(part for part in (self.function, self.module) if part)


def frames_of(stack: str | None) -> tuple[Frame, ...]:
    """The frames of a stack, the innermost first, whichever way it was written; none for what is no stack.

    Looks at the first 64 kB. Of a chain of errors only the last that was raised counts.
    """
    return _frames(_from_the_first_frame((stack or "")[:LONGEST_READ]))


def _from_the_first_frame(stack: str) -> str:
    """Without the message that stands above the frames, so that one stack is read once, whatever it says."""
    raised = stack.rfind("Traceback (most recent call last)")
    if raised >= 0:
        return stack[raised:]
    found = stack.find("\n    at ")
    return stack[found + 1 :] if found >= 0 else stack


@lru_cache(maxsize=2_048)
def _frames(stack: str) -> tuple[Frame, ...]:
    found = list(_read(stack))
    if "Traceback (most recent call last)" in stack:
        found.reverse()  # Python writes the innermost last
    return tuple(found)


def _read(stack: str) -> Iterator[Frame]:
    for line in stack.splitlines()[:_LINES]:
        if line.lstrip().startswith(("Caused by", "[cause]")):
            return
        text = line[:_LONGEST_LINE].rstrip()
        matched = _V8.match(text) or _PYTHON.match(text) or _GECKO.match(text)
        if matched:
            place = matched["place"].strip().replace("\\", "/")
            yield Frame(text.strip(), _module(place), _function(matched["function"] or ""), _is_own(place))


def _is_own(place: str) -> bool:
    bare = _POSITION.sub("", place)
    return bare not in _NOWHERE and not any(mark in place for mark in _FOREIGN)


def _module(place: str) -> str:
    """The file without where it was built, its build's hash, its ending; empty for a bundle."""
    path = _QUERY.sub("", _POSITION.sub("", place))
    path = _ORIGIN.sub("", _WEBPACK.sub("", path)).strip("/")
    if path in _NOWHERE:
        return ""
    parts = path.split("/")
    path = next(
        (
            path[path.rindex(root) :]
            for root in _ROOTS
            if f"/{root}" in f"/{path}" and _stands_alone(path, root)
        ),
        "/".join(parts[-2:]),
    )
    folder, _, file = path.rpartition("/")
    stripped = _HASH.sub("", _without_ending(file))
    bare = _NUMBERED.sub("#", _without_ending(stripped))
    if bare.lower() in _BUNDLES and (stripped != _without_ending(file) or not folder.startswith(_ROOTS)):
        return ""
    return f"{folder}/{bare}".strip("/")


def _stands_alone(path: str, root: str) -> bool:
    at = path.rindex(root)
    return at == 0 or path[at - 1] == "/"


def _without_ending(file: str) -> str:
    shorter = _EXTENSION.sub("", file)
    return shorter if shorter == file else _without_ending(shorter)


def _function(name: str) -> str:
    """The function without the marks of engines and minifiers; empty where a build gave it its name."""
    bare = name.strip().removeprefix("async ").removeprefix("new ")
    bare = _GIVEN_BY_A_MACHINE.sub("", bare).strip().rstrip("/<").strip()
    parts = [part for part in bare.split(".") if part not in {"", "Object", "<anonymous>", "exports"}]
    return "" if all(len(part) <= 2 for part in parts) else ".".join(parts)
