"""A LoRA on the model: a character, a style, a habit of the camera."""

from __future__ import annotations

from comfy_api.latest import io

from .file_choice import is_offered
from .lora_inputs import FROM_INPUT, Lora, lora_names, lora_stamp, lora_widgets
from .report import show
from .run_lora import LoraSettings, add_lora
from .schema import advanced, schema


class SVDLora(io.ComfyNode):
    """Every dialect of LoRA files, on layers within and across frames apart."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="SVDStudioLora",
            display_name="SVD LoRA",
            description="Put a LoRA on the model, from any trainer, with strengths of their own "
            "for what is in a frame and for what moves. Works with SVD Sampler and with ComfyUI's "
            "samplers; stack as many as you like.",
            search_aliases=["LoraLoaderModelOnly", "Load LoRA", "LoHa", "LoKr", "DoRA", "PEFT"],
            inputs=[
                io.Model.Input("model", tooltip="From Load SVD Model, or any SVD model."),
                *lora_widgets(),
                *_window(),
                Lora.Input(
                    "lora",
                    optional=True,
                    tooltip="From SVD Train LoRA; goes before lora_name.",
                ),
            ],
            outputs=[
                io.Model.Output(tooltip="For the sampler, or for the next SVD LoRA."),
                io.String.Output(
                    display_name="report",
                    tooltip="Which layers it changes, what did not fit, and its licence.",
                ),
                Lora.Output(
                    display_name="lora",
                    tooltip="The LoRA under ComfyUI's names, for SVD Save LoRA and SVD Merge LoRA.",
                ),
            ],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def validate_inputs(cls, lora_name) -> bool | str:
        return is_offered(lora_name, lora_names(), "loras")

    @classmethod
    def fingerprint_inputs(cls, lora_name=FROM_INPUT, lora=None, **widgets: float) -> str:
        return f"{lora_stamp(lora_name)} {sorted(widgets.items())}"

    @classmethod
    def execute(
        cls,
        model,
        lora_name=FROM_INPUT,
        strength=1.0,
        spatial_strength=1.0,
        temporal_strength=1.0,
        start_sigma=0.0,
        end_sigma=0.0,
        lora=None,
    ) -> io.NodeOutput:
        settings = LoraSettings(
            strength, spatial_strength, temporal_strength, start_sigma, end_sigma
        )
        patched, report, found = add_lora(model, lora_name, lora, settings)
        show(report, cls.hidden.unique_id if cls.hidden else None)
        return io.NodeOutput(patched, report, found)


def _window() -> list[io.Float.Input]:
    """The range of sigma in which the LoRA acts."""
    return [
        advanced(
            io.Float.Input(
                "start_sigma",
                default=0.0,
                min=0.0,
                max=1000.0,
                step=0.5,
                tooltip="Act from this noise on; 0: from the first step. Motion is decided from "
                "100 down to 4: start at 4 to keep the base's motion and change its looks.",
            )
        ),
        advanced(
            io.Float.Input(
                "end_sigma",
                default=0.0,
                min=0.0,
                max=1000.0,
                step=0.1,
                tooltip="Act above this noise only; 0: to the last step. Raise it to keep the "
                "base's detail.",
            )
        ),
    ]


NODES = (SVDLora,)
