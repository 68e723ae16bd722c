"""Films whose ends meet: a second picture at the last frame, or a loop."""

from __future__ import annotations

import math

from comfy_api.latest import io

from ..models.patches.ends import EndPicture, with_ends
from ..sampling.framing import Fit
from .condition import Frame, Framing, Picture
from .schema import advanced, schema

# SVD Conditioning's seed does not travel in the conditioning; this noise needs only to be there.
NOISE_SEED = 0


class SVDLastFrame(io.ComfyNode):
    """A film from one picture to another."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="SVDStudioLastFrame",
            display_name="SVD Last Frame",
            description="End the film at a second picture. Put it between SVD Conditioning and "
            "the sampler; works with SVD Sampler and with ComfyUI's samplers. Every step below "
            "start_sigma evaluates the model twice.",
            search_aliases=["end frame", "first and last frame", "inbetween", "keyframe"],
            inputs=[
                io.Model.Input("model", tooltip="From Load SVD Model, or any SVD model."),
                io.Conditioning.Input(
                    "positive",
                    tooltip="From SVD Conditioning, which has the first picture: the second one "
                    "gets its size and its augmentation level. Connect it to the sampler too.",
                ),
                io.ClipVision.Input("clip_vision", tooltip="From Load SVD Model."),
                io.Vae.Input("vae", tooltip="From Load SVD Model."),
                io.Image.Input(
                    "image",
                    tooltip="The last frame, best a later moment of the same scene. Of a batch, "
                    "the first picture is used. Transparency is laid over black.",
                ),
                io.Combo.Input(
                    "fit",
                    options=[fit.value for fit in Fit],
                    default=Fit.COVER.value,
                    tooltip="cover fills the frame and cuts the edges, contain adds black bars, "
                    "stretch distorts. Choose what SVD Conditioning has.",
                ),
                advanced(
                    io.Combo.Input(
                        "clip_framing",
                        options=[framing.value for framing in Framing],
                        default=Framing.WHOLE.value,
                        tooltip="What the image encoder sees: the whole picture squashed to a "
                        "square, as SVD was trained, or only its centre.",
                    )
                ),
                *_window(),
            ],
            outputs=[
                io.Model.Output(tooltip="For the sampler. Bypass this node to film without it.")
            ],
        )

    @classmethod
    def execute(
        cls,
        model,
        positive,
        clip_vision,
        vae,
        image,
        fit,
        clip_framing,
        start_sigma,
        end_sigma,
    ) -> io.NodeOutput:
        picture = end_picture(clip_vision, vae, image, positive, Fit(fit), Framing(clip_framing))
        return io.NodeOutput(with_ends(model, picture, start_sigma or math.inf, end_sigma))


class SVDSeamlessLoop(io.ComfyNode):
    """A film that repeats without a jump and without a doubled frame."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="SVDStudioSeamlessLoop",
            display_name="SVD Seamless Loop",
            description="Make a film that repeats without a seam: after its last frame comes its "
            "first. Put it before the sampler; works with SVD Sampler and with ComfyUI's "
            "samplers. Every step below start_sigma evaluates the model twice.",
            search_aliases=["looping video", "cinemagraph", "gif loop"],
            inputs=[
                io.Model.Input("model", tooltip="From Load SVD Model, or any SVD model."),
                *_window(),
            ],
            outputs=[
                io.Model.Output(tooltip="For the sampler. Bypass this node to film without it.")
            ],
        )

    @classmethod
    def execute(cls, model, start_sigma, end_sigma) -> io.NodeOutput:
        return io.NodeOutput(with_ends(model, None, start_sigma or math.inf, end_sigma))


def _window() -> list[io.Float.Input]:
    """The range of sigma in which the film is seen from both ends."""
    return [
        advanced(
            io.Float.Input(
                "start_sigma",
                default=100.0,
                min=0.0,
                max=1000.0,
                step=0.5,
                tooltip="Look from both ends from this noise on; 0: from the first step. Above "
                "100 no motion is decided yet, so evaluating twice there is wasted.",
            )
        ),
        advanced(
            io.Float.Input(
                "end_sigma",
                default=0.0,
                min=0.0,
                max=1000.0,
                step=0.1,
                tooltip="Look from the first picture alone below this noise; 0: from both ends to "
                "the last step. Above 0 is faster, and the ends meet less exactly.",
            )
        ),
    ]


def end_picture(clip_vision, vae, image, positive, fit: Fit, framing: Framing) -> EndPicture:
    """The second picture as the first one in `positive` was told, in its size."""
    if clip_vision is None or vae is None:
        raise ValueError(
            "The loaded checkpoint has no image encoder or no VAE: choose a complete SVD "
            "checkpoint in Load SVD Model."
        )
    told = positive[0][1]
    if "concat_latent_image" not in told:
        raise ValueError(
            "This positive conditioning has no first picture: connect the positive of SVD "
            "Conditioning."
        )
    height, width = (8 * side for side in told["concat_latent_image"].shape[-2:])
    picture = Picture.first_of(image)
    latent = picture.latent(vae, Frame(width, height, fit))
    level = told.get("augmentation_level", 0.0)
    concat = picture.latent(vae, Frame(width, height, fit, level, NOISE_SEED))
    return EndPicture(picture.embedding(clip_vision, framing), concat, latent)


NODES = (SVDLastFrame, SVDSeamlessLoop)
