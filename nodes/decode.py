"""From latents to frames."""

from __future__ import annotations

from comfy_api.latest import io

from .run_decode import decode_film
from .schema import schema


class SVDDecode(io.ComfyNode):
    """The temporal decoder over the whole film, so that frames are never decoded alone."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="SVDStudioDecode",
            display_name="SVD Decode",
            description="Decode the film with SVD's temporal decoder: in one piece where memory "
            "allows, else in windows that overlap and cross-fade. Frames are never decoded alone.",
            search_aliases=["VAE Decode"],
            inputs=[
                io.Vae.Input("vae", tooltip="From Load SVD Model."),
                io.Latent.Input("latent", tooltip="From SVD Sampler."),
            ],
            outputs=[io.Image.Output(display_name="images")],
        )

    @classmethod
    def execute(cls, vae, latent) -> io.NodeOutput:
        return io.NodeOutput(decode_film(vae, latent["samples"]))


NODES = (SVDDecode,)
