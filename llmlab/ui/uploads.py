"""Uploaded texts are removed some days after, unless a run was trained on them."""

import time

KEPT_SECONDS = 7 * 24 * 3600


def clear() -> None:
    """Remove old uploads that no run refers to; called once when the app starts."""
    from llmlab.hub.home import home
    from llmlab.training import runs

    folder = home() / "uploads"
    old = [path for path in folder.glob("*.*") if time.time() - path.stat().st_mtime > KEPT_SECONDS]
    if old:
        wanted = {runs.config(run).corpus for run in runs.list_runs()}
        for path in old:
            if str(path) not in wanted:
                path.unlink(missing_ok=True)
