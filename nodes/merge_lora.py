"""A checkpoint with a LoRA in it, for programs that load no LoRAs, or to give away."""

from __future__ import annotations

from comfy_api.latest import io

from ..models.patches.lora import LoraStrength
from .film_inputs import stamp
from .load import find_model
from .lora_inputs import FROM_INPUT, Lora, lora_stamp, lora_widgets
from .report import show
from .run_merge_lora import MergeSettings, merge_into_checkpoint, single_files
from .schema import schema


class SVDMergeLora(io.ComfyNode):
    """A new file; the checkpoint stays as it is."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="SVDStudioMergeLora",
            display_name="SVD Merge LoRA",
            description="Write a checkpoint with a LoRA in it, tensor by tensor, in the memory of "
            "one. It films as the checkpoint with SVD LoRA does. Never overwrites.",
            search_aliases=["merge LoRA", "bake LoRA", "checkpoint save", "fuse"],
            inputs=[
                io.Combo.Input(
                    "checkpoint",
                    options=single_files(),
                    tooltip="A checkpoint, or a file of diffusion_models/, which stays as it is.",
                ),
                *lora_widgets(),
                io.String.Input(
                    "filename_prefix",
                    default="svd_studio/merged",
                    tooltip="Folder and name within the folder of checkpoints; a number is added.",
                ),
                Lora.Input(
                    "lora",
                    optional=True,
                    tooltip="From SVD Train LoRA or SVD LoRA; goes before lora_name.",
                ),
            ],
            outputs=[
                io.String.Output(
                    display_name="checkpoint", tooltip="The new file, as Load SVD Model lists it."
                ),
                io.String.Output(
                    display_name="report", tooltip="What was merged, what did not fit, licences."
                ),
            ],
            hidden=[io.Hidden.unique_id],
            is_output_node=True,
        )

    @classmethod
    def fingerprint_inputs(
        cls, checkpoint, lora_name=FROM_INPUT, lora=None, **widgets: float | str
    ) -> str:
        base = stamp(find_model(checkpoint))
        return f"{base} {lora_stamp(lora_name)} {sorted(widgets.items())}"

    @classmethod
    def execute(
        cls,
        checkpoint,
        lora_name=FROM_INPUT,
        strength=1.0,
        spatial_strength=1.0,
        temporal_strength=1.0,
        filename_prefix="svd_studio/merged",
        lora=None,
    ) -> io.NodeOutput:
        strengths = LoraStrength(strength * spatial_strength, strength * temporal_strength)
        settings = MergeSettings(checkpoint, lora_name, strengths, filename_prefix)
        name, report = merge_into_checkpoint(settings, lora)
        show(report, cls.hidden.unique_id if cls.hidden else None)
        return io.NodeOutput(name, report)


NODES = (SVDMergeLora,)
