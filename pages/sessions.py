"""Sessions and pages: where people come in, where they go out, how long they stay, on which devices."""

from lib import ui
from lib.core.access import Permission
from lib.metrics import usage_figures, visits

ui.page("Sessions & pages", Permission.USAGE_READ, about="Visits to the app, by UTC day")

section = ui.sections("Visits", "Pages")
since, until = ui.days_over()
match section:
    case "Visits":
        found = ui.read(visits.visits, since, until)
        ui.tiles(
            [
                ui.Tile("Visits", f"{found.total.visits:,}"),
                ui.Tile("Bounce rate", ui.share(found.total.bounce_rate), good="down"),
                ui.Tile("Mean duration", ui.minutes(found.total.seconds)),
                ui.Tile("Pages a visit", ui.decimal(found.total.pages)),
            ]
        )
        ui.chart(
            usage_figures.visit_bars(found),
            title="Visits a day",
            about="By the day on which a visit began, and its device",
            basis=found.basis,
            rows=found.days[::-1],
            columns=visits.DAY_COLUMNS,
            key="visits",
            why_not=found.why_not,
        )
        ui.frame(found.devices, visits.DEVICE_COLUMNS, key="devices", alt="Visits by device")
    case _:
        measure = ui.one_of("In order of", visits.MEASURES, key="measure", shown_as=visits.WORDS.__getitem__)
        pages = ui.read(visits.pages, since, until, measure=measure)
        ui.chart(
            usage_figures.page_bars(pages),
            title=visits.WORDS[measure],
            about="The fifteen largest pages; the table has all that are kept by name",
            basis=pages.basis,
            rows=pages.pages,
            columns=visits.PAGE_COLUMNS,
            key="pages",
            why_not=pages.why_not,
        )
ui.definitions(visits.MEANINGS)
