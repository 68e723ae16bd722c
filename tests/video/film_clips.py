"""Frames of clips in packages, as the tests compare them."""

import av
import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image


def read_film(file, numbers):
    """Frames (H, W, 3) in 0..1 of a film, by number."""
    wanted, frames = set(numbers), {}
    with av.open(str(file)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number in wanted:
                frames[number] = torch.from_numpy(frame.to_ndarray(format="rgb24")).float() / 255
            if len(frames) == len(wanted):
                break
    return [frames[number] for number in numbers]


def read_animation(file, size):
    """All frames (H, W, 3) in 0..1 of a picture that moves, made smaller to (height, width)."""
    with Image.open(file) as picture:
        for number in range(picture.n_frames):
            picture.seek(number)
            frame = torch.from_numpy(np.array(picture.convert("RGB"))).float() / 255
            frame = frame.permute(2, 0, 1)[None]
            small = F.interpolate(frame, size=size, mode="bilinear", antialias=True)
            yield small[0].permute(1, 2, 0)
