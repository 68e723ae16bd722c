"""Seeing a picture with depth from another place: what is near covers what is far."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from .camera import Pose
from .scene import Scene
from .view import extrinsics, intrinsics

NEAREST = 0.02  # closer than this is behind the lens
TORN_AT = 0.10  # a step in log distance between neighbours that is an edge, not a slope
LARGEST_SPACING = 4  # points are splatted at most this much more densely than pixels
CRACK = 2  # pixels: narrower holes are gaps between points, not something uncovered


def render_with_depth(scene: Scene, poses: Sequence[Pose], fov: float) -> tuple[Tensor, Tensor]:
    """Frames (T, H, W, 3) and holes (T, H, W) of a scene that has depth.

    The distances are splatted forward with a depth test, and the colours fetched backward through
    them, so that nothing is blurred twice (as in layered depth image rendering, Shade et al. 1998,
    with one layer). Holes are filled from around them.
    """
    frames, holes = [], []
    for pose in poses:
        frame, hole = _see(scene, pose, fov)
        frames.append(frame)
        holes.append(hole)
    return torch.stack(frames), torch.stack(holes)


def _see(scene: Scene, pose: Pose, fov: float) -> tuple[Tensor, Tensor]:
    nearness = splat_nearness(scene, pose, fov)
    hole = nearness == 0
    places = _back_in_scene(scene, pose, fov, nearness)
    h, w = scene.pixels.shape[2:]
    grid = (places / places.new_tensor([w - 1, h - 1]) * 2 - 1).clamp(-9, 9)
    found = F.grid_sample(scene.pixels, grid[None], padding_mode="border", align_corners=True)
    return fill(found, hole)[0].movedim(0, -1), hole.to(scene.pixels.dtype)


def splat_nearness(scene: Scene, pose: Pose, fov: float) -> Tensor:
    """1 / distance at every pixel of the new frame (H, W), the nearest wins; 0 where nothing is."""
    depth = scene.depth
    spacing, whole = _spacing(scene, pose, fov), _untorn(depth)
    if spacing > 1:
        size = [side * spacing for side in depth.shape]
        depth = F.interpolate(depth[None, None], size=size, mode="bilinear")[0, 0]
        whole = F.interpolate(whole[None, None].float(), size=size)[0, 0] > 0.5
    places, distance = _project(scene, pose, fov, depth)
    keep = (distance > NEAREST) & whole
    target = depth.new_zeros(scene.height * scene.width)
    corner = places[keep].floor().long()
    values = 1 / distance[keep]
    for dx in (0, 1):
        for dy in (0, 1):
            x, y = corner[:, 0] + dx, corner[:, 1] + dy
            inside = (x >= 0) & (x < scene.width) & (y >= 0) & (y < scene.height)
            index = y[inside] * scene.width + x[inside]
            target.scatter_reduce_(0, index, values[inside], "amax")
    return _without_cracks(target.view(scene.height, scene.width))


def _spacing(scene: Scene, pose: Pose, fov: float) -> int:
    """How many points a pixel of the scene needs a side so that what comes nearest stays whole."""
    _, distance = _project(scene, pose, fov, scene.depth)
    ahead = distance > NEAREST
    growth = pose.zoom * (scene.depth[ahead] / distance[ahead])
    nearest = float(growth.quantile(0.98)) if growth.numel() < 1_000_000 else float(growth.max())
    return min(LARGEST_SPACING, max(1, math.ceil(nearest / 1.5)))


def _without_cracks(nearness: Tensor) -> Tensor:
    """Closed morphologically; beyond the frame's edge nothing is known either."""
    size = 2 * CRACK + 1
    grown = F.max_pool2d(F.pad(nearness[None, None], [2 * CRACK] * 4), size, 1)
    closed = -F.max_pool2d(-grown, size, 1)
    return torch.where(nearness > 0, nearness, closed[0, 0])


def _untorn(depth: Tensor) -> Tensor:
    """False on the ramps that depth networks draw over the edge of a thing: they belong nowhere."""
    logs = depth.log()[None, None]
    padded = F.pad(logs, (1, 1, 1, 1), mode="replicate")
    steps = F.max_pool2d(padded, 3, 1) + F.max_pool2d(-padded, 3, 1)
    return steps[0, 0] < TORN_AT


def _project(scene: Scene, pose: Pose, fov: float, depth: Tensor) -> tuple[Tensor, Tensor]:
    """Where the scene's points are in the new frame, in pixels (..., 2), and how far (...)."""
    h, w = scene.pixels.shape[2:]
    y, x = torch.meshgrid(
        _cell_centres(depth.shape[0], h), _cell_centres(depth.shape[1], w), indexing="ij"
    )
    to_ray = torch.linalg.inv(scene.to_pixels() @ intrinsics(fov))
    rotation, centre = extrinsics(pose)
    to_frame = scene.frame_pixels() @ intrinsics(fov, pose.zoom) @ rotation
    points = torch.stack([x, y, torch.ones_like(x)], dim=-1).to(depth)
    seen = points @ (to_frame @ to_ray).T.to(depth) * depth[..., None]
    image = seen - (to_frame @ centre).to(depth)
    return image[..., :2] / image[..., 2:].clamp(min=NEAREST), image[..., 2]


def _back_in_scene(scene: Scene, pose: Pose, fov: float, nearness: Tensor) -> Tensor:
    """Where in the scene, in its pixels (H, W, 2), the points seen in the new frame come from."""
    y, x = torch.meshgrid(*(torch.arange(float(n)) for n in nearness.shape), indexing="ij")
    to_ray = torch.linalg.inv(scene.frame_pixels() @ intrinsics(fov, pose.zoom))
    rotation, centre = extrinsics(pose)
    to_scene = scene.to_pixels() @ intrinsics(fov)
    points = torch.stack([x, y, torch.ones_like(x)], dim=-1).to(nearness)
    turned = points @ (to_scene @ rotation.T @ to_ray).T.to(nearness)
    image = turned / nearness.clamp(min=1e-3)[..., None] + (to_scene @ centre).to(nearness)
    return image[..., :2] / image[..., 2:].clamp(min=NEAREST)


def _cell_centres(cells: int, pixels: int) -> Tensor:
    """Where `cells` equal parts of a row of `pixels` have their middles, in pixels."""
    return (torch.arange(float(cells)) + 0.5) * (pixels / cells) - 0.5


def fill(image: Tensor, hole: Tensor) -> Tensor:
    """`image` (1, 3, H, W) with what `hole` (H, W) marks taken from around it.

    Push-pull (Gortler et al. 1996): means of what is known at ever coarser sizes, then back.
    """
    known = (~hole).to(image.dtype)[None, None]
    if bool(hole.all()) or not bool(hole.any()):
        return image
    return _push_pull(image * known, known)


def _push_pull(total: Tensor, known: Tensor) -> Tensor:
    """`total` is colour times `known` weight 0..1."""
    colour = total / known.clamp(min=1e-6)
    if bool((known > 0).all()):
        return colour
    h, w = total.shape[2:]
    coarse = F.avg_pool2d(total, 2, ceil_mode=True), F.avg_pool2d(known, 2, ceil_mode=True)
    around = F.interpolate(_push_pull(*coarse), size=(h, w), mode="bilinear")
    return torch.where(known > 0, colour, around)
