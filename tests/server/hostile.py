"""Names that somebody may have chosen to do harm, graphs that use them, and what became of them."""

import os

import pytest

# Name by name what somebody may call a film.
NAMES = {
    "quotes": """she said "it's" `so`""",
    "tag": "<script>alert(1)<script>",
    "image tag": '"><img src=x onerror=alert(1)>',
    "right to left": "\u202e4pm.mlif",
    "arabic": "فيلم عن الضوء",
    "emoji": "🎬 première ✨",
    "shell": "$(touch hacked); rm -rf ~ & | %PATH% #?",
    "dots": "...film..",
}
OUTSIDE = {
    "up": "../outside",
    "up from inside": "video/../../outside",
    "down and up": "a/b/../../../outside",
    "backslashes": "..\\outside",
    "whole path": "{base}/outside",
    "up alone": "..",
}
NO_NAME = {"empty": "", "blank": "  ", "folder": "video/", "dot": ".", "back again": "video/.."}
WRITERS = {
    "SVDStudioSaveVideo": ("images", {"fps": 8.0, "quality": 50}),
    "SVDStudioWriteVideo": (
        "frames",
        {
            "format": "H.264 (mp4)",
            "fps": 8.0,
            "quality": 50,
            "poster": "first",
            "metadata": True,
            "licence": "",
            "segment_frames": 0,
            "resume": True,
            "first_number": 1001,
        },
    ),
}


def cases(values):
    return pytest.mark.parametrize("name", values.values(), ids=values.keys())


def writing(writer, prefix, frames=None):
    """Two blue frames, or those of another node, that `writer` writes."""
    socket, widgets = WRITERS[writer]
    blue = {"width": 64, "height": 48, "batch_size": 2, "color": 255}
    inputs = {**widgets, socket: frames or ["blue", 0], "filename_prefix": prefix}
    return {
        "blue": {"class_type": "EmptyImage", "inputs": blue},
        "film": {"class_type": writer, "inputs": inputs},
    }


def everything(server):
    """Every file around the server that a graph could have written, but for what is temporary."""
    base = server.base
    temp = base / "temp"
    return {
        path
        for folder, _, names in os.walk(base)
        for path in (os.path.join(folder, name) for name in names)
        if not path.startswith((str(temp), str(base / "custom_nodes")))
    }


def films(server, outputs):
    """Where the films are that the history names: (told, path)."""
    entries = [
        entry
        for output in outputs.values()
        for values in output.values()
        for entry in values
        if isinstance(entry, dict) and str(entry.get("filename")).endswith(".mp4")
    ]
    saved = [entry for entry in entries if entry["type"] == "output"]
    return [(told, server.base / "output" / told["subfolder"] / told["filename"]) for told in saved]


def one_sentence(failures):
    (message,) = failures
    assert "\n" not in message
    assert "Traceback" not in message
    return message


MODEL = {
    "checkpoint": "svd-mini",
    "precision": "auto",
    "variant": "auto",
    "vae": "inside the checkpoint",
    "image_encoder": "inside the checkpoint",
}
