"""What a node tells the page while it runs; without a server there is nobody to tell."""

from __future__ import annotations

import re
import sys
from typing import Any

NO_WIDTH = "\u200b"


def show(text: str, node_id: str | None) -> None:
    """Put `text` on the node that is being run."""
    running = _running_server()
    if running is not None and node_id is not None:
        running.send_progress_text(as_shown(text), node_id, running.client_id)


def as_shown(text: str) -> str:
    """`text` that looks the same in front ends that take it for HTML, as 1.32.9 does.

    Names of files may hold tags. A space without width ends what would have been one; entities
    would be shown as such by newer front ends, which know it for text.
    """
    return re.sub(r"[<&]", rf"\g<0>{NO_WIDTH}", text)


def send(event: str, facts: dict, node_id: str | None) -> None:
    """Send `facts`, which become JSON, with the node's execution id as "node", to who queued it."""
    running = _running_server()
    if running is not None and node_id is not None:
        running.send_sync(event, facts | {"node": node_id}, running.client_id)


def _running_server() -> Any:  # noqa: ANN401 - ComfyUI's PromptServer, or None
    # Looked up, not imported: importing it is starting half of a server.
    return getattr(getattr(sys.modules.get("server"), "PromptServer", None), "instance", None)
