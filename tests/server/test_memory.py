"""Budgets of memory through the API of a genuine server."""

import av
import numpy as np
import pytest

pytestmark = pytest.mark.comfy


@pytest.fixture
def graph(server, first_light):
    """The demo's graph, small, with SVD Memory Plan before the guidance."""
    prompt, inputs = first_light
    inputs["SVDStudioConditioning"] |= {"width": 96, "height": 64, "frames": 3}
    inputs["SVDStudioSampler"]["steps"] = 2
    model = inputs["SVDStudioGuidance"]["model"]
    prompt["8"] = {
        "class_type": "SVDStudioMemoryPlan",
        "inputs": {"model": model, "memory_gib": 0.0},
    }
    inputs["SVDStudioGuidance"]["model"] = ["8", 0]
    return prompt, inputs


def frames_of(server, outputs):
    (film,) = outputs["7"]["svd_film"]
    file = server.base / "output" / film["subfolder"] / film["filename"]
    with av.open(str(file)) as video:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)])


def test_a_budget_does_not_change_the_film(server, graph):
    prompt, inputs = graph
    films = []
    for gib in (0.0, 1.0, 0.05):
        prompt["8"]["inputs"]["memory_gib"] = inputs["SVDStudioDecode"]["memory_gib"] = gib
        inputs["SVDStudioSaveVideo"]["filename_prefix"] = f"video/budget_{len(films)}"
        outputs, failures = server.queue(prompt)
        assert not failures
        films.append(frames_of(server, outputs))
    np.testing.assert_array_equal(films[0], films[1])
    np.testing.assert_array_equal(films[0], films[2])


def test_a_budget_that_nothing_fits_is_explained(server, graph):
    prompt, _ = graph
    prompt["8"]["inputs"]["memory_gib"] = 0.0001
    _, failures = server.queue(prompt)
    (failure,) = failures
    assert "needs" in str(failure)
    assert "SVD Memory Plan a larger budget" in str(failure)
