"""Which errors are one fault: by their type and the app's own frames, else by their type and words.

Two errors are one where a person who mends the first mends the second. A release moves line numbers, a build
its folders and its bundles' names, a message carries somebody's id: none of that makes another fault. The way
of Sentry, whose traps are known: recursion makes stacks of any depth, browsers keep a different number of
frames, minified names change with every build, and an address in a message splits one fault into hundreds.
"""

import re
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from typing import Final

from lib.metrics.error_stacks import Frame, frames_of

VERSION: Final = "1"
"""Part of every fingerprint: whoever changes the rules below gets new groups instead of mixed ones."""
PREFIX: Final = "egr_"
NO_TYPE: Final = "Error without a type"
_FRAMES: Final = 8
_SAYS_SOMETHING: Final = 4  # letters of a function in a bundle: a minifier gives out shorter ones
_LONGEST_MESSAGE: Final = 2_000
_LONGEST_TITLE: Final = 300

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffd\ud800-\udfff]+")
_BLANKS = re.compile(r" {2,}")
_VARIABLE: Final = tuple(
    (re.compile(pattern), instead)
    for pattern, instead in (
        (r"\b[a-zA-Z][a-zA-Z0-9+.-]{1,20}://[^\s'\"<>)]+", "<url>"),
        (r"[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64}){1,5}", "<email>"),
        (r"(?<!\w)(?:'[^'\n]{0,500}'|\"[^\"\n]{0,500}\"|`[^`\n]{0,500}`|“[^”\n]{0,500}”)(?!\w)", "<value>"),
        (r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b", "#"),
        (r"\b0x[0-9a-fA-F]+\b", "#"),
        # An id: with a prefix such as `cus_`, or letters and at least two digits in one word.
        (r"\b[a-z]{2,12}_(?=[A-Za-z]*\d)[A-Za-z0-9]{6,64}\b", "#"),
        (r"\b(?=[A-Za-z_-]*\d[A-Za-z_-]*\d)[A-Za-z0-9_-]{6,64}\b", "#"),
        (r"(?<![A-Za-z_])[-+]?\d+(?:[.,:]\d+)*", "#"),
        (r"\s+", " "),
    )
)


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What one error is grouped by. `group_id` is the same for every error of its group.

    `by_words` says that no frame of the app's own was usable. `culprit` is the innermost own frame, if any.
    """

    group_id: str
    error_type: str
    title: str
    culprit: str | None
    by_words: bool


def fingerprint(error_type: str | None, message: str | None, stack: str | None) -> Fingerprint:
    """Say which group an error belongs to, whatever its texts hold; looks at 64 kB of a stack at most."""
    kind = readable(error_type, 200) or NO_TYPE
    own = _own(frames_of(stack))
    what = [f"{frame.module}\t{frame.function}" for frame in own] or ["words", normalised(message)]
    digest = sha256("\n".join((VERSION, kind, *what)).encode("utf-8", "replace")).hexdigest()
    return Fingerprint(
        group_id=f"{PREFIX}{digest[:24]}",
        error_type=kind,
        title=readable(message, _LONGEST_TITLE) or "The app noted no message.",
        culprit=own[0].name if own else None,
        by_words=not own,
    )


def normalised(message: str | None) -> str:
    """A message without what differs each time: numbers, ids, e-mails, URLs, quoted values."""
    text = readable(message, _LONGEST_MESSAGE)
    for pattern, instead in _VARIABLE:
        text = pattern.sub(instead, text)
    return text.strip()


def readable(text: str | None, longest: int) -> str:
    """A text without what no person can read, such as binary data, cut to a length."""
    return _BLANKS.sub(" ", _CONTROL.sub(" ", (text or "")[: longest * 2])).strip()[:longest]


def _own(frames: tuple[Frame, ...]) -> list[Frame]:
    """The innermost own frames that outlive a build, each once: how deep a recursion went says nothing."""
    usable = {
        (frame.module, frame.function): frame
        for frame in reversed(frames)
        if frame.own and (frame.module or len(frame.function) >= _SAYS_SOMETHING)
    }
    return list(islice(reversed(usable.values()), _FRAMES))
