"""Camera paths made of camera paths."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from comfy_api.latest import io

from ..sampling.camera import CameraPath
from ..sampling.camera_json import to_json
from ..sampling.camera_moves import chain, hold, loop, part, reverse, together, with_speed
from .camera import Camera
from .schema import schema


class Operation(str, Enum):
    """What to make of one or two paths."""

    CHAIN = "one after the other"
    TOGETHER = "together"
    REVERSE = "reverse"
    SPEED = "change speed"
    SCALE = "scale"
    LOOP = "there and back"
    PART = "part"
    HOLD = "hold"


@dataclass(frozen=True)
class Numbers:
    """The widgets, of which every operation takes its own."""

    share: float = 0.5
    factor: float = 1.0
    times: int = 1
    start: float = 0.0
    end: float = 1.0


OF_ONE: dict[Operation, Callable[[CameraPath, Numbers], CameraPath]] = {
    Operation.REVERSE: lambda path, _: reverse(path),
    Operation.SPEED: lambda path, numbers: with_speed(path, numbers.factor),
    Operation.SCALE: lambda path, numbers: path.scaled(numbers.factor),
    Operation.LOOP: lambda path, numbers: loop(path, numbers.times),
    Operation.PART: lambda path, numbers: part(path, numbers.start, numbers.end),
    Operation.HOLD: lambda path, numbers: hold(path, numbers.start, 1 - numbers.end),
}


def combine(
    operation: Operation, first: CameraPath, second: CameraPath | None, numbers: Numbers
) -> CameraPath:
    """Raises ValueError when an operation on two paths gets one, and as the operations do."""
    if operation in OF_ONE:
        return OF_ONE[operation](first, numbers)
    if second is None:
        raise ValueError(
            f'"{operation.value}" needs two camera paths, and camera_2 is not connected: connect '
            "it, or choose another operation."
        )
    if operation is Operation.CHAIN:
        return chain(first, second, numbers.share)
    return together(first, second)


class SVDCameraCombine(io.ComfyNode):
    """Paths in sequence, at once, backwards, slower, in a loop."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="SVDStudioCameraCombine",
            display_name="SVD Camera Combine",
            description="Play two camera paths one after the other or together; or reverse, slow, "
            "scale, loop, cut or hold one.",
            search_aliases=["chain camera", "reverse camera", "loop camera", "slow camera"],
            inputs=[
                Camera.Input("camera_1", tooltip="A camera path from any camera node."),
                io.Combo.Input(
                    "operation",
                    options=[operation.value for operation in Operation],
                    default=Operation.CHAIN.value,
                    tooltip="part: what happens from start to end, over the whole clip. hold: "
                    "move only from start to end, wait before and after. The help page explains "
                    "all.",
                ),
                io.Float.Input(
                    "share",
                    default=0.5,
                    min=0.01,
                    max=0.99,
                    step=0.01,
                    tooltip="one after the other: how much of the clip camera_1 gets.",
                ),
                io.Float.Input(
                    "factor",
                    default=1.0,
                    min=-10.0,
                    max=100.0,
                    step=0.05,
                    tooltip="scale: how many times as far, negative for the opposite way. change "
                    "speed: how many times as fast; 0.5 plays half the path, 2 is done half way.",
                ),
                io.Int.Input(
                    "times",
                    default=1,
                    min=1,
                    max=50,
                    tooltip="there and back: how often in the clip.",
                ),
                io.Float.Input(
                    "start",
                    default=0.0,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip="part and hold: 0 is the first frame.",
                ),
                io.Float.Input(
                    "end",
                    default=1.0,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip="part and hold: 1 is the last frame.",
                ),
                Camera.Input(
                    "camera_2",
                    optional=True,
                    tooltip="The second path, for one after the other and for together.",
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
        cls, camera_1, operation, share, factor, times, start, end, camera_2=None
    ) -> io.NodeOutput:
        numbers = Numbers(share, factor, times, start, end)
        path = combine(Operation(operation), camera_1, camera_2, numbers)
        return io.NodeOutput(path, to_json(path))


NODES = (SVDCameraCombine,)
