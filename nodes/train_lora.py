"""Training a LoRA on one's own clips, in the graph."""

from __future__ import annotations

from comfy_api.latest import io

from ..training.lora.layers import Branch, Depth
from ..training.lora.recipe import OPTIMIZERS, LoraRecipe
from .lora_inputs import Lora
from .run_train_checks import AUTO, PRECISIONS
from .run_train_lora import LoraJob
from .run_train_node import WhenBegun, recipe_of, run_folder, train_on_node
from .schema import advanced, schema
from .training_clips import Clips


class SVDTrainLora(io.ComfyNode):
    """A character, a style or a habit of the camera, learned from clips."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="SVDStudioTrainLora",
            display_name="SVD Train LoRA",
            description="Train a LoRA on the clips of SVD Training Clips. What is trained stays: "
            "queue the same graph again after a cancel or a crash and it goes on, raise steps to "
            "train longer. The MODEL itself is not changed.",
            search_aliases=["TrainLoraNode", "finetune", "dreambooth", "motion LoRA"],
            inputs=[
                io.Model.Input(
                    "model",
                    tooltip="From Load SVD Model: the model that the LoRA is for. LoRAs that are "
                    "on it take part, and are not in the result.",
                ),
                Clips.Input("clips", tooltip="From SVD Training Clips, with the same model."),
                io.String.Input(
                    "name",
                    default="my_lora",
                    tooltip="Of the run: its folder below output/svd_studio/lora_runs, which keeps "
                    "its state and the LoRA so far.",
                ),
                *_main(),
                *_layers(),
                io.Combo.Input(
                    "when_begun",
                    options=[choice.value for choice in WhenBegun],
                    default=WhenBegun.GO_ON.value,
                    tooltip="With a run of this name that was begun before: go on with it, or "
                    "throw its state away and start again, each time the node runs.",
                ),
                io.Vae.Input(
                    "vae",
                    optional=True,
                    tooltip="From Load SVD Model: draws a clip at each validation, to look at. "
                    "That takes as long as a few dozen steps.",
                ),
                Lora.Input(
                    "lora",
                    optional=True,
                    tooltip="A LoRA to begin with, from SVD LoRA: of the same rank, on layers that "
                    "are trained here.",
                ),
                *_data(),
                *_machine(),
            ],
            outputs=[
                Lora.Output(display_name="lora", tooltip="For SVD LoRA and SVD Save LoRA."),
                io.String.Output(
                    display_name="report", tooltip="Loss, memory, and where the run's folder is."
                ),
                io.Image.Output(
                    display_name="progress",
                    tooltip="The loss curve; with a vae, also frames from before and after.",
                ),
            ],
            hidden=[io.Hidden.unique_id],
            is_output_node=True,
        )

    @classmethod
    def execute(
        cls, model, clips, name, when_begun, vae=None, lora=None, **widgets: object
    ) -> io.NodeOutput:
        job = LoraJob(model, clips, recipe_of(widgets), run_folder(name), lora)
        return train_on_node(job, WhenBegun(when_begun), vae, cls)


def _main() -> list[io.Input]:
    """What to choose each time."""
    return [
        io.Int.Input(
            "steps",
            default=LoraRecipe.steps,
            min=1,
            max=1_000_000,
            tooltip="A camera habit takes some hundred steps, a look or a character one or two "
            "thousand. Watch the validation loss: when it rises, stop.",
        ),
        io.Float.Input(
            "learning_rate",
            default=LoraRecipe.learning_rate,
            min=1e-7,
            max=1.0,
            step=1e-7,
            round=False,
            tooltip="Lower it when the loss jumps or films fall apart, raise it when nothing is "
            "learned. It rises over 20 steps and falls to nothing at the last.",
        ),
        io.Int.Input(
            "rank",
            default=LoraRecipe.rank,
            min=1,
            max=256,
            tooltip="How much it can hold. 4 to 16 for a movement, 16 to 64 for looks; more "
            "learns a few clips by heart.",
        ),
        io.Float.Input(
            "alpha",
            default=0.0,
            min=0.0,
            max=1024.0,
            step=0.5,
            tooltip="Strength of what is learned, divided by rank. 0: the rank, which is 1.",
        ),
    ]


def _layers() -> list[io.Input]:
    """What is trained, and from which draw."""
    return [
        io.Combo.Input(
            "branch",
            options=[branch.value for branch in Branch],
            default=LoraRecipe.branch.value,
            tooltip="Layers across frames learn how things move, layers within a frame how they "
            "look.",
        ),
        io.Combo.Input(
            "depth",
            options=[depth.value for depth in Depth],
            default=LoraRecipe.depth.value,
            tooltip="More layers learn more from many clips, in a larger file. Convolutions too: "
            "for svd-mini, half of which has no attention.",
        ),
        io.Int.Input(
            "seed",
            default=0,
            min=0,
            max=0xFFFFFFFF,
            control_after_generate=False,  # the next queue goes on with the run
            tooltip="Same seed, clips and settings: the same LoRA.",
        ),
    ]


def _data() -> list[io.Input]:
    """What is drawn for a step."""
    return [
        _number("batch_size", 1, 64, "Clips of one size at a time. Larger is steadier, and takes "
                "as much more memory."),
        _number("accumulation", 1, 256, "Batches to a step: as steady as a batch so much larger, "
                "in the memory of one, for as much more time."),
        _real("sigma_log_mean", -5.0, 5.0, "Centre of the noise that is trained at, as log sigma. "
              "Higher for motion and layout, lower for detail. 0.7 as SVD was trained."),
        _real("sigma_log_std", 0.1, 5.0, "Spread of the noise that is trained at. 1.6 as SVD was "
              "trained."),
        _real("high_noise_share", 0.0, 1.0, "Share of steps drawn evenly from high noise, where a "
              "film decides how it moves. Raise it for camera habits; 0 for looks alone."),
        _real("cond_noise", 0.0, 1.0, "Share of clips whose first picture is noisy, as "
              "augmentation_level makes it. 0 follows the picture more closely."),
        _real("cond_dropout", 0.0, 1.0, "Share of clips that are trained without their picture, "
              "which guidance needs."),
        _real("ema_decay", 0.0, 0.9999, "The LoRA is an average of the last steps: 0.99 of about "
              "a hundred. 0: the last step's weights."),
    ]  # fmt: skip


def _machine() -> list[io.Input]:
    """How it is computed, and when it is looked at."""
    return [
        advanced(
            io.Combo.Input(
                "optimizer",
                options=list(OPTIMIZERS),
                default=LoraRecipe.optimizer,
                tooltip="8-bit keeps its averages in a quarter of the memory; needs a CUDA GPU and "
                "the package bitsandbytes. Worth it for large ranks only.",
            )
        ),
        advanced(
            io.Combo.Input(
                "precision",
                options=[AUTO, *PRECISIONS],
                default=AUTO,
                tooltip="Of the frozen model; what is learned is kept in fp32. auto: bf16 where "
                "the device computes in it. fp32 when the loss is no number.",
            )
        ),
        advanced(
            io.Boolean.Input(
                "checkpointing",
                default=LoraRecipe.checkpointing,
                tooltip="Compute layers twice instead of keeping them: far less memory, a third "
                "more time, the same result.",
            )
        ),
        _number("validate_every", 1, 100_000, "Steps from one look at the clips held out to the "
                "next. The LoRA so far is written then, and a clip drawn if there is a vae."),
    ]  # fmt: skip


def _number(name: str, least: int, most: int, tooltip: str) -> io.Input:
    default = getattr(LoraRecipe, name)
    return advanced(io.Int.Input(name, default=default, min=least, max=most, tooltip=tooltip))


def _real(name: str, least: float, most: float, tooltip: str) -> io.Input:
    """A number that the recipe has a default for."""
    default = getattr(LoraRecipe, name)
    return advanced(
        io.Float.Input(
            name, default=default, min=least, max=most, step=0.0001, round=False, tooltip=tooltip
        )
    )


NODES = (SVDTrainLora,)
