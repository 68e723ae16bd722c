"""Camera paths for hypothesis: any that the pack could be given, within reach of a sum of three."""

from __future__ import annotations

from hypothesis import strategies as st
from svd_studio.sampling.camera import CameraPath, Keyframe, Pose
from svd_studio.sampling.easing import Ease, Slopes
from svd_studio.sampling.shake import LARGEST_SEED, Shake

TIMES = st.integers(0, 1000).map(lambda thousandth: thousandth / 1000)
EASES = st.sampled_from(Ease) | st.builds(Slopes, st.floats(0, 3), st.floats(0, 3))
SMOOTH = st.sampled_from([e for e in Ease if "jump" not in e.value])
# One of each kind: moves that add, the one that multiplies, and the one with a limit at one side.
POSES = st.builds(
    Pose, pan=st.floats(-8, 8), zoom=st.floats(0.8, 1.25), dolly=st.floats(-0.15, 0.15)
)


@st.composite
def spans(draw):
    """During a stretch of the clip, from some place in its course to another."""
    begin, end = sorted(draw(st.lists(TIMES, min_size=2, max_size=2, unique=True)))
    return (begin, end), draw(st.tuples(TIMES, TIMES))


@st.composite
def shakes(draw):
    during, part = draw(st.just(((0.0, 1.0), (0.0, 1.0))) | spans())
    return Shake(
        draw(st.floats(0, 2)),
        draw(st.floats(0.1, 20)),
        draw(st.integers(0, LARGEST_SEED)),
        draw(st.booleans()),
        during,
        part,
    )


@st.composite
def single_paths(draw, eases=EASES, shake=True):
    """Without layers."""
    times = sorted(draw(st.sets(TIMES, min_size=1, max_size=4)))
    keyframes = tuple(Keyframe(time, draw(POSES), draw(eases)) for time in times)
    return CameraPath(keyframes, 50.0, draw(st.none() | shakes()) if shake else None)


@st.composite
def paths(draw, eases=EASES, shake=True):
    first = draw(single_paths(eases, shake))
    layers = tuple(draw(st.lists(single_paths(eases, shake), max_size=2)))
    return CameraPath(first.keyframes, first.fov, first.shake, layers)
