"""Bugs: the person sees a sentence with a number, the log has the traceback under the same number."""

import logging
import secrets

import streamlit as st

from lib.core.errors import AdminError

log = logging.getLogger(__name__)


def on_script_error(error: Exception) -> bool:
    """Show what a page could not catch. True: Streamlit's own display of the error is not wanted."""
    if isinstance(error, AdminError):
        st.error(str(error), icon=":material/error:")
        return True
    incident = secrets.token_hex(4)
    log.error("Incident %s", incident, exc_info=error)
    st.error(
        "**Something went wrong here, and it is not your doing.** Nothing was half done. Reload the page; "
        f"if it happens again, tell an engineer this number: incident `{incident}`.",
        icon=":material/bug_report:",
    )
    return True
