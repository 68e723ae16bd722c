"""What the pack costs the page, and whom the page talks to."""

from __future__ import annotations

import itertools
import statistics
from urllib.parse import urlsplit

import pytest

from .conftest import ROOT
from .editor import READY, RENDERERS, START_MS

pytestmark = pytest.mark.browser

OURS = "**/extensions/svd-studio/**"
FIRST_LIGHT = ROOT / "workflows" / "first_light.json"
SAMPLER, SAVE = 5, 7  # nodes of first_light
LOADS = 7
ALLOWED_MS = 50


def load_ms(browser, url, with_pack):
    """From the start of the navigation until the graph editor is ready."""
    context = browser.new_context()
    page = context.new_page()
    # Both ways go through the same hands, which cost time themselves.
    empty = {"body": "", "content_type": "text/javascript"}
    page.route(OURS, lambda route: route.continue_() if with_pack else route.fulfill(**empty))
    page.goto(url)
    page.wait_for_function(READY, timeout=START_MS, polling=5)
    taken = page.evaluate("performance.now()")
    context.close()
    return taken


def test_extension_costs_the_page_little(browser, site):
    load_ms(browser, site.url, True)  # the server reads its files for the first time
    times = {True: [], False: []}
    for _, with_pack in itertools.product(range(LOADS), times):
        times[with_pack].append(load_ms(browser, site.url, with_pack))
    cost = statistics.median(times[True]) - statistics.median(times[False])
    shown = {key: [round(each) for each in value] for key, value in times.items()}
    assert cost <= ALLOWED_MS, f"{cost:.0f} ms: with the pack {shown[True]}, without {shown[False]}"


@pytest.fixture(scope="module", params=RENDERERS)
def after_run(new_editor, request):
    """first_light after the Run button, and every request of the page."""
    asked = []
    editor = new_editor(request.param, on_request=asked.append)
    editor.open(FIRST_LIGHT)
    editor.call("set", SAMPLER, "steps", 2)
    editor.press_run()
    editor.wait_for_film(SAVE)
    return editor, asked


def test_run_button_makes_a_film_that_plays_in_the_node(after_run):
    editor, _ = after_run
    film = editor.wait_for_film(SAVE)
    assert (film["width"], film["height"]) == (256, 144)
    assert film["visible"]
    assert editor.errors == []
    assert editor.call("complaints") == []


def test_page_talks_to_the_server_alone(after_run, site):
    _, asked = after_run
    # What ComfyUI's policy for pages stopped never left the browser; the front end itself tries.
    urls = [each.url for each in asked if each.failure != "csp"]
    hosts = {urlsplit(url).netloc for url in urls if not url.startswith(("data:", "blob:"))}
    assert hosts == {urlsplit(site.url).netloc}
