"""Search: one box over people, couples, and everything that has an id."""

from lib import ui
from lib.core.access import Permission

ui.page("Search", Permission.PEOPLE_READ)

ui.results(ui.search_box("Search", placeholder=ui.PLACEHOLDER, wide=True))
