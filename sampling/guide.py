"""A reference clip: the picture as the moving camera would see it, and where it saw nothing."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from .camera import CameraPath
from .scene import Scene
from .splat import render_with_depth
from .view import homographies

CELL = 8  # pixels of a latent's side


@dataclass(frozen=True)
class MotionGuide:
    """`frames` (T, H, W, 3) in 0..1 and `holes` (T, H, W), 1 where the frames are made up.

    `path` is the camera's, None for a clip that came from elsewhere.
    """

    frames: Tensor
    holes: Tensor
    path: CameraPath | None = None

    def __post_init__(self) -> None:
        if self.frames.shape[:3] != self.holes.shape:
            raise ValueError(
                f"The guide's frames are {tuple(self.frames.shape)} and its mask "
                f"{tuple(self.holes.shape)}: give one mask a frame, of the frames' size."
            )

    @property
    def seen(self) -> float:
        """The share of the worst frame that shows the picture."""
        return float(1 - self.holes.mean((1, 2)).max())

    def latent_mask(self, softness: int = 1) -> Tensor:
        """(T, 1, H / 8, W / 8): 1 where the model is free, 0 where the guide is known.

        A cell that holds any hole is free, and so are its neighbours, whose latents have seen the
        hole; `softness` cells further the guide has it all.
        """
        free = F.max_pool2d(self.holes[:, None].float(), CELL)
        for _ in range(softness):
            free = F.max_pool2d(free, 3, 1, 1)
        for _ in range(softness):
            free = F.avg_pool2d(F.pad(free, (1, 1, 1, 1), mode="replicate"), 3, 1)
        return free


def render_guide(scene: Scene, path: CameraPath, num_frames: int) -> MotionGuide:
    """What the camera sees of the scene on `path`; frame 0 is the scene's own frame.

    By homographies, which are exact for turns and zooms; moves of the camera itself take the
    picture as a plane at the subject's distance or, with depth, splat it with occlusion.
    """
    poses = path.poses(num_frames)
    if scene.depth is not None and any(pose.moves_the_camera for pose in poses):
        frames, holes = render_with_depth(scene, poses, path.fov)
    else:
        frames, holes = render_plane(scene, homographies(path, num_frames))
    # Frame 0 is the picture to the last bit, whatever rounding made of it.
    frames[0], holes[0] = scene.frame(), 0.0
    return MotionGuide(frames, holes, path)


def render_plane(scene: Scene, matrices: Tensor) -> tuple[Tensor, Tensor]:
    """Frames (T, H, W, 3) and holes (T, H, W) under homographies (T, 3, 3).

    Beyond its edges the picture is mirrored: a likelier start for what is there than one colour.
    """
    ys, xs = torch.meshgrid(
        torch.arange(float(scene.height)), torch.arange(float(scene.width)), indexing="ij"
    )
    points = torch.stack([xs, ys, torch.ones_like(xs)], dim=-1).to(scene.pixels)
    frames, holes = [], []
    for matrix in matrices:
        to_scene = scene.to_pixels() @ torch.linalg.inv(scene.frame_pixels() @ matrix)
        frame, hole = look_up(scene.pixels, points @ to_scene.T.to(points))
        frames.append(frame)
        holes.append(hole)
    return torch.stack(frames), torch.stack(holes)


def look_up(pixels: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
    """Pixels (1, 3, h, w) at homogeneous pixel positions (H, W, 3), and where there are none.

    A point behind the camera (w <= 0) is a hole wherever it falls.
    """
    h, w = pixels.shape[2:]
    ahead = points[..., 2] > 1e-6
    places = points[..., :2] / points[..., 2:].clamp(min=1e-6)
    size = places.new_tensor([w - 1, h - 1])
    inside = ((places > -0.5) & (places < size + 0.5)).all(-1) & ahead
    grid = (places / size * 2 - 1).clamp(-9, 9)
    found = F.grid_sample(pixels, grid[None], padding_mode="reflection", align_corners=True)
    return found[0].movedim(0, -1), (~inside).to(pixels.dtype)
