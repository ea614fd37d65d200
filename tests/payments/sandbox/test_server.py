"""The process around the sandbox: where it listens, how it ends, what it keeps."""

import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from lib.core.errors import Invalid
from lib.core.settings import ROOT
from lib.payments.sandbox.server import running, serve
from tests.payments.sandbox.account import opened, refusal

COMMAND = [sys.executable, "-m", "lib.payments.sandbox"]


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.10", "example.org", ""])
def test_only_loopback_is_served(tmp_path: Path, host: str) -> None:
    with pytest.raises(Invalid, match="loopback only"):
        serve(tmp_path / "stripe.db", host, 0)


def test_webhooks_without_a_secret_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="secret"):
        serve(tmp_path / "stripe.db", port=0, webhook_url="http://127.0.0.1:1/webhooks")


def test_a_port_in_use_is_refused_with_a_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ended = subprocess.run(
            [*COMMAND, "--file", str(tmp_path / "stripe.db"), "--port", port],
            cwd=ROOT,
            capture_output=True,
            text=True,
        )

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith(f"The local Stripe cannot listen on 127.0.0.1:{port}")


def test_a_server_that_does_not_start_says_why(tmp_path: Path) -> None:
    with (
        pytest.raises(Invalid, match="did not start: The local Stripe cannot open its file"),
        running(tmp_path / "no" / "such" / "folder" / "stripe.db"),
    ):
        pass


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    process = subprocess.Popen(
        [*COMMAND, "--file", str(tmp_path / "stripe.db"), "--port", "0"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    process.send_signal(number)
    rest, complaints = process.communicate(timeout=20)

    assert line.startswith("Local Stripe at http://127.0.0.1:")
    assert (process.returncode, rest, complaints) == (0, "", "")


def test_what_was_made_is_there_after_a_restart(tmp_path: Path) -> None:
    with opened(tmp_path / "stripe.db") as account:
        options = {"idempotency_key": "before-the-restart"}
        customer = account.v1.customers.create({"email": "a@example.org"}, options)
    with opened(tmp_path / "stripe.db") as account:
        again = account.v1.customers.create({"email": "a@example.org"}, options)
        found = account.v1.customers.list().data

    assert again.id == customer.id
    assert [one.id for one in found] == [customer.id]


def test_a_path_outside_the_api_is_a_404(tmp_path: Path) -> None:
    with opened(tmp_path / "stripe.db") as account:
        error = refusal(lambda: account.client.raw_request("get", "/v3/customers"))

    assert error.http_status == 404
