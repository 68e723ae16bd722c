"""A genuine ComfyUI with the pack, and its graph editor in a Chromium of the system."""

from __future__ import annotations

import importlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from PIL import Image

from .editor import CLASSIC, RENDERERS, Editor

ROOT = Path(__file__).resolve().parents[2]
PICTURE = "example.png"  # what LoadImage names in our workflows
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox",  # Chromium refuses to run as root with it
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
# A new user would meet the template dialog; the map and the counters would cover the picture that
# we take; tooltips come at once so that tests need not wait.
SETTINGS = {
    "Comfy.TutorialCompleted": True,
    "Comfy.Minimap.Visible": False,
    "Comfy.Graph.CanvasInfo": False,
    "LiteGraph.Node.TooltipDelay": 0,
}


class Site(NamedTuple):
    url: str
    base: Path  # holds ComfyUI's input and output folders


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--picture", type=Path, help="what to set in motion instead of a drawn picture"
    )
    parser.addoption(
        "--update-pictures",
        action="store_true",
        help="take the pictures of the workflows, and of the nodes for their help pages, anew",
    )


@pytest.fixture(scope="session")
def chromium() -> str:
    pytest.importorskip("playwright", reason="pip install playwright")
    given = os.environ.get("SVD_STUDIO_CHROMIUM")
    found = given or next(filter(None, map(shutil.which, BROWSERS)), None)
    if not found:
        pytest.skip(f"no {', '.join(BROWSERS)} on PATH; or name one in SVD_STUDIO_CHROMIUM")
    return found


@pytest.fixture(scope="session")
def site(chromium, request, tmp_path_factory) -> Iterator[Site]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "dev"))
        serve, comfyui = map(importlib.import_module, ("serve", "comfyui"))
    folder = Path(os.environ.get("COMFYUI_PATH") or comfyui.RUNTIME / "ComfyUI")
    if not comfyui.is_comfyui(folder):
        pytest.skip("no ComfyUI: name one in COMFYUI_PATH, or run studio.py once")
    runtime = tmp_path_factory.mktemp("comfyui")
    base = comfyui.make_base(runtime)
    prepare(base, request.config.getoption("--picture", None))
    frontend = os.environ.get("SVD_STUDIO_FRONTEND")
    extra = ["--front-end-root", frontend] if frontend else []
    with serve.running_server(folder, runtime=runtime, extra=extra) as server:
        yield Site(server.url, base)


def prepare(base: Path, picture: Path | None) -> None:
    """The user's settings, and a picture to put into motion."""
    user = base / "user" / "default"
    user.mkdir(parents=True)
    (user / "comfy.settings.json").write_text(json.dumps(SETTINGS), encoding="utf-8")
    if picture:
        drawn = Image.open(picture).convert("RGB")
    else:
        drawn = Image.merge("RGB", [Image.radial_gradient("L").rotate(90 * i) for i in range(3)])
    drawn.save(base / "input" / PICTURE)
    for model in models_of(sorted((ROOT / "workflows").glob("*.json"))):
        # That it is there is enough to open a graph: the dialog of missing models stays away.
        place = base / "models" / model["directory"] / model["name"]
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()


def models_of(workflows: list[Path]) -> Iterator[dict[str, str]]:
    """What the graphs' loaders want downloaded."""
    for path in workflows:
        for node in json.loads(path.read_text(encoding="utf-8"))["nodes"]:
            yield from node["properties"].get("models", ())


@pytest.fixture
def networks(site, monkeypatch) -> Callable[..., None]:
    """networks(name, ...): put networks that packages ship where the server finds them."""
    monkeypatch.syspath_prepend(str(ROOT / "dev"))
    finish = importlib.import_module("finish_files")

    def put(*names: str) -> None:
        for name in names:
            finish.network_file(name, site.base / "models")

    return put


@pytest.fixture(scope="session")
def browser(chromium) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        started = play.chromium.launch(executable_path=chromium, args=FLAGS)
        yield started
        started.close()


@contextmanager
def opened_editor(
    browser: Any, url: str, renderer: str = CLASSIC, on_request: Callable = lambda _: None
) -> Iterator[Editor]:
    """An editor with a profile of its own, in the classic canvas or in Nodes 2.0."""
    context = browser.new_context(viewport={"width": 1600, "height": 900})
    context.add_init_script("localStorage.setItem('vueNodesBannerDismissed', 'true')")
    page = context.new_page()
    page.on("request", lambda request: on_request(request))  # no built-in function will do
    try:
        yield Editor(page, url, renderer)
    finally:
        context.close()


@pytest.fixture(scope="module")
def new_editor(browser, site) -> Iterator[Callable[..., Editor]]:
    """Open an editor, until the module's tests have run: open pages draw all the time."""
    with ExitStack() as opened:
        yield lambda *how, **more: opened.enter_context(
            opened_editor(browser, site.url, *how, **more)
        )


@pytest.fixture
def editor(browser, site) -> Iterator[Editor]:
    with opened_editor(browser, site.url) as opened:
        yield opened


@pytest.fixture(params=RENDERERS)
def either_editor(browser, site, request) -> Iterator[Editor]:
    """Once in the classic canvas and once in Nodes 2.0."""
    with opened_editor(browser, site.url, request.param) as opened:
        yield opened
