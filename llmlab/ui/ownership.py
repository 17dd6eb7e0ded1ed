"""Whose run is it: a random token kept in the browser as a cookie, its hash kept with the run.

When the app serves only its own machine, everyone owns everything. "Only its own machine" is believed when the server
listens on the loopback address, the browser asked for a loopback name, and no proxy passed the request on.
"""

import hashlib
import os
import secrets
from urllib.parse import urlsplit

import streamlit as st

_COOKIE = "llmlab_owner"
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_YEAR = 365 * 24 * 3600
_KEEP = """
export default function (component) {
  const { token, name, age } = component.data;
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `${name}=${token}; path=/; max-age=${age}; SameSite=Strict${secure}`;
}
"""


def serves_only_this_machine() -> bool:
    """Whether nobody but the person at this machine can have opened the page."""
    headers = {key.lower() for key in st.context.headers}
    passed_on = headers & {"x-forwarded-for", "forwarded", "x-real-ip", "via"}
    asked_for = urlsplit(st.context.url or "").hostname
    return st.get_option("server.address") in _LOOPBACK and asked_for in _LOOPBACK and not passed_on


def may_run_code() -> bool:
    """Whether code written on a page is run: it may do all that the app may, so only for whom the machine is theirs.

    Whoever serves the app to people whom they trust with that sets LLMLAB_RUN_CODE=1.
    """
    return serves_only_this_machine() or os.environ.get("LLMLAB_RUN_CODE") == "1"


def owner() -> str | None:
    """What a new run is marked with: the hash of this browser's token; None where everyone owns everything."""
    return None if serves_only_this_machine() else _hash(_token())


def owns(run_owner: str | None) -> bool:
    """Whether this browser may stop, resume or delete a run so marked."""
    if serves_only_this_machine():
        return True
    return run_owner is not None and secrets.compare_digest(run_owner, _hash(_token()))


def keep() -> None:
    """Write the token into the browser, so that its next visit is recognised."""
    if serves_only_this_machine() or st.context.cookies.get(_COOKIE) == _token():
        return
    cookie = st.components.v2.component("llmlab_owner_cookie", js=_KEEP)
    cookie(key="llmlab_owner_cookie", data={"token": _token(), "name": _COOKIE, "age": _YEAR}, height=1)


def _token() -> str:
    """The browser's token; a new one lives in the session until the cookie comes back with the next connection."""
    kept = st.context.cookies.get(_COOKIE, "")
    if len(kept) >= 32 and kept.isascii():
        return str(kept)
    if _COOKIE not in st.session_state:
        st.session_state[_COOKIE] = secrets.token_urlsafe(32)
    return str(st.session_state[_COOKIE])


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()[:32]
