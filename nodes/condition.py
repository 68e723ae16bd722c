"""From a picture to what SVD is conditioned on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import comfy.model_management
import torch
from comfy_api.latest import io

from ..models.loader import info_of
from ..sampling.conditioning import FilmShape, augment_picture, first_picture
from ..sampling.framing import Fit, composite, fit_picture, whole_picture_for_clip
from ..video.fingerprint import fingerprint
from .encoded_once import EncodedOnce
from .schema import schema, seed_input

_encoded = EncodedOnce()


class Framing(str, Enum):
    """How much of the picture the image encoder sees."""

    WHOLE = "whole picture (reference)"
    CENTRE = "centre crop (ComfyUI)"


class SVDConditioning(io.ComfyNode):
    """The reference implementation's conditioning; ComfyUI's where the user asks for it."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="SVDStudioConditioning",
            display_name="SVD Conditioning",
            description="Tell SVD which picture to set in motion, and how. Follows the reference "
            "implementation; 0 for width, height or frames means what the model was trained on.",
            search_aliases=["SVD_img2vid_Conditioning", "image to video"],
            inputs=[
                io.ClipVision.Input("clip_vision", tooltip="From Load SVD Model."),
                io.Vae.Input("vae", tooltip="From Load SVD Model."),
                io.Image.Input(
                    "image",
                    tooltip="The first frame. Of a batch, the first picture is used. "
                    "Transparency is laid over black.",
                ),
                io.Int.Input(
                    "width",
                    default=0,
                    min=0,
                    max=16384,
                    step=8,
                    tooltip="Pixels, a multiple of 8; 0: the model's own width (1024). "
                    "SVD is best at the size it was trained on.",
                ),
                io.Int.Input(
                    "height",
                    default=0,
                    min=0,
                    max=16384,
                    step=8,
                    tooltip="Pixels, a multiple of 8; 0: the model's own height (576).",
                ),
                io.Int.Input(
                    "frames",
                    default=0,
                    min=0,
                    max=4096,
                    tooltip="Length of the film; 0: as trained, 14 (svd) or 25 (svd_xt).",
                ),
                io.Int.Input(
                    "motion_bucket_id",
                    default=127,
                    min=0,
                    max=1023,
                    tooltip="How much moves. 5-20: still camera; 127: SVD's default; above "
                    "180 pictures deform. It says nothing about direction.",
                ),
                io.Int.Input(
                    "fps",
                    default=7,
                    min=1,
                    max=1024,
                    tooltip="Frame rate of the motion. The model is told fps - 1, as in "
                    "its training: 7 here is the reference's fps_id 6.",
                ),
                io.Float.Input(
                    "augmentation_level",
                    default=0.02,
                    min=0.0,
                    max=10.0,
                    step=0.01,
                    tooltip="Noise on the picture before it is encoded, in units of "
                    "-1..1. More frees the motion from the picture. Reference: 0.02; "
                    "ComfyUI's own node adds twice what it tells the model.",
                ),
                seed_input(),
                io.Combo.Input(
                    "fit",
                    options=[fit.value for fit in Fit],
                    default=Fit.COVER.value,
                    tooltip="cover fills the frame and cuts the edges, contain adds "
                    "black bars, stretch distorts.",
                ),
                io.Combo.Input(
                    "clip_framing",
                    options=[f.value for f in Framing],
                    default=Framing.WHOLE.value,
                    tooltip="What the image encoder sees: the whole picture squashed to "
                    "a square, as SVD was trained, or only its centre.",
                ),
            ],
            outputs=[
                io.Conditioning.Output(display_name="positive"),
                io.Conditioning.Output(display_name="negative"),
                io.Latent.Output(display_name="latent"),
            ],
        )

    @classmethod
    def execute(
        cls,
        clip_vision,
        vae,
        image,
        width,
        height,
        frames,
        motion_bucket_id,
        fps,
        augmentation_level,
        seed,
        fit,
        clip_framing,
    ) -> io.NodeOutput:
        require_parts(clip_vision, vae)
        film = film_shape(vae, width, height, frames)
        picture = Picture.first_of(image)
        embedding = picture.embedding(clip_vision, Framing(clip_framing))
        frame = Frame(film.width, film.height, Fit(fit), augmentation_level, seed)
        concat = picture.latent(vae, frame)
        told = {
            "motion_bucket_id": motion_bucket_id,
            "fps": fps,
            "augmentation_level": augmentation_level,
        }
        positive = [[embedding, told | {"concat_latent_image": concat}]]
        blank = told | {"concat_latent_image": torch.zeros_like(concat)}
        negative = [[torch.zeros_like(embedding), blank]]
        return io.NodeOutput(positive, negative, {"samples": torch.zeros(film.latent_shape)})


