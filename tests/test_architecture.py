"""The house rules, read off the source: who imports whom, who commits, how long a module is."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from sqlalchemy.orm import configure_mappers

from lib.core.settings import ROOT
from lib.models import Base

LIBRARY = sorted((ROOT / "lib").rglob("*.py"))
PAGES = sorted((ROOT / "pages").glob("*.py"))
SOURCES = [ROOT / "app.py", *PAGES, *LIBRARY]

LONGEST_PAGE = 120
LONGEST_MODULE = 400


def where(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, wherever in the file, a submodule by its full name."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{where(path)} has a relative import"
            yield str(node.module)
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def calls(path: Path) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree(path)) if isinstance(node, ast.Call))


def breaches(allowed: tuple[str, ...], module: str) -> list[str]:
    """Files outside the allowed places that import a module."""
    return [
        where(path)
        for path in SOURCES
        if any(name == module or name.startswith(f"{module}.") for name in imports(path))
        and not where(path).startswith(allowed)
    ]


@pytest.mark.parametrize(
    ("module", "allowed"),
    [
        ("stripe", ("lib/payments/gateway/", "lib/payments/sandbox/")),
        ("streamlit", ("app.py", "pages/", "lib/ui/", "lib/web/")),
        ("plotly", ("lib/metrics/figures.py",)),
        ("alembic", ("lib/core/schema/",)),
        ("typer", ("lib/cli/",)),
        ("authlib", ("lib/web/", "lib/ui/")),
        ("pandas", ("lib/ui/", "lib/metrics/", "lib/web/")),
    ],
)
def test_a_library_is_imported_only_where_it_belongs(module: str, allowed: tuple[str, ...]) -> None:
    assert breaches(allowed, module) == []


def test_only_the_settings_look_at_the_environment() -> None:
    looking = {
        where(path)
        for path in SOURCES
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv", "environb", "putenv"}
    }

    assert looking == {"lib/core/settings.py"}


# A room may use those below it and those of its own line. `web` and `cli` stand beside `ui`, and every entry
# point may use everything.
FLOORS = (
    {"models"},
    {"core"},
    {"payments"},
    {"services", "metrics", "jobs", "demo"},
    {"ui", "web", "cli"},
)
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
# The demo company is a client of everything, and the command line starts what it is told to start.
NOT_OF_THE_HOUSE = {"lib/__init__.py", "lib/__main__.py"}


def room(module: str) -> str | None:
    parts = module.split(".")
    return parts[1] if parts[0] == "lib" and len(parts) > 1 else None


@pytest.mark.parametrize("path", [path for path in LIBRARY if where(path) not in NOT_OF_THE_HOUSE], ids=where)
def test_imports_run_one_way(path: Path) -> None:
    own = path.relative_to(ROOT / "lib").parts[0].removesuffix(".py")
    upward = {name for name in imports(path) if (used := room(name)) and FLOOR[used] > FLOOR[own]}

    assert upward == set()


def test_every_room_has_its_floor() -> None:
    rooms = {path.relative_to(ROOT / "lib").parts[0] for path in LIBRARY if path.parent != ROOT / "lib"}

    assert rooms == set(FLOOR)


@pytest.mark.parametrize("path", PAGES, ids=where)
def test_a_page_only_composes(path: Path) -> None:
    allowed = ("streamlit", "lib.ui", "lib.services", "lib.metrics", "lib.core.access")
    strange = {
        name for name in imports(path) if name not in {"lib", "lib.core"} and not name.startswith(allowed)
    }
    nodes = [type(node) for node in ast.walk(tree(path))]

    assert strange == set()
    assert not {ast.Try, ast.BinOp, ast.AugAssign, ast.FunctionDef, ast.ClassDef} & set(nodes)
    assert len(path.read_text("utf-8").splitlines()) <= LONGEST_PAGE


@pytest.mark.parametrize("path", PAGES, ids=where)
def test_a_page_asks_for_its_permission_before_anything_else(path: Path) -> None:
    first = next(node for node in tree(path).body if not isinstance(node, ast.Import | ast.ImportFrom | ast.Expr)
                 or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)))  # fmt: skip

    assert ast.unparse(first).startswith("ui.page(")


@pytest.mark.parametrize("path", SOURCES, ids=where)
def test_no_module_is_too_long(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= LONGEST_MODULE


def test_nothing_unsafe_is_shown_as_html() -> None:
    unsafe = [
        where(path)
        for path in SOURCES
        for call in calls(path)
        if any(keyword.arg == "unsafe_allow_html" for keyword in call.keywords)
    ]

    assert unsafe == []


# Who ends a transaction by hand, and why it is neither an action nor a job.
COMMITTING = {"lib/core/work.py": "every action, job and note"}


def test_nobody_commits_but_the_work() -> None:
    committing = {
        where(path)
        for path in LIBRARY
        for call in calls(path)
        if isinstance(call.func, ast.Attribute)
        and call.func.attr == "commit"
        and not where(path).startswith("lib/payments/sandbox/")  # Stripe's own database, not ours
    }

    assert committing == set(COMMITTING)


def test_relations_are_never_loaded_behind_ones_back() -> None:
    configure_mappers()
    lazy = {
        f"{mapper.class_.__name__}.{relation.key}": relation.lazy
        for mapper in Base.registry.mappers
        for relation in mapper.relationships
    }

    assert set(lazy.values()) == {"raise_on_sql"}


@pytest.mark.parametrize("path", SOURCES, ids=where)
def test_no_clock_but_one(path: Path) -> None:
    reading_the_clock = [
        ast.unparse(call)
        for call in calls(path)
        if isinstance(call.func, ast.Attribute)
        and call.func.attr in {"now", "utcnow", "today"}
        and ast.unparse(call.func.value) in {"datetime", "date", "datetime.datetime", "datetime.date"}
    ]

    # Stripe has a clock of its own, which tests move.
    assert not reading_the_clock or where(path).startswith(("lib/core/moments.py", "lib/payments/sandbox/"))


VAGUE = ("Manager", "Helper", "Util", "Processor", "Handler")


@pytest.mark.parametrize("path", LIBRARY, ids=where)
def test_names_say_what_things_are(path: Path) -> None:
    named = [
        node.name
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ClassDef | ast.FunctionDef)
        and (node.name.endswith(VAGUE) or node.name.startswith(("handle_", "process_data", "do_stuff")))
    ]

    assert named == []


@pytest.mark.parametrize("path", LIBRARY, ids=where)
def test_every_module_and_every_public_name_says_what_it_promises(path: Path) -> None:
    module = tree(path)
    if not module.body:
        return
    public = [
        node
        for node in module.body
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_")
    ]

    assert ast.get_docstring(module)
    assert [node.name for node in public if not ast.get_docstring(node)] == []
