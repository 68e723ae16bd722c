"""Writing a LoRA: for ComfyUI, or in the dialects of other programs."""

from __future__ import annotations

from comfy_api.latest import io

from ..models.lora.write import Layout
from .lora_inputs import Lora
from .report import show
from .run_save_lora import PRECISIONS, save_lora
from .schema import schema


class SVDSaveLora(io.ComfyNode):
    """A file, or a folder of PEFT's, among ComfyUI's LoRAs."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="SVDStudioSaveLora",
            display_name="SVD Save LoRA",
            description="Write a LoRA into ComfyUI's loras folder, where SVD LoRA can choose it, "
            "in ComfyUI's names or in those of other programs. Never overwrites.",
            search_aliases=["SaveLoRA", "export LoRA", "convert LoRA", "PEFT", "diffusers"],
            inputs=[
                Lora.Input("lora", tooltip="From SVD Train LoRA, or from SVD LoRA to convert one."),
                io.Model.Input(
                    "model", tooltip="An SVD model of the same size: its layers are the names."
                ),
                io.String.Input(
                    "filename_prefix",
                    default="svd_studio/lora",
                    tooltip="Folder and name within the loras folder; a number is added.",
                ),
                io.Combo.Input(
                    "format",
                    options=[layout.value for layout in Layout],
                    default=Layout.SGM.value,
                    tooltip="ComfyUI's is for this program, kohya's for most others. diffusers and "
                    "PEFT are for Python; PEFT's is a folder.",
                ),
                io.Combo.Input(
                    "precision",
                    options=list(PRECISIONS),
                    default="fp16",
                    tooltip="fp16 is half as large as fp32, and films look the same.",
                ),
                io.String.Input(
                    "licence",
                    default="",
                    tooltip="A note that goes into the file: who made it, from what, and what may "
                    "be done with it.",
                ),
            ],
            outputs=[
                io.String.Output(
                    display_name="lora_name", tooltip="The file's name, as SVD LoRA lists it."
                ),
                io.String.Output(display_name="report", tooltip="What was written, and how large."),
            ],
            hidden=[io.Hidden.unique_id],
            is_output_node=True,
        )

    @classmethod
    def execute(cls, lora, model, filename_prefix, format, precision, licence="") -> io.NodeOutput:
        layout = Layout(format)
        name, report = save_lora(lora, model, filename_prefix, layout, precision, licence)
        show(report, cls.hidden.unique_id if cls.hidden else None)
        return io.NodeOutput(name, report)


NODES = (SVDSaveLora,)