def require_parts(clip_vision, vae) -> None:
    for part, name in ((clip_vision, "image encoder"), (vae, "VAE")):
        if part is None:
            raise ValueError(
                f"The loaded checkpoint has no {name}: choose a complete SVD checkpoint in Load "
                "SVD Model."
            )


def film_shape(vae, width: int, height: int, frames: int) -> FilmShape:
    """The film's shape, with the model's own where the user left 0."""
    info = info_of(vae)
    native = (info.width, info.height, info.num_frames) if info else (1024, 576, 14)
    return FilmShape(width or native[0], height or native[1], frames or native[2])


@dataclass(frozen=True)
class Frame:
    """How a picture becomes the film's frame: its size, and the noise that is laid over it."""

    width: int
    height: int
    fit: Fit
    augmentation_level: float = 0.0
    seed: int = 0

    def pixels(self, picture: torch.Tensor) -> torch.Tensor:
        """(1, height, width, 3) of (1, H, W, 3); beyond 0..1 by the noise."""
        pixels = fit_picture(picture, self.width, self.height, self.fit)
        return augment_picture(pixels, self.augmentation_level, self.seed)

    def made_of(self) -> tuple:
        seed = self.seed if self.augmentation_level else None  # without noise it does nothing
        return self.width, self.height, self.fit, self.augmentation_level, seed


@dataclass(frozen=True, eq=False)
class Picture:
    """RGB (1, H, W, 3) in 0..1, its fingerprint, and its encodings, each computed once."""

    rgb: torch.Tensor
    fingerprint: str

    @classmethod
    def first_of(cls, images: torch.Tensor) -> Picture:
        """Of a batch the first picture. Raises ValueError for an empty one."""
        rgb = composite(first_picture(images))
        return cls(rgb, fingerprint(rgb))

    def embedding(self, clip_vision, framing: Framing) -> torch.Tensor:
        """The image encoder's token, (1, 1, dim)."""
        made_of = ("embedding", self.fingerprint, framing)
        return _encoded.get(
            clip_vision, made_of, lambda: embed_picture(clip_vision, self.rgb, framing)
        )

    def latent(self, vae, frame: Frame) -> torch.Tensor:
        """The picture as this frame, (1, 4, height / 8, width / 8)."""
        made_of = ("latent", self.fingerprint, *frame.made_of())
        return _encoded.get(vae, made_of, lambda: vae.encode(frame.pixels(self.rgb)))


def embed_picture(clip_vision, picture: torch.Tensor, framing: Framing) -> torch.Tensor:
    """The image encoder's token, (1, 1, dim)."""
    if framing is Framing.CENTRE:
        return clip_vision.encode_image(picture).image_embeds.unsqueeze(0)
    # core's own preprocessing rounds to 8 bits; the reference does not
    comfy.model_management.load_models_gpu([clip_vision.patcher])
    pixels = whole_picture_for_clip(picture, clip_vision.image_size)
    embedding = clip_vision.model(pixel_values=pixels.to(clip_vision.load_device))[2]
    return embedding.to(comfy.model_management.intermediate_device()).unsqueeze(0)


NODES = (SVDConditioning,)
