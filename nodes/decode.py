"""From latents to frames, and from frames to latents."""

from __future__ import annotations

from comfy_api.latest import io

from .film_preview import preview_film
from .report import show
from .run_decode import DecodeMode, DecodeSettings, decode_film
from .run_encode import encode_film
from .run_sampler import CIRCULAR
from .schema import advanced, schema


class SVDDecode(io.ComfyNode):
    """The temporal decoder over the whole film, so that frames are never decoded alone."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="SVDStudioDecode",
            display_name="SVD Decode",
            description="Decode the film with SVD's temporal decoder, the whole film at once in "
            "any amount of memory: what does not fit waits in host memory, or in a file. The "
            "amount changes how long it takes, never the pixels.",
            search_aliases=["VAE Decode", "VAE Decode (Tiled)"],
            inputs=[
                io.Vae.Input("vae", tooltip="From Load SVD Model."),
                io.Latent.Input("latent", tooltip="From SVD Sampler."),
                advanced(
                    io.Combo.Input(
                        "mode",
                        options=[mode.value for mode in DecodeMode],
                        default=DecodeMode.EXACT.value,
                        optional=True,
                        tooltip="exact: every frame sees the whole film. windowed: windows of "
                        "frames that overlap and cross-fade, where the film does not fit.",
                    )
                ),
                advanced(
                    io.Float.Input(
                        "memory_gib",
                        default=0.0,
                        min=0.0,
                        max=1024.0,
                        step=0.25,
                        optional=True,
                        tooltip="GiB for activations on the device, beside the VAE's weights. "
                        "0: what is free.",
                    )
                ),
            ],
            outputs=[
                io.Image.Output(display_name="images"),
                io.String.Output(
                    display_name="report",
                    tooltip="How it was decoded, where activations waited, memory and time.",
                ),
            ],
            hidden=[io.Hidden.prompt, io.Hidden.unique_id],
        )

    @classmethod
    def execute(cls, vae, latent, mode=DecodeMode.EXACT.value, memory_gib=0.0) -> io.NodeOutput:
        circular = latent.get(CIRCULAR, False)
        settings = DecodeSettings(DecodeMode(mode), memory_gib, circular)
        frames, report = decode_film(vae, latent["samples"], settings)
        hidden = cls.hidden  # nothing where the node is called by hand
        prompt, node_id = (hidden.prompt, hidden.unique_id) if hidden else (None, None)
        show(report, node_id)
        return io.NodeOutput(frames, report, ui=preview_film(frames, prompt, node_id))


class SVDEncode(io.ComfyNode):
    """A clip into latents, a few frames at a time."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="SVDStudioEncode",
            display_name="SVD Encode",
            description="Encode a film into latents, a few frames at a time. Each frame is "
            "encoded whole and by itself, so memory changes nothing about the result.",
            search_aliases=["VAE Encode"],
            inputs=[
                io.Vae.Input("vae", tooltip="From Load SVD Model."),
                io.Image.Input(
                    "images",
                    tooltip="The frames. Sides that are no multiple of 8 are cropped evenly.",
                ),
            ],
            outputs=[io.Latent.Output(display_name="latent")],
        )

    @classmethod
    def execute(cls, vae, images) -> io.NodeOutput:
        return io.NodeOutput({"samples": encode_film(vae, images)})


NODES = (SVDDecode, SVDEncode)
