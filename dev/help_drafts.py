"""Graphs that the pictures of the help pages are made with."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path
from typing import Any

from client import Client
from PIL import Image

Link = list  # [node id, output]


class Draft:
    """A graph that grows; every batch of pictures that is kept has a name."""

    def __init__(self, client: Client, photograph: str) -> None:
        self.client = client
        self.nodes: dict[str, dict[str, Any]] = {}
        self.photograph = self.add("LoadImage", image=photograph)
        loader = self.add(
            "SVDStudioLoadModel", checkpoint="svd-mini", precision="auto", variant="auto",
            vae="inside the checkpoint", image_encoder="inside the checkpoint",
        )  # fmt: skip
        self.model, self.encoder, self.vae = loader, [loader[0], 1], [loader[0], 2]

    def add(self, kind: str, **inputs: object) -> Link:
        """The node's first output."""
        key = str(len(self.nodes) + 1)
        self.nodes[key] = {"class_type": kind, "inputs": inputs}
        return [key, 0]

    def keep(self, name: str, images: Link) -> None:
        self.add("SaveImage", images=images, filename_prefix=f"help/{name}")

    def keep_frames(self, name: str, frames: Link) -> None:
        self.keep(name, self.add("SVDStudioFramesToImages", frames=frames, anyway=False))

    def conditioning(self, bucket: object = 127) -> Link:
        return self.add(
            "SVDStudioConditioning", clip_vision=self.encoder, vae=self.vae, image=self.photograph,
            width=0, height=0, frames=0, motion_bucket_id=bucket, fps=7, augmentation_level=0.02,
            seed=1, fit="cover", clip_framing="whole picture (reference)",
        )  # fmt: skip

    def film(self, model: Link, conditioning: Link, latent: Link | None = None) -> Link:
        """Its frames as an IMAGE."""
        node = conditioning[0]
        sampled = self.add(
            "SVDStudioSampler", model=model, positive=[node, 0], negative=[node, 1],
            latent=latent or [node, 2], seed=1, steps=20, schedule="karras", sampler="euler",
            start_sigma=0.0, end_sigma=0.0, cfg=2.5, add_noise=True,
        )  # fmt: skip
        return self.add("SVDStudioDecode", vae=self.vae, latent=sampled)

    def guided(self, camera: Link) -> tuple[Link, Link]:
        """A film that follows the camera, and the guide's frames."""
        guide = self.add(
            "SVDStudioCameraGuide", model=self.model, vae=self.vae, image=self.photograph,
            camera=camera, method="clock", strength=1.0, start_sigma=0.0, end_sigma=0.0,
            holes_sigma=0.0, rounds=3, edge_softness=1, width=0, height=0, frames=0, fps=7.0,
            fit="cover", near_is_white=True, depth_range=4.0,
        )  # fmt: skip
        node = guide[0]
        return self.film(guide, self.conditioning([node, 4]), [node, 1]), [node, 2]

    def camera(self, preset: str, amount: float = 1.0) -> Link:
        return self.add("SVDStudioCameraMove", preset=preset, amount=amount, ease="linear")

    async def upload(self, picture: Image.Image, name: str) -> str:
        with tempfile.TemporaryDirectory() as folder:
            picture.save(Path(folder) / name)
            return await self.client.upload(Path(folder) / name)

    async def run(self) -> dict[str, list[Image.Image]]:
        """The pictures that were kept, by name."""
        found: dict[str, list[Image.Image]] = {}
        for file in await self.client.run(self.nodes):
            if file["subfolder"] == "help":
                data = io.BytesIO()
                await self.client.download(file, data)
                name = file["filename"].rsplit("_", 2)[0]
                found.setdefault(name, []).append(Image.open(data).convert("RGB"))
        return found
