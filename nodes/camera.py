"""Camera moves: by name, or as keyframes."""

from __future__ import annotations

from comfy_api.latest import io

from ..sampling.camera import DEFAULT_FOV
from ..sampling.camera_json import from_json, to_json
from ..sampling.camera_presets import PRESETS, make
from ..sampling.easing import SLOPES, Ease
from ..sampling.shake import LARGEST_SEED, Shake
from .run_camera_picture import shown_in_editor
from .schema import advanced, schema

Camera = io.Custom("SVD_CAMERA")

EXAMPLE = """{"version": 1, "fov": 50, "keyframes": [
  {"time": 0},
  {"time": 0.4, "dolly": 0.1},
  {"time": 1, "dolly": 0.15, "pan": 6, "ease": "ease out"}
]}"""


class SVDCameraMove(io.ComfyNode):
    """A camera move by the name that film people give it."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="SVDStudioCameraMove",
            display_name="SVD Camera Move",
            description="A camera move over the whole clip: pan, tilt, dolly, orbit, crane, zoom, "
            "dolly zoom, hand-held and more. For SVD Camera Guide.",
            search_aliases=["camera preset", "pan", "tilt", "dolly", "orbit", "zoom", "crane"],
            inputs=[
                io.Combo.Input(
                    "preset",
                    options=list(PRESETS),
                    default="pan right",
                    tooltip="The move. Names say what the camera does: after a pan to the right, "
                    "the picture has gone left.",
                ),
                io.Float.Input(
                    "amount",
                    default=1.0,
                    min=-10.0,
                    max=10.0,
                    step=0.05,
                    tooltip="1: a good move that SVD follows well. 0: none. Negative: the "
                    "opposite move.",
                ),
                io.Combo.Input(
                    "ease",
                    options=[ease.value for ease in SLOPES],
                    default=Ease.IN_OUT.value,
                    tooltip="linear: the same speed from first to last frame. ease in starts from "
                    "rest, ease out comes to rest, ease in-out does both.",
                ),
                advanced(
                    io.Float.Input(
                        "fov",
                        default=DEFAULT_FOV,
                        min=1.0,
                        max=150.0,
                        step=1.0,
                        optional=True,
                        tooltip="Degrees that the picture shows across its width. 50: a normal "
                        "lens, 80: wide, 20: long. The same pan moves more of a long lens's "
                        "picture.",
                    )
                ),
                advanced(
                    io.Float.Input(
                        "shake_degrees",
                        default=0.0,
                        min=0.0,
                        max=10.0,
                        step=0.05,
                        optional=True,
                        tooltip="Hand-held unrest on top of the move; 0.3 is a calm hand, 1 a "
                        "nervous one. The preset handheld has 0.6 of its own.",
                    )
                ),
                advanced(
                    io.Float.Input(
                        "shake_cycles",
                        default=2.0,
                        min=0.1,
                        max=100.0,
                        step=0.1,
                        optional=True,
                        tooltip="Slow sways of the unrest in the clip.",
                    )
                ),
                advanced(
                    io.Int.Input(
                        "shake_seed",
                        default=0,
                        min=0,
                        max=LARGEST_SEED,
                        optional=True,
                        tooltip="Another seed, another unrest; the same seed, the same.",
                    )
                ),
            ],
            outputs=[
                Camera.Output(display_name="camera"),
                io.String.Output(
                    display_name="json", tooltip="The path as text, for SVD Camera Keyframes."
                ),
            ],
        )

    @classmethod
    def execute(
        cls,
        preset,
        amount,
        ease,
        fov=DEFAULT_FOV,
        shake_degrees=0.0,
        shake_cycles=2.0,
        shake_seed=0,
    ) -> io.NodeOutput:
        shake = Shake(shake_degrees, shake_cycles, shake_seed)
        path = make(preset, amount, Ease(ease), fov, shake)
        return io.NodeOutput(path, to_json(path))


class SVDCameraKeyframes(io.ComfyNode):
    """A camera path that is drawn, or written as text."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="SVDStudioCameraKeyframes",
            display_name="SVD Camera Keyframes",
            description="A camera path of your own: drag the framing over the picture, keyframe by "
            "keyframe, or write it as JSON. The help page lists keys and fields.",
            search_aliases=["camera path", "camera trajectory", "camera json", "camera editor"],
            inputs=[
                io.String.Input(
                    "keyframes",
                    multiline=True,
                    default=EXAMPLE,
                    tooltip="time 0 is the first frame, 1 the last. pan, tilt, roll, orbit in "
                    "degrees, zoom a factor; truck, pedestal, dolly in distances to the subject. "
                    "What is left out does not move.",
                ),
                io.Image.Input(
                    "picture",
                    optional=True,
                    tooltip="Only shown in the editor, never filmed. Without it the editor shows "
                    "the picture that this camera films.",
                ),
            ],
            outputs=[Camera.Output(display_name="camera")],
        )

    @classmethod
    def execute(cls, keyframes, picture=None) -> io.NodeOutput:
        return io.NodeOutput(from_json(keyframes), ui=shown_in_editor(picture))


NODES = (SVDCameraMove, SVDCameraKeyframes)
