"""Measure svd-mini on held-out photographs, through the pack's own nodes.

    python3 studio.py measure-mini [--weights FILE] [--sheet FILE.png]

prints a table by motion bucket and, beside it, the same measures of true camera moves that went
through the same autoencoder. The first frame is compared with the picture's own reconstruction;
that of a true move, with what was rendered.
"""

from comfy_runtime import start_core

start_core("--cpu")

import argparse  # noqa: E402 - core's options come first
import random  # noqa: E402
import statistics  # noqa: E402
from collections.abc import Sequence  # noqa: E402
from dataclasses import dataclass  # noqa: E402
from pathlib import Path  # noqa: E402

import comfy.utils  # noqa: E402
import cv2  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402
from svd_studio.models.loader import LoadedSVD, load_svd  # noqa: E402
from svd_studio.models.sources import MINI, open_svd  # noqa: E402
from svd_studio.nodes.condition import SVDConditioning  # noqa: E402
from svd_studio.nodes.run_decode import decode_film  # noqa: E402
from svd_studio.nodes.run_sampler import SamplerSettings, run_sampler  # noqa: E402
from svd_studio.sampling.motion import speed_of_bucket  # noqa: E402
from svd_studio.training.pictures import Picture, cover  # noqa: E402
from svd_studio.training.virtual_camera import Move, render_clip  # noqa: E402
from svd_studio.video.motion_metrics import ClipMotion, measure_motion, psnr, spearman  # noqa: E402
from train_mini import ROOT, pictures  # noqa: E402

WIDTH, HEIGHT, FRAMES, FPS = 256, 144, 14, 7
BUCKETS = (20, 80, 110, 140, 200)
STEPS = 25
Rows = dict[int, list[tuple[ClipMotion, float]]]


def generate(svd: LoadedSVD, picture: Picture, bucket: int, seed: int) -> np.ndarray:
    """A clip made by the nodes: uint8 (T, H, W, 3)."""
    image = torch.from_numpy(cover(picture.pixels, WIDTH, HEIGHT))[None].float() / 255
    positive, negative, latent = SVDConditioning.execute(
        svd.image_encoder, svd.vae, image, 0, 0, FRAMES, bucket, FPS, 0.0, seed, "cover",
        "whole picture (reference)",
    ).args  # fmt: skip
    settings = SamplerSettings(seed, STEPS, "karras", "euler", 0.0, 0.0, 1.0)
    sampled, _ = run_sampler(svd.model, positive, negative, latent, settings)
    return to_bytes(decode_film(svd.vae, sampled["samples"])[0])


def through_the_vae(svd: LoadedSVD, frames: np.ndarray) -> np.ndarray:
    images = torch.from_numpy(frames).float() / 255
    return to_bytes(decode_film(svd.vae, svd.vae.encode(images))[0])


def true_clip(picture: Picture, bucket: int, seed: int) -> np.ndarray:
    """The default move at the speed that the bucket names."""
    distance = speed_of_bucket(bucket) / FPS * (FRAMES - 1)
    move = Move(travel=(distance, 0.0))
    return render_clip([picture], move, (WIDTH, HEIGHT), FRAMES, random.Random(seed)).frames


def to_bytes(frames: torch.Tensor) -> np.ndarray:
    return (frames.clamp(0, 1) * 255).round().byte().numpy()


def table(rows: Rows) -> list[str]:
    lines = ["bucket  flow px  displacement px  affine R2  warp-back dB  first frame dB"]
    for bucket, measured in rows.items():
        means = [statistics.mean(getattr(m, name) for m, _ in measured) for name in (
            "flow", "displacement", "affine_share", "warp_psnr")]  # fmt: skip
        first = statistics.mean(score for _, score in measured)
        lines.append(f"{bucket:6d}  {means[0]:7.2f}  {means[1]:15.1f}  {means[2]:9.2f}"
                     f"  {means[3]:12.1f}  {first:14.1f}")  # fmt: skip
    flows = [m.flow for measured in rows.values() for m, _ in measured]
    labels = [bucket for bucket, measured in rows.items() for _ in measured]
    lines.append(f"Spearman of flow against bucket, pooled: {spearman(labels, flows):.3f}")
    return lines


@dataclass
class Measurements:
    """By bucket: what the clips of svd-mini do, and true camera moves through the same VAE."""

    made: Rows
    true: Rows
    sheet: list[np.ndarray]  # one row of frames a clip


def measure(svd: LoadedSVD, held_out: Sequence[Picture], buckets: Sequence[int]) -> Measurements:
    stills = [through_the_vae(svd, cover(p.pixels, WIDTH, HEIGHT)[None])[0] for p in held_out]
    result = Measurements({b: [] for b in buckets}, {b: [] for b in buckets}, [])
    for bucket in buckets:
        for seed, (picture, still) in enumerate(zip(held_out, stills, strict=True)):
            clip = generate(svd, picture, bucket, seed)
            result.made[bucket].append((measure_motion(clip), psnr(clip[0], still)))
            moved = true_clip(picture, bucket, seed)
            truth = through_the_vae(svd, moved)
            result.true[bucket].append((measure_motion(truth), psnr(truth[0], moved[0])))
            result.sheet.append(np.hstack([still, *clip[[0, 4, 9, 13]]]))
    return result


def vae_psnr(svd: LoadedSVD, photographs: Sequence[Picture]) -> float:
    originals = [cover(picture.pixels, WIDTH, HEIGHT) for picture in photographs]
    return statistics.mean(psnr(through_the_vae(svd, o[None])[0], o) for o in originals)


@torch.inference_mode()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, default=ROOT / ".runtime" / "train-mini")
    parser.add_argument("--weights", type=Path, default=MINI)
    parser.add_argument("--pictures", type=int, default=12)
    parser.add_argument("--buckets", type=int, nargs="+", default=BUCKETS)
    parser.add_argument("--sheet", type=Path, help="write a contact sheet here")
    args = parser.parse_args()
    comfy.utils.set_progress_bar_enabled(False)
    source = open_svd(args.weights)
    svd = load_svd(source)
    data = pictures(args.state)
    held_out = (*data.photographs, *data.templates[::8])[: args.pictures]
    print(source.info.describe(), source.unet.weights.metadata["svd_studio"])
    score = vae_psnr(svd, data.photographs)
    print(f"VAE at {WIDTH}x{HEIGHT}, {len(data.photographs)} photographs: {score:.2f} dB")
    result = measure(svd, held_out, args.buckets)
    print("svd-mini", *table(result.made), sep="\n")
    print("true camera moves through the same VAE", *table(result.true), sep="\n")
    if args.sheet:
        cv2.imwrite(str(args.sheet), np.vstack(result.sheet)[..., ::-1])


if __name__ == "__main__":
    main()
