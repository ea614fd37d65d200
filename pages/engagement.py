"""Engagement: the score and its parts, couples by who of the two comes, and the one-sided ones to call."""

import streamlit as st

from lib import ui
from lib.core.access import Permission
from lib.metrics import dyads, engagement, usage_figures

ui.page("Engagement", Permission.USAGE_READ, about="How much people do, and whether both partners do it")

couple_id = ui.opened()
if couple_id is not None:
    ui.back("All couples")
    ui.one_sided(ui.read(dyads.one, couple_id))
    st.stop()

section = ui.sections("Score", "Both partners", "One-sided couples", "Stored: scores", "Stored: couples")
match section:
    case "Score":
        since, until = ui.days_over()
        scores = ui.read(engagement.scores, since, until)
        ui.tiles(
            [
                ui.Tile("Mean score", ui.decimal(scores.mean), help="Of all days and people shown"),
                ui.Tile("Newest day", ui.decimal(scores.newest_mean)),
                ui.Tile("People on it", ui.whole(scores.newest_people)),
            ]
        )
        ui.chart(
            usage_figures.score_areas(scores),
            title="Engagement score",
            about="0 to 100 for what a person did on a day; the mean of those who did anything",
            basis=scores.basis,
            rows=scores.days[::-1],
            columns=engagement.COLUMNS,
            key="scores",
            why_not=scores.why_not,
        )
        st.subheader("How a score is made", anchor=False)
        ui.frame(engagement.RULES, engagement.RULE_COLUMNS, key="rules", alt="Parts of the engagement score")
        st.caption(
            "The parts add up. Who did nothing on a day has no score for it: that is not a 0 in any mean."
        )
    case "Both partners":
        since, until = ui.days_over()
        found = ui.read(dyads.days, since, until)
        ui.tiles(
            [
                ui.Tile("Both came", ui.share(found.newest_share("both"))),
                ui.Tile("One came", ui.share(found.newest_share("one")), good="down"),
                ui.Tile("Nobody came", ui.share(found.newest_share("none")), good="down"),
                ui.Tile("Imbalance", ui.share(found.newest_imbalance), good="down"),
            ]
        )
        ui.chart(
            usage_figures.dyad_areas(found),
            title="Couples by who of the two came",
            about="Couples that pay, by the 28 days that end with each day",
            basis=found.basis,
            rows=found.days[::-1],
            columns=dyads.DAY_COLUMNS,
            key="dyads",
            why_not=found.why_not,
        )
        st.subheader("Do one-sided couples leave?", anchor=False)
        st.caption(dyads.followed_in_words(found, until))
        ui.frame(found.leaving, dyads.LEAVING_COLUMNS, key="leaving", alt="Who left within 30 days, by state")
        ui.definitions(dyads.MEANINGS)
    case "One-sided couples":
        ui.frame(
            ui.read(dyads.stakes),
            dyads.STAKE_COLUMNS,
            key="stakes",
            alt="MRR by who of the two came",
            empty="Nobody pays yet.",
        )
        if ui.may(Permission.RISK_READ):
            shown = ui.one_of("Show", dyads.SHOWN, key="shown", shown_as=dyads.SHOWN_AS.__getitem__)
            ui.table(
                dyads.couples,
                key="couples",
                opens="relationship_id",
                empty="No such couple. Both partners come.",
                shown=shown,
            )
        else:
            st.info("Your role sees sums, not the couples behind them.", icon=":material/block:")
    case "Stored: scores":
        ui.stored_by_the_app("engagement_scores")
    case _:
        ui.stored_by_the_app("relationship_analytics")
