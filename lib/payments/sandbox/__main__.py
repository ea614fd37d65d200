"""`python -m lib.payments.sandbox --file var/stripe.db`: serve the local Stripe until interrupted."""

import argparse
import sys

from lib.core.errors import Invalid
from lib.payments.sandbox.server import serve


def main() -> int:
    """Exit code 1 and one sentence when the server cannot start."""
    parser = argparse.ArgumentParser(prog="python -m lib.payments.sandbox", description=__doc__)
    parser.add_argument("--file", required=True, help="the SQLite file that it keeps its objects in")
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address")
    parser.add_argument("--port", type=int, default=12111, help="0 takes a free port")
    parser.add_argument("--webhook-url", help="receives every event")
    parser.add_argument("--webhook-secret", help="signs what is sent there (whsec_…)")
    parser.add_argument("--webhook-version", help="API version of what is sent there; today's if left out")
    given = parser.parse_args()
    try:
        serve(
            given.file, given.host, given.port, given.webhook_url, given.webhook_secret, given.webhook_version
        )
    except Invalid as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
