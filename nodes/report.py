"""A report on the node itself, where the front end can show one."""

from __future__ import annotations

import sys


def show(text: str, node_id: str | None) -> None:
    """Put `text` on the node that is being run; without a server there is nowhere to."""
    # Looked up, not imported: importing it is starting half of a server.
    server = getattr(sys.modules.get("server"), "PromptServer", None)
    running = getattr(server, "instance", None)
    if running is not None and node_id is not None:
        running.send_progress_text(text, node_id, running.client_id)
