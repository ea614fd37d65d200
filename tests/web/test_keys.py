from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lib.core.settings import Settings
from lib.web import keys


def test_a_secret_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "secret"
    first = keys.kept(path, lambda: "first")
    second = keys.kept(path, lambda: "second")

    assert (first, second) == ("first", "first")
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_of_many_who_make_it_at_once_all_get_the_same(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "secret"
    with ThreadPoolExecutor(8) as pool:
        got = set(pool.map(lambda number: keys.kept(path, lambda: f"secret {number}"), range(40)))

    assert len(got) == 1
    assert [file.name for file in path.parent.iterdir()] == ["secret"]


def test_secrets_differ_from_machine_to_machine(tmp_path: Path) -> None:
    sign_in = Settings.from_environment({"ADMIN_DEMO": "1"}).sign_in
    here, there = (keys.complete(sign_in, tmp_path / name) for name in ("here", "there"))

    assert len({here.client_secret, here.cookie_secret, there.client_secret, there.cookie_secret}) == 4


def test_a_secret_of_the_environment_comes_first(tmp_path: Path) -> None:
    sign_in = Settings.from_environment({"ADMIN_DEMO": "1", "ADMIN_COOKIE_SECRET": "given"}).sign_in

    assert keys.complete(sign_in, tmp_path).cookie_secret == "given"


def test_the_signing_key_stays_the_same_over_a_restart(tmp_path: Path) -> None:
    assert keys.signing_key(tmp_path).thumbprint() == keys.signing_key(tmp_path).thumbprint()
