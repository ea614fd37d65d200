"""Home: where everybody starts."""

from lib import ui
from lib.core.access import Permission

ui.page("Home", Permission.HOME_READ)
