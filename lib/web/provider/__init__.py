"""The embedded sign-in: a small OpenID Connect provider for a demo on this machine.

So the app has one path to sign in, the one that production takes; only the provider differs.

    endpoints.py   what OpenID Connect asks for: discovery, keys, authorize, token, logout
    form.py        the page with the two fields and the demo accounts
    passwords.py   whether a password is right, and the lock-out after five that were not
    codes.py       the one-minute code that a browser carries from the form to the app
"""

from lib.web.provider.endpoints import Provider

__all__ = ["Provider"]
